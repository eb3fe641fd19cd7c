"""What torch Datasets, and what behaves as one, may yield."""

from array import array
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset

from noisylabel._support.random import private_streams, private_torch_stream
from noisylabel.datasets import RayRows
from noisylabel.estimators.inputs._format import check_extremes, check_finite
from noisylabel.estimators.inputs._labels import plain_labels
from noisylabel.estimators.inputs._listed_labels import listed_labels
from noisylabel.estimators.inputs._samples import check_lengths
from noisylabel.exceptions import InvalidDataError
from noisylabel.nets.data import NO_LABEL, RowsSeen, RowStream, check_labels

_LABELS = ("label", "labels")
_NUMBERS = "biuf"
_ROWS_A_TURN = 32  # other threads wait for as many rows, since a Dataset may draw from the global streams
_ARRAYS = ("__array__", "__array_interface__", "__dataframe__", "toarray", "iloc")


def as_dataset(X: Any) -> "Dataset | RowStream | None":
    """Return the Dataset that ``fit`` or ``predict`` got, its samples by row number or with row numbers; or None.

    A Dataset is a torch Dataset, or any object with a length and rows that is no array: Hugging Face's, for instance.
    Its dicts become pairs.

    Raises
    ------
    InvalidDataError
        If its samples cannot be asked for by row number, or it is empty.
    """
    if isinstance(X, DataLoader):
        raise InvalidDataError("X is a DataLoader. Pass its Dataset, loader.dataset; batches are made by batch_size.")
    if isinstance(X, RowStream):
        return X
    if type(X).__module__.startswith("ray.data"):
        return RowStream(RayRows(X))
    if not isinstance(X, Dataset) and not _looks_like_one(X):
        return None
    if hasattr(X, "__next__"):
        raise InvalidDataError(f"X is a {type(X).__name__}, which can be read once. Pass an IterableDataset instead.")
    if isinstance(X, IterableDataset) or not hasattr(type(X), "__getitem__"):
        return RowStream(X)
    if not hasattr(type(X), "__len__"):
        raise InvalidDataError(
            f"The {type(X).__name__} has no length. Pass a map-style Dataset, with __len__ and __getitem__."
        )
    if len(X) == 0:
        raise InvalidDataError("The Dataset is empty: 0 samples.")
    with private_streams(0):
        first = X[0]
    return _Columns(X, *_columns(first)) if isinstance(first, Mapping) else X


def _looks_like_one(X: Any) -> bool:
    if isinstance(X, (Sequence, Mapping, str, set)) or any(hasattr(X, name) for name in _ARRAYS):
        return False
    has_rows = hasattr(type(X), "__getitem__") and hasattr(type(X), "__len__")
    return has_rows or hasattr(type(X), "__next__") or (hasattr(type(X), "__iter__") and hasattr(X, "features"))


def _columns(sample: Mapping[str, Any]) -> tuple[str, str | None]:
    """Return the names of a dict sample's values and of its label, None if it has none."""
    label = [name for name in sample if name in _LABELS]
    values = [name for name in sample if name not in _LABELS]
    if len(label) > 1 or len(values) != 1:
        raise InvalidDataError(
            f"The Dataset yields dicts of {', '.join(map(repr, sample))}. They must have one column of samples and, if "
            "fit gets no y, one called 'label' or 'labels'. Keep those: dataset.select_columns(['image', 'label'])."
        )
    return values[0], label[0] if label else None


class _Columns(Dataset):
    """A Dataset of dicts as one of samples, or of pairs."""

    def __init__(self, dataset: Any, values: str, label: str | None) -> None:
        self.dataset = dataset
        self.values = values
        self.label = label

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, row: int) -> Any:
        item = self.dataset[row]
        return item[self.values] if self.label is None else (item[self.values], item[self.label])


def take_scored(X: Any, y: Any) -> tuple[Any, np.ndarray]:
    """Return what to predict, and the labels (N,) to compare the predictions with.

    Labels from a list of a Dataset's are compared with those that the samples come with, when they are loaded.

    Raises
    ------
    InvalidDataError
        If there are no labels, or not as many as samples.
    """
    dataset = as_dataset(X)
    if dataset is not None:
        labels, are_listed = find_labels(dataset, y)
        return (_Checked(dataset, labels) if are_listed else dataset), labels
    labels = plain_labels(y)
    check_lengths(X, labels)
    return X, labels


class _Checked(Dataset):
    """A Dataset whose samples must come with the labels that it lists."""

    def __init__(self, dataset: Any, labels: np.ndarray) -> None:
        self.dataset = dataset
        self.labels = labels

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, row: int) -> Any:
        item = self.dataset[row]
        check_labels([item], [row], self.labels[[row]])
        return item


def find_labels(dataset: Any, y: Any) -> tuple[np.ndarray, bool]:
    """Return the labels (N,) of a Dataset, and whether they come from a list that most samples were not compared with.

    They are ``y`` if given, else those that samples come with: from the list that a Dataset of a known class has of
    them, see :func:`listed_labels`, if a few samples agree with it; else every sample is read.

    Raises
    ------
    InvalidDataError
        If the lengths differ, or the samples carry no label or a missing one.
    """
    if isinstance(dataset, RowStream):
        return _labels_of_stream(dataset, y), False
    n_samples = len(dataset)
    if y is not None:
        labels = plain_labels(y)
        if len(labels) != n_samples:
            raise InvalidDataError(
                f"X has {n_samples} samples, but y has {len(labels)} labels. Give one label for each sample."
            )
        return labels, False
    if type(dataset) is TensorDataset and len(dataset.tensors) > 1:
        return plain_labels(dataset.tensors[1]), False
    is_columns = isinstance(dataset, _Columns)
    listed = listed_labels(dataset.dataset, dataset.label) if is_columns else listed_labels(dataset)
    compared = None if listed is None else _compared(dataset, listed)
    if compared is not None:
        return compared, True
    found: list[Any] = []
    for start in range(0, n_samples, _ROWS_A_TURN):
        with private_streams(start):
            found += [_label(dataset[row]) for row in range(start, min(start + _ROWS_A_TURN, n_samples))]
    return plain_labels(found), False


def _labels_of_stream(stream: RowStream, y: Any) -> np.ndarray:
    """Return ``y``, or the labels that the samples of a stream come with, by row: all of them are read for that."""
    if y is not None:
        return plain_labels(y)
    rows, found, seen = array("q"), [], RowsSeen(None)
    with private_torch_stream(0, torch.device("cpu")):
        for item in stream.items(0, 0):
            if item.label is NO_LABEL:
                raise InvalidDataError("The stream yields samples without labels. Yield them last, or pass y.")
            seen.note(item.row)
            rows.append(item.row)
            found.append(item.label.item() if isinstance(item.label, (Tensor, np.ndarray)) else item.label)
    seen.end()
    labels = plain_labels(found)
    return labels[np.argsort(np.asarray(rows))]


def some_samples(dataset: Any, rows: np.ndarray) -> tuple[np.ndarray, Tensor]:
    """Return samples of these rows or, of a stream, of as many that come first; and their rows."""
    if not isinstance(dataset, RowStream):
        return rows, dataset_samples(dataset, rows)
    items = dataset.first(len(rows))
    return np.array([item.row for item in items]), _stacked([_sample(item.sample) for item in items])


def _compared(dataset: Dataset, listed: np.ndarray) -> np.ndarray | None:
    """Return listed labels in the type of those that samples come with; None if a few samples come with others."""
    rows = np.unique(np.linspace(0, len(listed) - 1, _ROWS_A_TURN).astype(np.int64))
    with private_streams(0):
        items = [dataset[row] for row in rows.tolist()]
    found = plain_labels([_label(item) for item in items])
    if found.tolist() != listed[rows].tolist():
        return None
    of_one_type = listed.astype(found.dtype) if found.dtype.kind in _NUMBERS else listed
    return of_one_type if bool((of_one_type == listed).all()) else listed


def _label(item: Any) -> Any:
    if not isinstance(item, (tuple, list)) or len(item) < 2:
        raise InvalidDataError("The Dataset yields samples without labels. Yield (sample, label) pairs or pass y.")
    return item[1]


def dataset_samples(dataset: Dataset, rows: np.ndarray) -> Tensor:
    """Return some samples of a Dataset, without labels, as precise as they come.

    Raises
    ------
    InvalidDataError
        If they are neither tensors nor arrays, differ in shape, or hold NaN, infinity or extreme values.
    """
    with private_streams(0):
        samples = [_sample(dataset[int(row)]) for row in rows]
    return _stacked(samples)


def _stacked(samples: list[Tensor]) -> Tensor:
    try:
        stacked = torch.stack(samples)
    except RuntimeError as error:
        raise InvalidDataError(f"The Dataset's samples must all have one shape: {error}.") from error
    if stacked.is_floating_point():
        stacked = stacked if stacked.dtype == torch.float64 else stacked.float()
        check_finite(stacked.numpy())
        check_extremes(stacked.numpy())
    return stacked


def _sample(item: Any) -> Tensor:
    sample = item[0] if isinstance(item, (tuple, list)) else item
    if not isinstance(sample, (Tensor, np.ndarray)):
        raise InvalidDataError(
            f"The Dataset yields samples of type {type(sample).__name__}. Yield tensors, for instance with "
            "transform=torchvision.transforms.ToTensor(), or dataset.with_format('torch')."
        )
    if np.ma.is_masked(sample):
        raise InvalidDataError("The Dataset yields samples with masked values. Fill them in: sample.filled(0).")
    return torch.as_tensor(sample).detach().cpu()
