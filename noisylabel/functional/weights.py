"""Weights of samples: the closed forms v* of curricula, example dropout, and the weighted training loss.

Conventions: B is the number of samples in a batch. ``loss_diff`` is the loss minus the threshold, and the threshold is
the moving loss percentile. No function keeps anything.
"""

import torch
from torch import Tensor

from noisylabel._support.validation import check_number


def uniform_weights(loss: Tensor) -> Tensor:
    """Weight 1 for every sample: plain training.

    Parameters
    ----------
    loss : Tensor of shape (B,)
        At least 0.

    Returns
    -------
    Tensor of shape (B,)
        Ones.
    """
    return torch.ones_like(loss)


def self_paced_weights(loss_diff: Tensor) -> Tensor:
    """Keep samples whose loss is at most the threshold: ``1[d <= 0]``.

    Parameters
    ----------
    loss_diff : Tensor of shape (B,)
        Loss minus the threshold, which is the moving loss percentile.

    Returns
    -------
    Tensor of shape (B,)
        Zeros and ones.

    References
    ----------
    Kumar et al., "Self-paced learning for latent variable models", NeurIPS 2010.
    """
    return (loss_diff <= 0).to(loss_diff.dtype)


def hard_example_mining_weights(loss_diff: Tensor) -> Tensor:
    """Keep samples whose loss is at least the threshold: ``1[d >= 0]``.

    Parameters
    ----------
    loss_diff : Tensor of shape (B,)
        Loss minus the threshold, which is the moving loss percentile.

    Returns
    -------
    Tensor of shape (B,)
        Zeros and ones.
    """
    return (loss_diff >= 0).to(loss_diff.dtype)


def focal_weights(loss: Tensor, gamma: float = 2.0) -> Tensor:
    """Weight ``(1 - exp(-l))**gamma``: the factor of the focal loss, used as a weight.

    Parameters
    ----------
    loss : Tensor of shape (B,)
        At least 0.
    gamma : float in (0, inf), default=2.0
        The larger, the less easy samples count.

    Returns
    -------
    Tensor of shape (B,)
        In [0, 1].

    Raises
    ------
    InvalidParameterError
        If ``gamma`` is not a finite number above 0.

    References
    ----------
    Lin et al., "Focal loss for dense object detection", ICCV 2017.
    """
    check_number("gamma", gamma, 0, closed="right")
    return (1 - torch.exp(-loss)) ** gamma


def spcl_linear_weights(loss_diff: Tensor, gamma: float = 1.0) -> Tensor:
    """Weight that falls from 1 at the threshold to 0 at ``gamma`` above it: ``clip(1 - d / gamma, 0, 1)``.

    Parameters
    ----------
    loss_diff : Tensor of shape (B,)
        Loss minus the threshold, which is the moving loss percentile.
    gamma : float in (0, inf), default=1.0
        Width of the fall.

    Returns
    -------
    Tensor of shape (B,)
        In [0, 1].

    Raises
    ------
    InvalidParameterError
        If ``gamma`` is not a finite number above 0.
    """
    check_number("gamma", gamma, 0, closed="right")
    return (1 - loss_diff / gamma).clamp(0, 1)


def spcl_logarithmic_weights(loss: Tensor, lam: float | Tensor) -> Tensor:
    """Weight ``ln(l + zeta) / ln(zeta)`` below ``lam``, and 0 above it; ``zeta = 1 - lam``.

    Parameters
    ----------
    loss : Tensor of shape (B,)
        At least 0.
    lam : float or Tensor, in (0, 1)
        Loss at which the weight reaches 0; one number, or one for each sample.

    Returns
    -------
    Tensor of shape (B,)
        In [0, 1].
    """
    zeta = 1 - torch.as_tensor(lam, dtype=loss.dtype, device=loss.device)
    return (torch.log(loss + zeta) / torch.log(zeta)).clamp(0, 1)


def spcl_mixture_weights(loss: Tensor, lam1: float | Tensor, lam2: float | Tensor) -> Tensor:
    """Weight 1 up to ``lam2``, 0 from ``lam1`` on, and ``zeta (1/l - 1/lam1)`` between.

    Here ``zeta = lam1 lam2 / (lam1 - lam2)``.

    Parameters
    ----------
    loss : Tensor of shape (B,)
        At least 0.
    lam1, lam2 : float or Tensor, in (0, inf)
        Losses at which the weight reaches 0 and leaves 1; ``lam1`` is the larger one.

    Returns
    -------
    Tensor of shape (B,)
        In [0, 1].
    """
    zeta = lam1 * lam2 / (lam1 - lam2)
    return (zeta / loss.clamp_min(torch.finfo(loss.dtype).tiny) - zeta / lam1).clamp(0, 1)


def spcl_polynomial_weights(loss: Tensor, lam: float | Tensor, t: float = 3.0) -> Tensor:
    """Weight ``(1 - l / lam)**(1 / (t - 1))`` below ``lam``, and 0 above it.

    Parameters
    ----------
    loss : Tensor of shape (B,)
        At least 0.
    lam : float or Tensor, in (0, inf)
        Loss at which the weight reaches 0; one number, or one for each sample.
    t : float in (1, inf), default=3.0
        Degree; 2 makes the weight fall linearly.

    Returns
    -------
    Tensor of shape (B,)
        In [0, 1].

    Raises
    ------
    InvalidParameterError
        If ``t`` is not a finite number above 1.
    """
    check_number("t", t, 1, closed="right")
    return (1 - loss / lam).clamp_min(0) ** (1 / (t - 1))


def mentornet_pd_weights(
    loss_diff: Tensor,
    epoch_percent: float | Tensor,
    gamma: float = 1.0,
) -> Tensor:
    """Predefined MentorNet: uniform up to 18 percent of training, self-paced up to 90 percent, then SPCL linear.

    Parameters
    ----------
    loss_diff : Tensor of shape (B,)
        Loss minus the threshold, which is the moving loss percentile.
    epoch_percent : float, or Tensor of shape (B,), in [0, 99]
        Percent of training that is over; one number, or one for each sample.
    gamma : float in (0, inf), default=1.0
        Width of the fall in the last stage, see :func:`spcl_linear_weights`.

    Returns
    -------
    Tensor of shape (B,)
        In [0, 1].

    Raises
    ------
    InvalidParameterError
        If ``gamma`` is needed and is not a finite number above 0.

    Examples
    --------
    >>> import torch
    >>> diff = torch.tensor([-0.5, 0.5, 1.5])
    >>> [mentornet_pd_weights(diff, percent).tolist() for percent in (10, 50, 95)]
    [[1.0, 1.0, 1.0], [1.0, 0.0, 0.0], [1.0, 0.5, 0.0]]
    """
    if isinstance(epoch_percent, Tensor):
        late = torch.where(epoch_percent >= 90, spcl_linear_weights(loss_diff, gamma), self_paced_weights(loss_diff))
        return torch.where(epoch_percent <= 18, torch.ones_like(loss_diff), late)
    if epoch_percent <= 18:
        return torch.ones_like(loss_diff)
    return spcl_linear_weights(loss_diff, gamma) if epoch_percent >= 90 else self_paced_weights(loss_diff)


def huber_weights(loss: Tensor, lam: float = 1.0) -> Tensor:
    """Weight 1 up to ``lam**2``, then ``lam / sqrt(l)``: the derivative of :func:`huber_loss_transform`.

    Parameters
    ----------
    loss : Tensor of shape (B,)
        At least 0.
    lam : float in (0, inf), default=1.0
        Scale of the square root of the loss.

    Returns
    -------
    Tensor of shape (B,)
        In [0, 1].

    Raises
    ------
    InvalidParameterError
        If ``lam`` is not a finite number above 0.
    """
    check_number("lam", lam, 0, closed="right")
    return (lam / loss.clamp_min(lam**2).sqrt()).clamp_max(1)


def cauchy_weights(loss: Tensor, lam: float = 1.0) -> Tensor:
    """Weight ``1 / (1 + l / lam**2)``: the derivative of :func:`cauchy_loss_transform`.

    Parameters
    ----------
    loss : Tensor of shape (B,)
        At least 0.
    lam : float in (0, inf), default=1.0
        Scale of the square root of the loss.

    Returns
    -------
    Tensor of shape (B,)
        In [0, 1].

    Raises
    ------
    InvalidParameterError
        If ``lam`` is not a finite number above 0.
    """
    check_number("lam", lam, 0, closed="right")
    return 1 / (1 + loss / lam**2)


def l1_l2_weights(loss: Tensor, lam: float = 1.0) -> Tensor:
    """Weight ``1 / sqrt(1 + l / lam**2)``: the derivative of :func:`l1_l2_loss_transform`.

    Parameters
    ----------
    loss : Tensor of shape (B,)
        At least 0.
    lam : float in (0, inf), default=1.0
        Scale of the square root of the loss.

    Returns
    -------
    Tensor of shape (B,)
        In [0, 1].

    Raises
    ------
    InvalidParameterError
        If ``lam`` is not a finite number above 0.
    """
    check_number("lam", lam, 0, closed="right")
    return torch.rsqrt(1 + loss / lam**2)


def welsch_weights(loss: Tensor, lam: float = 1.0) -> Tensor:
    """Weight ``exp(-l / lam**2)``: the derivative of :func:`welsch_loss_transform`.

    Parameters
    ----------
    loss : Tensor of shape (B,)
        At least 0.
    lam : float in (0, inf), default=1.0
        Scale of the square root of the loss.

    Returns
    -------
    Tensor of shape (B,)
        In [0, 1].

    Raises
    ------
    InvalidParameterError
        If ``lam`` is not a finite number above 0.
    """
    check_number("lam", lam, 0, closed="right")
    return torch.exp(-loss / lam**2)


def huber_loss_transform(loss: Tensor, lam: float = 1.0) -> Tensor:
    """Robust loss ``l`` up to ``lam**2``, then ``2 lam sqrt(l) - lam**2``; its derivative is :func:`huber_weights`.

    Parameters
    ----------
    loss : Tensor of shape (B,)
        At least 0.
    lam : float in (0, inf), default=1.0
        Scale of the square root of the loss.

    Returns
    -------
    Tensor of shape (B,)
        At least 0, and at most ``loss``.
    """
    return torch.where(loss <= lam**2, loss, 2 * lam * loss.sqrt() - lam**2)


def cauchy_loss_transform(loss: Tensor, lam: float = 1.0) -> Tensor:
    """Robust loss ``lam**2 ln(1 + l / lam**2)``; its derivative is :func:`cauchy_weights`.

    Parameters
    ----------
    loss : Tensor of shape (B,)
        At least 0.
    lam : float in (0, inf), default=1.0
        Scale of the square root of the loss.

    Returns
    -------
    Tensor of shape (B,)
        At least 0, and at most ``loss``.
    """
    return lam**2 * torch.log1p(loss / lam**2)


def l1_l2_loss_transform(loss: Tensor, lam: float = 1.0) -> Tensor:
    """Robust loss ``2 lam**2 (sqrt(1 + l / lam**2) - 1)``; its derivative is :func:`l1_l2_weights`.

    Parameters
    ----------
    loss : Tensor of shape (B,)
        At least 0.
    lam : float in (0, inf), default=1.0
        Scale of the square root of the loss.

    Returns
    -------
    Tensor of shape (B,)
        At least 0, and at most ``loss``.
    """
    return 2 * lam**2 * ((1 + loss / lam**2).sqrt() - 1)


def welsch_loss_transform(loss: Tensor, lam: float = 1.0) -> Tensor:
    """Robust loss ``lam**2 (1 - exp(-l / lam**2))``; its derivative is :func:`welsch_weights`.

    Parameters
    ----------
    loss : Tensor of shape (B,)
        At least 0.
    lam : float in (0, inf), default=1.0
        Scale of the square root of the loss.

    Returns
    -------
    Tensor of shape (B,)
        At least 0, and at most ``loss``.
    """
    return -(lam**2) * torch.expm1(-loss / lam**2)


def example_dropout_mask(n_samples: int, rate: float, generator: torch.Generator) -> Tensor:
    """Draw a mask of a batch with exactly ``int(B * (1 - rate))`` ones, at random places.

    The weights that are kept are not rescaled, as in MentorNet's released code.

    Parameters
    ----------
    n_samples : int
        Size B of the batch.
    rate : float in [0, 1]
        Share that is dropped.
    generator : torch.Generator
        The mask is on its device.

    Returns
    -------
    Tensor of shape (B,)
        Zeros and ones, float32.

    Examples
    --------
    >>> import torch
    >>> example_dropout_mask(128, 0.9, torch.Generator().manual_seed(0)).sum()
    tensor(12.)
    """
    n_kept = int(round(n_samples * (1 - rate), 9))
    kept = torch.randperm(n_samples, generator=generator, device=generator.device)[:n_kept]
    return torch.zeros(n_samples, device=generator.device).index_fill_(0, kept, 1)


def weighted_loss(losses: Tensor, weights: Tensor, sample_weight: Tensor | None = None) -> Tensor:
    """Mean over the batch of weight times loss: divided by the batch size, *not* by the sum of the weights.

    Parameters
    ----------
    losses, weights : Tensor of shape (B,)
        Losses and curriculum weights; no gradient flows through the weights.
    sample_weight : Tensor of shape (B,), optional
        The user's weights. They stand for repeated rows, so they also count in the denominator.

    Returns
    -------
    Tensor of shape ()

    Examples
    --------
    >>> import torch
    >>> weighted_loss(torch.tensor([0.2, 1.0, 5.0, 2.0]), torch.tensor([1.0, 0.5, 0.0, 0.25]))
    tensor(0.3000)
    """
    return loss_shares(weights, sample_weight) @ losses


def loss_shares(weights: Tensor, sample_weight: Tensor | None = None) -> Tensor:
    """Share of each sample's loss in the :func:`weighted_loss` of its batch, which is its gradient too.

    Parameters
    ----------
    weights : Tensor of shape (B,)
    sample_weight : Tensor of shape (B,), optional

    Returns
    -------
    Tensor of shape (B,)
        Without gradient.

    Examples
    --------
    >>> import torch
    >>> loss_shares(torch.tensor([1.0, 0.5, 0.0, 0.25]))
    tensor([0.2500, 0.1250, 0.0000, 0.0625])
    """
    weights = weights.detach()
    if sample_weight is None:
        return weights / len(weights)
    return sample_weight * weights / sample_weight.sum().clamp_min(1e-12)
