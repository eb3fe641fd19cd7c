"""The one method that a curriculum has."""

from abc import ABC, abstractmethod
from collections.abc import Hashable
from typing import Self

import torch
from sklearn.base import BaseEstimator
from torch import Tensor


class Curriculum(BaseEstimator, ABC):
    """Turn the features of a batch into weights. A curriculum has parameters but no memory.

    Attributes
    ----------
    history_length : int
        How many of a sample's last losses :meth:`weights` gets: 1, or K for tensors of shape (B, K), oldest first.
    takes_percent_tensor : bool
        Whether :meth:`weights` gets the percent as a whole number in a tensor of shape (); else as a float.
    is_relative : bool
        Whether :meth:`weights` looks at ``loss_diff``; if not, nobody needs to learn a good loss percentile.
    """

    history_length: int = 1
    takes_percent_tensor: bool = False
    is_relative: bool = True

    def to(self, device: torch.device) -> "Curriculum":
        """Return the curriculum for a device; one without tensors is itself."""
        return self

    def check_parameters(self) -> Self:
        """Return the curriculum. One with parameters may refuse those outside their range here, before training.

        Raises
        ------
        InvalidParameterError
            Naming the parameter.
        """
        return self

    def check_classes(self, n_classes: int) -> None:
        """Refuse a number of classes that the curriculum cannot serve.

        Raises
        ------
        InvalidDataError
        """

    def stage(self, epoch_percent: float) -> Hashable | None:
        """Return what of the percent decides which operations :meth:`weights` makes, and with which numbers.

        On a GPU they are recorded once for each stage and repeated without running any Python: they must not read from
        the device. None, the default, is for a curriculum of which that is not known; its Python runs at each step.
        """
        return None

    @abstractmethod
    def weights(self, loss: Tensor, loss_diff: Tensor, label: Tensor, epoch_percent: float) -> Tensor:
        """Return the weights (B,) in [0, 1] of a batch.

        Parameters
        ----------
        loss : Tensor of shape (B,)
            Loss of each sample against its given label; at least 0.
        loss_diff : Tensor of shape (B,)
            Loss minus the moving loss percentile.
        label : Tensor of shape (B,)
            Given label codes, 0 to C-1.
        epoch_percent : float in [0, 99]
            Percent of training that is over.

        Returns
        -------
        Tensor of shape (B,)
        """


class ClosedForm(Curriculum):
    """A curriculum that is a formula of tensors, which checks its own parameters."""

    def stage(self, epoch_percent: float) -> Hashable | None:
        """See :meth:`Curriculum.stage`; most formulas do not look at the percent."""
        return ()

    def check_parameters(self) -> Self:
        """Weigh two losses: the formula refuses a parameter outside its range."""
        losses = torch.tensor([0.5, 2.0])
        self.weights(losses, losses - 1, torch.zeros(2, dtype=torch.long), 95)
        return self
