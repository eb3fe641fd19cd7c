"""Targets that are probabilities: temperature, the loss, filtered predictions, smoothed labels."""

import torch
from torch import Tensor
from torch.nn.functional import kl_div, one_hot

from noisylabel._support.validation import check_number


def temper(proba: Tensor, temperature: float) -> Tensor:
    """Make probabilities flatter (temperature above 1) or sharper (below 1): ``softmax(ln(p) / T)``.

    Parameters
    ----------
    proba : Tensor of shape (..., C)
        Probabilities; zeros stay zero.
    temperature : float in (0, inf)
        T.

    Returns
    -------
    Tensor of shape (..., C)
        Probabilities.

    Raises
    ------
    InvalidParameterError
        If the temperature is not a finite number above 0.

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

    The factor ``T**2`` keeps the size of the gradient about the same at every temperature. The released code of
    Filter-KD has twice this loss.

    Parameters
    ----------
    targets : Tensor of shape (B, C)
        Probabilities to learn, without temperature; no gradient flows through them.
    logits : Tensor of shape (B, C)
        Outputs of the network that learns.
    temperature : float in (0, inf), default=1.0
        T.

    Returns
    -------
    Tensor of shape (B,)
        At least 0.

    Raises
    ------
    InvalidParameterError
        If the temperature is not a finite number above 0.

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
    """Update filtered predictions q by new ones p: ``(1 - alpha) q + alpha p``, and ``p`` at the first visit of a row.

    Parameters
    ----------
    table_rows : Tensor of shape (B, C)
        Filtered predictions so far; rows of NaN have not been visited yet.
    proba : Tensor of shape (B, C)
        Probabilities of this visit.
    alpha : float in (0, 1]
        Share of this visit; 1 keeps nothing of the past.

    Returns
    -------
    Tensor of shape (B, C)
        Filtered predictions after this visit.

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
    """Give each label the probability ``1 - smoothing``, and spread the rest evenly over all classes.

    Parameters
    ----------
    codes : Tensor of shape (B,)
        Label codes, 0 to C - 1.
    n_classes : int
        C.
    smoothing : float in [0, 1]
        Share that is spread, also to the label's own class: 0 gives one-hot targets, 1 gives uniform ones.

    Returns
    -------
    Tensor of shape (B, C)
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
