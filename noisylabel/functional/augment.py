"""Augmentation of a whole batch of images at once."""

import torch
from torch import Tensor


def shift_and_flip(images: Tensor, generator: torch.Generator, *, max_shift: int = 4, flip: bool = True) -> Tensor:
    """Shift each image by a random offset of its own, and mirror it with probability 0.5.

    Pixels that a shift uncovers are filled by reflection at the border.

    Parameters
    ----------
    images : Tensor of shape (B, channels, H, W)
        Any dtype.
    generator : torch.Generator
        On the device of ``images``.
    max_shift : int, default=4
        Largest shift along each axis, in pixels; less than H and W.
    flip : bool, default=True
        Whether to mirror images, left to right.

    Returns
    -------
    Tensor of shape (B, channels, H, W)
        A new tensor in channels-last layout.

    Examples
    --------
    >>> import torch
    >>> generator = torch.Generator().manual_seed(0)
    >>> shift_and_flip(torch.zeros(2, 3, 8, 8), generator).shape
    torch.Size([2, 3, 8, 8])
    """
    n_images, _, height, width = images.shape
    device = images.device

    def offsets() -> Tensor:
        return torch.randint(-max_shift, max_shift + 1, (n_images, 1), generator=generator, device=device)

    rows = _reflect(torch.arange(height, device=device) + offsets(), height)
    columns = _reflect(torch.arange(width, device=device) + offsets(), width)
    if flip:
        mirrored = torch.rand(n_images, 1, generator=generator, device=device) < 0.5
        columns = torch.where(mirrored, width - 1 - columns, columns)
    image = torch.arange(n_images, device=device)[:, None, None]
    return images.permute(0, 2, 3, 1)[image, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)


def _reflect(position: Tensor, size: int) -> Tensor:
    """Fold positions outside [0, size) back inside, without repeating the border."""
    position = position.abs()
    return size - 1 - (size - 1 - position).abs()
