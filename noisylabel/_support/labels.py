"""Labels of any type: as an array, as codes, and as JSON."""

import datetime
import math
from collections.abc import Hashable
from typing import Any

import numpy as np
import pandas as pd
from torch import Tensor

from noisylabel._support.describe import plain_value
from noisylabel._support.validation import check_no_missing
from noisylabel.exceptions import InvalidDataError


def label_array(name: str, labels: Any) -> np.ndarray:
    """Return labels as an array in which those differ that differ in Python.

    NumPy makes one text of ``1`` and ``"1"``, and of two that differ by a NUL at the end, and one float of two large
    integers. Where that would happen to a list, the array has Python's objects.

    Parameters
    ----------
    name : str
        What the labels are, for messages.
    labels : array-like of shape (N,)

    Returns
    -------
    ndarray of shape (N,)

    Raises
    ------
    InvalidDataError
        If labels are missing (None, NaN, NaT, pandas' NA, masked), or are not one-dimensional.
    """
    check_no_missing(name, labels)
    if isinstance(labels, Tensor):
        labels = labels.cpu().numpy()
    try:
        array = np.asarray(labels)
    except ValueError as error:  # a list of lists of different lengths
        raise InvalidDataError(f"{name} must be a one-dimensional array of labels: {error}") from error
    if array.ndim != 1:
        raise InvalidDataError(f"{name} must be a one-dimensional array of labels. Got shape {array.shape}.")
    if not hasattr(labels, "dtype") and array.dtype.kind in "USf":
        objects = np.asarray(labels, dtype=object)
        return array if bool((array.astype(object) == objects).all()) else objects
    return array


def sorted_classes(name: str, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the sorted classes (C,) of labels (N,), of the labels' type, and the code of each label (N,).

    Raises
    ------
    InvalidDataError
        If the labels cannot be compared with each other.
    """
    try:
        if labels.dtype != object:
            return np.unique(labels, return_inverse=True)
        values = sorted(set(labels.tolist()))  # NumPy would sort all of them
        classes = np.empty(len(values), dtype=object)
        classes[:] = values
        return classes, _look_up(labels, {label: code for code, label in enumerate(values)})
    except TypeError as error:
        raise InvalidDataError(
            f"{name} mixes types that cannot be compared ({error}). Make them all texts: [str(v) for v in {name}]."
        ) from error


def codes_of(labels: np.ndarray, classes: np.ndarray | list[Any]) -> np.ndarray:
    """Return the code of each label (N,), its position in ``classes`` (C,); -1 for what is no class.

    Numbers of one value are one label, whatever their types; so are dates of one value.
    """
    values = label_values(classes) if isinstance(classes, np.ndarray) else classes
    codes = {label_key(label): code for code, label in enumerate(values)}
    if labels.dtype == object:  # its labels may be of types that cannot be sorted, or be lists
        distinct = {label for label in labels.tolist() if isinstance(label, Hashable)}
        return _look_up(labels, {label: codes.get(label_key(label), -1) for label in distinct})
    occurring, rows = np.unique(labels, return_inverse=True)
    return np.array([codes.get(label_key(label), -1) for label in label_values(occurring)], dtype=np.int64)[rows]


def with_more_classes(classes: np.ndarray, more: list[Any]) -> np.ndarray:
    """Return sorted classes with those of ``more`` that they lack, of the type of ``classes`` if that can hold them.

    Raises
    ------
    InvalidDataError
        If they cannot be compared with each other.
    """
    known = {label_key(label) for label in label_values(classes)}
    strangers = [label for label in more if label_key(label) not in known]
    if not strangers:
        return classes
    joined = sorted_classes("y", label_array("y", label_values(classes) + strangers))[0]
    of_one_type = joined.astype(classes.dtype)
    return of_one_type if bool((of_one_type == joined).all()) else joined


def label_values(labels: np.ndarray) -> list[Any]:
    """Return labels (N,) as a list: Python's values of NumPy's scalars, but for dates, of which NumPy makes numbers."""
    if labels.dtype.kind in "mM":
        return list(labels)
    return [label if isinstance(label, (np.datetime64, np.timedelta64)) else plain_value(label) for label in labels]


def labels_to_json(labels: np.ndarray) -> dict[str, Any]:
    """Return an array of labels (N,) as a mapping of its type and its labels, for JSON and weights-only files.

    Raises
    ------
    InvalidDataError
        If a label is of a type that is not written; see :func:`label_to_json`.
    """
    dtype = "T" if labels.dtype.kind == "T" else labels.dtype.str
    return {"dtype": dtype, "labels": [label_to_json(label) for label in label_values(labels)]}


def labels_from_json(saved: dict[str, Any]) -> np.ndarray:
    """Return the array of labels that :func:`labels_to_json` wrote."""
    values = [label_from_json(entry) for entry in saved["labels"]]
    return np.array(values, dtype=np.dtype(saved["dtype"]))


def label_to_json(label: Any) -> Any:
    """Return a label as JSON has it: texts, numbers and booleans as they are, others by the name of their type.

    Examples
    --------
    >>> label_to_json("cat"), label_to_json(b"cat"), label_to_json(np.datetime64("2026-01-31"))
    ('cat', {'bytes': 'cat'}, {'datetime64[D]': '2026-01-31'})

    Raises
    ------
    InvalidDataError
        If the label is of another type.
    """
    if isinstance(label, (np.datetime64, np.timedelta64)):
        is_date = isinstance(label, np.datetime64)
        return {label.dtype.name: str(label) if is_date else int(label.astype(np.int64))}
    label = plain_value(label)
    if isinstance(label, bytes):
        return {"bytes": label.decode("latin-1")}
    if isinstance(label, datetime.date):
        return {"datetime" if isinstance(label, datetime.datetime) else "date": label.isoformat()}
    for plain in (bool, int, float):
        if isinstance(label, plain):
            return {"float": str(label)} if label in (math.inf, -math.inf) else plain(label)
    if isinstance(label, str):
        return str.__str__(label)  # of an enumeration its value
    raise InvalidDataError(
        f"The label {label!r} is of type {type(label).__name__}. Labels that are written to files may be texts, "
        "numbers, booleans, bytes or dates. Make texts of them: [str(v) for v in y]."
    )


def label_from_json(entry: Any) -> Any:
    """Return the label that :func:`label_to_json` wrote.

    Raises
    ------
    ValueError
        If it wrote no such thing.
    """
    if not isinstance(entry, dict):
        return entry
    ((kind, value),) = entry.items()
    if kind == "bytes":
        return value.encode("latin-1")
    if kind == "float":
        return float(value)
    if kind == "date":
        return datetime.date.fromisoformat(value)
    if kind == "datetime":
        return pd.Timestamp(value)
    if kind.startswith(("datetime64[", "timedelta64[")):
        return np.array(value, dtype=kind)[()]
    raise ValueError(f"there is no type {kind!r} of labels")


def _look_up(labels: np.ndarray, codes: dict[Any, int]) -> np.ndarray:
    """Return the code of each label (N,); -1 for what cannot be looked up."""
    found = [codes[label] if isinstance(label, Hashable) else -1 for label in labels.tolist()]
    return np.array(found, dtype=np.int64)


def label_key(label: Any) -> Any:
    """Return what is equal, and has one hash, for labels that mean the same; None for what is no label."""
    if isinstance(label, (np.datetime64, datetime.date)):
        return pd.Timestamp(label)
    if isinstance(label, np.timedelta64):
        return pd.Timedelta(label)
    return plain_value(label) if isinstance(label, Hashable) else None
