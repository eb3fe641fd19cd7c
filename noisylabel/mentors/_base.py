"""What every mentor offers to the training step."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import torch
from sklearn.base import BaseEstimator
from torch import Tensor, nn

from noisylabel._support.validation import check_number
from noisylabel.exceptions import InvalidParameterError


@dataclass
class Observation:
    """What the training step shows its mentor of one batch; B samples, C classes.

    Attributes
    ----------
    losses : Tensor of shape (B,)
        Loss of each sample against its given label, detached.
    logits : Tensor of shape (B, C)
        The network's outputs, detached.
    labels : Tensor of shape (B,)
        Given label codes.
    rows : Tensor of shape (B,)
        Row number of each sample among the rows that are trained on.
    progress : float in [0, 1)
        Share of training that is over.
    sample_weight : Tensor of shape (B,) or None
        The user's weights.
    inputs : Tensor of shape (B, ...) or None
        What the network was given, augmented; None for a mix.
    """

    losses: Tensor
    logits: Tensor
    labels: Tensor
    rows: Tensor
    progress: float
    sample_weight: Tensor | None = None
    inputs: Tensor | None = None


@dataclass(frozen=True)
class Trainee:
    """The network that is being trained, and what it learns from; N rows, C classes.

    Attributes
    ----------
    module : nn.Module
        From a batch of inputs to logits (B, C). It learns and changes; whoever asks it something in another mode than
        that of training puts it back.
    labels : Tensor of shape (N,)
        Given label codes, on the training device.
    inputs : callable
        From row numbers (n,), a tensor, to their inputs (n, ...) on the training device, not augmented.
    sample_weight : Tensor of shape (N,) or None
        How many times each row counts; None if each counts once.
    """

    module: nn.Module
    labels: Tensor
    inputs: Callable[[Tensor], Tensor]
    sample_weight: Tensor | None = None


class Mentor(BaseEstimator, ABC):
    """Weigh the samples of each batch, remembering what it needs between batches.

    A training run calls :meth:`check_parameters` before it looks at the data, :meth:`tell` and :meth:`start` once,
    :meth:`meet` when training begins, and then, for each batch, :meth:`advance` and :meth:`weigh`.

    Attributes
    ----------
    uses_trusted : bool
        Whether rows whose right label is known (``y_trusted`` of ``fit``) teach it what wrong labels look like. If not,
        those rows are learned with their right labels.
    needs_trusted : bool
        Whether it cannot do without.
    uses_groups : bool
        Whether groups of rows (``groups`` of ``fit``) mean something to it.
    doubts : bool
        Whether a low weight says that it does not believe the label, and not just that the row teaches little.
    """

    uses_trusted: ClassVar[bool] = False
    needs_trusted: ClassVar[bool] = False
    uses_groups: ClassVar[bool] = False
    doubts: ClassVar[bool] = True

    def check_parameters(self) -> Self:
        """Check the parameters, and return the mentor.

        Raises
        ------
        InvalidParameterError
            If a parameter is outside what it allows.
        """
        return self

    def tell(self, right_labels: Tensor | None, groups: Tensor | None) -> None:
        """Say what is known of the rows besides their labels; before :meth:`start`, also when a training goes on.

        Parameters
        ----------
        right_labels : Tensor of shape (n_samples,) or None
            Codes of the labels known to be right, -1 where unknown; None if nobody knows any.
        groups : Tensor of shape (n_samples,) or None
            Codes of the groups, from 0; None if nobody has given any.
        """

    @abstractmethod
    def start(self, n_samples: int, n_classes: int, generator: torch.Generator) -> None:
        """Forget everything and get ready for a training run.

        Parameters
        ----------
        n_samples : int
            Rows that are trained on.
        n_classes : int
            Classes.
        generator : torch.Generator
            The stream to draw from; its device is the training device.
        """

    def meet(self, trainee: Trainee) -> None:
        """Get to know the network, when training begins or goes on; the place for one that asks it more than losses."""

    def advance(self, progress: float) -> None:
        """Get ready for the step at this progress: the place for what reads from the device, or changes with time.

        Parameters
        ----------
        progress : float in [0, 1)
            Share of training that is over.
        """

    def stage(self, progress: float) -> Hashable | None:
        """Return what decides which operations :meth:`weigh` and :meth:`targets` make, and with which numbers.

        On a GPU they are recorded once for each stage and then repeated without running any Python. So they must not
        read from the device, and what changes within a stage must be a tensor that is changed in place.

        Parameters
        ----------
        progress : float in [0, 1)

        Returns
        -------
        hashable or None
            None, the default: they must not be recorded, and their Python runs at each step.
        """
        return None

    @abstractmethod
    def weigh(self, seen: Observation) -> Tensor:
        """Return the weights (B,) of a batch, without gradient and without a read from the device.

        They are in [0, 1], or at least 0 where a mentor makes some rows count more than once.
        """

    def targets(self, seen: Observation) -> Tensor | None:
        """Return the class probabilities (B, C) to learn instead of the given labels; None for the labels.

        Called after :meth:`weigh` with the same batch; what was said of :meth:`weigh` holds here too. They are learned
        by cross entropy, each row as much as every other: the weights are in them.
        """
        return None

    @property
    def always_one(self) -> bool:
        """Whether every weight is 1 whatever the losses, so that nobody needs to work them out."""
        return False

    @property
    def is_idle(self) -> bool:
        """Whether there is nothing for the mentor to do: every weight is 1, and training is the plain one, unmixed."""
        return False

    @abstractmethod
    def state_dict(self) -> dict[str, Any]:
        """Return all memory as tensors and numbers."""

    @abstractmethod
    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over the memory that :meth:`state_dict` returned."""

    def result(self) -> Any:
        """Return, after training, what it went by or learned, which is ``curriculum_`` then; None if nothing."""
        return getattr(self, "curriculum", None)

    def metrics(self) -> dict[str, float]:
        """Return numbers about the mentor for the training history."""
        return {}


def check_burn_in(burn_in: Any) -> None:
    """Refuse a burn-in that is no percent of training, or looks like a fraction."""
    percent = check_number("burn_in", burn_in, 0, 100, hint="It is a percent of training.")
    if 0 < percent < 1:
        raise InvalidParameterError(f"'burn_in' is a percent of training: 18 for 18 %. Got {burn_in!r}.")
