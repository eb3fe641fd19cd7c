"""A mentor for the losses of mixed samples, which follows the one for plain samples."""

import math
from collections.abc import Hashable

import torch
from torch import Tensor

from noisylabel.mentors._base import Observation
from noisylabel.mentors._percentile import PercentileMentor
from noisylabel.schedules import Schedule

_FEW = 3 / 8  # right labels: between 46 and 28 %, which symmetric noise of 60 and 80 % leaves among ten classes
_HALF = 1 / 2
_ENOUGH = 1 / 3  # learnt: 0.2 on CIFAR-10, where weighing mixes harms; from 0.4 on on digits


class MixedLossMentor(PercentileMentor):
    """Weigh mixed samples with the curriculum and percentile that another mentor uses at the moment.

    Mixed losses are higher than plain ones, so their moving percentile is one of its own; so is the memory of earlier
    losses, where the curriculum reads it. The label of a mix is that of its larger share. Example drop-out is the other
    mentor's business.

    Parameters
    ----------
    plain : PercentileMentor
        The mentor of the unmixed samples; it weighs each batch first.
    if_few_are_right : bool, default=False
        Weigh only where few labels are right: while the other mentor's percentile is below 3/8; or, if it knows how
        much short trainings learned, below 1/2 where that was at least a third of what there is to learn. A network
        that knows little believes few mixes, and learns from too few.

    References
    ----------
    Jiang et al., "Beyond synthetic noise: deep learning on controlled noisy labels", ICML 2020, Algorithm 1, step 8.

    Examples
    --------
    >>> from noisylabel.curricula import SelfPaced
    >>> MixedLossMentor(PercentileMentor(SelfPaced()))
    MixedLossMentor(plain=PercentileMentor(curriculum=SelfPaced()))
    """

    def __init__(self, plain: PercentileMentor, if_few_are_right: bool = False) -> None:
        self.plain = plain
        self.if_few_are_right = if_few_are_right

    def start(self, n_samples: int, n_classes: int, generator: torch.Generator) -> None:
        """Forget everything; the plain mentor has been started."""
        self.curriculum, self.percentile_decay = self.plain.curriculum, self.plain.percentile_decay
        self.percentile_by_class, self.n_classes_ = self.plain.percentile_by_class, n_classes
        self.generator_ = generator
        self.threshold_, self.is_known_ = None, True
        self.history_ = None
        if self.plain.history_ is not None:
            self.history_ = torch.full_like(self.plain.history_, torch.nan)

    @property
    def percentile_schedule_(self) -> Schedule:  # type: ignore[override]
        """The other mentor's, as it is at the moment."""
        return self.plain.percentile_schedule_

    @property
    def fraction_by_class_(self) -> Tensor | None:  # type: ignore[override]
        """The other mentor's."""
        return self.plain.fraction_by_class_

    def advance(self, progress: float) -> None:
        """See :meth:`Mentor.advance`; the other mentor does it all."""

    def stage(self, progress: float) -> Hashable | None:
        """See :meth:`Mentor.stage`."""
        stage = self.plain.stage(progress)
        return None if stage is None else (stage, not self.if_few_are_right or self._helps(progress))

    def weigh(self, seen: Observation) -> Tensor:
        """See :meth:`Mentor.weigh`."""
        thresholds = self._thresholds(seen)
        if self.if_few_are_right and not self._helps(seen.progress):
            return torch.ones_like(seen.losses)
        features = self._features(seen, seen.losses - thresholds)
        return self.plain.curriculum_weights(seen, *features).to(seen.losses.dtype).detach()

    def _helps(self, progress: float) -> bool:
        right, learned = self.percentile_schedule_(progress), self.plain.share_learned_
        return right < _FEW if math.isnan(learned) else right < _HALF and learned >= _ENOUGH

    def metrics(self) -> dict[str, float]:
        """Return the moving percentile of the mixed losses."""
        return {f"mixed_{name}": value for name, value in super().metrics().items()}
