"""Asymmetric noise of CIFAR-10 and CIFAR-100: mistakes between classes that look alike."""

from abc import abstractmethod

import numpy as np

from noisylabel._support.validation import check_number
from noisylabel.exceptions import InvalidParameterError
from noisylabel.noise._base import Noise
from noisylabel.noise._transition import sample_transitions

# truck -> automobile, bird -> airplane, cat <-> dog, deer -> horse
CIFAR10_TARGETS = {9: 1, 2: 0, 3: 5, 5: 3, 4: 7}

# The superclass (0..19) of each of CIFAR-100's fine classes (0..99, alphabetical), as in the data set's own files.
CIFAR100_SUPERCLASSES = np.array([
    4, 1, 14, 8, 0, 6, 7, 7, 18, 3, 3, 14, 9, 18, 7, 11, 3, 9, 7, 11,
    6, 11, 5, 10, 7, 6, 13, 15, 3, 15, 0, 11, 1, 10, 12, 14, 16, 9, 11, 5,
    5, 19, 8, 8, 15, 13, 14, 17, 18, 10, 16, 4, 17, 4, 2, 0, 17, 4, 18, 17,
    10, 3, 2, 12, 12, 16, 12, 1, 9, 19, 2, 10, 0, 1, 16, 12, 9, 13, 15, 13,
    16, 19, 2, 4, 6, 19, 5, 5, 8, 19, 18, 1, 2, 15, 6, 0, 17, 8, 14, 13,
])  # fmt: skip


class _TargetNoise(Noise):
    """Each class has one other class, or none, to which its labels move."""

    def __init__(self, rate: float) -> None:
        self.rate = rate

    @abstractmethod
    def _targets(self) -> np.ndarray:
        """Return the class that each class moves to."""

    def find_classes(self, labels: np.ndarray) -> np.ndarray:
        """See :meth:`Noise.find_classes`; of the data set's own numbers all, if most of them occur."""
        classes, n_classes = super().find_classes(labels), len(self._targets())
        is_subset = classes.dtype.kind in "iu" and classes[0] >= 0 and classes[-1] < n_classes
        return np.arange(n_classes, dtype=classes.dtype) if is_subset and 2 * len(classes) > n_classes else classes

    def transition_matrix(self, n_classes: int) -> np.ndarray:
        """See :meth:`Noise.transition_matrix`."""
        targets = self._targets()
        if n_classes != len(targets):
            raise InvalidParameterError(
                f"{type(self).__name__} is for the {len(targets)} classes of its data set. Got labels of {n_classes} "
                "classes; use PairNoise or TransitionNoise."
            )
        rate = check_number("rate", self.rate, 0, 1, hint="Give a fraction: 0.4 for 40 %.")
        return (1 - rate) * np.eye(n_classes) + rate * np.eye(n_classes)[targets]

    def sample(self, codes: np.ndarray, n_classes: int, X: np.ndarray | None, rng: np.random.Generator) -> np.ndarray:
        """See :meth:`Noise.sample`."""
        return sample_transitions(codes, self.transition_matrix(n_classes), rng)


class AsymmetricCIFAR10Noise(_TargetNoise):
    """CIFAR-10's mistakes between look-alikes: truck to automobile, bird to airplane, cat and dog, deer to horse.

    Labels of five of the ten classes move. If all classes are equally frequent, a share ``rate / 2`` of all labels is
    wrong.

    Parameters
    ----------
    rate : float in [0, 1]
        Probability that a label of one of the five classes moves.

    References
    ----------
    Patrini et al., "Making deep neural networks robust to label noise: a loss correction approach", CVPR 2017.

    Examples
    --------
    >>> matrix = AsymmetricCIFAR10Noise(0.4).transition_matrix(10)
    >>> float(matrix[9, 1]), float(matrix[0, 0])
    (0.4, 1.0)
    """

    def _targets(self) -> np.ndarray:
        targets = np.arange(10)
        targets[list(CIFAR10_TARGETS)] = list(CIFAR10_TARGETS.values())
        return targets

    def definition(self) -> str:
        """See :meth:`Noise.definition`."""
        return (
            "Asymmetric CIFAR-10 noise: truck to automobile, bird to airplane, cat and dog to each other, "
            f"deer to horse, each with probability {self.rate:g}."
        )


class RingCIFAR100Noise(_TargetNoise):
    """CIFAR-100's ring: each label moves to the next class of its superclass, and from the last to the first.

    Classes of a superclass are ordered by fine id.

    This class uses the data set's own map from fine to coarse labels. The widely copied generator uses blocks of five
    consecutive fine ids instead, and only six of its hundred steps stay inside a superclass.

    Parameters
    ----------
    rate : float in [0, 1]
        Probability that a label moves.

    Examples
    --------
    >>> matrix = RingCIFAR100Noise(0.4).transition_matrix(100)
    >>> [int(matrix[i].argsort()[-2]) for i in (4, 30, 55, 72, 95)]  # aquatic mammals
    [30, 55, 72, 95, 4]
    """

    def _targets(self) -> np.ndarray:
        members = np.argsort(CIFAR100_SUPERCLASSES, kind="stable").reshape(20, 5)
        targets = np.empty(100, dtype=int)
        targets[members] = np.roll(members, -1, axis=1)
        return targets

    def definition(self) -> str:
        """See :meth:`Noise.definition`."""
        return f"CIFAR-100 ring: each label moves to the next class of its superclass with probability {self.rate:g}."
