"""What samples must be like, at ``fit`` and at ``predict``: the same for arrays and for Datasets."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from noisylabel.exceptions import InvalidDataError

LARGEST = float(np.finfo(np.float32).max)
_FAR_ABOVE, _FAR_BELOW = 20, 1 / 150  # of the largest value in fit: no data set of the same scale goes there
_TORCH_TYPES = {"float64": torch.float64, "int64": torch.int64}


@dataclass(frozen=True)
class SampleFormat:
    """Shape, type and scale of the samples that ``fit`` saw.

    Attributes
    ----------
    owner : str
        Name of the classifier, for messages.
    shape : tuple of int
        Of one sample.
    dtype : str
        ``"uint8"``, ``"float32"``, ``"float64"`` where float32 would lose digits, ``"int64"`` for whole numbers that
        stay whole, ``"dataset"`` where an old checkpoint does not say.
    value_range : tuple of float or None
        Lowest and highest value; None where an old checkpoint does not say.
    """

    owner: str
    shape: tuple[int, ...]
    dtype: str
    value_range: tuple[float, float] | None = None

    @classmethod
    def of(cls, estimator: Any) -> "SampleFormat":
        """Return what a fitted classifier has noted."""
        noted = getattr(estimator, "sample_range_", None)
        if noted is None and estimator.sample_dtype_ == "uint8":
            noted = (0.0, 255.0)
        return cls(type(estimator).__name__, estimator.sample_shape_, estimator.sample_dtype_, noted)

    def check_shape(self, shape: tuple[int, ...]) -> None:
        """Compare with the shape seen in ``fit``."""
        if shape != self.shape:
            raise InvalidDataError(
                f"X has samples of shape {shape}, but {self.owner} was fitted on samples of shape {self.shape}. "
                "Resize or reshape X."
            )

    def check_scale(self, low: float, high: float, is_uint8: bool) -> None:
        """Refuse images of another scale than those of ``fit``, such as 0 to 255 after 0 to 1, and the other way round.

        Columns of a table differ in scale, and a few rows may lack the largest: only a change from or to uint8 tells.
        """
        if self.value_range is None or (is_uint8 and self.dtype == "uint8"):
            return
        fitted, given = max(map(abs, self.value_range)), max(abs(low), abs(high))
        if fitted == 0 or given == 0:
            return
        is_image = len(self.shape) > 1
        ratio = given / fitted
        too_high = (is_image or is_uint8) and ratio > (2 if is_image and is_uint8 else _FAR_ABOVE)
        too_low = (is_image or self.dtype == "uint8") and ratio < _FAR_BELOW
        if too_high or too_low:
            raise InvalidDataError(self._another_scale(low, high, is_uint8, too_high))

    def _another_scale(self, low: float, high: float, is_uint8: bool, too_high: bool) -> str:
        first, last = self.value_range or (0.0, 255.0)
        was = "uint8 images, 0 to 255" if self.dtype == "uint8" else f"values from {first:g} to {last:g}"
        if not too_high and high <= 1:
            now, cure = "floats of at most 1", "Multiply them by 255, or fit on floats."
        else:
            now = f"{'uint8' if is_uint8 else 'values'} from {low:g} to {high:g}"
            cure = f"{'Divide' if too_high else 'Multiply'} them, so that both have one scale."
        return f"{self.owner} was fitted on {was}, but these are {now}. {cure}"

    def training_batch(self, X: Tensor) -> Tensor:
        """Check a batch that a Dataset has loaded in training, and return it in the type of the format."""
        if tuple(X.shape[1:]) != self.shape:
            raise InvalidDataError(
                f"The Dataset yields samples of shape {tuple(X.shape[1:])}, and its first one had {self.shape}. All "
                "must have one shape."
            )
        return self._cast(X)

    def prediction_batch(self, X: Tensor) -> Tensor:
        """Check a batch that a Dataset has loaded in prediction, and return it in the type of the format."""
        self.check_shape(tuple(X.shape[1:]))
        is_uint8 = X.dtype == torch.uint8
        if self.dtype == "int64" and X.is_floating_point() and bool((X != X.round()).any()):
            raise InvalidDataError(not_whole(self.owner))
        X = self._cast(X)
        if len(X) > 0:
            self.check_scale(float(X.min()), float(X.max()), is_uint8)
        return X

    def _cast(self, X: Tensor) -> Tensor:
        if self.dtype in _TORCH_TYPES:
            X = X.to(_TORCH_TYPES[self.dtype])
        elif X.dtype != torch.uint8:
            X = X.float()
        if X.is_floating_point() and X.device.type == "cpu":
            check_finite(X.numpy())
        return X


def check_finite(values: np.ndarray) -> None:
    """Refuse NaN and infinity in samples of a Dataset; one sum tells whether it is worth looking."""
    if not np.isfinite(values.sum()) and not (finite := np.isfinite(values)).all():
        what = "NaN" if np.isnan(values).any() else "infinity"
        raise InvalidDataError(
            f"Input X contains {what}: {int((~finite).any(axis=tuple(range(1, values.ndim))).sum())} of the samples "
            "that the Dataset has just loaded hold it. Let the Dataset fill it in, or leave those samples out."
        )


def check_logits(logits: np.ndarray) -> None:
    """Refuse what is no prediction: of numbers too large come NaN or infinity, and then always the first class.

    Raises
    ------
    InvalidDataError
        Naming the first such row.
    """
    is_none = ~np.isfinite(logits.max(axis=1))  # minus infinity for some classes is a prediction
    if is_none.any():
        raise InvalidDataError(
            f"The network gives NaN or infinity for {int(is_none.sum())} samples, the first at position "
            f"{int(is_none.argmax())}. Look for extreme values in them."
        )


def not_whole(owner: str) -> str:
    """Return what to say of floats where ``fit`` saw whole numbers that the network gets as they are."""
    return (
        f"{owner} was fitted on whole numbers (with standardize=False they stay whole), but these are floats. Pass "
        "whole numbers, or fit on floats: X.astype(float)."
    )


def check_layout(shape: tuple[int, ...], is_uint8: bool) -> None:
    """Refuse samples, as ``fit`` first sees them, that look like images whose axes are in another order.

    Parameters
    ----------
    shape : tuple of int
        Of one sample.
    is_uint8 : bool
        Whether they hold uint8.
    """
    if len(shape) == 0:
        raise InvalidDataError("Each sample of X must have at least one number and one axis. Got single numbers.")
    if len(shape) == 3 and shape[0] > 4 and shape[2] <= 4:
        raise InvalidDataError(
            f"X has samples of shape {shape}, which look like images with the channels last. Images are "
            "(N, channels, height, width): pass X.transpose(0, 3, 1, 2)."
        )
    if len(shape) == 2 and is_uint8:
        raise InvalidDataError(
            f"X has samples of shape {shape}, which look like grey images without a channel axis. Images are "
            "(N, channels, height, width): pass X[:, None]."
        )


def check_extremes(values: np.ndarray, names: Any = None) -> None:
    """Refuse values at or beyond the largest float32, which stand for "no data" in many files.

    Parameters
    ----------
    values : ndarray of shape (N, ...)
        Finite.
    names : sequence of str, optional
        Of the columns of a table.
    """
    if values.dtype.kind != "f" or values.size == 0 or max(-values.min(), values.max()) < LARGEST:
        return
    is_extreme = np.abs(values) >= LARGEST
    position = np.argwhere(is_extreme)[0]
    if values.ndim == 2:
        column = position[1]
        n_rows = int(is_extreme[:, column].sum())
        where = f"column {column}" if names is None else f"column {names[column]!r} (number {column})"
    else:
        n_rows, where = int(is_extreme.reshape(len(values), -1).any(axis=1).sum()), "the samples"
    raise InvalidDataError(
        f"X has extreme values in {where}: {values[tuple(position)]:.3g} in row {position[0]}, {n_rows} such rows in "
        "all. Often that stands for 'no data': make it NaN and fill it in with sklearn.impute.SimpleImputer, or leave "
        "those rows or the column out."
    )
