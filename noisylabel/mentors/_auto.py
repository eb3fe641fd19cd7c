"""A mentor that learns the loss percentile before training."""

from collections.abc import Hashable
from typing import Any

import torch
from torch import Tensor

from noisylabel.curricula import Curriculum
from noisylabel.mentors._base import Observation
from noisylabel.mentors._listening import ListeningMentor
from noisylabel.mentors._percentile import PercentileMentor
from noisylabel.schedules import Schedule, constant_schedule

# Surer than always saying the most common label, as a share of the way to certainty: 0.02 on CIFAR-10 with 80 % noise,
# where the network knows nothing yet and the estimated rate is too high to tell how much it should know; from 0.08 on
# elsewhere.
_SURE_OF_SOMETHING = 0.04
_TIMES_COUNTING = 2  # the error of an estimated share


class AutoPercentileMentor(ListeningMentor, PercentileMentor):
    """Percentile mentor that is told the noise before training, and takes the share of right labels as percentile.

    With ``percentile_by_class`` each class has the share of right labels among the rows that are labelled so, as far as
    it differs from that of all by more than chance (:func:`shrunk`).

    Parameters
    ----------
    curriculum : Curriculum
        From features to weights.
    percentile_decay, percentile_by_class, burn_in, example_dropout, fixed_epoch_after_burn_in
        As in :class:`PercentileMentor`.

    Attributes
    ----------
    noise_, assumed_rate_
        See :class:`ListeningMentor`.
    share_learned_ : float
        How sure the networks are of rows that they have not learned: 0 as always saying the most common label, or
        hardly surer than that; 1 as a calibrated network that is always right. NaN if nobody has told.

    Examples
    --------
    >>> from noisylabel.curricula import SelfPaced
    >>> AutoPercentileMentor(SelfPaced())
    AutoPercentileMentor(curriculum=SelfPaced())
    """

    n_heard_: int = 0  # rows

    def __init__(
        self,
        curriculum: Curriculum,
        *,
        percentile_decay: float = 0.5,
        percentile_by_class: bool = False,
        burn_in: float = 18,
        example_dropout: float | str | None = None,
        fixed_epoch_after_burn_in: bool = False,
    ) -> None:
        self.curriculum = curriculum
        self.percentile_decay = percentile_decay
        self.percentile_by_class = percentile_by_class
        self.burn_in = burn_in
        self.example_dropout = example_dropout
        self.fixed_epoch_after_burn_in = fixed_epoch_after_burn_in

    def listen(self, proba: Tensor, labels: Tensor, counts: Tensor | None = None) -> None:
        """See :meth:`ListeningMentor.listen`."""
        super().listen(proba, labels, counts)
        if counts is not None:
            proba, labels = proba[counts], labels[counts]
        self.n_heard_ = len(labels)
        most_common = float(labels.bincount().max() / len(labels))
        surer = float(proba.max(1).values.mean()) - most_common  # as the agreement, if calibrated; far less scatter
        is_something = surer >= _SURE_OF_SOMETHING * (1 - most_common)
        self.share_learned_ = surer / max(1 - self.noise_rate_ - most_common, 1e-6) if is_something else 0.0

    def start(self, n_samples: int, n_classes: int, generator: torch.Generator) -> None:
        """See :meth:`Mentor.start`; it remembers what it was told, and without that sees no noise."""
        super().start(n_samples, n_classes, generator)
        self.fraction_by_class_ = self._right_by_label(n_classes)

    def _right_by_label(self, n_classes: int) -> Tensor | None:
        """Return the share of right labels among the rows with each label, (C,)."""
        if self.noise_ is None or not self.percentile_by_class:
            return None
        right = torch.full((n_classes,), 1 - self.noise_rate_)
        if self.assumed_rate_ is None:
            joint = self.noise_.class_prior[:, None] * self.noise_.matrix
            n_labelled = self.n_heard_ * joint.sum(0).clamp_min(1e-12)
            right = shrunk(joint.diag() / joint.sum(0).clamp_min(1e-12), 1 - self.noise_rate_, n_labelled)
        return right.to(self.generator_.device, torch.float32)

    def _percentile_schedule(self) -> Schedule:
        return constant_schedule(0.5 if self.noise_ is None else 1 - self.noise_rate_)

    def stage(self, progress: float) -> Hashable | None:
        """See :meth:`Mentor.stage`."""
        return ("idle",) if self.is_idle else super().stage(progress)

    def weigh(self, seen: Observation) -> Tensor:
        """See :meth:`Mentor.weigh`; 1 where no noise is seen."""
        return torch.ones_like(seen.losses) if self.is_idle else super().weigh(seen)

    @property
    def always_one(self) -> bool:
        """Never: that no noise is seen is known only when it was told."""
        return False

    def state_dict(self) -> dict[str, Any]:
        """See :meth:`Mentor.state_dict`."""
        return super().state_dict() | self.noise_state() | {"learned": self.share_learned_, "n_heard": self.n_heard_}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """See :meth:`Mentor.load_state_dict`."""
        super().load_state_dict(state)
        self.load_noise_state(state)
        self.share_learned_, self.n_heard_ = state["learned"], state["n_heard"]
        self.percentile_schedule_ = self._percentile_schedule()
        self.fraction_by_class_ = self._right_by_label(self.n_classes_)


def shrunk(shares: Tensor, common: float, n_rows: Tensor) -> Tensor:
    """Return estimated shares that are drawn towards a common one as far as they may differ from it by chance.

    Empirical Bayes: what the shares vary more than their errors explain is how much they truly differ. An error is
    taken to be twice that of counting, since the shares are not counted but estimated.

    Parameters
    ----------
    shares : Tensor of shape (C,)
    common : float in [0, 1]
    n_rows : Tensor of shape (C,)
        From how many rows each share was estimated.

    Examples
    --------
    >>> shrunk(torch.tensor([0.9, 0.5]), 0.7, torch.tensor([1000.0, 10.0]))
    tensor([0.7000, 0.7000])
    >>> shrunk(torch.tensor([0.9, 0.5]), 0.7, torch.tensor([1000.0, 1000.0]))
    tensor([0.8958, 0.5042])
    """
    errors = _TIMES_COUNTING**2 * common * (1 - common) / n_rows.clamp_min(1)
    truly = (((shares - common) ** 2).mean() - errors.mean()).clamp_min(0)
    return common + truly / (truly + errors).clamp_min(1e-12) * (shares - common)
