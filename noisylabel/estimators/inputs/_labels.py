"""What labels may be, and the codes 0 to C-1 that stand for them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import infer_dtype
from torch import Tensor

from noisylabel._support.labels import codes_of, label_array, label_values, sorted_classes
from noisylabel._support.sklearn_compat import check_classification_targets, column_or_1d
from noisylabel.exceptions import InvalidDataError

_KINDS_OF_CLASSES = {"string", "bytes", "boolean", "integer", "date", "datetime", "time", "timedelta", "period"}


def encode_labels(y: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return the sorted classes (C,) and the label codes (N,) of ``y``.

    Raises
    ------
    InvalidDataError
        If the labels are continuous, of types that cannot be compared, or all equal.
    """
    y = np.asarray(y)
    if y.dtype.kind == "f" and not np.isfinite(y).all():
        raise InvalidDataError("Input y contains infinity. Classes are integers, strings or booleans.")
    classes, codes = sorted_classes("y", y)
    try:
        if y.dtype.kind not in "STmM" and not (y.dtype == object and infer_dtype(y) in _KINDS_OF_CLASSES):
            check_classification_targets(y)
    except ValueError as error:
        raise InvalidDataError(
            "Unknown label type: y must hold classes (integers, strings or booleans), not measured numbers. Got "
            f"{', '.join(map(repr, y[:3].tolist()))}, ... Make classes of them, for instance by y.astype(int) or "
            "numpy.digitize."
        ) from error
    if len(classes) < 2:
        raise InvalidDataError(
            f"y must have labels of at least 2 classes. Got 1 class: {classes.tolist()[0]!r}. Check that y is the "
            "right column; in a cross-validation, use stratified folds."
        )
    return classes, codes.astype(np.int64)


def group_codes(groups: Any, n_samples: int) -> np.ndarray:
    """Return the codes (N,), from 0, of the groups that rows belong to: any values, equal within a group.

    Raises
    ------
    InvalidDataError
        If there is not one for each row, or one is missing.
    """
    values = label_array("'groups'", groups)
    if len(values) != n_samples:
        raise InvalidDataError(f"'groups' must have an entry for each of the {n_samples} rows of X. Got {len(values)}.")
    codes: np.ndarray = pd.factorize(values)[0].astype(np.int64)
    return codes


def score_codes(labels: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Return the codes (N,) of labels that predictions are compared with; -1 for what ``fit`` never saw.

    Raises
    ------
    InvalidDataError
        If they are texts and the classes are not, or the other way round.
    """
    codes = codes_of(labels, classes)
    if len(codes) == 0 or (codes >= 0).any():
        return codes
    given, known = label_values(labels[:1]), label_values(classes[:1])
    if isinstance(given[0], str) != isinstance(known[0], str):
        raise InvalidDataError(
            f"No label of y, such as {given[0]!r}, is one that fit saw, such as {known[0]!r}. Write them as in fit."
        )
    return codes


def plain_labels(y: Any) -> np.ndarray:
    """Return labels as an array (N,) of NumPy's own types; pandas' nullable and categorical ones lose nothing.

    A sequence may hold tensors or arrays of one label each, as Datasets yield them.

    Raises
    ------
    InvalidDataError
        If labels are missing or masked, or one row has several.
    """
    if isinstance(y, Tensor):
        y = y.detach().cpu().numpy()
    elif isinstance(y, Sequence) or (
        not hasattr(y, "dtype") and not hasattr(y, "__array__") and hasattr(y, "__iter__")
    ):
        y = _plain_list(list(y)) if np.iterable(y) else y
    y = y if hasattr(y, "dtype") or isinstance(y, list) else np.asarray(y)
    if np.ndim(y) == 2 and np.shape(y)[1] == 1:
        y = column_or_1d(y, warn=True)
    is_numpys = isinstance(getattr(y, "dtype", None), np.dtype) or not hasattr(y, "tolist")
    labels = label_array("y", y if is_numpys else y.tolist())
    if labels.dtype == object and infer_dtype(labels) in ("boolean", "integer"):
        return _whole_numbers(labels.tolist())
    return labels


def label_texts(classes: np.ndarray) -> np.ndarray:
    """Return texts that tell labels apart, for hashes."""
    is_numpys = classes.dtype.kind not in "STO"
    return classes.astype(str) if is_numpys else np.array([repr(label) for label in label_values(classes)])


def _plain_list(labels: list[Any]) -> list[Any]:
    """Return labels without the tensors or arrays that hold them."""
    if not any(isinstance(label, (Tensor, np.ndarray)) for label in labels):
        return labels
    try:
        return [label.item() if isinstance(label, (Tensor, np.ndarray)) else label for label in labels]
    except (RuntimeError, ValueError) as error:
        raise InvalidDataError(
            "Each sample must have one label, but some have several numbers. Give class numbers: one_hot.argmax(1)."
        ) from error


def _whole_numbers(labels: list[Any]) -> np.ndarray:
    """Return integers as an array that holds each of them exactly; as Python's objects if 64 bits do not suffice."""
    for dtype in (None, np.uint64):
        try:
            array = np.array(labels, dtype=dtype)
        except (OverflowError, TypeError):
            continue
        if array.dtype.kind in "biu":
            return array
    return np.array(labels, dtype=object)
