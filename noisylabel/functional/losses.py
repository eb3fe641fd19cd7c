"""Weighted training loss."""

from torch import Tensor


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
    weights = weights.detach()
    if sample_weight is None:
        return (weights * losses).mean()
    return (sample_weight * weights * losses).sum() / sample_weight.sum().clamp_min(1e-12)
