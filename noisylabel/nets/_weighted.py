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


class WeightedNet(IndexedNet):
    """Net whose mentor weighs the losses of each batch.

    Parameters
    ----------
    module : nn.Module
        The student.
    mentor : Mentor
        Started; its weights are detached from the student's gradient.
    **kwargs
        See :class:`IndexedNet`.

    Attributes
    ----------
    weights_ : Tensor of shape (N,)
        Weight of each row at its last visit; NaN for rows never visited.
    """

    def __init__(self, module: Any, *, mentor: Mentor, **kwargs: Any) -> None:
        self.mentor = mentor
        super().__init__(module, **kwargs)

    def on_train_begin(self, net: Any, X: Any = None, y: Any = None, **kwargs: Any) -> None:
        """Start with no weights known."""
        super().on_train_begin(net, X, y, **kwargs)
        self.weights_ = torch.full((len(X),), torch.nan, device=self.device)
        self.mean_weights_: list[tuple[float, float]] = []

    def train_step_single(self, batch: Batch, **fit_params: Any) -> dict[str, Any]:
        """Weigh the batch's losses and back-propagate their weighted mean."""
        X, y = batch
        logits = self.infer(X)
        losses = cross_entropy(logits, y, reduction="none")
        weights = self.mentor.weigh(
            Observation(losses.detach(), logits.detach(), y, batch.rows, self.clock_.progress, batch.sample_weight)
        )
        loss = weighted_loss(losses, weights, batch.sample_weight)
        loss.backward()
        self.weights_.index_copy_(0, batch.rows, weights)
        mean_weight = self._mean_weight(weights, batch.sample_weight)
        return {"loss": loss, "y_pred": logits, "mean_weight": mean_weight, "losses": losses.detach()}

    def _mean_weight(self, weights: Tensor, sample_weight: Tensor | None) -> float:
        """Return the batch's mean weight, and note it with the number of rows that it stands for."""
        if sample_weight is None:
            mean, n_rows = weights.mean().item(), float(len(weights))
        else:
            n_rows = sample_weight.sum().item()
            mean = (weights * sample_weight).sum().item() / max(n_rows, 1e-12)
        self.mean_weights_.append((mean, n_rows))
        return mean

    def forget_training(self) -> None:
        """Also let go of the mentor's memory and the rows' weights."""
        super().forget_training()
        self.mentor = clone(self.mentor)
        del self.weights_

    def _record_epoch(self) -> None:
        super()._record_epoch()
        n_rows = sum(n for _, n in self.mean_weights_)
        utilization = sum(mean * n for mean, n in self.mean_weights_) / max(n_rows, 1e-12)
        self.history.record("data_utilization", utilization)
        for name, value in self.mentor.metrics().items():
            self.history.record(name, value)
        self.mean_weights_.clear()
        if utilization == 0:
            warnings.warn(
                f"In epoch {len(self.history)} every sample had weight 0, so nothing was learnt. Raise "
                "'loss_percentile', choose a softer 'curriculum' or lower 'example_dropout'.",
                NoisyLabelWarning,
                stacklevel=2,
            )
