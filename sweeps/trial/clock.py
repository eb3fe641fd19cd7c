"""How many epochs a configuration trains for, and in which of them its method acts."""

import math
from dataclasses import dataclass
from typing import Any

from noisylabel.curricula import Uniform
from noisylabel.estimators import TEACHINGS
from sweeps.trial.draws import curriculum_of


@dataclass(frozen=True)
class Clock:
    """The epochs of a configuration's training.

    Attributes
    ----------
    before : int
        Of a teacher, whose scores say little about the student.
    own : int
        Of the network that is kept.
    warm_up : int
        Of these, the burn-in, in which the method does not act yet.
    """

    before: int
    own: int
    warm_up: int

    @property
    def total(self) -> int:
        """Of all stages."""
        return self.before + self.own


def clock_of(clf: Any) -> Clock:
    """Return the epochs of a classifier's training."""
    if hasattr(clf, "teacher"):
        teacher = clf.max_epochs if clf.teacher_epochs is None else clf.teacher_epochs
        return Clock(teacher if TEACHINGS[clf.teacher].has_teacher else 0, clf.max_epochs, 0)
    is_plain = isinstance(curriculum_of(clf.curriculum), Uniform)
    return Clock(0, clf.max_epochs, 0 if is_plain else math.ceil(clf.burn_in / 100 * clf.max_epochs))
