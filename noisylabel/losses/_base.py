"""What every loss offers to the training step."""

from abc import ABC, abstractmethod
from typing import Any, Self

import torch
from sklearn.base import BaseEstimator
from torch import Tensor
from torch.nn.functional import cross_entropy


class Loss(BaseEstimator, ABC):
    """What is minimised, one value for each sample; it may remember something of each row.

    Sub-classes store their parameters in ``__init__`` and compute in :meth:`__call__`. A loss with memory also
    overrides :meth:`start`, :meth:`state_dict` and :meth:`load_state_dict`.

    Curriculum, record and history always see the cross entropy of the given labels, whatever the loss.

    Attributes
    ----------
    capturable : bool
        Whether :meth:`__call__` is nothing but tensor operations, the same at each step, without a read from the
        device: on a GPU they are recorded once and repeated without its Python. False unless a class says so.

    Examples
    --------
    >>> import torch
    >>> class MeanAbsoluteError(Loss):
    ...     def __call__(self, logits, codes, rows):
    ...         return 1 - logits.softmax(1).gather(1, codes[:, None])[:, 0]
    >>> MeanAbsoluteError()(torch.zeros(2, 4), torch.tensor([0, 3]), torch.arange(2))
    tensor([0.7500, 0.7500])
    """

    capturable: bool = False

    def check_parameters(self) -> Self:
        """Check what can be known without data, and return the loss.

        Raises
        ------
        InvalidParameterError
            If a parameter is outside what it allows.
        """
        return self

    def start(self, n_samples: int, n_classes: int, device: torch.device) -> None:
        """Forget everything and get ready for a training run.

        Parameters
        ----------
        n_samples : int
            Rows that are trained on.
        n_classes : int
        device : torch.device
            Where the network is trained.

        Raises
        ------
        InvalidParameterError
            If a parameter is outside what it allows.
        """

    @abstractmethod
    def __call__(self, logits: Tensor, codes: Tensor, rows: Tensor) -> Tensor:
        """Return the loss of each sample of a batch, (B,), with its gradient.

        Parameters
        ----------
        logits : Tensor of shape (B, C)
            The network's outputs, float32.
        codes : Tensor of shape (B,)
            Given label codes, 0 to C - 1.
        rows : Tensor of shape (B,)
            Row numbers among the rows that are trained on.
        """

    def cross_entropy(self, losses: Tensor, logits: Tensor, codes: Tensor) -> Tensor:
        """Return the cross entropy (B,) of the given labels, detached; ``losses`` is what :meth:`__call__` returned."""
        return cross_entropy(logits.detach(), codes, reduction="none")

    def state_dict(self) -> dict[str, Any]:
        """Return the memory as tensors and numbers."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over the memory that :meth:`state_dict` returned; after :meth:`start`."""
