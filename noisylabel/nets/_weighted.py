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
        return self._note_weights(batch, self.mentor.weigh(seen))

    def _note_weights(self, batch: Batch, weights: Tensor) -> Tensor:
        """Remember the weights of a batch, and return them."""
        self.weights_.index_copy_(0, batch.rows, weights)
        self._note_mean(self.mean_weights_, weights, batch.sample_weight)
        return weights

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
        """Add the mentor's memory and the rows' weights."""
        return {**super().training_state(), "mentor": self.mentor.state_dict(), "weights": self.weights_}

    def restore_training(self, state: dict[str, Any]) -> None:
        """See :meth:`IndexedNet.restore_training`."""
        super().restore_training(state)
        self.mentor.load_state_dict(state["mentor"])
        self.weights_.copy_(state["weights"])

    def forget_training(self) -> None:
        """Also let go of the mentor's memory and the rows' weights."""
        super().forget_training()
        self.mentor = clone(self.mentor)
        del self.weights_

    def _record_epoch(self) -> None:
        super()._record_epoch()
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
