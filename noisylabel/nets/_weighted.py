"""The training step of MentorNet: weigh, then learn."""

import warnings
from typing import Any

import torch
from sklearn.base import clone
from torch import Tensor
from torch.nn.functional import cross_entropy

from noisylabel.exceptions import NoisyLabelWarning
from noisylabel.functional import weighted_loss
from noisylabel.mentors import Mentor, Observation
from noisylabel.nets._base import IndexedNet
from noisylabel.nets._batches import Batch
from noisylabel.nets._record import SampleRecord


class WeightedNet(IndexedNet):
    """Net whose mentor weighs the losses of each batch.

    Parameters
    ----------
    module : nn.Module
        The student.
    mentor : Mentor
        Started; its weights are detached from the student's gradient.
    record : SampleRecord
        Where to write what training sees of each row.
    **kwargs
        See :class:`IndexedNet`.
    """

    def __init__(self, module: Any, *, mentor: Mentor, record: SampleRecord, **kwargs: Any) -> None:
        self.mentor = mentor
        self.record = record
        super().__init__(module, **kwargs)

    def on_train_begin(self, net: Any, X: Any = None, y: Any = None, **kwargs: Any) -> None:
        """Start with no mean weights known."""
        super().on_train_begin(net, X, y, **kwargs)
        self.mean_weights_: list[tuple[float, float]] = []

    def train_step_single(self, batch: Batch, **fit_params: Any) -> dict[str, Any]:
        """Weigh the batch's losses and back-propagate their weighted mean."""
        X, y = batch
        logits = self.infer(X)
        losses = cross_entropy(logits, y, reduction="none")
        weights = self._weigh(batch, losses, logits)
        loss = weighted_loss(losses, weights, batch.sample_weight)
        loss.backward()
        mean_weight, _ = self.mean_weights_[-1]
        return {"loss": loss, "y_pred": logits, "mean_weight": mean_weight, "losses": losses.detach()}

    def _weigh(self, batch: Batch, losses: Tensor, logits: Tensor) -> Tensor:
        """Ask the mentor, and remember its answer."""
        seen = Observation(
            losses.detach(), logits.detach(), batch[1], batch.rows, self.clock_.progress, batch.sample_weight
        )
        weights = self.mentor.weigh(seen)
        held_back = self.mentor.held_back(batch.rows, seen.progress)
        self._note(batch, seen.logits, weights if held_back is None else weights.masked_fill(held_back, torch.nan))
        self._note_mean(self.mean_weights_, weights, batch.sample_weight)
        return weights

    def _note(self, batch: Batch, logits: Tensor, weights: Tensor) -> None:
        """Write a visit into the record."""
        self.record.note(batch.rows, batch[1], logits, weights)

    @staticmethod
    def _note_mean(means: list[tuple[float, float]], weights: Tensor, counts: Tensor | None) -> float:
        """Return the batch's mean weight, and note it with the number of rows that it stands for."""
        if counts is None:
            mean, n_rows = weights.mean().item(), float(len(weights))
        else:
            n_rows = counts.sum().item()
            mean = (weights * counts).sum().item() / max(n_rows, 1e-12)
        means.append((mean, n_rows))
        return mean

    def training_state(self) -> dict[str, Any]:
        """Add the mentor's memory and the record."""
        return {**super().training_state(), "mentor": self.mentor.state_dict(), "record": self.record.state_dict()}

    def restore_training(self, state: dict[str, Any]) -> None:
        """See :meth:`IndexedNet.restore_training`."""
        super().restore_training(state)
        self.mentor.load_state_dict(state["mentor"])
        self.record.load_state_dict(state["record"])

    def forget_training(self) -> None:
        """Also let go of the mentor's memory and the record."""
        super().forget_training()
        self.mentor = clone(self.mentor)
        self.set_params(record=None)

    def _record_epoch(self) -> None:
        super()._record_epoch()
        self.record.flush()
        self._record_utilization("data_utilization", self.mean_weights_, "every sample had weight 0")
        for name, value in self.mentor.metrics().items():
            self.history.record(name, value)
        self.mean_weights_.clear()

    def _record_utilization(self, name: str, means: list[tuple[float, float]], if_zero: str) -> None:
        """Write the epoch's mean weight into the history; warn if it is 0."""
        n_rows = sum(n for _, n in means)
        utilization = sum(mean * n for mean, n in means) / max(n_rows, 1e-12)
        self.history.record(name, utilization)
        if utilization == 0:
            warnings.warn(
                f"In epoch {len(self.history)} {if_zero}: the curriculum believes no label. Raise 'loss_percentile', "
                "choose a softer 'curriculum' or lower 'example_dropout'.",
                NoisyLabelWarning,
                stacklevel=2,
            )
