"""Example drop-out: keep an exact share of a batch."""

import torch
from torch import Tensor


def example_dropout_mask(n_samples: int, rate: float, generator: torch.Generator) -> Tensor:
    """Mask (B,) with exactly ``int(B * (1 - rate))`` ones at random places, on the generator's device.

    The kept weights are not rescaled (MentorNet's released behaviour).

    Examples
    --------
    >>> import torch
    >>> example_dropout_mask(128, 0.9, torch.Generator().manual_seed(0)).sum()
    tensor(12.)
    """
    n_kept = int(round(n_samples * (1 - rate), 9))
    mask = torch.zeros(n_samples, device=generator.device)
    mask[torch.randperm(n_samples, generator=generator, device=generator.device)[:n_kept]] = 1
    return mask
