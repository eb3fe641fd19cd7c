"""Which rows train the trials, and which compare them."""

import warnings
from typing import Any

import numpy as np

from noisylabel.estimators import validation_rows
from noisylabel.exceptions import InvalidDataError, NoisyLabelWarning
from noisylabel.utils import trusted_codes


def hold_out(
    codes: np.ndarray, classes: np.ndarray, y_trusted: Any, fraction: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
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

    Returns
    -------
    rows : ndarray of shape (M,)
        Row numbers.
    labels : ndarray of shape (M,)
        Codes: the right ones where they are known, otherwise the noisy ones.

    Raises
    ------
    InvalidDataError
        If a class has no row left to train with.
    """
    if y_trusted is None:
        rows = validation_rows(codes, fraction, rng)
        return rows, codes[rows]
    right = trusted_codes(y_trusted, len(codes), classes)
    rows = np.flatnonzero(right >= 0)
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
    return rows, right[rows]
