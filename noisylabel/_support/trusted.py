"""Trusted and right labels: what users may pass, and what it means."""

from typing import Any

import numpy as np
import pandas as pd
from torch import Tensor

from noisylabel._support.labels import codes_of, label_values
from noisylabel.exceptions import InvalidDataError

_MISSING = (-1, "-1", "nan", "None", "", b"-1", b"nan", b"None", b"")


def trusted_codes(y_trusted: Any, n_samples: int, classes: np.ndarray) -> np.ndarray:
    """Return the codes of the right labels.

    Parameters
    ----------
    y_trusted : array-like of shape (N,), pair (mask, labels) or structured array of shape (N,)
        The right label where it is known; -1, NaN or None elsewhere. Or a boolean mask (N,) and the labels of all rows,
        or of the rows where it is true. Or both in an array with two fields, one of them boolean, which
        cross-validations can cut.
    n_samples : int
        N.
    classes : ndarray of shape (C,)
        The labels that codes 0 to C-1 stand for.

    Returns
    -------
    ndarray of shape (N,)
        Codes; -1 where the right label is not known.

    Raises
    ------
    InvalidDataError
        If the length is wrong, nothing is known, or a label is none of the classes.
    """
    y_trusted = _fields_as_pair(y_trusted)
    if isinstance(y_trusted, tuple) and len(y_trusted) == 2:
        values, known = _from_mask(*y_trusted, n_samples)
    else:
        values = _as_objects(y_trusted)
        _check_length(values, n_samples, "one entry for each row of X (-1 where the right label is not known)")
        known = np.full(n_samples, True)
    known = known & ~pd.isna(values) & ~_is_marker(values, classes)
    if not known.any():
        raise InvalidDataError(
            "'y_trusted' knows no label: every entry is missing. Give the right label of some rows, or leave it out."
        )
    if known.all() and -1 in classes.tolist() and not isinstance(y_trusted, tuple):
        raise InvalidDataError(
            "'y_trusted' knows every label: -1 is a class of y, so it does not mark what is not known. Write None "
            "there, or pass a mask and the labels."
        )
    codes = np.full(n_samples, -1)
    codes[known] = _codes(
        "y_trusted", values[known], classes, "Write it as in y; -1, NaN or None where the right label is not known."
    )
    return codes


def right_codes(name: str, labels: Any, n_samples: int, classes: np.ndarray) -> np.ndarray:
    """Return the codes of right labels of which none may be missing, such as those of test data.

    Parameters
    ----------
    name : str
        What messages call them.
    labels : array-like of shape (N,)
    n_samples : int
        N.
    classes : ndarray of shape (C,)
        The labels that codes 0 to C-1 stand for.

    Returns
    -------
    ndarray of shape (N,)

    Raises
    ------
    InvalidDataError
        If the length is wrong, a label is missing (NaN, None, masked, or -1 that is no class), or is none of the
        classes.
    """
    values = _as_objects(labels, name)
    _check_length(values, n_samples, "one label for each sample", name)
    missing = pd.isna(values) | _is_marker(values, classes)
    if missing.any():
        raise InvalidDataError(
            f"{name!r} has {int(missing.sum())} missing labels, the first at position {int(missing.argmax())} "
            f"({values[missing][0]!r}). Drop those rows."
        )
    return _codes(name, values, classes, "Write it as in y, or drop those rows.")


def _codes(name: str, values: np.ndarray, classes: np.ndarray, advice: str) -> np.ndarray:
    """Return the codes of labels; refuse one that is no class."""
    codes = codes_of(values, classes)
    if (codes < 0).any():
        raise InvalidDataError(
            f"{name!r} has the label {values[codes < 0][0]!r}, which is none of the {len(classes)} classes of y "
            f"({', '.join(map(repr, classes[:5].tolist()))}{', ...' if len(classes) > 5 else ''}). {advice} "
            "(In a cross-validation, the fold may lack that class.)"
        )
    return codes


def _fields_as_pair(y_trusted: Any) -> Any:
    """Return the mask and the labels of a structured array as a pair, and anything else as it is."""
    dtype: Any = getattr(y_trusted, "dtype", None)
    names = getattr(dtype, "names", None)
    if names is None:
        return y_trusted
    masks = [name for name in names if dtype[name].kind == "b"]
    if len(names) != 2 or not masks:
        raise InvalidDataError(
            "'y_trusted' is a structured array, which must have two fields, a boolean mask of the rows and their "
            f"labels. Got {dtype}."
        )
    mask = masks[0]
    return y_trusted[mask], y_trusted[next(name for name in names if name != mask)]


def _as_objects(values: Any, name: str = "y_trusted") -> np.ndarray:
    """Return values as a one-dimensional array of Python objects; masked entries are missing."""
    if isinstance(values, Tensor):
        values = values.cpu().numpy()
    array = np.asarray(values, dtype=None if hasattr(values, "dtype") else object)
    is_masked = np.ma.getmaskarray(values) if np.ma.isMaskedArray(values) else np.zeros(array.shape, dtype=bool)
    if array.ndim == 2 and array.shape[1] == 1:
        array, is_masked = array[:, 0], is_masked[:, 0]
    if array.ndim != 1:
        raise InvalidDataError(f"{name!r} must have shape (N,). Got shape {array.shape}.")
    objects = np.empty(len(array), dtype=object)
    objects[:] = label_values(array)
    objects[is_masked] = None
    return objects


def _is_marker(values: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Which entries say "not known"; a marker that is itself a class is a label."""
    markers = [marker for marker in _MISSING if marker not in classes.tolist()]
    return pd.Series(values, dtype=object).isin(markers).to_numpy()


def _from_mask(mask: Any, labels: Any, n_samples: int) -> tuple[np.ndarray, np.ndarray]:
    mask = mask.cpu().numpy() if isinstance(mask, Tensor) else mask
    if np.ma.is_masked(mask) or getattr(mask, "dtype", None) == "boolean":
        mask = pd.Series(_as_objects(mask)).fillna(False).astype(bool)  # what is not said is not known
    mask = np.asarray(mask)
    if mask.dtype != bool:
        raise InvalidDataError(
            f"'y_trusted' is a pair, whose first part must be a boolean mask of the rows. Got {mask.dtype}."
        )
    _check_length(mask, n_samples, "a mask with one entry for each row of X")
    given = _as_objects(labels)
    if len(given) == n_samples:
        return given, mask
    _check_length(given, int(mask.sum()), "as many labels as the mask has true entries, or one for each row")
    values = np.full(n_samples, None, dtype=object)
    values[mask] = given
    return values, mask


def _check_length(values: np.ndarray, wanted: int, what: str, name: str = "y_trusted") -> None:
    if len(values) != wanted:
        raise InvalidDataError(f"{name!r} must have {what}: {wanted}. Got {len(values)}.")


def known_rows(right_labels: Tensor | None, curriculum: str) -> Tensor:
    """Return the numbers of the rows whose right label is known, which a curriculum needs.

    Parameters
    ----------
    right_labels : Tensor of shape (N,) or None
        Codes, -1 where unknown.
    curriculum : str
        Its name, for the message.

    Raises
    ------
    InvalidDataError
        If there are none.
    """
    if right_labels is None or not bool((right_labels >= 0).any()):
        raise InvalidDataError(
            "'y_trusted' knows the right label of no row that training uses, and the curriculum "
            f"{curriculum!r} learns from such rows. Check more rows; in a cross-validation, use fewer folds."
        )
    return (right_labels >= 0).nonzero()[:, 0]
