"""Shift and flip, against one image at a time."""

import numpy as np
import torch

from noisylabel.functional.augment import shift_and_flip


def test_every_result_is_a_shifted_mirrored_original():
    """Each output equals the reflect-padded image cut at some offset, mirrored or not."""
    images = torch.randint(0, 256, (40, 3, 6, 7), dtype=torch.uint8)
    results = shift_and_flip(images, torch.Generator().manual_seed(0), max_shift=2)
    assert results.shape == images.shape
    assert results.dtype == torch.uint8
    seen = set()
    for image, result in zip(images.numpy(), results.numpy(), strict=True):
        padded = np.pad(image, ((0, 0), (2, 2), (2, 2)), mode="reflect")
        matches = {
            (top, left, flipped)
            for top in range(5)
            for left in range(5)
            for flipped in (False, True)
            if np.array_equal(padded[:, top : top + 6, left : left + 7][:, :, :: -1 if flipped else 1], result)
        }
        assert matches
        seen |= matches
    assert len(seen) > 20  # offsets and mirroring differ from image to image


def test_same_generator_same_result():
    images = torch.rand(5, 1, 8, 8)
    first, second = (shift_and_flip(images, torch.Generator().manual_seed(3)) for _ in range(2))
    assert torch.equal(first, second)
