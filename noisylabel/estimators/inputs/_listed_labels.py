"""Labels that a Dataset has in a list, so that no sample need be decoded for them."""

from typing import Any

import numpy as np
from torch.utils.data import ConcatDataset, Dataset, Subset, TensorDataset

from noisylabel.estimators.inputs._labels import plain_labels
from noisylabel.exceptions import InvalidDataError

_NAMES = ("targets", "labels")
_DATES_AND_BYTES = "mMSV"  # which lists and samples may hold in types that differ


def listed_labels(dataset: Any, column: str | None = None) -> np.ndarray | None:
    """Return the labels (N,) that a Dataset lists beside its samples; None if there is no such list.

    That is ``targets`` or ``labels`` as in torchvision, a column as in Hugging Face's, a tensor of a ``TensorDataset``,
    and what a ``Subset`` or ``ConcatDataset`` takes from those. A list need not be what samples come with, for instance
    in a wrapper that makes noise, so it must be compared with some of them.

    Parameters
    ----------
    dataset : Dataset
    column : str, optional
        Where a Dataset of dicts has its labels.
    """
    if isinstance(dataset, Subset):
        inner = listed_labels(dataset.dataset, column)
        return None if inner is None else inner[np.asarray(dataset.indices, dtype=np.int64)]
    if isinstance(dataset, ConcatDataset):
        return _joined([listed_labels(part, column) for part in dataset.datasets])
    return _as_labels(_list(dataset, column), len(dataset))


def _list(dataset: Any, column: str | None) -> Any:
    """Return what may be the list of labels; None if there is none."""
    if column is not None and hasattr(dataset, "with_format") and column in getattr(dataset, "column_names", ()):
        return dataset.with_format(None)[column]
    if isinstance(dataset, TensorDataset):
        return dataset.tensors[1] if len(dataset.tensors) > 1 else None
    if _changes_labels(dataset):
        return None
    return next((values for name in _NAMES if (values := getattr(dataset, name, None)) is not None), None)


def _changes_labels(dataset: Dataset) -> bool:
    """Whether a Dataset, as torchvision's do, hands labels on as a function makes them."""
    if not hasattr(dataset, "target_transform"):
        return False
    both = getattr(dataset, "transforms", None)  # of sample and label; torchvision's own holds one for each
    return dataset.target_transform is not None or getattr(both, "target_transform", both) is not None


def _as_labels(values: Any, n_samples: int) -> np.ndarray | None:
    """Return a list as labels; None if it is something else, such as the names of the classes."""
    try:
        labels = plain_labels(values) if len(values) == n_samples else np.empty(0)
    except (InvalidDataError, TypeError):  # the samples may have better ones, or tell what is wrong
        return None
    return labels if labels.shape == (n_samples,) and labels.dtype.kind not in _DATES_AND_BYTES else None


def _joined(parts: list[np.ndarray | None]) -> np.ndarray | None:
    """Return the labels of all parts; None if one has none, or their types differ."""
    known = [part for part in parts if part is not None]
    if len(known) < len(parts) or len({part.dtype.kind for part in known}) != 1:
        return None
    return np.concatenate(known)
