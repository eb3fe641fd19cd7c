"""Weights that need more than a loss and its percentile: groups, histories, clean gradients, uncertainty.

These are the formulas alone. What collects their inputs is not here.
"""

import torch
from torch import Tensor

from noisylabel._support.validation import check_number


def strict_threshold_weights(loss: Tensor, threshold: float | Tensor) -> Tensor:
    """Keep samples whose loss is below the threshold: ``1[l < threshold]``, the simplest mentor of MentorMix.

    Parameters
    ----------
    loss : Tensor of shape (B,)
    threshold : float or Tensor of shape ()

    Returns
    -------
    Tensor of shape (B,)
        Zeros and ones.
    """
    return (loss < threshold).to(loss.dtype)


def soft_mixture_weights(loss: Tensor, lam: float, gamma: float) -> Tensor:
    """Weight 1 up to ``(lam gamma / (lam + gamma))**2``, 0 from ``lam**2`` on, ``gamma (1/sqrt(l) - 1/lam)`` between.

    Parameters
    ----------
    loss : Tensor of shape (B,)
        At least 0.
    lam, gamma : float in (0, inf)
        ``lam`` is the square root of the loss at which the weight reaches 0. The larger ``gamma``, the later it leaves
        1.

    Returns
    -------
    Tensor of shape (B,)
        In [0, 1].

    Raises
    ------
    InvalidParameterError
        If ``lam`` or ``gamma`` is not a finite number above 0.

    References
    ----------
    Zhao et al., "Self-paced learning for matrix factorization", AAAI 2015.
    """
    check_number("lam", lam, 0, closed="neither")
    check_number("gamma", gamma, 0, closed="neither")
    return (gamma * (torch.rsqrt(loss.clamp_min(torch.finfo(loss.dtype).tiny)) - 1 / lam)).clamp(0, 1)


def diversity_weights(loss: Tensor, groups: Tensor, lam: float, gamma: float) -> Tensor:
    """Self-paced learning with diversity: easy samples, spread over groups.

    Within its group, the sample with the r-th smallest loss is kept if ``l < lam + gamma / (sqrt(r) + sqrt(r - 1))``.

    Parameters
    ----------
    loss : Tensor of shape (B,)
    groups : Tensor of shape (B,)
        Group of each sample, as integers.
    lam, gamma : float
        ``lam`` is the loss up to which samples are easy. The larger ``gamma``, the more groups have a sample that is
        kept.

    Returns
    -------
    Tensor of shape (B,)
        Zeros and ones.

    References
    ----------
    Jiang et al., "Self-paced learning with diversity", NeurIPS 2014.
    """
    order = loss.argsort(stable=True)
    order = order[groups[order].argsort(stable=True)]
    sizes = torch.unique_consecutive(groups[order], return_counts=True)[1]
    starts = torch.repeat_interleave(sizes.cumsum(0) - sizes, sizes)
    rank = torch.arange(1, len(loss) + 1, device=loss.device) - starts
    kept = loss[order] < lam + gamma / (rank.sqrt() + (rank - 1).sqrt())
    return torch.empty_like(loss).index_copy_(0, order, kept.to(loss.dtype))


def prediction_variance_weights(variance: Tensor, n_visits: Tensor | int, counts: Tensor | None = None) -> Tensor:
    """Active Bias by prediction variance: more weight where the probability of the label still moves; mean 1.

    The weight is proportional to ``s + mean(s)``, where ``s = sqrt(var + var**2 / (n - 1))``, and 0 before the second
    visit. Where all of them are 0, every weight is 1.

    Parameters
    ----------
    variance : Tensor of shape (B,)
        Population variance of the probabilities that each sample's label had at its visits.
    n_visits : Tensor of shape (B,) or int
        Number n of visits.
    counts : Tensor of shape (B,), optional
        How many times each sample counts in the means.

    Returns
    -------
    Tensor of shape (B,)
        At least 0, with mean 1.

    References
    ----------
    Chang et al., "Active bias: training more accurate neural networks by emphasizing high variance samples", NeurIPS
    2017.
    """
    further = torch.as_tensor(n_visits - 1).clamp_min(1)
    return _raised((variance + variance**2 / further).sqrt(), counts)


def threshold_closeness_weights(mean_proba: Tensor, counts: Tensor | None = None) -> Tensor:
    """Active Bias by closeness to the threshold: more weight where the label's probability is near 0.5; mean 1.

    The weight is proportional to ``c + mean(c)``, where ``c = p (1 - p)``. Where all of them are 0, every weight is 1.

    Parameters
    ----------
    mean_proba : Tensor of shape (B,)
        Mean p of the probabilities that each sample's label had at its visits.
    counts : Tensor of shape (B,), optional
        How many times each sample counts in the means.

    Returns
    -------
    Tensor of shape (B,)
        At least 0, with mean 1.

    References
    ----------
    Chang et al., "Active bias: training more accurate neural networks by emphasizing high variance samples", NeurIPS
    2017.
    """
    return _raised(mean_proba * (1 - mean_proba), counts)


def _raised(scores: Tensor, counts: Tensor | None) -> Tensor:
    """Return the scores, each with their mean added, divided so that they have mean 1."""
    raised = scores + _mean(scores, counts)
    mean = _mean(raised, counts)
    return torch.where(mean > 0, raised / mean.clamp_min(torch.finfo(scores.dtype).tiny), 1.0)


def _mean(values: Tensor, counts: Tensor | None) -> Tensor:
    if counts is None:
        return values.mean()
    return (values * counts).sum() / counts.sum().clamp_min(torch.finfo(values.dtype).tiny)


def alignment_weights(alignment: Tensor, sample_weight: Tensor | None = None) -> Tensor:
    """Learning to reweight: the positive parts of the alignments with the clean gradient, divided by their sum.

    Parameters
    ----------
    alignment : Tensor of shape (B,)
        Inner product of each sample's gradient with that of the clean batch.
    sample_weight : Tensor of shape (B,), optional
        How many times each sample counts in the sum.

    Returns
    -------
    Tensor of shape (B,)
        At least 0; they sum to 1, each counted as often as its sample, or are all 0 if no alignment is positive.

    References
    ----------
    Ren et al., "Learning to reweight examples for robust deep learning", ICML 2018.
    """
    positive = alignment.clamp_min(0)
    total = positive.sum() if sample_weight is None else positive @ sample_weight
    return positive / (total + (total == 0))


def fidelity_weights(uncertainty: Tensor, beta: float = 1.0) -> Tensor:
    """Fidelity-weighted learning: ``exp(-beta S)`` of the teacher's uncertainty S.

    Parameters
    ----------
    uncertainty : Tensor of shape (B,)
        S, at least 0.
    beta : float in [0, inf), default=1.0
        0 gives every sample the weight 1.

    Returns
    -------
    Tensor of shape (B,)
        In (0, 1].

    Raises
    ------
    InvalidParameterError
        If ``beta`` is not a finite number of at least 0.

    References
    ----------
    Dehghani et al., "Fidelity-weighted learning", ICLR 2018.
    """
    check_number("beta", beta, 0)
    return torch.exp(-beta * uncertainty)
