"""How much to believe each label, and how many are wrong, from what training saw of the samples."""

import numpy as np


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


def estimate_issue_rate(quality: np.ndarray) -> float:
    """Estimate the share of wrong labels: the weight of the lower of two Gaussians fitted to the label qualities.

    Parameters
    ----------
    quality : ndarray of shape (N,)
        See :func:`label_quality`; NaN entries are left out.

    Returns
    -------
    float in [0, 1]
        0 if the qualities do not differ.

    References
    ----------
    A mixture of two distributions over the losses: Arazo et al., "Unsupervised label noise modeling and loss
    correction", ICML 2019; with Gaussians: Li et al., "DivideMix", ICLR 2020. Here it is fitted to ``exp(-mean loss)``.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> quality = np.concatenate([rng.normal(0.1, 0.05, 300), rng.normal(0.8, 0.1, 700)])
    >>> round(estimate_issue_rate(quality), 2)
    0.3
    """
    from sklearn.mixture import GaussianMixture

    values = np.asarray(quality)[~np.isnan(quality), None]
    if len(values) < 2 or np.ptp(values) < 1e-6:
        return 0.0
    start = np.quantile(values, [0.1, 0.9])[:, None]
    mixture = GaussianMixture(2, means_init=start, reg_covar=1e-5, random_state=0).fit(values)
    return float(mixture.weights_[mixture.means_[:, 0].argmin()])
