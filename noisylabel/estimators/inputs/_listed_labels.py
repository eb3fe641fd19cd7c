"""Labels that a Dataset has in a list, so that no sample need be decoded for them."""

from typing import Any

import numpy as np
from torch.utils.data import ConcatDataset, Dataset, Subset, TensorDataset

from noisylabel.estimators.inputs._labels import plain_labels

_NAMES = ("targets", "labels")
_DATES_AND_BYTES = "mMSV"  # which lists and samples may hold in types that differ


def listed_labels(dataset: Any, column: str | None = None) -> np.ndarray | None:
    """Return the labels (N,) that a Dataset lists beside its samples; None if there is no such list.

    That is ``targets`` or ``labels`` of torchvision's, a column of Hugging Face's, a tensor of a ``TensorDataset``, and
    what a ``Subset`` or ``ConcatDataset`` takes from those. No other class is trusted, not even one derived from them:
    a class that makes noise may still list the clean labels. Owners may change lists too, so they must be compared.

    Parameters
    ----------
    dataset : Dataset
    column : str, optional
        Where a Dataset of dicts has its labels.
    """
    if type(dataset) is Subset:
        inner = listed_labels(dataset.dataset, column)
        return None if inner is None else inner[np.asarray(dataset.indices, dtype=np.int64)]
    if type(dataset) is ConcatDataset:
        return _joined([listed_labels(part, column) for part in dataset.datasets])
    return _as_labels(_list(dataset, column), len(dataset))


def _list(dataset: Any, column: str | None) -> Any:
    """Return what may be the list of labels; None if there is none."""
    if type(dataset) is TensorDataset:
        return dataset.tensors[1] if len(dataset.tensors) > 1 else None
    package = type(dataset).__module__
    if package.startswith("datasets."):  # Hugging Face's
        is_changed = dataset.format["type"] == "custom"  # by a function of the user's
        return None if is_changed or column not in dataset.column_names else dataset.with_format(None)[column]
    if not package.startswith("torchvision.datasets.") or _changes_labels(dataset):
        return None
    if any(kind.__name__ == "DatasetFolder" for kind in type(dataset).__mro__):
        return [label for _, label in dataset.samples]  # which it loads from, whatever its targets say
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
    except (ValueError, TypeError):  # the samples may have better ones, or tell what is wrong
        return None
    return labels if labels.shape == (n_samples,) and labels.dtype.kind not in _DATES_AND_BYTES else None


def _joined(parts: list[np.ndarray | None]) -> np.ndarray | None:
    """Return the labels of all parts; None if one has none, or their types differ."""
    known = [part for part in parts if part is not None]
    if len(known) < len(parts) or len({part.dtype.kind for part in known}) != 1:
        return None
    return np.concatenate(known)
