"""Instance-dependent noise: the sample decides how likely each mistake is."""

from copy import deepcopy

import numpy as np
from scipy.special import ndtr, ndtri

from noisylabel._support.validation import check_number, check_samples
from noisylabel.exceptions import InvalidDataError, InvalidParameterError
from noisylabel.noise._base import Noise
from noisylabel.noise._transition import rows_of_classes


def instance_probabilities(
    X: np.ndarray, codes: np.ndarray, projections: np.ndarray, flip_rates: np.ndarray
) -> np.ndarray:
    """Probability of each label for each sample, under part-dependent noise.

    Parameters
    ----------
    X : array-like of shape (N, D)
        Samples with mean 0 and standard deviation 1.
    codes : ndarray of shape (N,)
        True label codes.
    projections : ndarray of shape (C, D, C)
        One random projection for each class.
    flip_rates : ndarray of shape (N,)
        Probability, in [0, 1], that the label of each sample is wrong.

    Returns
    -------
    ndarray of shape (N, C)
        ``flip_rate * softmax(x W[y])`` for the wrong classes, and ``1 - flip_rate`` for the true one.

    Raises
    ------
    InvalidDataError
        If ``X`` has missing or infinite values.
    InvalidParameterError
        If a flip rate is missing or outside [0, 1].
    """
    X, flip_rates = check_samples("X", X), np.asarray(flip_rates)
    if not ((flip_rates >= 0) & (flip_rates <= 1)).all():
        raise InvalidParameterError(
            f"'flip_rates' must be numbers in [0, 1]. Got {flip_rates.min()} to {flip_rates.max()}."
        )
    probabilities = np.empty((len(X), projections.shape[2]))
    for code, rows in rows_of_classes(codes):
        probabilities[rows] = _of_one_class(X[rows], code, projections[code], flip_rates[rows])
    return probabilities


def _of_one_class(X: np.ndarray, code: int, projection: np.ndarray, flip_rates: np.ndarray) -> np.ndarray:
    """Return the probabilities (N, C) of samples of one class."""
    scores = (X @ projection).astype(float)
    scores[:, code] = -np.inf
    scores = np.exp(scores - scores.max(axis=1, keepdims=True))
    probabilities: np.ndarray = flip_rates[:, None] * scores / scores.sum(axis=1, keepdims=True)
    probabilities[:, code] = 1 - flip_rates
    return probabilities


def _standardized(X: np.ndarray) -> np.ndarray:
    """Flatten to (N, D) with zero mean and unit variance: a feature of tables, a channel of images."""
    axes = (0, 2, 3) if X.ndim == 4 else (0,)
    with np.errstate(over="ignore", invalid="ignore"):  # looked for below
        values = X.astype(np.float32)
        deviation, mean = values.std(axis=axes, keepdims=True), values.mean(axis=axes, keepdims=True)
    if not np.isfinite(deviation).all():
        raise InvalidDataError("X has values too large for 32-bit floats. Scale it first, as StandardScaler does.")
    varies = deviation > 10 * np.finfo(np.float32).eps * np.abs(mean)  # less is rounding
    values = (values - mean) / np.where(varies, deviation, 1)
    return values.reshape(len(values), -1)


def _truncated_normal(mean: float, deviation: float, size: int, rng: np.random.Generator) -> np.ndarray:
    """Draw from a normal distribution cut to [0, 1], by inverting its distribution function."""
    low, high = ndtr(-mean / deviation), ndtr((1 - mean) / deviation)
    return (mean + deviation * ndtri(rng.uniform(low, high, size))).clip(0, 1)


class InstanceNoise(Noise):
    """Part-dependent label noise: each sample has its own flip rate, and its own most likely mistakes.

    Parameters
    ----------
    rate : float in [0, 1]
        Centre of the flip rates. They are drawn from a normal distribution that is cut to [0, 1]. For low rates the cut
        raises the mean: 0.1 gives 0.129.
    spread : float in (0, inf), default=0.1
        Standard deviation of that normal distribution.

    References
    ----------
    Xia et al., "Part-dependent label noise: towards instance-dependent label noise", NeurIPS 2020.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> X, codes = rng.normal(size=(1000, 5)), rng.integers(0, 3, 1000)
    >>> bool(abs((InstanceNoise(0.4).sample(codes, 3, X, rng) != codes).mean() - 0.4) < 0.06)
    True
    """

    def __init__(self, rate: float, spread: float = 0.1) -> None:
        self.rate = rate
        self.spread = spread

    def sample(self, codes: np.ndarray, n_classes: int, X: np.ndarray | None, rng: np.random.Generator) -> np.ndarray:
        """See :meth:`Noise.sample`."""
        rate = check_number("rate", self.rate, 0, 1, hint="Give a fraction: 0.4 for 40 %.")
        spread = check_number("spread", self.spread, 0, closed="neither")
        if X is None or X.shape[:1] != codes.shape:
            raise InvalidParameterError("InstanceNoise depends on the samples: pass X with one row a label to corrupt.")
        values = _standardized(check_samples("X", X))
        flip_rates = _truncated_normal(rate, spread, len(codes), rng)
        same_stream = deepcopy(rng)  # for all projections at once there may be no room
        shape = (values.shape[1], n_classes)
        for _ in range(n_classes):
            rng.standard_normal(shape, dtype=np.float32)
        draws, members = rng.random(len(codes)), dict(rows_of_classes(codes))
        noisy = np.empty(len(codes), dtype=np.int64)
        for code in range(n_classes):
            projection = same_stream.standard_normal(shape, dtype=np.float32)
            rows = members.get(code, np.arange(0))
            upto = _of_one_class(values[rows], code, projection, flip_rates[rows]).cumsum(axis=1)
            noisy[rows] = (draws[rows, None] * upto[:, -1:] >= upto).sum(axis=1)
        return noisy

    def definition(self) -> str:
        """See :meth:`Noise.definition`."""
        return (
            f"Instance-dependent noise (Xia et al. 2020): flip rates normal around {self.rate:g} with "
            f"standard deviation {self.spread:g}, mistakes drawn from a softmax of a random projection of the sample, "
            "one projection a class."
        )
