"""Which classes' labels are wrong and what they became, from predictions of a network that has not learned them."""

from dataclasses import dataclass

import torch
from torch import Tensor

from noisylabel.exceptions import InvalidDataError
from noisylabel.functional.calibration import check_proba
from noisylabel.functional.noise_rate import evenly_spread_noise

_DEPTHS = (1 / 16, 1 / 4, 1)  # shares of the rows predicted as a class, the surest first
_Z_95 = 1.645  # one-sided, so that the interval holds 9 of 10 cases
_SURE_MISTAKES = 0.1  # one in ten: of a network's mistakes, those of which it is sure; of the evenly spread noise, too
_SURE_ENOUGH = 0.5  # of a calibrated network's sureness; averages of a training network's predictions have 0.7 or more
_NEGLIGIBLE = 0.02  # a lower bound below it says that there may be no noise
_STEPS = 200  # of expectation-maximisation


@dataclass(frozen=True)
class NoiseEstimate:
    """What :func:`estimate_noise` found.

    Attributes
    ----------
    rate : float in [0, 1]
        Share of wrong labels: ``class_prior @ rate_by_class``.
    rate_interval : pair of float
        Bounds that differ in what they assume, and are meant to hold the truth in 9 of 10 cases.
    matrix : Tensor of shape (C, C)
        ``matrix[i, j]`` is the probability that a row of class i is labelled j.
    matrix_interval : Tensor of shape (2, C, C)
        Lower and upper bounds of each entry.
    rate_by_class : Tensor of shape (C,)
        Of the rows that are truly of a class, the share whose label is another: 1 minus the diagonal of ``matrix``.
    rate_by_class_interval : Tensor of shape (2, C)
        Lower and upper bounds; [0, 1] for a class that is never predicted.
    class_prior : Tensor of shape (C,)
        Share of the rows that are truly of each class.
    """

    rate: float
    rate_interval: tuple[float, float]
    matrix: Tensor
    matrix_interval: Tensor
    rate_by_class: Tensor
    rate_by_class_interval: Tensor
    class_prior: Tensor


@dataclass(frozen=True)
class _Bounds:
    """Shares of labels that differ from the prediction: among the anchors, what remains at depth 0, and its bounds."""

    anchors: Tensor
    remains: Tensor
    low: Tensor
    high: Tensor


@torch.no_grad()
def estimate_noise(proba: Tensor, labels: Tensor) -> NoiseEstimate:
    """Estimate how many labels of each class are wrong and what they became, from out-of-sample predictions.

    A poor network contradicts right labels too, so plain disagreement says little. The estimate is between two bounds:

    - *Upper*: the share of labels that differ from the prediction. Wrong labels of any kind are in it, and the
      network's own mistakes.
    - *Lower*: of the rows predicted as a class, the surest quarter, its *anchors*, and the surest sixteenth have fewer
      mistakes of the network, and as many wrong labels. What remains of the disagreement if it goes on falling towards
      depth 0, with the square root of the depth or slower, is noise. It is multiplied by how much better than chance
      the anchors agree with their labels, as the anchors of a poor network may be wrong themselves. Noise that is
      spread evenly over the classes shows in labels that the network thinks implausible, too
      (:func:`estimate_noise_rate`); the larger bound counts.

    The rate is the geometric mean of the anchors' disagreement and of what remains of it, so it is on the lower side
    where the evidence cannot tell noise from a poor network; it is 0 if the network is no better than chance or has
    hardly been trained. The more of it is evenly spread noise, the more that
    counts instead. Classes differ as the labels of their anchors do. The likeliest label of a class is taken to be the
    right one: otherwise the labels cannot tell one class from another.

    Parameters
    ----------
    proba : Tensor of shape (n, C)
        Class probabilities of a network that was trained on the given labels of *other* rows; C of at least 2.
    labels : Tensor of shape (n,)
        Given label codes.

    Returns
    -------
    NoiseEstimate
        Its tensors are of double precision, on the device of ``proba``.

    Raises
    ------
    InvalidDataError
        If there are no rows, not as many labels as rows, fewer than two classes, labels other than codes from 0 to
        C - 1, or ``proba`` has NaN or other numbers than probabilities.

    Notes
    -----
    Labels that depend on more than the class, as people's do, cannot be told from a network's mistakes by its
    predictions alone: hard rows are mislabelled more often, and the anchors are easy ones. The interval covers them;
    the rate may be too low.

    References
    ----------
    - Patrini et al., "Making deep neural networks robust to label noise: a loss correction approach", CVPR 2017:
      anchors.
    - Northcutt, Jiang and Chuang, "Confident learning: estimating uncertainty in dataset labels", JAIR 2021: counts
      of given labels among sure predictions, instead of the network's own probabilities.

    Examples
    --------
    >>> import torch
    >>> row = torch.arange(8000)
    >>> truth = row % 4
    >>> labels = torch.where((truth == 2) & (row % 5 < 2), 3, truth)  # two fifths of class 2 are called 3
    >>> noise = torch.rand(8000, 4, generator=torch.Generator().manual_seed(0))
    >>> found = estimate_noise((4 * torch.nn.functional.one_hot(truth, 4) + noise).softmax(1), labels)
    >>> found.rate_by_class.round(decimals=1).tolist()
    [0.0, 0.0, 0.4, 0.0]
    >>> low, high = found.rate_interval
    >>> low < found.rate < 0.1 < high < 0.11
    True
    """
    _check(proba, labels)
    labels = labels.long()
    given = torch.bincount(labels, minlength=proba.shape[1]).double() / len(labels)
    counts = _count_labels(proba, labels)
    even, even_low = evenly_spread_noise(proba, labels)
    even_low *= 1 - _SURE_MISTAKES
    n_rows, n_agree = counts.sum((1, 2)), counts.diagonal(dim1=1, dim2=2).sum(1)
    overall = _bounds(n_rows - n_agree, n_rows, _decay(n_agree[-1] / n_rows[-1], even_low))
    chance = counts[-1].sum(1) / len(labels) @ given
    known = _better_than_chance(overall, n_agree[-1] / n_rows[-1], chance, proba.double().amax(1))
    share_even = min(even / max(float(overall.anchors), 1e-12), 1.0)
    low = max(float(overall.low) * known, even_low) if known else 0.0
    low = low if low >= _NEGLIGIBLE else 0.0
    rate = min(max(_between(overall, known, even, share_even), low), float(overall.high))
    matrix = _matrix(counts[1], rate, share_even)
    prior = _class_prior(matrix, given)
    rate = float(prior @ (1 - matrix.diagonal()))
    intervals = _intervals(counts, matrix, known, even_low)
    return NoiseEstimate(
        rate,
        (min(low, rate), max(float(overall.high), rate)),
        matrix,
        intervals,
        1 - matrix.diagonal(),
        1 - intervals.diagonal(dim1=1, dim2=2).flip(0),
        prior,
    )


def _check(proba: Tensor, labels: Tensor) -> None:
    check_proba(proba, labels)
    if proba.shape[1] < 2:
        raise InvalidDataError("'proba' must have a column for each of two or more classes. Got one column.")
    if labels.is_floating_point() or not ((labels >= 0) & (labels < proba.shape[1])).all():
        raise InvalidDataError(
            f"'labels' must hold codes, whole numbers from 0 to {proba.shape[1] - 1}, as 'proba' has "
            f"{proba.shape[1]} columns. Got {labels.unique()[:5].tolist()}."
        )


def _count_labels(proba: Tensor, labels: Tensor) -> Tensor:
    """Count given labels by predicted class, (3, C, C): of its surest rows, to the three depths."""
    n_classes = proba.shape[1]
    sureness, predicted = proba.double().max(1)
    order = sureness.argsort(descending=True, stable=True)
    order = order[predicted[order].argsort(stable=True)]
    predicted = predicted[order]
    size = torch.bincount(predicted, minlength=n_classes)
    place = torch.arange(len(labels), device=labels.device) - (size.cumsum(0) - size)[predicted]
    cells = predicted * n_classes + labels[order]
    within = [cells[place < (depth * size).ceil()[predicted]] for depth in _DEPTHS]
    counts = torch.stack([chosen.bincount(minlength=n_classes**2) for chosen in within])
    return counts.view(-1, n_classes, n_classes).double()


def _bounds(hits: Tensor, n: Tensor, decay: Tensor) -> _Bounds:
    """Bound shares from counts at the three depths, (3, ...)."""
    shares, variances = _share(hits, n)
    at_0, margin = _extrapolate(hits[1:], n[1:], decay)
    deeper, its_margin = _extrapolate(hits[:2], n[:2], decay)
    has_deeper = n[0] < n[1]
    at_0 = torch.where(has_deeper, (at_0 + deeper) / 2, at_0)
    at_0 = (at_0 - _SURE_MISTAKES * (shares[2] - at_0)).clamp_min(0).minimum(shares[1])
    margin = torch.where(has_deeper, torch.hypot(margin, its_margin) / 2, margin)
    remains = at_0 * (1 - (margin / at_0.clamp_min(1e-12)) ** 2).clamp_min(0)  # of what is within the margin, nothing
    high = torch.maximum(shares[1], shares[2]) + _Z_95 * variances[2].sqrt()
    low = (at_0 - margin).clamp_min(0)
    return _Bounds(shares[1], remains, low, torch.where(n[-1] > 0, high.clamp_max(1), 1.0))


def _extrapolate(hits: Tensor, n: Tensor, decay: Tensor) -> tuple[Tensor, Tensor]:
    """Continue shares from two depths, (2, ...), to depth 0; return that and its margin, 0 and 1 if they are one."""
    (inner, outer), (variance, outer_variance) = _share(*(torch.stack([of[0], of[1] - of[0]]) for of in (hits, n)))
    depth = n[0] / n[1].clamp_min(1)
    left = depth**decay  # of the network's mistakes, the share that the inner rows have
    of_inner, of_outer = (1 - depth * left) / (1 - left), (1 - depth) * left / (1 - left)
    margin = _Z_95 * (of_inner**2 * variance + of_outer**2 * outer_variance).sqrt()
    is_known = (n[0] > 0) & (n[0] < n[1])
    return torch.where(is_known, of_inner * inner - of_outer * outer, 0.0), torch.where(is_known, margin, 1.0)


def _decay(agreement: Tensor, even: float) -> Tensor:
    """Return the power of the depth with which the network's mistakes fall.

    It is the root, as networks that are mostly right fall at least so fast. A network that is mostly wrong is slower:
    one that is calibrated and whose scores are Gaussian falls about so, with 4 to 50 classes. Evenly spread noise is
    none of its mistakes.
    """
    return (2 * (agreement / (1 - even)).clamp_max(1) ** 2).clamp(0.05, 0.5)


def _share(hits: Tensor, n: Tensor) -> tuple[Tensor, Tensor]:
    """Return a share and its variance, of which half a hit more keeps the variance of few rows away from 0."""
    smoothed = (hits + 0.5) / (n + 1)
    return hits / n.clamp_min(1), smoothed * (1 - smoothed) / (n + 1)


def _better_than_chance(overall: _Bounds, agreement: Tensor, chance: Tensor, sureness: Tensor) -> float:
    """How often the labels of anchors agree with the prediction: 0 as by chance, 1 always.

    It is 0, too, if all rows agree with their labels no more often than chance may have it, or if the network is not
    half as sure of them as it could be. Then it has hardly been trained, and what it is surest of is chance.
    """
    beyond_chance = _Z_95 * (chance * (1 - chance) / len(sureness)).sqrt()
    if agreement <= chance + beyond_chance or sureness.mean() - chance < _SURE_ENOUGH * (agreement - chance):
        return 0.0
    return float(((1 - overall.anchors - chance) / (1 - chance)).clamp(0, 1))


def _between(overall: _Bounds, known: float, even: float, share_even: float) -> float:
    """Return the rate between the bounds; 0 if the network knows nothing, which fits with any rate."""
    if not known:
        return 0.0
    trust = share_even * (1 - known * (1 - share_even))
    return trust * even + (1 - trust) * float(overall.remains * overall.anchors) ** 0.5


def _matrix(anchors: Tensor, rate: float, evenness: float) -> Tensor:
    """Return the transition matrix, the disagreement of the anchors brought down to the rate.

    No wrong label is likelier in it than the right one.
    """
    n_classes = len(anchors)
    diagonal = torch.eye(n_classes, dtype=torch.bool, device=anchors.device)
    wrong = anchors.masked_fill(diagonal, 0)
    n_wrong, n_anchors = wrong.sum(1), anchors.sum(1)
    mean = n_wrong.sum() / n_anchors.sum()
    n_even = 1 + evenness * (n_classes - 1)  # rows on top, whose labels are spread evenly
    goes_to = (wrong + n_even * (~diagonal).double() / (n_classes - 1)) / (n_wrong + n_even)[:, None]
    most = 1 / (1 + goes_to.amax(1))  # the likeliest wrong label is then as likely as the right one
    rates = (_drawn_to_mean(n_wrong, n_anchors) * rate / mean.clamp_min(1e-12)).minimum(most)
    return torch.where(diagonal, 1 - rates, rates[:, None] * goes_to)


def _drawn_to_mean(hits: Tensor, n: Tensor) -> Tensor:
    """Return shares by class (C,), drawn to their mean as far as their spread is no more than chance.

    The mean of a Beta posterior whose prior has the mean and the variance of the true shares (empirical Bayes).
    """
    mean = hits.sum() / n.sum()
    by_chance = mean * (1 - mean)
    spread = (n * (hits / n.clamp_min(1) - mean) ** 2).sum() - (n > 0).sum() * by_chance
    variance = (spread / n.sum()).clamp_min(1e-12)
    weight = by_chance / variance
    return (hits + weight * mean) / (n + weight).clamp_min(1e-12)


def _class_prior(matrix: Tensor, given: Tensor) -> Tensor:
    """Return the shares of the true classes that make the given ones most likely."""
    prior = given
    for _ in range(_STEPS):
        prior = prior * (matrix @ (given / (prior @ matrix).clamp_min(1e-12)))
    return prior / prior.sum()


def _intervals(counts: Tensor, matrix: Tensor, known: float, even: float) -> Tensor:
    """Bound each entry of the matrix, (2, C, C); what is estimated is always between."""
    n_rows, n_agree = counts.sum(2), counts.diagonal(dim1=1, dim2=2)
    decay = _decay(n_agree[-1] / n_rows[-1].clamp_min(1), even)
    rates = _bounds(n_rows - n_agree, n_rows, decay)
    entries = _bounds(counts, n_rows[..., None], decay[:, None])
    diagonal = torch.eye(len(matrix), dtype=torch.bool, device=matrix.device)
    low = torch.where(diagonal, 1 - rates.high, entries.low * known)
    high = torch.where(diagonal, 1 - rates.low * known, entries.high)
    return torch.stack([torch.minimum(low, matrix), torch.maximum(high, matrix)])
