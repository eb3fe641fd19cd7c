"""Noise that is given as a matrix of transition probabilities."""

import numpy as np

from noisylabel.exceptions import InvalidParameterError
from noisylabel.noise._base import Noise


def sample_transitions(codes: np.ndarray, matrix: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw a noisy code for each code from its row of ``matrix`` (C, C)."""
    return sample_rows(matrix[codes], rng)


def sample_rows(probabilities: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw one column for each row of ``probabilities`` (N, C)."""
    upto = probabilities.cumsum(axis=1)
    draws = rng.random((len(probabilities), 1)) * upto[:, -1:]
    return (draws >= upto).sum(axis=1)


class TransitionNoise(Noise):
    """Draw each noisy label from the row of its true class in a transition matrix.

    Parameters
    ----------
    matrix : array-like of shape (C, C)
        ``matrix[i, j] = P(noisy = j | true = i)``; each row sums to 1.

    Examples
    --------
    >>> import numpy as np
    >>> noise = TransitionNoise([[0.0, 1.0], [0.0, 1.0]])
    >>> noise.sample(np.array([0, 1, 0]), 2, None, np.random.default_rng(0))
    array([1, 1, 1])
    """

    def __init__(self, matrix: object) -> None:
        self.matrix = matrix

    def transition_matrix(self, n_classes: int) -> np.ndarray:
        """See :meth:`Noise.transition_matrix`."""
        matrix = np.asarray(self.matrix, dtype=float)
        if matrix.shape != (n_classes, n_classes):
            raise InvalidParameterError(
                f"'matrix' must have shape ({n_classes}, {n_classes}), a row and a column a class. Got {matrix.shape}."
            )
        if (matrix < 0).any() or not np.allclose(matrix.sum(axis=1), 1):
            raise InvalidParameterError(
                "'matrix' must have probabilities in rows that sum to 1 (matrix[i, j] = P(noisy = j | true = i)). "
                f"Got rows summing to {np.round(matrix.sum(axis=1), 4).tolist()} with minimum {matrix.min():g}. "
                "If its columns sum to 1, transpose it."
            )
        return matrix

    def sample(self, codes: np.ndarray, n_classes: int, X: np.ndarray | None, rng: np.random.Generator) -> np.ndarray:
        """See :meth:`Noise.sample`."""
        return sample_transitions(codes, self.transition_matrix(n_classes), rng)

    def definition(self) -> str:
        """See :meth:`Noise.definition`."""
        return "Each label is drawn from its class's row of the transition matrix."
