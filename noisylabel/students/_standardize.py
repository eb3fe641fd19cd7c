"""Standardisation of the inputs as the first layer of a network."""

import torch
from torch import Tensor, nn


class Standardize(nn.Module):
    """Turn inputs into floats, subtract a fixed mean, and divide by a fixed standard deviation.

    Parameters
    ----------
    mean, std : Tensor
        Of shape (D,) for tables and (channels, 1, 1) for images. Both are saved with the network. Where ``std`` is 0,
        it counts as 1. If they are float64, so is the arithmetic: for columns whose digits float32 would lose.
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, mean: Tensor, std: Tensor) -> None:
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("scale", 1 / torch.where(std > 0, std, torch.ones_like(std)))

    def forward(self, x: Tensor) -> Tensor:
        """Return the standardised batch as float32, with images in channels-last layout."""
        x = ((x.to(self.mean.dtype) - self.mean) * self.scale).float()
        return x.contiguous(memory_format=torch.channels_last) if x.ndim == 4 else x
