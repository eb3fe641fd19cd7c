"""Percentiles of a batch of losses and their moving average."""

import torch
from torch import Tensor


def batch_percentile(losses: Tensor, fraction: float, sample_weight: Tensor | None = None) -> Tensor:
    """Percentile of a batch by linear interpolation between order statistics.

    Parameters
    ----------
    losses : Tensor of shape (B,)
        Losses of one batch.
    fraction : float in [0, 1]
        0.7 for the 70th percentile.
    sample_weight : Tensor of shape (B,), optional
        How many times each row counts: a row of weight 2 gives the same percentile as two equal rows, a row of
        weight 0 none at all. Weights whose positive values average below 1 are first scaled to average 1.

    Returns
    -------
    Tensor of shape ()

    Examples
    --------
    >>> import torch
    >>> batch_percentile(torch.arange(10.0), 0.75)
    tensor(6.7500)
    """
    if sample_weight is None:
        ordered = losses.sort().values
        position = fraction * (len(losses) - 1)
        low = int(position)
        high = min(low + 1, len(losses) - 1)
        return torch.lerp(ordered[low], ordered[high], position - low)
    order = losses.argsort()
    counts = sample_weight[order]
    positive = counts > 0
    unit = (counts.sum() / positive.sum().clamp_min(1)).clamp(max=1)
    upto = (counts / unit.clamp_min(torch.finfo(counts.dtype).tiny)).cumsum(0)
    top = (upto[-1] - 1).clamp_min(0)
    exact = fraction * top
    ranks = torch.stack([exact.floor(), (exact.floor() + 1).minimum(top)])
    rows = torch.searchsorted(upto, ranks, right=True).clamp_max(len(losses) - 1)
    low_value, high_value = losses[order[rows]]
    return torch.lerp(low_value, high_value, exact - exact.floor())


def moving_average(previous: Tensor | None, value: Tensor, decay: float) -> Tensor:
    """Return ``decay * previous + (1 - decay) * value``, or ``value`` itself on the first call (no bias towards 0).

    Examples
    --------
    >>> import torch
    >>> moving_average(torch.tensor(2.0), torch.tensor(1.0), 0.5)
    tensor(1.5000)
    """
    return value if previous is None else torch.lerp(value, previous, decay)
