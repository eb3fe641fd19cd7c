"""Plain training with another loss: the estimator that the baselines share, so that the loss is all that differs."""

from abc import ABC, abstractmethod
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from noisylabel import MentorNetClassifier
from noisylabel.curricula import Uniform
from noisylabel.functional import weighted_loss
from noisylabel.mentors import PercentileMentor
from noisylabel.nets import Batch, IndexedNet, SampleRecord, WeightedNet


class RobustLoss(ABC):
    """A loss for noisy labels; it may remember something of each row."""

    def start(self, n_samples: int, n_classes: int, device: torch.device) -> None:  # noqa: B027 - most need nothing
        """Get ready for a training run."""

    def state(self) -> dict[str, Tensor]:
        """Return what a run that goes on must still know."""
        return {}

    def restore(self, state: dict[str, Tensor]) -> None:  # noqa: B027 - most remember nothing
        """Take over what :meth:`state` returned; after :meth:`start`."""

    @abstractmethod
    def __call__(self, logits: Tensor, codes: Tensor, rows: Tensor) -> Tensor:
        """Return the losses (B,) of a batch.

        Parameters
        ----------
        logits : Tensor of shape (B, C)
        codes : Tensor of shape (B,)
            Given labels.
        rows : Tensor of shape (B,)
            Row numbers in the training data.
        """


class RobustLossNet(WeightedNet):
    """Net that learns with another loss; record and history are of the cross entropy, as for all methods.

    Parameters
    ----------
    module : nn.Module
    loss : RobustLoss
    n_classes : int
    **kwargs
        See :class:`noisylabel.nets.WeightedNet`.
    """

    def __init__(self, module: Any, *, loss: RobustLoss, n_classes: int, **kwargs: Any) -> None:
        self.loss = loss
        self.n_classes = n_classes
        super().__init__(module, **kwargs)

    def on_train_begin(self, net: Any, X: Any = None, y: Any = None, **kwargs: Any) -> None:
        """Get the loss ready."""
        super().on_train_begin(net, X, y, **kwargs)
        self.loss.start(len(X), self.n_classes, torch.device(self.device))

    def training_state(self) -> dict[str, Any]:
        """See :meth:`IndexedNet.training_state`."""
        return super().training_state() | {"loss": self.loss.state()}

    def restore_training(self, state: dict[str, Any]) -> None:
        """See :meth:`IndexedNet.restore_training`."""
        super().restore_training(state)
        self.loss.restore(state["loss"])

    def train_step_single(self, batch: Batch, **fit_params: Any) -> dict[str, Any]:
        """Back-propagate the mean loss."""
        X, y = batch
        logits = self.infer(X)
        losses = cross_entropy(logits.detach(), y, reduction="none")
        weights = self._weigh(batch, losses, logits)
        loss = weighted_loss(self.loss(logits.float(), y, batch.rows), weights, batch.sample_weight)
        loss.backward()
        return {"loss": loss, "y_pred": logits, "mean_weight": self.mean_weights_[-1][0], "losses": losses}


class RobustLossClassifier(MentorNetClassifier):
    """Plain training in which a :class:`RobustLoss` takes the place of the cross entropy.

    Sub-classes say which, in :meth:`_make_loss`; all parameters are those of plain training.
    """

    @abstractmethod
    def _make_loss(self) -> RobustLoss:
        """Return a new loss."""

    def _make_net(
        self, module: nn.Module, n_samples: int, generator: torch.Generator, options: dict[str, Any]
    ) -> IndexedNet:
        plain = plain_parts(n_samples, len(self.classes_), generator)
        return RobustLossNet(module, loss=self._make_loss(), n_classes=len(self.classes_), **plain, **options)


def plain_parts(n_samples: int, n_classes: int, generator: torch.Generator) -> dict[str, Any]:
    """Return the mentor, which weighs nothing, and the record of a net for plain training."""
    mentor = PercentileMentor(Uniform())
    mentor.start(n_samples, n_classes, generator)
    return {"mentor": mentor, "record": SampleRecord(n_samples, n_classes, generator.device)}
