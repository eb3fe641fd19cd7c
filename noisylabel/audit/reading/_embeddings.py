"""Embeddings that somebody has made of the rows of a table."""

from typing import Any

import numpy as np

from noisylabel._support.files import local_path, reading
from noisylabel._support.validation import check_samples, spoken
from noisylabel.exceptions import InvalidDataError


class Embeddings:
    """Numbers of a ``.npy`` file, a line a row of the table with the labels, to learn from instead of its columns.

    Stands in for a ``TableEncoder``.

    Parameters
    ----------
    path : path
        An array of numbers of shape (N, D), as ``numpy.save`` writes it. Each column gets zero mean and unit variance.

    Raises
    ------
    InvalidFileError
        If there is no such file, or it is no array.
    InvalidDataError
        If it is no table of numbers, or some are missing.

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.mkdtemp()
    >>> np.save(f"{folder}/rows.npy", np.arange(8.0).reshape(4, 2))
    >>> Embeddings(f"{folder}/rows.npy").numbers.shape
    (4, 2)
    """

    def __init__(self, path: Any) -> None:
        self.path = local_path("embeddings", path)
        with reading(self.path, "array of NumPy's", "Save it with numpy.save."):
            numbers = np.load(self.path, allow_pickle=False)
        if not isinstance(numbers, np.ndarray) or numbers.ndim != 2 or not numbers.size:
            shape = getattr(numbers, "shape", "no shape")
            raise InvalidDataError(f"{self.path} must be an array of shape (rows, numbers). Got {shape}.")
        self.numbers = check_samples(str(self.path), numbers).astype(np.float32)
        self.kinds_: dict[Any, Any] = {}
        self.extremes_: dict[Any, Any] = {}
        self.feature_sources_ = np.full(numbers.shape[1], "embeddings", dtype=object)

    def check_rows(self, n_rows: int) -> None:
        """Refuse a table of another number of rows."""
        if len(self.numbers) != n_rows:
            raise InvalidDataError(
                f"{spoken('embeddings')}: {self.path} has {len(self.numbers)} rows, and the table has {n_rows}. They "
                "must be of the same rows, in the same order."
            )

    def fit_transform(self, table: Any) -> np.ndarray:
        """Return the numbers of some rows of the table, scaled by them."""
        own = self.numbers[table.index]
        self._centre, scale = own.mean(0), own.std(0)
        self._scale = np.where(scale > 0, scale, 1)
        return self.transform(table)

    def transform(self, table: Any) -> np.ndarray:
        """Return the numbers of some rows of the table."""
        scaled: np.ndarray = (self.numbers[table.index] - self._centre) / self._scale
        return scaled
