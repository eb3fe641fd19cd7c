"""The standard mentor of MentorNet: a curriculum over losses and their moving percentile."""

import math
from collections.abc import Hashable
from typing import Any, Self

import torch
from torch import Tensor

from noisylabel._support.validation import check_number
from noisylabel.curricula import Curriculum, Uniform
from noisylabel.functional import batch_percentile, class_percentiles, example_dropout_mask, moving_average
from noisylabel.mentors._base import Mentor, Observation, check_burn_in
from noisylabel.schedules import Schedule, percent_of_training, resolve_fraction_schedule


class PercentileMentor(Mentor):
    """Weigh each batch by a curriculum, given the losses and their distance from a moving percentile.

    Once a training step the percentile of the batch's losses enters a moving average (which starts at its first
    value, so it is not biased towards 0); the loss difference is the loss minus the *updated* average. During
    burn-in every weight is 1. Example drop-out comes last, also during burn-in, and does not rescale what it keeps.

    Parameters
    ----------
    curriculum : Curriculum
        From features to weights.
    loss_percentile : float in [0, 1] or str, default=0.7
        Percentile of the losses to track, as a fraction: about the share of labels that are right. Or a schedule
        ``"fraction,percent,..."`` over training.
    percentile_decay : float in [0, 1), default=0.5
        Share of the past in the moving average.
    percentile_by_class : bool, default=False
        Track a percentile of each class's losses instead of one of all, so that no class is dropped for being harder
        than the others.
    burn_in : float, 0 or in [1, 100], default=18
        Percent of training during which every weight is 1.
    example_dropout : float in [0, 1], str or None, default=None
        Share of each batch that gets weight 0 at random, or the papers' schedule, such as ``"0.5,17,0.05,83"``.
    fixed_epoch_after_burn_in : bool, default=False
        Show the curriculum the end of the burn-in as the percent of training from then on. For curricula learnt at
        that one percent; MentorNet-PD would stay in its first, uniform stage.

    Attributes
    ----------
    active_ : Curriculum
        The curriculum that weighs now, on the training device.
    threshold_ : Tensor of shape (), or (C,) by class, or None
        The moving loss percentile; None or NaN before the first row that counts.
    history_ : Tensor of shape (N, K, 2) or None
        If the curriculum reads a sample's last K > 1 losses: those and their differences, oldest first; a first visit
        fills all K.

    References
    ----------
    Jiang et al., "MentorNet", ICML 2018, Sec. 3 and 4; the released code's slips are mended.

    Examples
    --------
    >>> import torch
    >>> from noisylabel.curricula import SelfPaced
    >>> mentor = PercentileMentor(SelfPaced(), loss_percentile=0.5, burn_in=0).check_parameters()
    >>> mentor.start(n_samples=3, n_classes=2, generator=torch.Generator())
    >>> losses, logits = torch.tensor([0.1, 0.2, 3.0]), torch.zeros(3, 2)
    >>> labels, rows = torch.tensor([0, 1, 0]), torch.arange(3)
    >>> mentor.weigh(Observation(losses, logits, labels, rows, progress=0.5))
    tensor([1., 1., 0.])
    """

    share_learned_: float = math.nan  # how much of what can be learnt has been; this mentor does not measure it
    is_checked_: Tensor | None = None  # whether each row is learned with a label that somebody checked, (N,)
    fraction_by_class_: Tensor | None = None  # percentile of each class, (C,); here all have the same

    def __init__(
        self,
        curriculum: Curriculum,
        *,
        loss_percentile: float | str = 0.7,
        percentile_decay: float = 0.5,
        percentile_by_class: bool = False,
        burn_in: float = 18,
        example_dropout: float | str | None = None,
        fixed_epoch_after_burn_in: bool = False,
    ) -> None:
        self.curriculum = curriculum
        self.loss_percentile = loss_percentile
        self.percentile_decay = percentile_decay
        self.percentile_by_class = percentile_by_class
        self.burn_in = burn_in
        self.example_dropout = example_dropout
        self.fixed_epoch_after_burn_in = fixed_epoch_after_burn_in

    def check_parameters(self) -> Self:
        """See :meth:`Mentor.check_parameters`."""
        check_number("percentile_decay", self.percentile_decay, 0, 1, closed="left")
        check_burn_in(self.burn_in)
        self._dropout_schedule()
        self._percentile_schedule()
        self.curriculum.check_parameters()
        return self

    def tell(self, right_labels: Tensor | None, groups: Tensor | None) -> None:
        """See :meth:`Mentor.tell`; rows that are learned with their right labels have weight 1."""
        self.is_checked_ = None if right_labels is None or self.uses_trusted else right_labels >= 0

    def start(self, n_samples: int, n_classes: int, generator: torch.Generator) -> None:
        """See :meth:`Mentor.start`."""
        self.dropout_schedule_, self.percentile_schedule_ = self._dropout_schedule(), self._percentile_schedule()
        self.generator_ = generator
        self.n_classes_ = n_classes
        self.curriculum.check_classes(n_classes)
        self.active_ = self.curriculum.to(generator.device)
        self.percent_ = torch.zeros((), dtype=torch.long, device=generator.device)
        self.threshold_: Tensor | None = None
        self.is_known_ = True
        self.history_: Tensor | None = None
        if self._history_length() > 1:
            self.history_ = torch.full((n_samples, self._history_length(), 2), torch.nan, device=generator.device)

    @property
    def always_one(self) -> bool:
        """Whether the curriculum is the uniform one, and nothing is dropped."""
        return isinstance(self.curriculum, Uniform) and self.example_dropout is None

    def _history_length(self) -> int:
        return self.curriculum.history_length

    def _dropout_schedule(self) -> Schedule:
        return resolve_fraction_schedule(
            "example_dropout", 0.0 if self.example_dropout is None else self.example_dropout
        )

    def _percentile_schedule(self) -> Schedule:
        return resolve_fraction_schedule("loss_percentile", self.loss_percentile)

    def advance(self, progress: float) -> None:
        """See :meth:`Mentor.advance`; a curriculum that reads the percent as a tensor finds it there."""
        if self.active_.takes_percent_tensor:
            self.percent_.fill_(self._shown_percent(progress))

    def stage(self, progress: float) -> Hashable | None:
        """See :meth:`Mentor.stage`."""
        numbers = self.percentile_schedule_(progress), self.dropout_schedule_(progress)
        if percent_of_training(progress) < self.burn_in:
            return numbers
        stage = self.active_.stage(self._shown_percent(progress))
        return None if stage is None else (*numbers, stage)

    def weigh(self, seen: Observation) -> Tensor:
        """See :meth:`Mentor.weigh`."""
        features = self._features(seen, seen.losses - self._thresholds(seen))
        weights = self.plain_weights(seen, *features).to(seen.losses.dtype)
        if self.is_checked_ is not None:
            weights = weights.masked_fill(self.is_checked_[seen.rows], 1.0)
        dropout = self.dropout_schedule_(seen.progress)
        if dropout > 0:
            weights = weights * example_dropout_mask(len(weights), dropout, self.generator_)
        return weights.detach()

    def _thresholds(self, seen: Observation) -> Tensor:
        """Move the average by the batch's percentile, and return what each loss is compared with, (B,) or ().

        A batch of which no row counts leaves the average as it was; if there is none yet, its own percentile serves it.
        """
        before, weight = self.threshold_, seen.sample_weight
        moved = self._moved_threshold(seen, weight)
        if weight is not None:
            self.is_known_ = False  # as far as one can tell without looking
            moved = torch.where(weight.any(), moved, torch.nan if before is None else before)
        if before is None:
            self.threshold_ = moved.clone()
        else:
            before.copy_(moved)  # in place, since a recorded step reads it there
        if not self.is_known_:
            moved = torch.where(moved.isnan(), self._moved_threshold(seen, None), moved)
        return moved[seen.labels] if self.percentile_by_class else moved

    def _moved_threshold(self, seen: Observation, weight: Tensor | None) -> Tensor:
        """Return the average with the batch's percentile in it, () or by class (C,)."""
        fraction, before, by_class = self.percentile_schedule_(seen.progress), self.threshold_, self.percentile_by_class
        of_label = fraction if self.fraction_by_class_ is None else self.fraction_by_class_[seen.labels]
        if before is not None and self.is_known_ and by_class:
            return class_percentiles(before, seen.losses, seen.labels, of_label, self.percentile_decay, weight)
        value = batch_percentile(seen.losses, fraction, weight)
        begun = value.repeat(self.n_classes_) if by_class else value
        if before is None:
            before = begun
        elif not self.is_known_:
            before = torch.where(before.isnan(), begun, before)
        if by_class:
            return class_percentiles(before, seen.losses, seen.labels, of_label, self.percentile_decay, weight)
        return moving_average(before, value, self.percentile_decay)

    def _features(self, seen: Observation, loss_diff: Tensor) -> tuple[Tensor, Tensor]:
        """Return losses and differences as the curriculum reads them, (B,) or (B, K), and remember them if K > 1."""
        if self.history_ is None:
            return seen.losses, loss_diff
        latest = torch.stack([seen.losses, loss_diff], dim=-1).unsqueeze(1)
        history = torch.cat([self.history_[seen.rows, 1:], latest], dim=1)
        history = torch.where(history.isnan(), latest, history)
        self.history_[seen.rows] = history
        return history[..., 0], history[..., 1]

    def plain_weights(self, seen: Observation, loss: Tensor, loss_diff: Tensor) -> Tensor:
        """Return what samples weigh before drop-out, if they are not mixed."""
        return self.curriculum_weights(seen, loss, loss_diff)

    def curriculum_weights(self, seen: Observation, loss: Tensor, loss_diff: Tensor) -> Tensor:
        """Return what the curriculum says at this point of training (1 during burn-in), before drop-out."""
        if percent_of_training(seen.progress) < self.burn_in:
            return torch.ones_like(seen.losses)
        percent: Any = self.percent_ if self.active_.takes_percent_tensor else self._shown_percent(seen.progress)
        return self.active_.weights(loss, loss_diff, seen.labels, percent)

    def _shown_percent(self, progress: float) -> int:
        """Return the percent of training that the curriculum is shown."""
        percent = percent_of_training(progress)
        return int(min(percent, self.burn_in)) if self.fixed_epoch_after_burn_in else percent

    def state_dict(self) -> dict[str, Any]:
        """See :meth:`Mentor.state_dict`."""
        return {"threshold": self.threshold_, "history": self.history_, "generator": self.generator_.get_state()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """See :meth:`Mentor.load_state_dict`."""
        self.threshold_, self.history_ = self._own(state["threshold"]), self._own(state["history"])
        self.is_known_ = self.threshold_ is None or not bool(self.threshold_.isnan().any())
        self.generator_.set_state(state["generator"].cpu())

    def _own(self, saved: Tensor | None) -> Tensor | None:
        """Return a copy of a saved tensor, on the training device."""
        return None if saved is None else saved.to(self.generator_.device, copy=True)

    def metrics(self) -> dict[str, float]:
        """Return the moving loss percentile, by class the mean of them."""
        return {"loss_threshold": float("nan") if self.threshold_ is None else float(self.threshold_.mean())}
