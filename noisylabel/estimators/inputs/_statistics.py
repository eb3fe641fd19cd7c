"""Mean and standard deviation of the inputs, from as many rows as it takes."""

import math

import numpy as np
import torch
from torch import Tensor

_STATISTICS_VALUES = 2_000 * 3 * 32 * 32


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
