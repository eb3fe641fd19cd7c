"""Three overlapping clouds of points whose true class probabilities are known."""

from typing import Any

import numpy as np
from scipy.special import softmax
from sklearn.utils import Bunch

from noisylabel._support.random import numpy_generator
from noisylabel._support.validation import check_count, check_number, check_samples
from noisylabel.exceptions import InvalidParameterError

TOY_MEANS_2D = ((1.0, 1.0), (1.0, -1.0), (-1.0, 1.0))
_N_CLASSES, _N_FEATURES = 3, 30


def make_toy_gaussian(
    n_samples: int = 5000, *, means: Any = None, variance: float = 6.0, random_state: Any = None
) -> Bunch:
    """Draw samples of equally frequent classes, each a round Gaussian cloud around its mean.

    By default three classes in 30 dimensions, whose means are drawn from {-1, 0, 1}; with
    ``means=TOY_MEANS_2D, variance=0.25`` three classes in the plane.

    Parameters
    ----------
    n_samples : int, default=5000
    means : array-like of shape (C, D), optional
        Mean of each class.
    variance : float in (0, inf), default=6.0
        Variance (the square of the standard deviation) in each dimension.
    random_state : int, RandomState, Generator or None, default=None

    Returns
    -------
    Bunch
        ``data`` float32 (N, D); ``target`` (N,); ``proba`` (N, C), the true probability of each class given the sample;
        ``means`` (C, D); ``variance``; ``target_names``.

    Raises
    ------
    InvalidParameterError
        If ``n_samples`` is below 1, ``variance`` not above 0, or ``means`` not an array of two axes.
    InvalidDataError
        If ``means`` has missing or infinite values.

    References
    ----------
    Ren, Guo, Sutherland, "Better supervisory signals by observing learning paths", ICLR 2022, whose notebooks have the
    defaults.

    Examples
    --------
    >>> toy = make_toy_gaussian(1000, random_state=0)
    >>> toy.data.shape, toy.proba.shape
    ((1000, 30), (1000, 3))
    """
    check_count("n_samples", n_samples)
    check_number("variance", variance, 0, closed="neither")
    rng = numpy_generator(random_state)
    if means is None:
        means = rng.integers(-1, 2, size=(_N_CLASSES, _N_FEATURES))
    means = check_samples("'means'", means).astype(np.float64)
    if means.ndim != 2:
        raise InvalidParameterError(f"'means' must have shape (classes, features). Got shape {means.shape}.")
    target = rng.integers(len(means), size=n_samples)
    data = (means[target] + np.sqrt(variance) * rng.normal(size=(n_samples, means.shape[1]))).astype(np.float32)
    return Bunch(
        data=data,
        target=target,
        proba=gaussian_posterior(data, means, variance),
        means=means,
        variance=variance,
        target_names=[str(code) for code in range(len(means))],
    )


def gaussian_posterior(X: Any, means: Any, variance: float) -> np.ndarray:
    """Probability of each class given the sample, for equally frequent round Gaussian clouds, (N, C).

    The softmax over classes of ``-||x - mean||^2 / (2 variance)``.

    Parameters
    ----------
    X : array-like of shape (N, D)
    means : array-like of shape (C, D)
    variance : float in (0, inf)

    Examples
    --------
    >>> gaussian_posterior([[0.5, 0.0]], TOY_MEANS_2D, 0.25).round(4)
    array([[0.4955, 0.4955, 0.0091]])
    """
    check_number("variance", variance, 0, closed="neither")
    X, means = check_samples("X", X).astype(np.float64), check_samples("'means'", means).astype(np.float64)
    square_distance = ((X[:, None] - means) ** 2).sum(-1)
    proba: np.ndarray = softmax(-square_distance / (2 * variance), axis=1)
    return proba
