"""Noise that is given as a matrix of transition probabilities."""

from typing import Any

import numpy as np
import pandas as pd

from noisylabel._support.probabilities import check_probabilities, matrix_by_names, with_named_classes
from noisylabel.exceptions import InvalidParameterError
from noisylabel.noise._base import Noise


def sample_transitions(codes: np.ndarray, matrix: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw a noisy code for each code from its row of ``matrix`` (C, C), class by class."""
    draws = rng.random(len(codes))
    noisy = np.empty(len(codes), dtype=np.int64)
    for code, rows in rows_of_classes(codes):
        upto = matrix[code].cumsum()
        noisy[rows] = np.searchsorted(upto, draws[rows] * upto[-1], side="right")
    return noisy


def rows_of_classes(codes: np.ndarray) -> list[tuple[int, np.ndarray]]:
    """Return each code that occurs, and the numbers of its rows."""
    occurring, starts = np.unique(np.sort(codes), return_index=True)
    rows = np.split(np.argsort(codes, kind="stable"), starts[1:])
    return list(zip(occurring.tolist(), rows, strict=True))


class TransitionNoise(Noise):
    """Draw each noisy label from the row of its true class in a transition matrix.

    Parameters
    ----------
    matrix : array-like or DataFrame of shape (C, C)
        ``matrix[i, j] = P(noisy = j | true = i)``; each row sums to 1. Rows and columns are in the order of the sorted
        classes. Those of a DataFrame are found by their names, which are the classes, in any order; a class without a
        true label is kept.

    Examples
    --------
    >>> import numpy as np
    >>> noise = TransitionNoise([[0.0, 1.0], [0.0, 1.0]])
    >>> noise.sample(np.array([0, 1, 0]), 2, None, np.random.default_rng(0))
    array([1, 1, 1])
    """

    def __init__(self, matrix: Any) -> None:
        self.matrix = matrix

    def find_classes(self, labels: np.ndarray) -> np.ndarray:
        """See :meth:`Noise.find_classes`; a table names classes."""
        classes = super().find_classes(labels)
        if not isinstance(self.matrix, pd.DataFrame):
            return classes
        return with_named_classes("matrix", "row", self.matrix.index, classes)

    def for_classes(self, classes: np.ndarray) -> "TransitionNoise":
        """See :meth:`Noise.for_classes`."""
        if not isinstance(self.matrix, pd.DataFrame):
            return self
        return TransitionNoise(matrix_by_names("matrix", self.matrix, classes))

    def transition_matrix(self, n_classes: int) -> np.ndarray:
        """See :meth:`Noise.transition_matrix`; the names of a table are codes here."""
        matrix = self.for_classes(np.arange(n_classes)).matrix
        if np.shape(matrix) != (n_classes, n_classes):
            raise InvalidParameterError(
                f"'matrix' must have shape ({n_classes}, {n_classes}), a row and a column a class. Got "
                f"{np.shape(matrix)}."
            )
        return check_probabilities(
            "matrix",
            matrix,
            tolerance=1e-5,
            hint="matrix[i, j] is P(noisy = j | true = i). If the columns sum to 1, transpose it.",
        )

    def sample(self, codes: np.ndarray, n_classes: int, X: np.ndarray | None, rng: np.random.Generator) -> np.ndarray:
        """See :meth:`Noise.sample`."""
        return sample_transitions(codes, self.transition_matrix(n_classes), rng)

    def definition(self) -> str:
        """See :meth:`Noise.definition`."""
        return "Each label is drawn from its class's row of the transition matrix."
