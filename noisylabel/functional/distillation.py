"""Learning from probabilities instead of labels: tempering, the loss, filtered predictions, smoothed labels."""

import torch
from torch import Tensor
from torch.nn.functional import kl_div, one_hot

from noisylabel._support.validation import check_number


def temper(proba: Tensor, temperature: float) -> Tensor:
    """Flatten (temperature above 1) or sharpen (below 1) probabilities: ``softmax(ln(p) / T)``.

    Parameters
    ----------
    proba : Tensor of shape (..., C)
        Probabilities; zeros stay zero.
    temperature : float in (0, inf)

    Returns
    -------
    Tensor of shape (..., C)

    Raises
    ------
    InvalidParameterError
        If the temperature is not above 0.

    References
    ----------
    Hinton et al., "Distilling the knowledge in a neural network", 2015, eq. 1; the released code of Filter-KD.

    Examples
    --------
    >>> import torch
    >>> temper(torch.tensor([0.7, 0.2, 0.1]), 2.0)
    tensor([0.5229, 0.2795, 0.1976])
    >>> temper(torch.tensor([0.5, 0.5, 0.0]), 2.0)
    tensor([0.5000, 0.5000, 0.0000])
    """
    check_number("temperature", temperature, 0, closed="neither")
    return (proba.log() / temperature).softmax(-1)


def distillation_losses(targets: Tensor, logits: Tensor, temperature: float = 1.0) -> Tensor:
    """Loss of each sample: ``T**2 KL(temper(targets, T) || softmax(logits / T))``.

    The factor keeps the gradient's size about the same at every temperature. The released code has twice as much.

    Parameters
    ----------
    targets : Tensor of shape (B, C)
        Probabilities to learn; no gradient flows through them.
    logits : Tensor of shape (B, C)
        Of the network that learns.
    temperature : float in (0, inf), default=1.0

    Returns
    -------
    Tensor of shape (B,)

    Raises
    ------
    InvalidParameterError
        If the temperature is not above 0.

    References
    ----------
    Ren, Guo, Sutherland, "Better supervisory signals by observing learning paths", ICLR 2022, Algorithm 1, with the
    factor of Hinton et al. 2015.

    Examples
    --------
    >>> import torch
    >>> distillation_losses(torch.tensor([[0.7, 0.2, 0.1]]), torch.tensor([[2.0, 1.0, 0.0]]), 2.0)
    tensor([0.0076])
    """
    tempered = temper(targets.detach(), temperature)
    return temperature**2 * kl_div((logits / temperature).log_softmax(1), tempered, reduction="none").sum(1)


def filtered_update(table_rows: Tensor, proba: Tensor, alpha: float) -> Tensor:
    """Let the predictions of a visit enter the filtered ones: ``(1 - alpha) q + alpha p``, at a first visit ``p``.

    Parameters
    ----------
    table_rows : Tensor of shape (B, C)
        Filtered predictions so far; rows of NaN have had no visit.
    proba : Tensor of shape (B, C)
        Predictions of this visit.
    alpha : float in (0, 1]
        Share of this visit; 1 keeps nothing of the past.

    Returns
    -------
    Tensor of shape (B, C)

    Raises
    ------
    InvalidParameterError
        If ``alpha`` is outside (0, 1].

    References
    ----------
    Ren, Guo, Sutherland, "Better supervisory signals by observing learning paths", ICLR 2022, Algorithm 1.

    Examples
    --------
    >>> import torch
    >>> q = filtered_update(torch.full((1, 3), torch.nan), torch.tensor([[0.2, 0.5, 0.3]]), alpha=0.05)
    >>> filtered_update(q, torch.tensor([[0.6, 0.2, 0.2]]), alpha=0.05)
    tensor([[0.2200, 0.4850, 0.2950]])
    """
    check_number("alpha", alpha, 0, 1, closed="right")
    return torch.where(table_rows.isnan(), proba, (1 - alpha) * table_rows + alpha * proba)


def smoothed_targets(codes: Tensor, n_classes: int, smoothing: float) -> Tensor:
    """Give each label the probability ``1 - smoothing`` and spread the rest evenly over all classes, its own included.

    Parameters
    ----------
    codes : Tensor of shape (B,)
        Label codes.
    n_classes : int
    smoothing : float in [0, 1]
        0 is one-hot, 1 is uniform.

    Returns
    -------
    Tensor of shape (B, n_classes)
        float32; rows sum to 1.

    Raises
    ------
    InvalidParameterError
        If ``smoothing`` is outside [0, 1].

    References
    ----------
    Szegedy et al., "Rethinking the Inception architecture for computer vision", CVPR 2016, Sec. 7.

    Examples
    --------
    >>> import torch
    >>> smoothed_targets(torch.tensor([2, 0]), 4, smoothing=0.2)
    tensor([[0.0500, 0.0500, 0.8500, 0.0500],
            [0.8500, 0.0500, 0.0500, 0.0500]])
    """
    check_number("smoothing", smoothing, 0, 1)
    return (1 - smoothing) * one_hot(codes, n_classes).float() + smoothing / n_classes
