"""What samples may be: arrays, DataFrames, tensors and torch Datasets, at ``fit`` and at ``predict``."""

import warnings
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from noisylabel._support.random import torch_turn
from noisylabel._support.sklearn_compat import validate_data
from noisylabel.exceptions import InvalidDataError


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


@torch_turn()
def dataset_item(dataset: Dataset, row: int) -> Any:
    """Return what a Dataset yields for a row; it may draw from torch's streams."""
    return dataset[row]


def dataset_sample(dataset: Dataset, row: int) -> Tensor:
    """Return one sample of a Dataset as a tensor, without its label.

    Raises
    ------
    InvalidDataError
        If it is neither a tensor nor an array.
    """
    item = dataset_item(dataset, row)
    sample = item[0] if isinstance(item, (tuple, list)) else item
    if not isinstance(sample, (Tensor, np.ndarray)):
        raise InvalidDataError(
            f"The Dataset yields samples of type {type(sample).__name__}. Yield tensors, for instance with "
            "transform=torchvision.transforms.ToTensor()."
        )
    return torch.as_tensor(sample)
