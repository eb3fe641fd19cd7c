"""The weights of rows and of classes that users may pass."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from torch import Tensor

from noisylabel._support.labels import codes_of
from noisylabel._support.sklearn_compat import check_sample_weight
from noisylabel.exceptions import InvalidDataError, InvalidParameterError


def row_weights(sample_weight: Any, codes: np.ndarray) -> np.ndarray:
    """Return the weights of the rows as float32, (N,).

    Parameters
    ----------
    sample_weight : array-like of shape (N,), or one number for all
    codes : ndarray of shape (N,)
        Label codes.

    Raises
    ------
    InvalidDataError
        If there is not one for each row, one is masked or all are 0.
    ValueError
        From scikit-learn, if one is missing, infinite or below 0.
    """
    if isinstance(sample_weight, Tensor):
        sample_weight = sample_weight.detach().cpu().double().numpy()
    shape = np.asarray(sample_weight).shape
    if shape and shape != (len(codes),):
        raise InvalidDataError(
            f"'sample_weight' must have one weight for each of the {len(codes)} rows of X. Got shape {shape}."
        )
    if np.ma.is_masked(sample_weight):
        raise InvalidDataError(
            f"'sample_weight' has masked entries, {np.ma.count_masked(sample_weight)} of them. Give 0 for rows that do "
            "not count: sample_weight.filled(0)."
        )
    if not np.asarray(sample_weight).any():
        raise InvalidDataError("'sample_weight' is zero for every row, so there is nothing to learn from.")
    weights: np.ndarray = check_sample_weight(sample_weight, codes, dtype=np.float32, ensure_non_negative=True)
    return weights


def class_weights(
    class_weight: Mapping[Any, float] | str | None, codes: np.ndarray, classes: np.ndarray, weights: np.ndarray | None
) -> np.ndarray | None:
    """Return how much the loss of a row of each class counts as float32, (C,); on average over the rows 1.

    Parameters
    ----------
    class_weight : dict of label to float, "balanced" or None
        Already checked, but for its labels.
    codes : ndarray of shape (N,)
        Label codes.
    classes : ndarray of shape (C,)
        The labels that they stand for.
    weights : ndarray of shape (N,) or None
        Of the rows.

    Raises
    ------
    InvalidParameterError
        If a label of the dict is none of the classes, and a class is not in the dict; or all rows would weigh 0.

    Examples
    --------
    >>> class_weights("balanced", np.array([0, 0, 0, 1]), np.array(["no", "yes"]), None)
    array([0.6666667, 2.       ], dtype=float32)
    """
    if class_weight is None:
        return None
    sizes = np.bincount(codes, weights, minlength=len(classes))
    if isinstance(class_weight, str):
        by_class = np.divide(1.0, sizes, out=np.zeros(len(classes)), where=sizes > 0)
    else:
        by_class = _from_dict(class_weight, classes)
    total = float(by_class @ sizes)
    if total == 0:
        raise InvalidParameterError(
            f"'class_weight' is 0 for every class that y has: {class_weight!r}. Give one a weight above 0."
        )
    return (by_class * (sizes.sum() / total)).astype(np.float32)


def _from_dict(class_weight: Mapping[Any, float], classes: np.ndarray) -> np.ndarray:
    """Return the weight of each class, 1 for those not named; a full dict may name classes that a fold lacks."""
    keys, by_class = list(class_weight), np.ones(len(classes))
    places = codes_of(np.fromiter(keys, dtype=object, count=len(keys)), classes)
    if (places < 0).any() and len(set(places[places >= 0])) < len(classes):
        stranger = keys[int((places < 0).argmax())]
        raise InvalidParameterError(
            f"'class_weight' has the label {stranger!r}, which is none of the {len(classes)} classes of y "
            f"({', '.join(map(repr, classes[:5].tolist()))}{', ...' if len(classes) > 5 else ''}). Write it as in y."
        )
    for place, key in zip(places, keys, strict=True):
        if place >= 0:
            by_class[place] = class_weight[key]
    return by_class
