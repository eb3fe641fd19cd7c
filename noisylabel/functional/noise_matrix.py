"""Which classes' labels are wrong and what they became, from predictions of a network that has not learned them."""

from dataclasses import dataclass

import torch
from torch import Tensor

from noisylabel.exceptions import InvalidDataError
from noisylabel.functional.calibration import check_proba
from noisylabel.functional.noise_rate import evenly_spread_noise

_ANCHORS = 0.25  # of the rows predicted as a class, the surest; from 0.1 to 0.33 the results are alike
_MOST_ANCHORS = 0.5  # where a class has a row or two
_Z_95 = 1.645  # one-sided, so that the interval holds 9 of 10 cases
_ODD_RIGHT_LABELS = 0.1  # share of the evenly spread noise that may be right labels of odd rows after all
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
    - *Lower*: the surest quarter of the rows predicted as a class, its *anchors*, have fewer mistakes of the network,
      and as many wrong labels. What remains of the disagreement if it goes on falling as it does between all rows and
      the anchors, with the square root of the depth or slower, is noise. It is multiplied by how much better than
      chance the anchors agree with their labels, as the anchors of a poor network may be wrong themselves. Noise that
      is spread evenly over the classes shows in labels that the network thinks implausible, too
      (:func:`estimate_noise_rate`); the larger bound counts.

    The rate is the geometric mean of the anchors' disagreement and of what remains of it, so it is on the lower side
    where the evidence cannot tell noise from a poor network. The poorer the network and the more even the noise, the
    more the evenly spread noise counts instead. Classes differ as the labels of their anchors do.

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
    given = torch.bincount(labels, minlength=proba.shape[1]).double() / len(labels)
    anchors, rest = _count_labels(proba, labels)
    even, even_low = evenly_spread_noise(proba, labels)
    even_low *= 1 - _ODD_RIGHT_LABELS
    decay = _decay((anchors + rest).sum() - (anchors + rest).trace(), anchors.sum() + rest.sum(), even_low)
    overall = _bounds(anchors.sum() - anchors.trace(), anchors.sum(), rest.sum() - rest.trace(), rest.sum(), decay)
    known = _better_than_chance(overall, (anchors + rest).sum(1) / len(labels) @ given)
    low = max(float(overall.low) * known, even_low)
    low = low if low >= _NEGLIGIBLE else 0.0
    share_even = min(even / max(float(overall.anchors), 1e-12), 1.0)
    trust = share_even * (1 - known)
    rate = trust * even + (1 - trust) * float(overall.remains * overall.anchors) ** 0.5
    rate = min(max(rate, low), float(overall.high))
    matrix = _matrix(anchors, rate, share_even)
    prior = _class_prior(matrix, given)
    rate = float(prior @ (1 - matrix.diagonal()))
    intervals = _intervals(anchors, rest, matrix, known, even_low)
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


def _count_labels(proba: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Count given labels (C, C) by predicted class: of the surest rows predicted as it, and of its other rows."""
    n_classes = proba.shape[1]
    sureness, predicted = proba.double().max(1)
    order = sureness.argsort(descending=True, stable=True)
    order = order[predicted[order].argsort(stable=True)]
    predicted, labels = predicted[order], labels[order]
    size = torch.bincount(predicted, minlength=n_classes)
    place = torch.arange(len(labels), device=labels.device) - (size.cumsum(0) - size)[predicted]
    is_anchor = place < (_ANCHORS * size).ceil()[predicted]
    cells = predicted * n_classes + labels
    counts = torch.stack([cells[kind].bincount(minlength=n_classes**2) for kind in (is_anchor, ~is_anchor)])
    anchors, rest = counts.view(2, n_classes, n_classes).double()
    return anchors, rest


def _bounds(hits: Tensor, n_anchors: Tensor, rest_hits: Tensor, n_rest: Tensor, decay: Tensor) -> _Bounds:
    """Bound shares of any shape by those of the anchors and of the rest."""
    share, variance = _share(hits, n_anchors)
    rest_share, rest_variance = _share(rest_hits, n_rest)
    whole, whole_variance = _share(hits + rest_hits, n_anchors + n_rest)
    depth = (n_anchors / (n_anchors + n_rest).clamp_min(1)).clamp_max(_MOST_ANCHORS)
    left = depth**decay  # of the network's mistakes, the share that the anchors have
    of_anchors, of_rest = (1 - depth * left) / (1 - left), (1 - depth) * left / (1 - left)
    margin = _Z_95 * (of_anchors**2 * variance + of_rest**2 * rest_variance).sqrt()
    at_0 = (of_anchors * share - of_rest * rest_share).clamp(0, 1)
    remains = at_0 * (1 - (margin / at_0.clamp_min(1e-12)) ** 2).clamp_min(0)  # of what is within the margin, nothing
    high = (torch.maximum(share, whole) + _Z_95 * whole_variance.sqrt()).clamp_max(1)
    seen = n_anchors > 0
    low = (at_0 - margin).clamp_min(0)
    return _Bounds(share, remains, torch.where(seen, low, 0.0), torch.where(seen, high, 1.0))


def _decay(hits: Tensor, n: Tensor, even: float) -> Tensor:
    """Return the power of the depth with which the network's mistakes fall, from the disagreement and the even noise.

    It is the root, as networks that are mostly right fall at least so fast. A network that is mostly wrong is slower:
    one that is calibrated and whose scores are Gaussian falls about so, with 4 to 50 classes.
    """
    agreement = 1 - hits / n.clamp_min(1)
    return (2 * (agreement / (1 - even)).clamp_max(1) ** 2).clamp(0.05, 0.5)


def _share(hits: Tensor, n: Tensor) -> tuple[Tensor, Tensor]:
    """Return a share and its variance, of which half a hit more keeps the variance of few rows away from 0."""
    smoothed = (hits + 0.5) / (n + 1)
    return hits / n.clamp_min(1), smoothed * (1 - smoothed) / (n + 1)


def _better_than_chance(overall: _Bounds, chance: Tensor) -> float:
    """How often the labels of anchors agree with the prediction: 0 as by chance, 1 always."""
    return float(((1 - overall.anchors - chance) / (1 - chance).clamp_min(1e-12)).clamp(0, 1))


def _matrix(anchors: Tensor, rate: float, evenness: float) -> Tensor:
    """Return the transition matrix, the disagreement of the anchors brought down to the rate."""
    n_classes = len(anchors)
    diagonal = torch.eye(n_classes, dtype=torch.bool, device=anchors.device)
    wrong = anchors.masked_fill(diagonal, 0)
    n_wrong, n_anchors = wrong.sum(1), anchors.sum(1)
    mean = n_wrong.sum() / n_anchors.sum()
    rates = (_drawn_to_mean(n_wrong, n_anchors) * rate / mean.clamp_min(1e-12)).clamp_max(1)
    n_even = 1 + evenness * (n_classes - 1)  # rows on top, whose labels are spread evenly
    goes_to = (wrong + n_even * (~diagonal).double() / (n_classes - 1)) / (n_wrong + n_even)[:, None]
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


def _intervals(anchors: Tensor, rest: Tensor, matrix: Tensor, known: float, even: float) -> Tensor:
    """Bound each entry of the matrix, (2, C, C); what is estimated is always between."""
    sizes = anchors.sum(1, keepdim=True), rest.sum(1, keepdim=True)
    wrong = [n[:, 0] - counts.diagonal() for n, counts in zip(sizes, (anchors, rest), strict=True)]
    decay = _decay(wrong[0] + wrong[1], (sizes[0] + sizes[1])[:, 0], even)
    rates = _bounds(wrong[0], sizes[0][:, 0], wrong[1], sizes[1][:, 0], decay)
    entries = _bounds(anchors, sizes[0], rest, sizes[1], decay[:, None])
    diagonal = torch.eye(len(matrix), dtype=torch.bool, device=matrix.device)
    low = torch.where(diagonal, 1 - rates.high, entries.low * known)
    high = torch.where(diagonal, 1 - rates.low * known, entries.high)
    return torch.stack([torch.minimum(low, matrix), torch.maximum(high, matrix)])
