"""What samples must be like, at ``fit`` and at ``predict``: the same for arrays and for Datasets."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from noisylabel.exceptions import InvalidDataError, InvalidParameterError
from noisylabel.nets import are_predictions

LARGEST = float(np.finfo(np.float32).max)
_FAR_ABOVE = 20  # no image of floats from 0 to 1, or around 0, goes there
_NO_OUTLIERS = 0.05  # a larger share of values is meant
_ENOUGH = 32  # images none of which has a 2: then they are not from 0 to 255
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
    source : str
        Type in which the samples came, such as ``"uint8"`` of a table that is worked on as float32; empty where they
        had none, several, or an old checkpoint does not say.
    """

    owner: str
    shape: tuple[int, ...]
    dtype: str
    value_range: tuple[float, float] | None = None
    source: str = ""

    @classmethod
    def of(cls, estimator: Any) -> "SampleFormat":
        """Return what a fitted classifier has noted."""
        noted = getattr(estimator, "sample_range_", None)
        if noted is None and estimator.sample_dtype_ == "uint8":
            noted = (0.0, 255.0)
        source = getattr(estimator, "sample_source_", "")
        return cls(type(estimator).__name__, estimator.sample_shape_, estimator.sample_dtype_, noted, source)

    @property
    def was_uint8(self) -> bool:
        """Whether the samples came as uint8."""
        return "uint8" in (self.dtype, self.source)

    def check_shape(self, shape: tuple[int, ...]) -> None:
        """Compare with the shape seen in ``fit``."""
        if shape != self.shape:
            raise InvalidDataError(
                f"X has samples of shape {shape}, but {self.owner} was fitted on samples of shape {self.shape}. "
                "Resize or reshape X."
            )

    def check_scale(self, values: np.ndarray, source: str) -> None:
        """Refuse samples of another scale than those of ``fit``: 0 to 255 after 0 to 1, or the other way round.

        A table or a signal may hold what ``fit`` has not seen, and an image may be almost black. So only a change from
        or to uint8 tells, and for images floats that are as a whole of the other scale.

        Parameters
        ----------
        values : ndarray of shape (n, ...)
        source : str
            Type in which they came.
        """
        if self.value_range is None or values.size == 0 or (self.was_uint8 and source == "uint8"):
            return
        low, high = float(values.min()), float(values.max())
        if source == "uint8":
            too_high = high > self._highest_uint8()
        else:
            is_other = len(self.shape) == 3 and self._is_unit and low >= 0 and high > _FAR_ABOVE
            too_high = is_other and bool((values > 1).mean() > _NO_OUTLIERS)
        if too_high or self._is_too_low(values, low, high):
            raise InvalidDataError(self._another_scale(low, high, source, too_high))

    @property
    def _is_unit(self) -> bool:
        return self.value_range is not None and self.value_range[0] >= 0 and 0 < self.value_range[1] <= 1

    def _highest_uint8(self) -> float:
        """Return up to where uint8 samples may go after floats from 0 to 1, or around 0."""
        first, last = self.value_range or (0.0, 255.0)
        if self._is_unit and (len(self.shape) == 3 or not self.source.startswith(("int", "uint", "bool"))):
            return 2
        return _FAR_ABOVE * max(-first, last) if first < 0 else np.inf

    def _is_too_low(self, values: np.ndarray, low: float, high: float) -> bool:
        """Whether these are floats up to 1 after uint8 or, of images, from 0 to 1 after floats from 0 to 255."""
        first, last = self.value_range or (0.0, 255.0)
        is_image = len(self.shape) == 3
        if self.was_uint8:
            is_low = last > 2 and 0 < high <= 1
            return is_low and ((is_image and len(values) >= _ENOUGH) or _has_fractions(values))
        is_low = is_image and first >= 0 and last > _FAR_ABOVE and low >= 0 and 0.5 < high <= 1
        return is_low and _has_fractions(values)

    def _another_scale(self, low: float, high: float, source: str, too_high: bool) -> str:
        first, last = self.value_range or (0.0, 255.0)
        was = f"{'uint8 ' if self.was_uint8 else ''}values from {first:g} to {last:g}"
        if self.dtype == "uint8" and len(self.shape) == 3:
            was = "uint8 images, 0 to 255"
        if not too_high:
            now, cure = "floats of at most 1", "Multiply them by 255, or fit on floats."
        else:
            now = f"{'uint8' if source == 'uint8' else 'values'} from {low:g} to {high:g}"
            cure = "Divide them, so that both have one scale."
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
        source = source_type(X)
        if self.dtype == "int64" and X.is_floating_point() and bool((X != X.round()).any()):
            raise InvalidDataError(not_whole(self.owner))
        X = self._cast(X)
        self.check_scale(X.numpy(), source)
        return X

    def _cast(self, X: Tensor) -> Tensor:
        if self.dtype in _TORCH_TYPES:
            X = X.to(_TORCH_TYPES[self.dtype])
        elif X.dtype != torch.uint8:
            X = X.float()
        if X.is_floating_point() and X.device.type == "cpu":
            check_finite(X.numpy())
        return X


def _has_fractions(values: np.ndarray) -> bool:
    return bool((values != np.round(values)).any())


def source_type(X: Any) -> str:
    """Return the name of the type in which samples come, such as ``"uint8"``; empty if they have none, or several."""
    if isinstance(X, (list, tuple)) and len(X) > 0:
        X = X[0]
    types = {str(kind).lower() for kind in np.atleast_1d(getattr(X, "dtypes", getattr(X, "dtype", "")))}
    return types.pop().removeprefix("torch.") if len(types) == 1 else ""


def check_finite(values: np.ndarray) -> None:
    """Refuse NaN and infinity in samples of a Dataset; one sum tells whether it is worth looking."""
    with np.errstate(over="ignore", invalid="ignore"):
        total = values.sum()
    if not np.isfinite(total) and not (finite := np.isfinite(values)).all():
        what = "NaN" if np.isnan(values).any() else "infinity"
        raise InvalidDataError(
            f"Input X contains {what}: {int((~finite).any(axis=tuple(range(1, values.ndim))).sum())} of the samples "
            "that the Dataset has just loaded hold it. Let the Dataset fill it in, or leave those samples out."
        )


def check_logits(logits: Tensor) -> None:
    """Refuse what is no prediction: of numbers too large come NaN or infinity, and then always the first class.

    Raises
    ------
    InvalidDataError
        Naming the first such row.
    """
    is_none = ~are_predictions(logits)
    if is_none.any():
        raise InvalidDataError(
            f"The network gives NaN or infinity for {int(is_none.sum())} samples, the first at position "
            f"{int(is_none.int().argmax())}. Look for extreme values in them."
        )


def check_mirrored(predict_flipped: bool, shape: tuple[int, ...]) -> None:
    """Refuse to mirror what is no image.

    Parameters
    ----------
    predict_flipped : bool
        The classifier's parameter.
    shape : tuple of int
        Of one sample.
    """
    if predict_flipped and len(shape) != 3:
        raise InvalidParameterError(
            f"'predict_flipped' mirrors images (N, channels, height, width). Got samples of shape {shape}; use "
            "predict_flipped=False."
        )


@contextmanager
def known_numbers(samples: SampleFormat) -> Iterator[None]:
    """Say it in a sentence if the network has no embedding for a number, such as a token id."""
    try:
        yield
    except IndexError as error:
        if samples.dtype != "int64" or "out of range" not in str(error):
            raise
        low, high = map(int, samples.value_range or (0, 0))
        raise InvalidDataError(
            f"X has whole numbers that the network has no place for; {samples.owner} was fitted on {low} to {high}. "
            "Give what is beyond its vocabulary a number of its own, such as that of unknown words."
        ) from error


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
