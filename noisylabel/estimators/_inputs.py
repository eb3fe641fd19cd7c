"""From what users pass to ``fit`` and ``predict`` to tensors on the training device and label codes."""

import math
import warnings
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from pandas.api.types import infer_dtype
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset

from noisylabel._support.describe import hash_arrays
from noisylabel._support.sklearn_compat import (
    check_classification_targets,
    check_sample_weight,
    column_or_1d,
    validate_data,
)
from noisylabel._support.trusted import trusted_codes
from noisylabel._support.validation import check_no_missing
from noisylabel.exceptions import InvalidDataError
from noisylabel.nets import Data, StreamedData, TensorData

_STATISTICS_VALUES = 2_000 * 3 * 32 * 32


@dataclass(frozen=True)
class TrainingData:
    """What ``fit`` was given, checked once and on the training device.

    Attributes
    ----------
    samples : TensorData or StreamedData
        With codes and sample weights, all N rows.
    codes : ndarray of shape (N,)
        Label codes, on the CPU.
    classes : ndarray of shape (C,)
        The labels that the codes stand for, sorted.
    right_codes : ndarray of shape (N,) or None
        Codes of the labels known to be right, -1 where unknown; None if nothing was said about them.
    sample_shape : tuple of int
    sample_dtype : {"float32", "uint8", "dataset"}
    feature_names : list of str
        Of a DataFrame; else empty.
    device : torch.device
        Where samples are, or go batch by batch.
    """

    samples: Data
    codes: np.ndarray
    classes: np.ndarray
    right_codes: np.ndarray | None
    sample_shape: tuple[int, ...]
    sample_dtype: str
    feature_names: list[str]
    device: torch.device

    @cached_property
    def fingerprint(self) -> dict[str, str]:
        """Hashes of what is trained on, worked out once; of a Dataset only its labels and length."""
        weight = self.samples.sample_weight
        values = self.samples.all_X if isinstance(self.samples, TensorData) else torch.zeros(0)
        return {
            "X": f"{len(self.samples)} rows, hash {hash_arrays(values)}",
            "y": hash_arrays(self.codes, np.asarray(self.classes).astype(str)),
            "sample_weight": "none" if weight is None else hash_arrays(weight),
            "y_trusted": "none" if self.right_codes is None else hash_arrays(self.right_codes),
        }

    @property
    def n_classes(self) -> int:
        """Number of classes."""
        return len(self.classes)

    def is_right(self, rows: np.ndarray) -> Tensor | None:
        """Return 1 for rows whose label is known to be right, 0 for wrong, NaN for unknown, (n,).

        Rows of sample weight 0 do not count, so nothing is said of them. None if no trusted labels were given.
        """
        if self.right_codes is None:
            return None
        right = self.right_codes[rows]
        is_right = torch.as_tensor(np.where(right < 0, np.nan, right == self.codes[rows]), dtype=torch.float32)
        if self.samples.sample_weight is None:
            return is_right
        weight = self.samples.sample_weight[torch.as_tensor(rows)]
        return torch.where(weight == 0, torch.nan, is_right.to(weight.device))


def take_inputs(
    estimator: Any, X: Any, y: Any, sample_weight: Any, y_trusted: Any, device: torch.device
) -> TrainingData:
    """Check the arguments of ``fit`` and bring them to the device.

    scikit-learn's check notes the number and names of the features on ``estimator``.

    Raises
    ------
    ValueError
        If X, y or what goes with them cannot be used; the message says why.
    """
    if isinstance(X, Dataset):
        labels, values = dataset_labels(X, y), None
        shape, dtype = tuple(dataset_sample(X, 0).shape), "dataset"
        estimator.n_features_in_ = shape[0]
    else:
        y = None if y is None else plain_labels(y)
        check_lengths(X, y)
        values, labels = check_X(estimator, X, reset=True, y=y)
        shape, dtype = values.shape[1:], str(values.dtype)
    classes, codes = encode_labels(labels)
    weight = None
    if sample_weight is not None:
        checked = check_sample_weight(sample_weight, codes, dtype=np.float32, ensure_non_negative=True)
        weight = torch.as_tensor(checked).to(device)
    if values is None:
        samples: Data = StreamedData(X, codes, weight, device)
    else:
        samples = TensorData(as_tensor(values).to(device), torch.as_tensor(codes).to(device), weight)
    right_codes = None if y_trusted is None else trusted_codes(y_trusted, len(codes), classes)
    names = list(getattr(estimator, "feature_names_in_", []))
    return TrainingData(samples, codes, classes, right_codes, shape, dtype, names, device)


def as_tensor(array: np.ndarray) -> Tensor:
    """Return a tensor that shares the array's memory, read-only or not: nothing here writes to its inputs."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable", category=UserWarning)
        return torch.as_tensor(array)


def check_X(estimator: Any, X: Any, *, reset: bool, **options: Any) -> Any:
    """Check an array, DataFrame or tensor and return it as float32, or as uint8 if it holds uint8 images.

    Raises
    ------
    ValueError
        If it is empty, holds NaN or infinity, or has another shape than at ``fit``.
    """
    if isinstance(X, DataLoader):
        raise InvalidDataError("X is a DataLoader. Pass its Dataset, loader.dataset; batches are made by batch_size.")
    if isinstance(X, Tensor):
        X = X.detach().cpu().numpy()
    if isinstance(X, (list, tuple)) and len(X) > 0 and np.ndim(X[0]) > 1:
        X = np.stack(X)
    shape = getattr(X, "shape", None)
    if not reset and shape is not None and len(shape) != 1:
        check_sample_shape(estimator, tuple(shape[1:]))
    if reset and shape is not None and len(shape) == 4 and shape[1] > 4 and shape[3] <= 4:
        raise InvalidDataError(
            f"X of shape {tuple(shape)} looks like images with the channels last. Images are "
            "(N, channels, height, width): pass X.transpose(0, 3, 1, 2)."
        )
    is_uint8_image = shape is not None and len(shape) > 2 and getattr(X, "dtype", None) == np.uint8
    if reset and is_uint8_image and len(X.shape) == 3:
        raise InvalidDataError(
            f"X of shape {tuple(X.shape)} looks like grey images without a channel axis. Images are "
            "(N, channels, height, width): pass X[:, None]."
        )
    if not reset and estimator.sample_dtype_ == "uint8" and len(X) > 0 and not is_uint8_image and np.max(X) <= 1:
        raise InvalidDataError(
            f"{type(estimator).__name__} was fitted on uint8 images, 0 to 255, but these are floats of at most 1. "
            "Multiply them by 255, or fit on floats."
        )
    dtype = np.uint8 if is_uint8_image else np.float32
    return validate_data(estimator, X, reset=reset, dtype=dtype, allow_nd=True, order="C", **options)


def check_sample_shape(estimator: Any, sample_shape: tuple[int, ...]) -> None:
    """Compare with the shape seen in ``fit``; tables are left to scikit-learn's own check."""
    expected = estimator.sample_shape_
    if sample_shape != expected and (len(expected) > 1 or len(sample_shape) > 1):
        raise InvalidDataError(
            f"X has samples of shape {sample_shape}, but {type(estimator).__name__} was fitted on samples of shape "
            f"{expected}. Resize or reshape X."
        )


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
    first = dataset[0]
    if not isinstance(first, (tuple, list)) or len(first) < 2:
        raise InvalidDataError("The Dataset yields samples without labels. Yield (sample, label) pairs or pass y.")
    return np.asarray([np.asarray(dataset[row][1]).item() for row in range(n_samples)])


def plain_labels(y: Any) -> np.ndarray:
    """Return labels as an array of NumPy's own types; pandas' nullable and categorical ones lose nothing."""
    check_no_missing("y", y.cpu().numpy() if isinstance(y, Tensor) else y)
    is_numpys = isinstance(getattr(y, "dtype", None), np.dtype) or not hasattr(y, "tolist")
    labels = np.asarray(y if is_numpys else y.tolist())
    if labels.dtype == object and infer_dtype(labels) in ("boolean", "integer"):
        return np.array(labels.tolist())
    return labels


def check_lengths(X: Any, labels: np.ndarray | None) -> None:
    """Refuse another number of labels than of samples.

    Raises
    ------
    InvalidDataError
        With both numbers.
    """
    shape = getattr(X, "shape", ()) or ((len(X),) if isinstance(X, (list, tuple, range)) else ())
    if shape and labels is not None and labels.ndim > 0 and shape[0] != len(labels):
        raise InvalidDataError(
            f"X has {shape[0]} samples, but y has {len(labels)} labels. Give one label for each sample."
        )


def dataset_sample(dataset: Dataset, row: int) -> Tensor:
    """Return one sample of a Dataset as a tensor, without its label.

    Raises
    ------
    InvalidDataError
        If it is neither a tensor nor an array.
    """
    item = dataset[row]
    sample = item[0] if isinstance(item, (tuple, list)) else item
    if not isinstance(sample, (Tensor, np.ndarray)):
        raise InvalidDataError(
            f"The Dataset yields samples of type {type(sample).__name__}. Yield tensors, for instance with "
            "transform=torchvision.transforms.ToTensor()."
        )
    return torch.as_tensor(sample)


def statistics_rows(n_samples: int, sample_shape: tuple[int, ...], weight: Tensor | None) -> np.ndarray:
    """Rows, evenly spaced among those that count, from which mean and standard deviation of the inputs are taken.

    At most 10,000 rows and about six million values: 2,000 images of 32x32 in colour.
    """
    rows = np.arange(n_samples) if weight is None else np.flatnonzero(weight.cpu().numpy())
    limit = min(10_000, max(16, _STATISTICS_VALUES // math.prod(sample_shape)))
    return rows if len(rows) <= limit else rows[np.linspace(0, len(rows) - 1, limit).astype(np.int64)]


def input_statistics(samples: Tensor, weight: Tensor | None) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation: (channels, 1, 1) for images, one value a feature for everything else.

    Parameters
    ----------
    samples : Tensor of shape (n, ...)
    weight : Tensor of shape (n,), optional
        How many times each sample counts.
    """
    share = torch.full((len(samples),), 1.0) if weight is None else weight.cpu()
    share = (share / share.sum()).double()
    axes = (2, 3) if samples.ndim == 4 else ()
    values = samples.cpu().double()

    def mean_of(x: Tensor) -> Tensor:
        inner = x.mean(axes, keepdim=True) if axes else x
        return torch.tensordot(share, inner, dims=1)

    mean = mean_of(values)
    return mean.float(), mean_of((values - mean) ** 2).sqrt().float()


def validation_rows(codes: np.ndarray, fraction: float, rng: np.random.Generator) -> np.ndarray:
    """Draw the held-out rows: each class in proportion, the only row of a class never.

    Parameters
    ----------
    codes : ndarray of shape (N,)
        Label codes.
    fraction : float in (0, 0.5]
        Share of the rows to hold out.
    rng : Generator

    Returns
    -------
    ndarray
        Sorted row numbers.
    """
    order = np.lexsort((rng.random(len(codes)), codes))
    order = order[np.bincount(codes)[codes[order]] > 1]
    if len(order) < 2:
        raise InvalidDataError(
            "'validation_fraction' needs a class with at least 2 rows; every class has only 1. Set 0."
        )
    n_valid = int(np.clip(round(fraction * len(codes)), 1, len(order) // 2))
    positions = ((np.arange(n_valid) + 0.5) * len(order) / n_valid).astype(np.int64)
    return np.sort(order[positions])
