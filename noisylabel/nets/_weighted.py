"""The training step of MentorNet: weigh, then learn; and the mean weight of an epoch."""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from sklearn.base import clone
from torch import Tensor

from noisylabel.exceptions import NoisyLabelWarning
from noisylabel.functional import weighted_loss
from noisylabel.losses import CrossEntropy, Loss
from noisylabel.mentors import Mentor, Observation
from noisylabel.nets._base import IndexedNet
from noisylabel.nets._record import SampleRecord
from noisylabel.nets.data import Batch

_CROSS_ENTROPY = CrossEntropy()


class MeanWeight:
    """Mean over the rows seen since the last :meth:`take`.

    Examples
    --------
    >>> import torch
    >>> mean = MeanWeight()
    >>> mean.add(torch.tensor([1.0, 0.0]))
    0.5
    >>> mean.add(torch.tensor([1.0, 0.0]), counts=torch.tensor([6.0, 0.0]))
    1.0
    >>> mean.take()  # 7 of 8 rows
    0.875
    """

    def __init__(self) -> None:
        self._parts: list[tuple[float, float]] = []

    def add(self, weights: Tensor, counts: Tensor | None = None) -> float:
        """Return the mean weight of a batch, and remember it.

        Parameters
        ----------
        weights : Tensor of shape (B,)
        counts : Tensor of shape (B,), optional
            How many times each sample counts.
        """
        if counts is None:
            mean, n_rows = weights.mean().item(), float(len(weights))
        else:
            n_rows = counts.sum().item()
            mean = (weights * counts).sum().item() / max(n_rows, 1e-12)
        self._parts.append((mean, n_rows))
        return mean

    def take(self) -> float:
        """Return the mean of all rows so far, and start anew."""
        n_rows = sum(n for _, n in self._parts)
        mean = sum(mean * n for mean, n in self._parts) / max(n_rows, 1e-12)
        self._parts.clear()
        return mean


@dataclass(frozen=True)
class Weighed:
    """What the mentor says of a batch.

    Attributes
    ----------
    weights : Tensor of shape (B,)
    mean : float
        Mean weight of the rows that count.
    held_back : Tensor of shape (B,) or None
        See :meth:`noisylabel.mentors.Mentor.held_back`.
    """

    weights: Tensor
    mean: float
    held_back: Tensor | None = None


class WeightedNet(IndexedNet):
    """Net whose mentor weighs the losses of each batch.

    Parameters
    ----------
    module : nn.Module
        The network.
    mentor : Mentor
        Started; its weights are detached from the network's gradient.
    record : SampleRecord
        Where to write what training sees of each row.
    loss : Loss, default=CrossEntropy()
        What is minimised. Mentor and record see the cross entropy, whatever it is.
    class_weight : Tensor of shape (C,), optional
        How much the loss of a row of each class counts; the mentor does not see it.
    **kwargs
        See :class:`IndexedNet`.
    """

    def __init__(
        self,
        module: Any,
        *,
        mentor: Mentor,
        record: SampleRecord,
        loss: Loss = _CROSS_ENTROPY,
        class_weight: Tensor | None = None,
        **kwargs: Any,
    ) -> None:
        self.mentor = mentor
        self.record = record
        self.loss = loss
        self.class_weight = class_weight
        super().__init__(module, **kwargs)

    def on_train_begin(self, net: Any, X: Any = None, y: Any = None, **kwargs: Any) -> None:
        """Get the loss ready."""
        super().on_train_begin(net, X, y, **kwargs)
        self.loss.start(len(X), self.record.n_classes, torch.device(self.device))
        self.classes_ = np.arange(self.record.n_classes)
        self.utilization_ = MeanWeight()

    def train_step_single(self, batch: Batch, **fit_params: Any) -> dict[str, Any]:
        """Weigh the batch's losses and back-propagate their weighted mean."""
        X, y = batch
        logits = self.infer(X)
        losses = self.loss(logits, y, batch.rows)
        given = self.loss.cross_entropy(losses, logits, y)
        weighed = self.weigh(batch, given, logits)
        weights = weighed.weights if self.class_weight is None else weighed.weights * self.class_weight[y]
        loss = weighted_loss(losses, weights, batch.sample_weight)
        loss.backward()
        return {"loss": loss, "y_pred": logits, "mean_weight": weighed.mean, "losses": given}

    def weigh(self, batch: Batch, losses: Tensor, logits: Tensor) -> Weighed:
        """Ask the mentor, and write the visit into the record.

        Parameters
        ----------
        batch : Batch
        losses : Tensor of shape (B,)
            Cross entropy of the given labels, detached.
        logits : Tensor of shape (B, C)
        """
        logits, progress = logits.detach(), self.clock_.progress
        held_back = self.mentor.held_back(batch.rows, progress)
        weights = self.mentor.weigh(
            Observation(losses, logits, batch[1], batch.rows, progress, batch.sample_weight, held_back)
        )
        self.record.note(
            batch.rows, batch[1], logits, weights if held_back is None else weights.masked_fill(held_back, torch.nan)
        )
        return Weighed(weights, self.utilization_.add(weights, batch.sample_weight), held_back)

    def training_state(self) -> dict[str, Any]:
        """Add the memory of the mentor and the loss, and the record."""
        return super().training_state() | {
            "mentor": self.mentor.state_dict(),
            "record": self.record.state_dict(),
            "loss": self.loss.state_dict(),
        }

    def restore_training(self, state: dict[str, Any]) -> None:
        """See :meth:`IndexedNet.restore_training`."""
        super().restore_training(state)
        self.mentor.load_state_dict(state["mentor"])
        self.record.load_state_dict(state["record"])
        self.loss.load_state_dict(state["loss"])

    def forget_training(self) -> None:
        """Also let go of the record and the memory of mentor and loss."""
        super().forget_training()
        self.mentor, self.loss = clone(self.mentor), clone(self.loss)
        self.__dict__.update(record=None, class_weight=None)

    def record_epoch(self) -> None:
        """Add the mean weight and the mentor's numbers."""
        super().record_epoch()
        self.record.flush()
        self.note_utilization("data_utilization", self.utilization_, "sample")
        for name, value in self.mentor.metrics().items():
            self.history.record(name, value)

    def note_utilization(self, name: str, utilization: MeanWeight, what: str) -> None:
        """Write the epoch's mean weight into the history; warn if it is 0."""
        mean = utilization.take()
        self.history.record(name, mean)
        _warn_if_nothing_counts(mean, len(self.history), what)


def _warn_if_nothing_counts(utilization: float, epoch: int, what: str) -> None:
    """Warn if the mean weight of an epoch is 0; ``what`` is ``"sample"`` or ``"mix"``."""
    if utilization == 0:
        warnings.warn(
            f"In epoch {epoch} every {what} had weight 0: the curriculum believes no label. Raise 'loss_percentile', "
            "choose a softer 'curriculum' or lower 'example_dropout'.",
            NoisyLabelWarning,
            stacklevel=2,
        )
