"""Weights that need more than a loss and its percentile: groups, histories, clean gradients, uncertainty.

The formulas alone; what collects their inputs is not here.
"""

import torch
from torch import Tensor

from noisylabel._support.validation import check_number


def strict_threshold_weights(loss: Tensor, threshold: float | Tensor) -> Tensor:
    """Keep losses below the threshold, ties dropped: ``1[l < threshold]`` (the simplest mentor of MentorMix)."""
    return (loss < threshold).to(loss.dtype)


def soft_mixture_weights(loss: Tensor, lam: float, gamma: float) -> Tensor:
    """Weight 1 up to ``(lam gamma / (lam + gamma))**2``, 0 from ``lam**2`` on, ``gamma (1/sqrt(l) - 1/lam)`` between.

    After Zhao et al., "Self-paced learning for matrix factorization", AAAI 2015.
    """
    check_number("lam", lam, 0, closed="neither")
    check_number("gamma", gamma, 0, closed="neither")
    return (gamma * (torch.rsqrt(loss.clamp_min(torch.finfo(loss.dtype).tiny)) - 1 / lam)).clamp(0, 1)


def diversity_weights(loss: Tensor, groups: Tensor, lam: float, gamma: float) -> Tensor:
    """Self-paced learning with diversity: easy samples, spread over groups.

    Inside its group the sample of rank r by loss (from 1) is kept if ``l < lam + gamma / (sqrt(r) + sqrt(r - 1))``.
    After Jiang et al., "Self-paced learning with diversity", NeurIPS 2014.

    Parameters
    ----------
    loss : Tensor of shape (B,)
    groups : Tensor of shape (B,)
        Group of each sample, as integers.
    lam, gamma : float
        Thresholds of easiness and of diversity.

    Returns
    -------
    Tensor of shape (B,)
        Zeros and ones.
    """
    order = loss.argsort(stable=True)
    order = order[groups[order].argsort(stable=True)]
    sizes = torch.unique_consecutive(groups[order], return_counts=True)[1]
    starts = torch.repeat_interleave(sizes.cumsum(0) - sizes, sizes)
    rank = torch.arange(1, len(loss) + 1, device=loss.device) - starts
    kept = loss[order] < lam + gamma / (rank.sqrt() + (rank - 1).sqrt())
    return torch.empty_like(loss).index_copy_(0, order, kept.to(loss.dtype))


def prediction_variance_weights(variance: Tensor, n_visits: Tensor | int) -> Tensor:
    """Active Bias by prediction variance: more weight where the probability of the label still moves; mean 1.

    ``s = sqrt(var + var**2 / (n - 1))``, weight proportional to ``s + mean(s)``. After Chang et al., "Active bias",
    NeurIPS 2017.

    Parameters
    ----------
    variance : Tensor of shape (B,)
        Population variance of each sample's history of p(label | x).
    n_visits : Tensor of shape (B,) or int
        Length of the histories, at least 2.
    """
    spread = (variance + variance**2 / (n_visits - 1)).sqrt()
    return _normalised(spread + spread.mean())


def threshold_closeness_weights(mean_proba: Tensor) -> Tensor:
    """Active Bias by closeness to the threshold: proportional to ``p (1 - p)`` plus its mean; mean 1."""
    closeness = mean_proba * (1 - mean_proba)
    return _normalised(closeness + closeness.mean())


def _normalised(weights: Tensor) -> Tensor:
    return weights / weights.mean().clamp_min(torch.finfo(weights.dtype).tiny)


def alignment_weights(alignment: Tensor) -> Tensor:
    """Learning to reweight: positive parts of the alignments with the clean gradient, summing to 1, or all 0.

    After Ren et al., "Learning to reweight examples for robust deep learning", ICML 2018.

    Parameters
    ----------
    alignment : Tensor of shape (B,)
        Inner product of each sample's gradient with that of the clean batch.
    """
    positive = alignment.clamp_min(0)
    total = positive.sum()
    return positive / (total + (total == 0))


def fidelity_weights(uncertainty: Tensor, beta: float = 1.0) -> Tensor:
    """Fidelity-weighted learning: ``exp(-beta S)`` of the teacher's uncertainty S (Dehghani et al., ICLR 2018)."""
    check_number("beta", beta, 0)
    return torch.exp(-beta * uncertainty)
