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
    counts = sample_weight[order].double()
    positive = counts > 0
    unit = (counts.sum() / positive.sum().clamp_min(1)).clamp(max=1)
    upto = (counts / unit.clamp_min(torch.finfo(counts.dtype).tiny)).cumsum(0)
    upto = upto.round(decimals=9).to(sample_weight.dtype)  # a rounding error must not move a rank to the next row
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


def class_percentiles(  # noqa: PLR0913 - a batch, what to track of it, and how fast
    previous: Tensor, losses: Tensor, labels: Tensor, fraction: float, decay: float, sample_weight: Tensor | None = None
) -> Tensor:
    """Move the tracked percentile of each class by one batch.

    A batch holds too few samples of a class to take a percentile of them. Stochastic approximation needs none: each
    sample moves the logarithm of its class's percentile up by ``fraction``, and down by 1 if it lies below it, in units
    of ``2 (1 - decay)`` over the batch size. So it moves slowly, the more so the rarer the class: with C equal classes
    it falls by at most ``2 (1 - decay) (1 - fraction) / C`` a batch, in logarithms; when all losses of ten classes
    fall ten-fold, the 80th percentiles (``decay`` 0.5) are too high for 115 batches. Logarithms, because losses of
    different classes differ by factors.

    Parameters
    ----------
    previous : Tensor of shape (C,)
        Percentiles so far.
    losses, labels : Tensor of shape (B,)
        Of one batch; losses are at least 0.
    fraction : float in [0, 1]
        0.7 for the 70th percentile.
    decay : float in [0, 1)
        Share of the past, as in :func:`moving_average`.
    sample_weight : Tensor of shape (B,), optional
        How many times each row counts.

    Returns
    -------
    Tensor of shape (C,)
        At least 1e-4: a class whose losses have all been near 0 must be able to come back.

    References
    ----------
    Robbins, Monro, "A stochastic approximation method", 1951.

    Examples
    --------
    >>> import torch
    >>> losses, labels = torch.tensor([0.0, 1.0, 2.0, 3.0]), torch.tensor([0, 0, 1, 1])
    >>> class_percentiles(torch.tensor([0.5, 9.0]), losses, labels, 0.75, 0.5)
    tensor([0.5666, 7.9425])
    """
    counts = torch.ones_like(losses)
    if sample_weight is not None:
        counts = sample_weight / sample_weight.mean().clamp_min(torch.finfo(sample_weight.dtype).tiny)
    pull = counts * (fraction - (losses <= previous[labels]).to(losses.dtype))
    step = 2 * (1 - decay) / len(losses) * torch.zeros_like(previous).index_add_(0, labels, pull)
    return (previous * step.exp()).clamp_min(1e-4)
