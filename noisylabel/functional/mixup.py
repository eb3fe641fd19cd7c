"""MentorMix: mix samples according to their weights."""

import torch
from torch import Tensor

_SMALL_ALPHA = 0.1  # below it, both gammas may be too small for single precision


def partner_probabilities(weights: Tensor, sample_weight: Tensor | None = None) -> Tensor:
    """Probability of each sample to be drawn as a partner: the softmax of the weights.

    With weights in [0, 1] they differ little: a sample of weight 1 is e times as likely as one of weight 0.

    Parameters
    ----------
    weights : Tensor of shape (B,)
        Curriculum weights.
    sample_weight : Tensor of shape (B,), optional
        How many times each row counts. Rows with 0 are never drawn, and not all may be 0.

    Returns
    -------
    Tensor of shape (B,)
        Probabilities; they sum to 1.

    References
    ----------
    Jiang et al., "Beyond synthetic noise: deep learning on controlled noisy labels", ICML 2020, Algorithm 1, step 5.

    Examples
    --------
    >>> import torch
    >>> partner_probabilities(torch.tensor([1.0, 1.0, 0.0, 0.0]))
    tensor([0.3655, 0.3655, 0.1345, 0.1345])
    """
    if sample_weight is None:
        return weights.softmax(0)
    return (weights + sample_weight.log()).softmax(0)


def draw_partners(weights: Tensor, generator: torch.Generator, sample_weight: Tensor | None = None) -> Tensor:
    """Draw a partner for each sample of the batch, with replacement; a sample may be its own.

    Parameters
    ----------
    weights : Tensor of shape (B,)
        Curriculum weights.
    generator : torch.Generator
        On the device of the weights.
    sample_weight : Tensor of shape (B,), optional
        See :func:`partner_probabilities`.

    Returns
    -------
    Tensor of shape (B,)
        Positions in the batch.
    """
    probabilities = partner_probabilities(weights, sample_weight)
    return torch.multinomial(probabilities, len(weights), replacement=True, generator=generator)


def draw_beta(n: int, alpha: float, generator: torch.Generator) -> Tensor:
    """Draw numbers from Beta(alpha, alpha).

    Each is X / (X + Y) of two Gamma(alpha) numbers, because torch's Beta distribution takes no generator.

    Parameters
    ----------
    n : int
        How many.
    alpha : float in (0, inf)
        The larger, the nearer the numbers are to 0.5.
    generator : torch.Generator
        The numbers are on its device.

    Returns
    -------
    Tensor of shape (n,)
        In [0, 1], float32.

    Examples
    --------
    >>> import torch
    >>> draws = draw_beta(100_000, 2.0, torch.Generator().manual_seed(0))
    >>> round(draws.mean().item(), 2), round(torch.maximum(draws, 1 - draws).mean().item(), 2)
    (0.5, 0.69)
    """
    dtype = torch.float64 if alpha < _SMALL_ALPHA else torch.float32
    shape = torch.full((2, n), float(alpha), device=generator.device, dtype=dtype)
    x, y = torch._standard_gamma(shape, generator=generator).clamp_min(torch.finfo(dtype).tiny)
    return (x / (x + y)).float()


def mixing_ratios(draws: Tensor, weights: Tensor, kind: str = "hard") -> Tensor:
    """Share of each sample in its mix with a partner.

    A draw b splits a mix into shares b and 1 - b. The sample gets the larger one if its weight is at least 0.5.
    Otherwise its partner does.

    Parameters
    ----------
    draws : Tensor of shape (B,)
        In [0, 1], from Beta(alpha, alpha).
    weights : Tensor of shape (B,)
        Curriculum weights in [0, 1].
    kind : {"hard", "soft"}, default="hard"
        ``"hard"`` switches at a weight of 0.5, as the released code. ``"soft"`` averages the two shares by the weight,
        as the paper. For weights of 0 and 1 both give the same.

    Returns
    -------
    Tensor of shape (B,)
        In [0, 1].

    Examples
    --------
    >>> import torch
    >>> draws = torch.full((3,), 0.3)
    >>> mixing_ratios(draws, torch.tensor([0.5, 0.49, 0.4]))
    tensor([0.7000, 0.3000, 0.3000])
    >>> mixing_ratios(draws, torch.tensor([1.0, 0.0, 0.4]), "soft")
    tensor([0.7000, 0.3000, 0.4600])
    """
    larger = torch.maximum(draws, 1 - draws)
    share = (weights >= 0.5).to(draws.dtype) if kind == "hard" else weights
    return share * larger + (1 - share) * (1 - larger)


def mix(values: Tensor, partners: Tensor, ratios: Tensor) -> Tensor:
    """Blend each sample with its partner: ``ratio * values + (1 - ratio) * values[partners]``.

    Parameters
    ----------
    values : Tensor of shape (B, ...)
        Floats: inputs, or class probabilities, whose rows keep their sum.
    partners : Tensor of shape (B,)
        Positions in the batch.
    ratios : Tensor of shape (B,)
        Share of the sample itself, in [0, 1].

    Returns
    -------
    Tensor of shape (B, ...)

    Examples
    --------
    >>> import torch
    >>> values = torch.tensor([[1.0, 0.0], [0.0, 2.0]])
    >>> mix(values, torch.tensor([1, 1]), torch.tensor([0.7, 0.5]))
    tensor([[0.7000, 0.6000],
            [0.0000, 2.0000]])
    """
    shape = (-1, *[1] * (values.ndim - 1))
    return torch.lerp(values[partners], values, ratios.to(values.dtype).reshape(shape))
