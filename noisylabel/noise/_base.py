"""The one method that a noise model has."""

from abc import ABC, abstractmethod

import numpy as np
from sklearn.base import BaseEstimator


class Noise(BaseEstimator, ABC):
    """Turn right labels into noisy ones.

    Conventions: N samples, C classes, ``matrix[i, j] = P(noisy = j | true = i)``.
    """

    @abstractmethod
    def sample(self, codes: np.ndarray, n_classes: int, X: np.ndarray | None, rng: np.random.Generator) -> np.ndarray:
        """Return noisy label codes.

        Parameters
        ----------
        codes : ndarray of shape (N,)
            True label codes in 0..C-1.
        n_classes : int
            C.
        X : ndarray of shape (N, ...) or None
            Samples, for noise that depends on them.
        rng : Generator
            The stream to draw from.

        Returns
        -------
        ndarray of shape (N,)

        Raises
        ------
        InvalidParameterError
            If a parameter, or the data, does not fit the noise.
        """

    def transition_matrix(self, n_classes: int) -> np.ndarray | None:
        """Return the matrix (C, C) of the noise, or None where no matrix describes it."""
        return None

    @abstractmethod
    def definition(self) -> str:
        """Return one sentence that says what exactly happens to a label."""

    def nominal_rate(self) -> float | None:
        """Return the rate by which the noise is called, or None if it has none."""
        rate = getattr(self, "rate", None)
        return None if rate is None else float(rate)
