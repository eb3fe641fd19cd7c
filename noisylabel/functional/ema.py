"""The moving average of a network's parameters."""


def ema_decay(step: int, limit: float = 0.9999) -> float:
    """Decay of the parameter average at training step t: ``(1 + t) / (10 + t)``, and at most ``limit``.

    Parameters
    ----------
    step : int of at least 0
        Steps done so far.
    limit : float in [0, 1), default=0.9999
        Final decay.

    Returns
    -------
    float in [0, 1)
        Share of the past in the average.

    References
    ----------
    The warm-up of TensorFlow's ExponentialMovingAverage, which the released MentorMix uses.

    Examples
    --------
    >>> [round(ema_decay(step), 6) for step in (0, 10, 1000, 100_000)]
    [0.1, 0.55, 0.991089, 0.9999]
    """
    return min(limit, (1 + step) / (10 + step))
