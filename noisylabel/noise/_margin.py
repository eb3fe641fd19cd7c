"""Polynomial-margin-diminishing noise: samples near the boundary between two classes get wrong labels."""

from typing import Any

import numpy as np
import pandas as pd

from noisylabel._support.probabilities import check_probabilities, columns_by_names, with_named_classes
from noisylabel._support.validation import check_choice, check_number
from noisylabel.exceptions import InvalidParameterError
from noisylabel.noise._base import Noise

KINDS = {
    "I": lambda m: 0.5 - 0.5 * m**2,
    "II": lambda m: 1 - m**3,
    "III": lambda m: 1 - (m**3 + m**2 + m) / 3,
}


def margin_flip_probability(margin: np.ndarray, kind: str) -> np.ndarray:
    """Probability that a label flips, from the margin of its sample.

    Parameters
    ----------
    margin : ndarray of shape (N,)
        Probability of the most likely class minus that of the second, in [0, 1].
    kind : {"I", "II", "III"}
        Type of the polynomial.

    Returns
    -------
    ndarray of shape (N,)
        In [0, 1].

    Raises
    ------
    InvalidParameterError
        If ``kind`` is unknown, or a margin is missing or outside [0, 1].

    Examples
    --------
    >>> import numpy as np
    >>> margin_flip_probability(np.array([0.0, 0.5, 1.0]), "I")
    array([0.5  , 0.375, 0.   ])
    """
    margin = np.asarray(margin, dtype=float)
    if not ((margin >= 0) & (margin <= 1)).all():
        raise InvalidParameterError(f"'margin' must be numbers in [0, 1]. Got {margin.min()} to {margin.max()}.")
    return KINDS[check_choice("kind", kind, KINDS)](margin)


class MarginNoise(Noise):
    """Flip a label to the most likely other class. The smaller the margin, the more often.

    Parameters
    ----------
    posterior : array-like or DataFrame of shape (N, C)
        Class probabilities of a model that was trained on clean labels, for the samples to corrupt. Columns are in the
        order of the sorted classes; those of a DataFrame are found by their names.
    kind : {"I", "II", "III"}, default="I"
        Type of the polynomial.
    rate : float in [0, 1], optional
        Mean to which the flip probabilities are scaled; each stays at most 1. By default they are not scaled.

    References
    ----------
    Zhang et al., "Learning with feature-dependent label noise: a progressive approach", ICLR 2021. This is the
    paper's formula; the released code also flips samples with margin 1.

    Examples
    --------
    >>> import numpy as np
    >>> noise = MarginNoise([[1.0, 0.0], [0.5, 0.5]], kind="II")
    >>> noise.sample(np.array([0, 0]), 2, None, np.random.default_rng(0))
    array([0, 1])
    """

    def __init__(self, posterior: Any, kind: str = "I", rate: float | None = None) -> None:
        self.posterior = posterior
        self.kind = kind
        self.rate = rate

    def sample(self, codes: np.ndarray, n_classes: int, X: np.ndarray | None, rng: np.random.Generator) -> np.ndarray:
        """See :meth:`Noise.sample`; the names of a table are codes here."""
        posterior = self.for_classes(np.arange(n_classes)).posterior
        if np.shape(posterior) != (len(codes), n_classes):
            raise InvalidParameterError(
                f"'posterior' must have shape ({len(codes)}, {n_classes}), a row a label to corrupt. "
                f"Got {np.shape(posterior)}."
            )
        first, second, margin = _two_most_likely(posterior)
        flips = margin_flip_probability(margin, self.kind)
        if self.rate is not None:
            flips = _scaled_to_mean(flips, check_number("rate", self.rate, 0, 1))
        targets = np.where(codes == first, second, first)
        return np.where(rng.random(len(codes)) < flips, targets, codes)

    def find_classes(self, labels: np.ndarray) -> np.ndarray:
        """See :meth:`Noise.find_classes`; a table names classes."""
        classes = super().find_classes(labels)
        if not isinstance(self.posterior, pd.DataFrame):
            return classes
        return with_named_classes("posterior", "column", self.posterior.columns, classes)

    def for_classes(self, classes: np.ndarray) -> "MarginNoise":
        """See :meth:`Noise.for_classes`."""
        if not isinstance(self.posterior, pd.DataFrame):
            return self
        return MarginNoise(columns_by_names("posterior", self.posterior, classes), self.kind, self.rate)

    def definition(self) -> str:
        """See :meth:`Noise.definition`."""
        scaled = "" if self.rate is None else f", scaled to a mean of {self.rate:g}"
        return f"Margin noise of type {self.kind} (Zhang et al. 2021): to the most likely other class{scaled}."


def _two_most_likely(posterior: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return for each row of probabilities (N, C) the two most likely classes and the margin, a block at a time."""
    n_samples, n_classes = np.shape(posterior)
    first, second = np.empty((2, n_samples), dtype=np.int64)
    margin = np.empty(n_samples)
    step = max(1, _BLOCK // n_classes)
    for start in range(0, n_samples, step):
        block = check_probabilities("posterior", posterior[start : start + step], first_row=start)
        order, rows = block.argsort(axis=1), np.arange(len(block))
        stop = start + len(block)
        first[start:stop], second[start:stop] = order[:, -1], order[:, -2]
        margin[start:stop] = (block[rows, order[:, -1]] - block[rows, order[:, -2]]).clip(0, 1)
    return first, second, margin


_BLOCK = 2**20  # numbers that are sorted at once


def _scaled_to_mean(probabilities: np.ndarray, mean: float) -> np.ndarray:
    """Return ``min(1, factor * probabilities)`` with the factor that gives the mean, found by bisection."""
    if (probabilities > 0).mean() < mean:
        raise InvalidParameterError(
            f"'rate' {mean:g} is out of reach: only {(probabilities > 0).mean():.3f} of the samples can flip."
        )
    low, high = 0.0, 1.0
    while np.minimum(1, high * probabilities).mean() < mean and high < 1e12:
        high *= 2
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if np.minimum(1, middle * probabilities).mean() < mean else (low, middle)
    return np.minimum(1, high * probabilities)
