"""Mean and standard deviation of the inputs, from as many rows as it takes."""

import math

import numpy as np
import torch
from torch import Tensor

_STATISTICS_VALUES = 2_000 * 3 * 32 * 32
_UNSEEN_ERROR = 1e-4  # an error of so many standard deviations is nothing to a network
_SMALL, _LARGE = 1e-35, 1e35  # beyond them a standard deviation or one over it leaves float32
_SMALLEST = 1e-300
_PRECISE = (torch.float64, torch.int64)


def statistics_rows(n_samples: int, sample_shape: tuple[int, ...], weight: Tensor | None) -> np.ndarray:
    """Rows, evenly spaced among those that count, from which mean and standard deviation of the inputs are taken.

    At most 10,000 rows and about six million values: 2,000 images of 32x32 in colour.
    """
    rows = np.arange(n_samples) if weight is None else np.flatnonzero(weight.cpu().numpy())
    limit = min(10_000, max(16, _STATISTICS_VALUES // math.prod(sample_shape)))
    return rows if len(rows) <= limit else rows[np.linspace(0, len(rows) - 1, limit).astype(np.int64)]


def input_statistics(samples: Tensor, weight: Tensor | None) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation: (channels, 1, 1) for images, one value a feature for everything else.

    They are worked out in float64. What does not vary but by rounding (scikit-learn's rule) has no deviation to divide
    by; instead of it stands the size of the mean, at least 1, so that it may move later without ruining anything.

    Parameters
    ----------
    samples : Tensor of shape (n, ...)
    weight : Tensor of shape (n,), optional
        How many times each sample counts.

    Returns
    -------
    mean, std : Tensor
        float64 if the samples are, else float32.
    """
    return _statistics(samples, _moments(samples, weight))


def table_statistics(samples: Tensor, weight: Tensor | None) -> tuple[Tensor, tuple[Tensor, Tensor]]:
    """Return a table in the type that holds it, float32 or float64, and the statistics of its columns.

    float32 cannot hold columns that are far from 0 for how little they vary, or of tiny or huge numbers.

    Parameters
    ----------
    samples : Tensor of shape (n, D)
        As precise as they came.
    weight : Tensor of shape (n,), optional
        How many times each sample counts.
    """
    moments = _moments(samples, weight)
    dtype = torch.float64 if _loses_digits(samples, moments) else torch.float32
    if samples.dtype != dtype:
        samples = samples.to(dtype)
        moments = _moments(samples, weight)
    return samples, _statistics(samples, moments)


Moments = tuple[Tensor, Tensor, Tensor]


def _statistics(samples: Tensor, moments: Moments) -> tuple[Tensor, Tensor]:
    mean, std, constant = moments
    std = torch.where(constant, mean.abs().clamp(min=1), std)
    dtype = samples.dtype if samples.dtype == torch.float64 else torch.float32
    return mean.to(dtype), std.to(dtype)


def _loses_digits(samples: Tensor, moments: Moments) -> bool:
    mean, std, constant = moments
    lost = (std < _SMALL) | (std > _LARGE)
    if samples.dtype in _PRECISE:
        lost |= mean.abs() * torch.finfo(torch.float32).eps / 2 > _UNSEEN_ERROR * std
    return bool((lost & ~constant).any())


def _moments(samples: Tensor, weight: Tensor | None) -> Moments:
    """Return mean and standard deviation in float64, and what varies by rounding alone.

    That is scikit-learn's rule or, for samples of less precision, what their own type can tell apart. Neither the
    squares of large numbers nor those of tiny ones leave float64.
    """
    is_precise = samples.dtype in _PRECISE
    share = torch.full((len(samples),), 1.0) if weight is None else weight.cpu()
    share = share.double() if is_precise else share
    share = (share / share.sum()).double()
    axes = (2, 3) if samples.ndim == 4 else ()

    def mean_of(x: Tensor) -> Tensor:
        inner = x.mean(axes, keepdim=True) if axes else x
        return torch.tensordot(share, inner, dims=1)

    mean = mean_of(samples.double())
    distance = samples.double() - mean
    furthest = distance.abs().amax((0, *axes), keepdim=bool(axes)).reshape(mean.shape)
    unit = 2.0 ** torch.frexp(furthest).exponent.double()  # a power of 2 changes no digit
    std = mean_of((distance / unit) ** 2).sqrt() * unit
    steps = len(samples) * torch.finfo(torch.float64).eps
    steps = steps if is_precise else max(steps, torch.finfo(torch.float32).eps)
    return mean, std, (std <= steps * mean.abs()) | (std < _SMALLEST)
