"""The moving average of a network's parameters."""

from torch import Tensor


def ema_decay(step: int | Tensor, limit: float = 0.9999) -> float | Tensor:
    """Decay of the parameter average at training step t: ``(1 + t) / (10 + t)``, and at most ``limit``.

    Parameters
    ----------
    step : int of at least 0, or Tensor of shape ()
        Steps done so far.
    limit : float in [0, 1), default=0.9999
        Final decay.

    Returns
    -------
    float in [0, 1), or Tensor of shape ()
        Share of the past in the average; of a tensor without a read from its device.

    References
    ----------
    The warm-up of TensorFlow's ExponentialMovingAverage, which the released MentorMix uses.

    Examples
    --------
    >>> [round(ema_decay(step), 6) for step in (0, 10, 1000, 100_000)]
    [0.1, 0.55, 0.991089, 0.9999]
    """
    decay = (1 + step) / (10 + step)
    return decay.clamp_max(limit) if isinstance(decay, Tensor) else min(limit, decay)
