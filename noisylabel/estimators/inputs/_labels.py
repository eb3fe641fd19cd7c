"""What labels may be, and the codes 0 to C-1 that stand for them."""

from typing import Any

import numpy as np
from pandas.api.types import infer_dtype
from torch import Tensor
from torch.utils.data import Dataset, IterableDataset, TensorDataset

from noisylabel._support.sklearn_compat import check_classification_targets, column_or_1d
from noisylabel._support.validation import check_no_missing
from noisylabel.estimators.inputs._samples import check_lengths, dataset_item
from noisylabel.exceptions import InvalidDataError


def encode_labels(y: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return the sorted classes (C,) and the label codes (N,) of ``y``.

    Raises
    ------
    InvalidDataError
        If the labels are continuous, of types that cannot be compared, or all equal.
    """
    y = column_or_1d(np.asarray(y), warn=True)
    try:
        classes, codes = np.unique(y, return_inverse=True)
    except TypeError as error:
        raise InvalidDataError(
            f"The labels mix types that cannot be compared ({error}). Make them all strings: y.astype(str)."
        ) from error
    try:
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


def dataset_labels(dataset: Dataset, y: Any) -> np.ndarray:
    """Return the labels (N,) of a torch Dataset: ``y`` if given, else those that its samples come with.

    Attributes such as ``targets`` are not trusted: a wrapper that makes noise may still hold the clean labels there.

    Raises
    ------
    InvalidDataError
        If the Dataset is empty, the lengths differ or the samples carry no label.
    """
    if isinstance(dataset, IterableDataset):
        raise InvalidDataError(
            "An IterableDataset has no row numbers to remember samples by. Pass a map-style Dataset."
        )
    n_samples = len(dataset)  # type: ignore[arg-type]
    if n_samples == 0:
        raise InvalidDataError("The Dataset is empty: 0 samples.")
    if y is not None:
        y = plain_labels(y)
        check_lengths(range(n_samples), y)
        return y
    if type(dataset) is TensorDataset and len(dataset.tensors) > 1:
        return dataset.tensors[1].cpu().numpy()
    first = dataset_item(dataset, 0)
    if not isinstance(first, (tuple, list)) or len(first) < 2:
        raise InvalidDataError("The Dataset yields samples without labels. Yield (sample, label) pairs or pass y.")
    return np.asarray([np.asarray(dataset_item(dataset, row)[1]).item() for row in range(n_samples)])


def plain_labels(y: Any) -> np.ndarray:
    """Return labels as an array of NumPy's own types; pandas' nullable and categorical ones lose nothing."""
    check_no_missing("y", y.cpu().numpy() if isinstance(y, Tensor) else y)
    is_numpys = isinstance(getattr(y, "dtype", None), np.dtype) or not hasattr(y, "tolist")
    labels = np.asarray(y if is_numpys else y.tolist())
    if labels.dtype == object and infer_dtype(labels) in ("boolean", "integer"):
        return np.array(labels.tolist())
    return labels
