"""Pair flip: each class is confused with the next one."""

import numpy as np

from noisylabel._support.validation import check_number
from noisylabel.noise._base import Noise
from noisylabel.noise._transition import sample_transitions


class PairNoise(Noise):
    """Move each label to the next class with probability ``rate``; the last class moves to the first.

    Parameters
    ----------
    rate : float in [0, 1]
        Probability that a label moves.

    Examples
    --------
    >>> PairNoise(0.3).transition_matrix(3)
    array([[0.7, 0.3, 0. ],
           [0. , 0.7, 0.3],
           [0.3, 0. , 0.7]])
    """

    def __init__(self, rate: float) -> None:
        self.rate = rate

    def transition_matrix(self, n_classes: int) -> np.ndarray:
        """See :meth:`Noise.transition_matrix`."""
        rate = check_number("rate", self.rate, 0, 1, hint="Give a fraction: 0.4 for 40 %.")
        matrix = np.diag(np.full(n_classes, 1 - rate))
        rows = np.arange(n_classes)
        matrix[rows, (rows + 1) % n_classes] += rate
        return matrix

    def sample(self, codes: np.ndarray, n_classes: int, X: np.ndarray | None, rng: np.random.Generator) -> np.ndarray:
        """See :meth:`Noise.sample`."""
        return sample_transitions(codes, self.transition_matrix(n_classes), rng)

    def definition(self) -> str:
        """See :meth:`Noise.definition`."""
        return f"Pair flip: each label moves to the next class with probability {self.rate:g}."
