"""Percentiles of the losses of a batch, and how they move from batch to batch."""

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
        How many times each row counts. A row of weight 2 counts as two equal rows, and a row of weight 0 not at all.
        Weights whose positive values average below 1 are first scaled to average 1.

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
    """Return ``decay * previous + (1 - decay) * value``, or ``value`` itself if there is no previous average.

    Parameters
    ----------
    previous : Tensor of shape (...), or None
        Average so far; None on the first call.
    value : Tensor of shape (...)
        New value.
    decay : float in [0, 1]
        Share of the past.

    Returns
    -------
    Tensor of shape (...)

    Examples
    --------
    >>> import torch
    >>> moving_average(torch.tensor(2.0), torch.tensor(1.0), 0.5)
    tensor(1.5000)
    """
    return value if previous is None else torch.lerp(value, previous, decay)


def class_percentiles(  # noqa: PLR0913 - a batch, what to track of it, and how fast
    previous: Tensor,
    losses: Tensor,
    labels: Tensor,
    fraction: float | Tensor,
    decay: float,
    sample_weight: Tensor | None = None,
) -> Tensor:
    """Move the tracked percentile of each class by one batch.

    A batch holds too few samples of a class to take their percentile. Stochastic approximation does without: each
    sample moves the logarithm of its class's percentile up by ``fraction`` steps, and down by 1 step if its loss is at
    most the percentile. A step is ``2 (1 - decay)`` divided by the batch size. Logarithms are used because the losses
    of different classes differ by factors.

    A percentile moves slowly, and the rarer its class, the slower. With C equal classes its logarithm falls by at most
    ``2 (1 - decay) (1 - fraction) / C`` in a batch. Suppose that all losses of ten classes become ten times smaller:
    the 80th percentiles, with ``decay`` 0.5, are then too high for 115 batches.

    Parameters
    ----------
    previous : Tensor of shape (C,)
        Percentiles so far.
    losses, labels : Tensor of shape (B,)
        Losses, at least 0, and label codes of one batch.
    fraction : float in [0, 1] or Tensor of shape (B,)
        0.7 for the 70th percentile; or that of each sample's class.
    decay : float in [0, 1)
        Share of the past, as in :func:`moving_average`.
    sample_weight : Tensor of shape (B,), optional
        How many times each row counts.

    Returns
    -------
    Tensor of shape (C,)
        At least 1e-4, so that the percentile of a class whose losses were all near 0 can rise again.

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
