"""How many labels are wrong, from the predictions of a network that was not trained on them."""

import torch
from torch import Tensor

from noisylabel.functional.calibration import check_proba

_TAIL_SHARES = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
_PSEUDO_HITS = 8  # keeps the standard error of a rare event away from 0
_TOLERANCE = 1.5  # standard errors
_Z_95 = 1.645  # of a one-sided bound


def estimate_noise_rate(proba: Tensor, labels: Tensor) -> float:
    """Estimate the share of wrong labels from held-out predictions.

    A wrong label that was drawn evenly has a loss like any other class of its sample, and these losses are known. Very
    large losses hardly ever belong to right labels. So the noise rate is the share of given labels whose loss is above
    some point, divided by the share of other classes whose loss is above it. A lower point counts more samples, but
    also hard ones with right labels. Lower points are used as long as they agree with every higher one (Lepski's
    rule), and the results are averaged by their standard errors.

    Wrong labels that resemble the truth, such as a cat called a dog, have smaller losses. For such noise the estimate
    is too low.

    Parameters
    ----------
    proba : Tensor of shape (n, C)
        Class probabilities for samples whose labels the network was not trained on.
    labels : Tensor of shape (n,)
        Given label codes.

    Returns
    -------
    float in [0, 1 - 1/C]
        Share of labels that differ from the truth.

    Raises
    ------
    InvalidDataError
        If there are no rows, not as many labels as rows, or ``proba`` has NaN or other numbers than probabilities.

    Examples
    --------
    >>> import torch
    >>> row = torch.arange(1000)
    >>> truth = row % 4
    >>> labels = torch.where(row < 300, (truth + 1 + row % 3) % 4, truth)
    >>> noise = torch.rand(1000, 4, generator=torch.Generator().manual_seed(0))
    >>> proba = (5 * torch.nn.functional.one_hot(truth, 4) + noise).softmax(1)
    >>> abs(estimate_noise_rate(proba, labels) - 0.3) < 0.05
    True
    """
    check_proba(proba, labels)
    return evenly_spread_noise(proba, labels)[0]


def evenly_spread_noise(proba: Tensor, labels: Tensor) -> tuple[float, float]:
    """Return the share of wrong labels, as :func:`estimate_noise_rate`, and a lower bound of it (one-sided, 95 %).

    The bound takes the lowest of what all points say together, what the outermost alone says, and what remains at the
    far end if the outermost part of it goes on falling as the root of the share: a poor network has right labels there.
    """
    n_classes = proba.shape[1]
    losses = -proba.double().clamp_min(1e-12).log()
    given = losses.gather(1, labels[:, None])[:, 0]
    is_other = torch.ones_like(losses, dtype=torch.bool).scatter_(1, labels[:, None], False)
    others = losses[is_other].sort().values
    points = [_tail_estimate(given, others, share, n_classes) for share in _TAIL_SHARES]
    rates, errors = torch.tensor(points, dtype=torch.double).T
    agrees = torch.tensor([bool((rates[i] <= rates[:i] + _TOLERANCE * errors[:i]).all()) for i in range(len(rates))])
    last = int(agrees.nonzero().max())
    precision = 1 / errors[: last + 1]
    rate = float((precision * rates[: last + 1]).sum() / precision.sum())
    low = min(rate - _Z_95 * float(errors[: last + 1].min()), float(rates[0] - _Z_95 * errors[0]))
    low = min(low, 2 * _tail_estimate(given, others, _TAIL_SHARES[0] / 4, n_classes)[0] - float(rates[0]))
    return min(rate, 1 - 1 / n_classes), max(low, 0.0)


def _tail_estimate(given: Tensor, others: Tensor, share: float, n_classes: int) -> tuple[float, float]:
    """Noise rate and its standard error from the outer ``share`` of the other classes' sorted losses."""
    beyond = others[int((1 - share) * (len(others) - 1))]
    n_beyond = len(others) - int(torch.searchsorted(others, beyond, right=True))
    tail = max(n_beyond, 1) / len(others)
    n_samples = len(given)
    hits = float((given > beyond).double().sum())
    ratio = hits / n_samples / tail
    # one of the C - 1 other classes of a wrongly labelled sample is its true one, which is not far out
    rate = ratio / (1 + ratio / (n_classes - 1))
    error = ((hits + _PSEUDO_HITS) * (1 - hits / n_samples) + 1e-9) ** 0.5 / n_samples / tail
    return rate, error
