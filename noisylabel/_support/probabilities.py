"""Rows of probabilities that users pass: checked, and tables of them read by their names."""

from typing import Any

import numpy as np
import pandas as pd
from torch import Tensor

from noisylabel._support.labels import codes_of, label_array, label_values, with_more_classes
from noisylabel.exceptions import InvalidDataError, InvalidParameterError


def check_probabilities(
    name: str, values: Any, tolerance: float = 1e-3, hint: str = "", first_row: int = 0
) -> np.ndarray:
    """Return rows of probabilities (N, C) as floats.

    Parameters
    ----------
    name : str
        Name of the parameter, for the message.
    values : array-like of shape (N, C)
    tolerance : float, default=1e-3
        How far a row's sum may be from 1: half precision needs a thousandth.
    hint : str
        What to do if the sums are wrong; added to the message.
    first_row : int, default=0
        Number of the first row, for the message.

    Raises
    ------
    InvalidParameterError
        If values are missing (NaN, None, masked), negative, no numbers, or rows do not sum to 1.
    """
    array = _as_floats(name, values)
    if array.ndim != 2:
        raise InvalidParameterError(f"{name!r} must be a matrix of probabilities. Got shape {array.shape}.")
    missing = np.argwhere(np.isnan(array))
    if len(missing):
        row, column = missing[0].tolist()
        raise InvalidParameterError(
            f"{name!r} has {len(missing)} missing values, the first in row {first_row + row}, column {column}. "
            "Fill them in, or leave those rows out."
        )
    sums = array.sum(axis=1)
    wrong = np.flatnonzero((array < 0).any(axis=1) | ~(np.abs(sums - 1) <= tolerance))
    if len(wrong):
        row = int(wrong[0])
        raise InvalidParameterError(
            f"{name!r} must have probabilities in rows that sum to 1. Got {len(wrong)} other rows; the first is row "
            f"{first_row + row}, which sums to {sums[row]:.4g} with minimum {array[row].min():.4g}. {hint}".strip()
        )
    return array


def with_named_classes(name: str, what: str, names: pd.Index, classes: np.ndarray) -> np.ndarray:
    """Return sorted classes with those that only a table names.

    Parameters
    ----------
    name, what : str
        Name of the parameter, and what of it is named, for the message.
    names : Index of shape (C,)
    classes : ndarray
        Classes of y.

    Raises
    ------
    InvalidParameterError
        If a class of y has no name.
    """
    named = label_array(f"the {what}s of {name!r}", names)
    without = classes[codes_of(classes, named) < 0].tolist()
    if without:
        raise InvalidParameterError(
            f"{name!r} is a table, and has no {what} for the class {without[0]!r} of y. Its {what}s are named "
            f"{_shown(names.tolist())}. Name them by the classes, or pass {name}.to_numpy() with its {what}s in the "
            "order of the sorted classes."
        )
    return with_more_classes(classes, label_values(named))


def matrix_by_names(name: str, frame: pd.DataFrame, classes: np.ndarray) -> np.ndarray:
    """Return a table (C, C) with its rows and columns in the order of ``classes`` (C,), found by their names.

    Raises
    ------
    InvalidParameterError
        If the names of the rows or of the columns are not the classes.
    """
    rows = _order(name, "rows", frame.index, classes)
    columns = _order(name, "columns", frame.columns, classes)
    return _as_floats(name, frame)[np.ix_(rows, columns)]


def columns_by_names(name: str, frame: pd.DataFrame, classes: np.ndarray) -> np.ndarray:
    """Return a table (N, C) with its columns in the order of ``classes`` (C,), found by their names.

    Raises
    ------
    InvalidParameterError
        If the names of the columns are not the classes.
    """
    return _as_floats(name, frame)[:, _order(name, "columns", frame.columns, classes)]


def _order(name: str, what: str, names: pd.Index, classes: np.ndarray) -> np.ndarray:
    """Return the position of each class among the names."""
    try:
        found = label_array("the names", names)
        order = codes_of(classes, found)
        fits = len(found) == len(classes) and (np.sort(order) == np.arange(len(found))).all()
    except InvalidDataError:
        fits = False
    if not fits:
        raise InvalidParameterError(
            f"{name!r} is a table whose {what} must be named by the {len(classes)} classes "
            f"({_shown(classes.tolist())}). Got {len(names)} {what} named {_shown(names.tolist())}. Rename them, or "
            f"pass {name}.to_numpy() with its {what} in that order."
        )
    return order


def _shown(values: list[Any]) -> str:
    return ", ".join(map(repr, values[:5])) + (", ..." if len(values) > 5 else "")


def _as_floats(name: str, values: Any) -> np.ndarray:
    if isinstance(values, Tensor):
        values = values.detach().cpu().double().numpy()  # NumPy has no bfloat16
    if np.ma.isMaskedArray(values):
        values = np.where(np.ma.getmaskarray(values), np.nan, values.data.astype(float))
    if isinstance(values, pd.DataFrame):
        values = values.astype(object).where(values.notna(), np.nan)
    try:
        return np.asarray(values, dtype=float)
    except (TypeError, ValueError) as error:
        raise InvalidParameterError(f"{name!r} must hold probabilities: {error}") from error
