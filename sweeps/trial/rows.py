"""Which rows train the trials, which compare them, and what else is known of them."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch.utils.data import Dataset, Subset

from noisylabel.estimators import dataset_samples, validation_rows
from noisylabel.exceptions import InvalidDataError, NoisyLabelWarning
from noisylabel.utils import hash_arrays, trusted_codes

_LOOKED_AT = 16  # samples of a Dataset that tell it from another


@dataclass(frozen=True)
class HeldOut:
    """The rows that compare the trials.

    Attributes
    ----------
    rows : ndarray of shape (M,)
        Row numbers.
    labels : ndarray of shape (M,)
        Codes to compare by: the right ones where they are known, otherwise the noisy ones.
    right_codes : ndarray of shape (N,) or None
        Codes of the right labels from which curricula learn, -1 where there are none; None if none shall learn.
    """

    rows: np.ndarray
    labels: np.ndarray
    right_codes: np.ndarray | None = None


def hold_out(  # noqa: PLR0913 - what is known of the rows, and how to draw
    codes: np.ndarray,
    classes: np.ndarray,
    y_trusted: Any,
    fraction: float,
    rng: np.random.Generator,
    *,
    teaches: bool = False,
) -> HeldOut:
    """Return the rows that compare the trials, and the labels to compare by.

    Parameters
    ----------
    codes : ndarray of shape (N,)
        Noisy labels, 0 to C-1.
    classes : ndarray of shape (C,)
        The labels that the codes stand for.
    y_trusted : array-like of shape (N,), pair (mask, labels) or None
        The right label where it is known. These rows are held out.
    fraction : float in (0, 0.5]
        Share of the rows that is held out at random where nothing is known.
    rng : Generator
        Draws these rows.
    teaches : bool, default=False
        Whether curricula learn from trusted rows: then half of them, of each class, are held out, and half teach.

    Raises
    ------
    InvalidDataError
        If a class has no row left to train with, or too few rows are trusted to halve them.
    """
    if y_trusted is None:
        rows = validation_rows(codes, fraction, rng)
        return HeldOut(rows, codes[rows])
    right = trusted_codes(y_trusted, len(codes), classes)
    rows = np.flatnonzero(right >= 0)
    if teaches:
        rows = rows[_half(right[rows], rng)]
    lost = np.setdiff1d(codes, np.delete(codes, rows))
    if len(lost):
        raise InvalidDataError(
            f"No row of class {classes[lost].tolist()[0]!r} is left for training: all are "
            "trusted, and held out. Leave some of them out of y_trusted."
        )
    unseen = np.setdiff1d(codes, right[rows])
    if len(unseen):
        warnings.warn(
            f"The trusted rows have no label {classes[unseen].tolist()[0]!r}, so trials are compared "
            "without that class. Trust some of its rows too.",
            NoisyLabelWarning,
            stacklevel=6,  # where the user called fit
        )
    return HeldOut(rows, right[rows], right if teaches else None)


def _half(right: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw half of the trusted rows, of each class as many."""
    if np.bincount(right).max() < 2:
        raise InvalidDataError(
            f"'y_trusted' knows {len(right)} rows, no two of one class. The space has a curriculum that learns from "
            "trusted rows, and others compare the trials: trust two rows of each class and more."
        )
    return validation_rows(right, 0.5, rng)


def take_rows(X: Any, rows: np.ndarray) -> Any:
    """Return some rows of an array or a Dataset."""
    return Subset(X, rows.tolist()) if isinstance(X, Dataset) else X[rows]


def hash_rows(data: Mapping[str, Any]) -> str:
    """Return a text that tells data from others; of a Dataset, its length and some samples are looked at."""
    return hash_arrays(*(_looked_at(values) for values in data.values()))


def _looked_at(values: Any) -> np.ndarray:
    if isinstance(values, np.ndarray):
        return values
    rows = np.linspace(0, len(values) - 1, _LOOKED_AT).astype(np.int64)
    samples = dataset_samples(values, rows).numpy().reshape(_LOOKED_AT, -1)
    return np.append(samples.astype(np.float64).ravel(), len(values))
