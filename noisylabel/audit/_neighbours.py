"""Rows that are almost the same and yet have different labels."""

from typing import Any

import numpy as np
import pandas as pd

_MOST_ROWS = 20_000
_MOST_PAIRS = 1_000
_MOST_NUMBERS = 256  # a row; of more, a random projection
_NEIGHBOURS = 5
_NEAR = 0.1  # of the usual distance of a row to its nearest neighbour


def find_duplicates(X: np.ndarray, labels: np.ndarray) -> pd.DataFrame:
    """Return pairs of rows that are almost the same and have different labels, the most alike first.

    Almost the same: a tenth as far from each other as a row usually is from its nearest neighbour, or less. Of each row
    its five nearest neighbours are looked at; of more than 20,000 rows, the first 20,000.

    Parameters
    ----------
    X : ndarray of shape (N, ...)
        Samples.
    labels : ndarray of shape (N,)

    Returns
    -------
    DataFrame
        At most 1,000 pairs: ``row_a``, ``row_b`` (positions), ``label_a``, ``label_b``, ``similarity`` from 0 to 1
        (the same to the last bit).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(50, 3))
    >>> X[7] = X[3]
    >>> find_duplicates(X, np.arange(50) % 2)  # both rows are odd
    Empty DataFrame
    Columns: [row_a, row_b, label_a, label_b, similarity]
    Index: []
    >>> find_duplicates(X, np.where(np.arange(50) == 7, 0, np.arange(50) % 2))[["row_a", "row_b", "similarity"]]
       row_a  row_b  similarity
    0      3      7         1.0
    """
    from sklearn.neighbors import NearestNeighbors

    flat = _as_numbers(X[:_MOST_ROWS])
    n_neighbours = min(_NEIGHBOURS, len(flat) - 1)
    pairs: dict[str, Any] = {name: [] for name in ("row_a", "row_b", "label_a", "label_b", "similarity")}
    if n_neighbours < 1:
        return pd.DataFrame(pairs)
    distances, places = NearestNeighbors(n_neighbors=n_neighbours).fit(flat).kneighbors()
    apart = distances[:, 0]
    usual = float(np.median(apart[apart > 0])) if (apart > 0).any() else 1.0
    row, which = np.nonzero(distances <= _NEAR * usual)
    other, distance = places[row, which], distances[row, which]
    first, second = np.minimum(row, other), np.maximum(row, other)
    differ = labels[first] != labels[second]
    found = pd.DataFrame({"row_a": first, "row_b": second, "distance": distance})[differ]
    found = found.drop_duplicates(["row_a", "row_b"]).sort_values("distance", kind="stable").head(_MOST_PAIRS)
    found["label_a"], found["label_b"] = labels[found["row_a"]], labels[found["row_b"]]
    found["similarity"] = 1 - found["distance"] / usual
    return found[list(pairs)].reset_index(drop=True)


def _as_numbers(X: np.ndarray) -> np.ndarray:
    """Return rows of few numbers with about the same distances."""
    flat: np.ndarray = X.reshape(len(X), -1).astype(np.float32)
    if flat.shape[1] <= _MOST_NUMBERS:
        return flat
    directions = np.random.default_rng(0).normal(size=(flat.shape[1], _MOST_NUMBERS)).astype(np.float32)
    projected: np.ndarray = flat @ directions / np.float32(np.sqrt(_MOST_NUMBERS))
    return projected
