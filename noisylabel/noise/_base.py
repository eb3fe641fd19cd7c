"""What every noise offers."""

from abc import ABC, abstractmethod

import numpy as np
from sklearn.base import BaseEstimator

from noisylabel._support.labels import sorted_classes


class Noise(BaseEstimator, ABC):
    """Turn true labels into noisy ones.

    Sub-classes store their parameters in ``__init__`` and override :meth:`sample` and :meth:`definition`, and
    :meth:`transition_matrix` where there is one. Parameters are checked in :meth:`sample`. A noise whose parameters
    name classes also overrides :meth:`find_classes` and :meth:`for_classes`.
    """

    def find_classes(self, labels: np.ndarray) -> np.ndarray:
        """Return all classes, those of the labels and those that the noise itself knows.

        Parameters
        ----------
        labels : ndarray of shape (N,)
            True labels.

        Returns
        -------
        ndarray of shape (C,)
            Sorted; a label's code is its position here.

        Raises
        ------
        InvalidDataError
            If the labels cannot be compared with each other.
        InvalidParameterError
            If a parameter does not fit the labels.
        """
        return sorted_classes("y", labels)[0]

    def for_classes(self, classes: np.ndarray) -> "Noise":
        """Return the noise with codes in place of the labels that its parameters name; by default itself.

        Parameters
        ----------
        classes : ndarray of shape (C,)
            What :meth:`find_classes` returned.
        """
        return self

    @abstractmethod
    def sample(self, codes: np.ndarray, n_classes: int, X: np.ndarray | None, rng: np.random.Generator) -> np.ndarray:
        """Return noisy label codes.

        Parameters
        ----------
        codes : ndarray of shape (N,)
            True label codes in 0..C-1.
        n_classes : int
            Number of classes C.
        X : ndarray of shape (N, ...) or None
            Samples, for noise that depends on them.
        rng : Generator
            Random stream to draw from.

        Returns
        -------
        ndarray of shape (N,)
            Codes in 0..C-1.

        Raises
        ------
        InvalidParameterError
            If a parameter, or the data, does not fit the noise.
        """

    def transition_matrix(self, n_classes: int) -> np.ndarray | None:
        """Return the transition matrix of the noise.

        Parameters
        ----------
        n_classes : int
            Number of classes C.

        Returns
        -------
        ndarray of shape (C, C), or None
            ``matrix[i, j] = P(noisy = j | true = i)``; None where no matrix describes the noise.

        Raises
        ------
        InvalidParameterError
            If a parameter, or the number of classes, does not fit the noise.
        """
        return None

    @abstractmethod
    def definition(self) -> str:
        """Return one sentence that says exactly what happens to a label."""

    def nominal_rate(self) -> float | None:
        """Return the parameter ``rate`` as a fraction in [0, 1], or None if the noise has no such parameter."""
        rate = getattr(self, "rate", None)
        return None if rate is None else float(rate)
