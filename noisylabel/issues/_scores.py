"""How much to believe each label, and how many are wrong, from what training saw of the samples."""

from typing import Any

import numpy as np

_SUREST = 20.0  # log odds


def label_quality(mean_losses: np.ndarray) -> np.ndarray:
    """Return the geometric mean of the probabilities that training gave each label: ``exp(-mean loss)``.

    A label that fits the others is learnt early and has a low loss at most visits; a wrong one is learnt late or never.

    Parameters
    ----------
    mean_losses : ndarray of shape (N,)
        Cross-entropy of each given label, averaged over the visits of training.

    Returns
    -------
    ndarray of shape (N,)
        In [0, 1]; NaN where the loss is.

    Examples
    --------
    >>> import numpy as np
    >>> label_quality(np.array([0.0, 0.7, 5.0])).round(2).tolist()
    [1.0, 0.5, 0.01]
    """
    return np.exp(-np.asarray(mean_losses, dtype=np.float64))


def estimate_issue_rate(mean_losses: np.ndarray, mean_margins: np.ndarray) -> float:
    """Estimate the share of wrong labels: the smaller of two estimates, each of which can be far too high.

    One is the share of samples that training took for another class on average: too high where the network is poor.
    The other is the weight of the upper of two Gaussians fitted to the logarithms of the mean losses: too high where
    hardly any label is wrong, since it splits whatever it is given. Where the network learns wrong labels by heart
    early, as plain training does, the first is too low.

    Parameters
    ----------
    mean_losses : ndarray of shape (N,)
        Cross-entropy of each given label, averaged over the visits of training.
    mean_margins : ndarray of shape (N,)
        Logit of each given label less the highest other, averaged likewise.

    Returns
    -------
    float in [0, 1]

    References
    ----------
    A mixture of two distributions over the losses: Arazo et al., "Unsupervised label noise modeling and loss
    correction", ICML 2019; with Gaussians: Li et al., "DivideMix", ICLR 2020.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> is_wrong = np.arange(1000) < 300
    >>> losses = np.exp(np.where(is_wrong, 1, -2) + rng.normal(size=1000) / 2)
    >>> margins = np.where(is_wrong, -3, 3) + rng.normal(size=1000)
    >>> round(estimate_issue_rate(losses, margins), 2)
    0.3
    """
    if len(mean_losses) == 0:
        return 0.0
    disagreement = float((mean_margins < 0).mean())
    if disagreement == 0:
        return 0.0
    mixture = _two_gaussians(np.sort(_log(mean_losses)))  # so that their order does not matter
    return disagreement if mixture is None else min(disagreement, float(mixture.weights_[_upper(mixture)]))


def wrong_probabilities(mean_losses: np.ndarray, rate: float) -> np.ndarray:
    """Return how likely each label is wrong, by the two Gaussians of :func:`estimate_issue_rate`.

    The probability of having come from the upper one, never less for a larger loss, as large on average as the rate.

    Parameters
    ----------
    mean_losses : ndarray of shape (N,)
        Cross-entropy of each given label, averaged over the visits of training.
    rate : float in [0, 1]
        Share of wrong labels.

    Returns
    -------
    ndarray of shape (N,)
        In [0, 1].

    Examples
    --------
    >>> import numpy as np
    >>> losses = np.exp([-3.0, -2.5, -2.1, -2.0, -1.9, -1.5, 0.9, 1.0, 1.1])
    >>> wrong_probabilities(losses, 1 / 3).round(1).tolist()
    [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0]
    """
    from scipy.stats import norm

    values = _log(mean_losses)
    mixture = _two_gaussians(np.sort(values)) if len(values) else None
    if mixture is None or not 0 < rate < 1:
        return np.full(len(values), float(rate))
    deviations = np.sqrt(mixture.covariances_[:, 0, 0])
    shapes = zip(mixture.means_[:, 0], deviations, strict=True)
    parts = [norm.logpdf(values, mean, deviation) for mean, deviation in shapes]
    upper = _upper(mixture)
    order = np.argsort(values, kind="stable")
    evidence = np.empty_like(values)
    evidence[order] = np.maximum.accumulate((parts[upper] - parts[1 - upper])[order].clip(-_SUREST, _SUREST))
    return with_mean(evidence, rate)


def with_mean(log_odds: np.ndarray, rate: float) -> np.ndarray:
    """Return the probabilities whose odds are as given but for one factor, with a rate inside (0, 1) as mean, (n,)."""
    from scipy.optimize import brentq
    from scipy.special import expit

    furthest = float(np.abs(log_odds).max()) + abs(float(np.log(rate / (1 - rate)))) + 1
    shift = brentq(lambda odds: expit(log_odds + odds).mean() - rate, -furthest, furthest)
    probabilities: np.ndarray = expit(log_odds + shift)
    return probabilities


def _log(mean_losses: np.ndarray) -> np.ndarray:
    values: np.ndarray = np.log(np.maximum(mean_losses, 1e-7))
    return values


def _two_gaussians(values: np.ndarray) -> Any:
    """Return two Gaussians fitted to values (N,); None if they are all the same."""
    from sklearn.mixture import GaussianMixture

    if np.ptp(values) < 1e-6:
        return None
    means = np.quantile(values, [0.1, 0.9])[:, None]
    return GaussianMixture(2, max_iter=1000, means_init=means, random_state=0).fit(values[:, None])


def _upper(mixture: Any) -> int:
    return int(mixture.means_[:, 0].argmax())
