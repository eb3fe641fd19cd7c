"""Symmetric noise, in its two conventions: with and without the true class among the draws."""

import numpy as np

from noisylabel._support.constraints import Flag, check_constraints
from noisylabel._support.validation import check_count, check_number
from noisylabel.noise._base import Noise
from noisylabel.noise._transition import sample_transitions


def inclusive_to_exclusive(rate: float, n_classes: int) -> float:
    """Share of labels that change when a share ``rate`` is redrawn from all classes: ``rate (1 - 1/C)``.

    Parameters
    ----------
    rate : float in [0, 1]
    n_classes : int of at least 2
        Number of classes C.

    Returns
    -------
    float in [0, 1 - 1/C]

    Raises
    ------
    InvalidParameterError
        If ``rate`` or ``n_classes`` is outside its range.

    Examples
    --------
    >>> inclusive_to_exclusive(0.5, 10)
    0.45
    """
    n_classes = check_count("n_classes", n_classes, 2)
    return check_number("rate", rate, 0, 1) * (n_classes - 1) / n_classes


def exclusive_to_inclusive(rate: float, n_classes: int) -> float:
    """Share to redraw from all classes so that a share ``rate`` changes: ``rate C / (C - 1)``.

    Parameters
    ----------
    rate : float in [0, 1 - 1/C]
    n_classes : int of at least 2
        Number of classes C.

    Returns
    -------
    float in [0, 1]

    Raises
    ------
    InvalidParameterError
        If ``rate`` or ``n_classes`` is outside its range.

    Examples
    --------
    >>> round(exclusive_to_inclusive(0.45, 10), 6)
    0.5
    """
    n_classes = check_count("n_classes", n_classes, 2)
    return check_number("rate", rate, 0, 1 - 1 / n_classes) * n_classes / (n_classes - 1)


class SymmetricNoise(Noise):
    """Replace labels by random ones, with equal probability for each class.

    Parameters
    ----------
    rate : float in [0, 1]
        Share of labels that are redrawn.
    include_true : bool, default=True
        Whether the true class is among the draws. With it (as in MentorNet, MentorMix and DivideMix), a share ``rate
        (1 - 1/C)`` of the labels becomes wrong. Without it (as in Co-teaching and Patrini et al.), a share ``rate``.
    exact : bool, default=False
        With True, exactly ``int(N rate)`` labels are redrawn. With False, each label is redrawn with probability
        ``rate``.

    Examples
    --------
    >>> SymmetricNoise(0.2).transition_matrix(2)
    array([[0.9, 0.1],
           [0.1, 0.9]])
    """

    def __init__(self, rate: float, include_true: bool = True, exact: bool = False) -> None:
        self.rate = rate
        self.include_true = include_true
        self.exact = exact

    def transition_matrix(self, n_classes: int) -> np.ndarray:
        """See :meth:`Noise.transition_matrix`."""
        rate = check_number("rate", self.rate, 0, 1, hint="Give a fraction: 0.4 for 40 %.")
        check_constraints(self, {"include_true": Flag(), "exact": Flag()})
        off = rate / n_classes if self.include_true else rate / (n_classes - 1)
        matrix = np.full((n_classes, n_classes), off)
        np.fill_diagonal(matrix, 1 - (n_classes - 1) * off)
        return matrix

    def sample(self, codes: np.ndarray, n_classes: int, X: np.ndarray | None, rng: np.random.Generator) -> np.ndarray:
        """See :meth:`Noise.sample`."""
        matrix = self.transition_matrix(n_classes)
        if not self.exact:
            return sample_transitions(codes, matrix, rng)
        chosen = rng.permutation(len(codes))[: int(round(len(codes) * self.rate, 9))]
        noisy = codes.copy()
        if self.include_true:
            noisy[chosen] = rng.integers(0, n_classes, len(chosen))
        else:
            noisy[chosen] = (codes[chosen] + rng.integers(1, n_classes, len(chosen))) % n_classes
        return noisy

    def definition(self) -> str:
        """See :meth:`Noise.definition`."""
        how = (
            f"exactly int(N x {self.rate:g}) labels are"
            if self.exact
            else f"each label is with probability {self.rate:g}"
        )
        which = "all classes, the true one included" if self.include_true else "the other classes"
        return f"Symmetric noise: {how} replaced by a class drawn evenly from {which}."
