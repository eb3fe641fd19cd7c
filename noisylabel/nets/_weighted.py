"""The training step of MentorNet: weigh, then learn; and the mean weight of an epoch."""

import warnings
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from sklearn.base import clone
from torch import Tensor
from torch.nn.functional import cross_entropy

from noisylabel.exceptions import NoisyLabelWarning
from noisylabel.functional import loss_shares
from noisylabel.losses import CrossEntropy, Loss
from noisylabel.mentors import Mentor, Observation, Trainee
from noisylabel.nets._base import IndexedNet, Step
from noisylabel.nets._record import SampleRecord
from noisylabel.nets.data import Batch, Data, as_float32
from noisylabel.nets.steps import plain_network

_CROSS_ENTROPY = CrossEntropy()
_AT_A_TIME = 1024  # rows whose inputs a mentor asks for


def inputs_of(data: Data, rows: Tensor) -> Tensor:
    """Return what the network gets of some rows (n, ...), not augmented, on the device of the data."""
    return torch.cat([as_float32(batch[0]) for batch in data.take(rows.cpu().numpy()).slices(_AT_A_TIME)])


def mean_weight(weights: Tensor, counts: Tensor | None = None) -> dict[str, Tensor]:
    """Return the mean weight of a batch and, if rows count differently, of how many rows it is the mean.

    Parameters
    ----------
    weights : Tensor of shape (B,)
    counts : Tensor of shape (B,), optional
        How many times each sample counts.

    Examples
    --------
    >>> import torch
    >>> mean_weight(torch.tensor([1.0, 0.0]))
    {'mean': tensor(0.5000)}
    >>> mean_weight(torch.tensor([1.0, 0.0]), counts=torch.tensor([6.0, 2.0]))
    {'mean': tensor(0.7500), 'rows': tensor(8.)}
    """
    if counts is None:
        return {"mean": weights.mean()}
    n_rows = counts.sum()
    return {"mean": (weights * counts).sum() / n_rows.clamp_min(1e-12), "rows": n_rows}


def learn_from(losses: Tensor, weights: Tensor, counts: Tensor | None) -> Tensor:
    """Back-propagate the weighted mean of losses, and return it; see :func:`noisylabel.functional.weighted_loss`."""
    shares = loss_shares(weights, counts)
    losses.backward(shares)
    return shares @ losses.detach()


def mean_of_all(numbers: Mapping[str, np.ndarray], sizes: np.ndarray, prefix: str) -> float:
    """Return the mean weight of an epoch's rows from that of its batches."""
    n_rows = numbers.get(f"{prefix}_rows", sizes)
    n_rows = np.where(np.isnan(n_rows), sizes, n_rows)  # a step of which each row counts once notes none
    return float((numbers[f"{prefix}_mean"] * n_rows).sum() / max(n_rows.sum(), 1e-12))


@dataclass(frozen=True)
class Weighed:
    """What the mentor says of a batch.

    Attributes
    ----------
    weights : Tensor of shape (B,)
    targets : Tensor of shape (B, C) or None
        See :meth:`noisylabel.mentors.Mentor.targets`; where there are any, the weights only tell what was believed.
    """

    weights: Tensor
    targets: Tensor | None = None

    @property
    def learned(self) -> Tensor:
        """How much of each sample's loss is learned, (B,): its weight; all of it where the mentor gives targets."""
        return self.weights if self.targets is None else torch.ones_like(self.weights)


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
        labels, inputs = torch.as_tensor(X.codes).to(self.device), partial(inputs_of, X)
        self.mentor.meet(Trainee(plain_network(self.module_), labels, inputs, X.sample_weight))
        self.classes_ = np.arange(self.record.n_classes)

    def advance(self) -> None:
        """Also tell the mentor."""
        super().advance()
        self.mentor.advance(self.clock_.progress)

    def stage(self) -> Hashable | None:
        """See :meth:`IndexedNet.stage`; the mentor and the loss decide."""
        return self.mentor.stage(self.clock_.progress) if self.loss.capturable else None

    def train_step_single(self, batch: Batch, **fit_params: Any) -> Step:
        """Weigh the batch's losses and back-propagate their weighted mean."""
        X, y = batch
        logits = self.infer(X)
        losses = self.loss(logits, y, batch.rows)
        given = self.loss.cross_entropy(losses, logits, y)
        weighed = self.weigh(batch, given, logits)
        weights, targets = weighed.learned, weighed.targets
        if targets is not None:
            losses = cross_entropy(logits, targets, weight=self.class_weight, reduction="none")
        elif self.class_weight is not None:
            weights = weights * self.class_weight[y]
        loss = learn_from(losses, weights, batch.sample_weight)
        return self.step_of(batch, loss, weighed, {"y_pred": logits, "losses": given})

    def step_of(self, batch: Batch, loss: Tensor, weighed: Weighed, seen: dict[str, Tensor]) -> Step:
        """Return the step that learns as much of its samples as their weights say, with what was ``seen`` of them."""
        weight = mean_weight(weighed.weights, batch.sample_weight)
        numbers = {"loss": loss, **{f"weight_{name}": value for name, value in weight.items()}}
        learned = (
            weight["mean"] if weighed.targets is None else mean_weight(weighed.learned, batch.sample_weight)["mean"]
        )
        told = {"loss": loss, "mean_weight": learned, "weights": weighed.weights, **seen}
        return Step(told, weighed.weights, numbers)

    def weigh(self, batch: Batch, losses: Tensor, logits: Tensor) -> Weighed:
        """Ask the mentor.

        Parameters
        ----------
        batch : Batch
        losses : Tensor of shape (B,)
            Cross entropy of the given labels, detached.
        logits : Tensor of shape (B, C)
        """
        progress = self.clock_.progress
        seen = Observation(losses, logits.detach(), batch[1], batch.rows, progress, batch.sample_weight, batch[0])
        weights = self.mentor.weigh(seen)
        return Weighed(weights, self.mentor.targets(seen) if type(self.loss) is CrossEntropy else None)

    def note_step(self, batch: Batch, step: Step) -> None:
        """Also write the visit into the record."""
        super().note_step(batch, step)
        self.record.note(batch.rows, batch[1], step["y_pred"], step.noted)

    def recorded_streams(self) -> list[torch.Generator]:
        """See :meth:`IndexedNet.recorded_streams`; the mentor's too."""
        own = getattr(self.mentor, "generator_", None)
        return [*super().recorded_streams(), *([] if own is None else [own])]

    def lasting_state(self) -> dict[str, Any]:
        """Add the record."""
        return super().lasting_state() | {"record": self.record.state_dict()}

    def restore_lasting(self, state: dict[str, Any]) -> None:
        """See :meth:`IndexedNet.restore_lasting`."""
        super().restore_lasting(state)
        self.record.load_state_dict(state["record"])

    def training_state(self) -> dict[str, Any]:
        """Add the memory of the mentor and the loss."""
        return super().training_state() | {
            "mentor": self.mentor.state_dict(),
            "loss": self.loss.state_dict(),
        }

    def restore_training(self, state: dict[str, Any]) -> None:
        """See :meth:`IndexedNet.restore_training`."""
        super().restore_training(state)
        self.mentor.load_state_dict(state["mentor"])
        self.loss.load_state_dict(state["loss"])

    def forget_training(self) -> None:
        """Also let go of the record and the memory of mentor and loss."""
        super().forget_training()
        self.mentor, self.loss = clone(self.mentor), clone(self.loss)
        self.__dict__.update(record=None, class_weight=None)

    def record_epoch(self, numbers: Mapping[str, np.ndarray], sizes: np.ndarray) -> None:
        """Add the mean weight and the mentor's numbers."""
        super().record_epoch(numbers, sizes)
        self.record.flush()
        self.note_utilization("data_utilization", mean_of_all(numbers, sizes, "weight"), "sample")
        for name, value in self.mentor.metrics().items():
            self.history.record(name, value)

    def note_utilization(self, name: str, mean: float, what: str) -> None:
        """Write the epoch's mean weight into the history; warn if it is 0."""
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
