"""The training step of distillation: learn probabilities that somebody else says."""

from abc import ABC, abstractmethod
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from noisylabel.exceptions import InvalidDataError
from noisylabel.functional import distillation_losses, smoothed_targets
from noisylabel.nets._base import Step
from noisylabel.nets._weighted import WeightedNet, learn_from
from noisylabel.nets.data import Batch


class Targets(ABC):
    """Who says what a student should learn of each sample."""

    def start(self, n_samples: int, device: torch.device) -> None:  # noqa: B027 - most need nothing
        """Get ready for a training run on so many samples, on a device."""

    @abstractmethod
    def of(self, batch: Batch) -> Tensor:
        """Return the probabilities to learn, (B, C), before tempering."""


class TableTargets(Targets):
    """Look the probabilities up by row number.

    Parameters
    ----------
    proba : Tensor of shape (N, C)
        Probabilities of each row of the training data.
    """

    def __init__(self, proba: Tensor) -> None:
        self.proba = proba

    def start(self, n_samples: int, device: torch.device) -> None:
        """Refuse a table in which a row is missing, and bring it to the device.

        Raises
        ------
        InvalidDataError
            If it has another number of rows than the training data, or rows of NaN.
        """
        if len(self.proba) != n_samples:
            raise InvalidDataError(
                f"'proba' must have a row for each of the {n_samples} training rows. It has {len(self.proba)}: give "
                "the probabilities of the rows that are trained on, without the held-out ones."
            )
        unseen = self.proba.isnan().any(1)
        if unseen.any():
            raise InvalidDataError(
                f"'proba' must have no NaN, and has it in {int(unseen.sum())} rows, the first at position "
                f"{int(unseen.int().argmax())}: rows that the teacher never saw. Train it on all rows that the student "
                "learns."
            )
        self.proba = self.proba.to(device)

    def of(self, batch: Batch) -> Tensor:
        """See :meth:`Targets.of`."""
        return self.proba.index_select(0, batch.rows)


class NetworkTargets(Targets):
    """Ask a trained network about the student's own, augmented batch; in evaluation mode, without gradient.

    Parameters
    ----------
    module : nn.Module
        From a batch of samples to logits; stays as it is.
    """

    def __init__(self, module: nn.Module) -> None:
        self.module = module

    def start(self, n_samples: int, device: torch.device) -> None:
        """Put the network into evaluation mode, on the device."""
        self.module.to(device).eval()

    @torch.no_grad()
    def of(self, batch: Batch) -> Tensor:
        """See :meth:`Targets.of`."""
        logits: Tensor = self.module(batch[0])
        return logits.float().softmax(1)


class LabelTargets(Targets):
    """The given labels, smoothed or as they are.

    Parameters
    ----------
    n_classes : int
    smoothing : float in [0, 1], default=0.0
        See :func:`noisylabel.functional.smoothed_targets`; 0 is plain training.
    """

    def __init__(self, n_classes: int, smoothing: float = 0.0) -> None:
        self.n_classes = n_classes
        self.smoothing = smoothing

    def of(self, batch: Batch) -> Tensor:
        """See :meth:`Targets.of`."""
        return smoothed_targets(batch[1], self.n_classes, self.smoothing)


class DistillingNet(WeightedNet):
    """Net that learns probabilities instead of labels.

    The mentor and the record see the losses against the given labels, as in :class:`WeightedNet`; what is learnt is
    the distance from the targets.

    Parameters
    ----------
    module : nn.Module
        The student.
    targets : Targets
        Who says what to learn.
    temperature : float in (0, inf), default=1.0
        See :func:`noisylabel.functional.distillation_losses`.
    **kwargs
        See :class:`WeightedNet`.

    References
    ----------
    Ren, Guo, Sutherland, "Better supervisory signals by observing learning paths", ICLR 2022, Algorithm 1.
    """

    def __init__(self, module: Any, *, targets: Targets, temperature: float = 1.0, **kwargs: Any) -> None:
        self.targets = targets
        self.temperature = temperature
        super().__init__(module, **kwargs)

    def on_train_begin(self, net: Any, X: Any = None, y: Any = None, **kwargs: Any) -> None:
        """Get the targets ready."""
        super().on_train_begin(net, X, y, **kwargs)
        self.targets.start(len(X), torch.device(self.device))

    def train_step_single(self, batch: Batch, **fit_params: Any) -> Step:
        """Back-propagate the weighted mean distance from the targets."""
        X, y = batch
        logits = self.infer(X)
        given = cross_entropy(logits.detach(), y, reduction="none")
        weighed = self.weigh(batch, given, logits)
        with self.autocast(X):
            targets = self.targets.of(batch)
        losses = distillation_losses(targets, logits, self.temperature)
        weights = weighed.weights if self.class_weight is None else weighed.weights * (targets @ self.class_weight)
        loss = learn_from(losses, weights, batch.sample_weight)
        return self.step_of(batch, loss, weighed, {"y_pred": logits, "losses": given})

    def forget_training(self) -> None:
        """Also let go of the targets."""
        super().forget_training()
        self.__dict__.update(targets=None)
