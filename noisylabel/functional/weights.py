"""Weighting functions v*: losses in, weights in [0, 1] out. No state, no gradient bookkeeping.

Conventions: ``loss`` (B,) is non-negative; ``loss_diff`` (B,) is the loss minus the moving loss percentile;
every function returns a tensor of the same shape.
"""

import torch
from torch import Tensor

from noisylabel._support.validation import check_number


def uniform_weights(loss: Tensor) -> Tensor:
    """Weight 1 for every sample: plain training."""
    return torch.ones_like(loss)


def self_paced_weights(loss_diff: Tensor) -> Tensor:
    """Keep samples whose loss is at most the threshold: ``1[d <= 0]`` (Kumar et al. 2010)."""
    return (loss_diff <= 0).to(loss_diff.dtype)


def hard_example_mining_weights(loss_diff: Tensor) -> Tensor:
    """Keep samples whose loss is at least the threshold: ``1[d >= 0]``."""
    return (loss_diff >= 0).to(loss_diff.dtype)


def focal_weights(loss: Tensor, gamma: float = 2.0) -> Tensor:
    """Weight ``(1 - exp(-l))**gamma``: the focal loss read as a weight (Lin et al. 2017)."""
    check_number("gamma", gamma, 0, closed="right")
    return (1 - torch.exp(-loss)) ** gamma


def spcl_linear_weights(loss_diff: Tensor, gamma: float = 1.0) -> Tensor:
    """Fade from 1 at the threshold to 0 at ``gamma`` above it: ``clip(1 - d / gamma, 0, 1)``."""
    check_number("gamma", gamma, 0, closed="right")
    return (1 - loss_diff / gamma).clamp(0, 1)


def spcl_logarithmic_weights(loss: Tensor, lam: float | Tensor) -> Tensor:
    """Weight ``ln(l + zeta) / ln(zeta)`` below ``lam``, 0 above; ``zeta = 1 - lam`` and ``0 < lam < 1``."""
    zeta = 1 - torch.as_tensor(lam, dtype=loss.dtype, device=loss.device)
    return (torch.log(loss + zeta) / torch.log(zeta)).clamp(0, 1)


def spcl_mixture_weights(loss: Tensor, lam1: float | Tensor, lam2: float | Tensor) -> Tensor:
    """Weight 1 up to ``lam2``, 0 from ``lam1`` on, ``zeta (1/l - 1/lam1)`` between; ``lam1 > lam2 > 0``."""
    zeta = lam1 * lam2 / (lam1 - lam2)
    return (zeta / loss.clamp_min(torch.finfo(loss.dtype).tiny) - zeta / lam1).clamp(0, 1)


def spcl_polynomial_weights(loss: Tensor, lam: float | Tensor, t: float = 3.0) -> Tensor:
    """Weight ``(1 - l / lam)**(1 / (t - 1))`` below ``lam``, 0 above; ``t > 1``; ``t = 2`` is linear."""
    check_number("t", t, 1, closed="right")
    return (1 - loss / lam).clamp_min(0) ** (1 / (t - 1))


def mentornet_pd_weights(
    loss_diff: Tensor,
    epoch_percent: float | Tensor,
    gamma: float = 1.0,
) -> Tensor:
    """Pre-defined MentorNet: uniform up to 18 percent of training, self-paced below 90, then SPCL linear.

    ``epoch_percent`` may be one number or a tensor (B,) of them.
    """
    if isinstance(epoch_percent, Tensor):
        late = torch.where(epoch_percent >= 90, spcl_linear_weights(loss_diff, gamma), self_paced_weights(loss_diff))
        return torch.where(epoch_percent <= 18, torch.ones_like(loss_diff), late)
    if epoch_percent <= 18:
        return torch.ones_like(loss_diff)
    return spcl_linear_weights(loss_diff, gamma) if epoch_percent >= 90 else self_paced_weights(loss_diff)


def huber_weights(loss: Tensor, lam: float = 1.0) -> Tensor:
    """Weight 1 up to ``lam**2``, then ``lam / sqrt(l)``: derivative of :func:`huber_loss_transform`."""
    check_number("lam", lam, 0, closed="right")
    return (lam / loss.clamp_min(lam**2).sqrt()).clamp_max(1)


def cauchy_weights(loss: Tensor, lam: float = 1.0) -> Tensor:
    """Weight ``1 / (1 + l / lam**2)``: derivative of :func:`cauchy_loss_transform`."""
    check_number("lam", lam, 0, closed="right")
    return 1 / (1 + loss / lam**2)


def l1_l2_weights(loss: Tensor, lam: float = 1.0) -> Tensor:
    """Weight ``1 / sqrt(1 + l / lam**2)``: derivative of :func:`l1_l2_loss_transform`."""
    check_number("lam", lam, 0, closed="right")
    return torch.rsqrt(1 + loss / lam**2)


def welsch_weights(loss: Tensor, lam: float = 1.0) -> Tensor:
    """Weight ``exp(-l / lam**2)``: derivative of :func:`welsch_loss_transform`."""
    check_number("lam", lam, 0, closed="right")
    return torch.exp(-loss / lam**2)


def huber_loss_transform(loss: Tensor, lam: float = 1.0) -> Tensor:
    """Robust loss ``l`` up to ``lam**2``, then ``2 lam sqrt(l) - lam**2``; its derivative is :func:`huber_weights`."""
    return torch.where(loss <= lam**2, loss, 2 * lam * loss.sqrt() - lam**2)


def cauchy_loss_transform(loss: Tensor, lam: float = 1.0) -> Tensor:
    """Robust loss ``lam**2 ln(1 + l / lam**2)``, whose derivative is :func:`cauchy_weights`."""
    return lam**2 * torch.log1p(loss / lam**2)


def l1_l2_loss_transform(loss: Tensor, lam: float = 1.0) -> Tensor:
    """Robust loss ``2 lam**2 (sqrt(1 + l / lam**2) - 1)``, whose derivative is :func:`l1_l2_weights`."""
    return 2 * lam**2 * ((1 + loss / lam**2).sqrt() - 1)


def welsch_loss_transform(loss: Tensor, lam: float = 1.0) -> Tensor:
    """Robust loss ``lam**2 (1 - exp(-l / lam**2))``, whose derivative is :func:`welsch_weights`."""
    return -(lam**2) * torch.expm1(-loss / lam**2)
