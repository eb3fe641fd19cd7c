"""Images that stay on disk until training asks for them."""

import os
from collections.abc import Sequence
from numbers import Integral
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor
from torch.utils.data import Dataset

from noisylabel._support.files import local_path
from noisylabel._support.validation import check_count
from noisylabel.datasets._read_image import read_image
from noisylabel.exceptions import InvalidParameterError

Size = int | tuple[int, int]


class ImageFiles(Dataset[Tensor]):
    """A torch Dataset of image files, each read when its row is asked for.

    Its samples carry no labels: pass those beside it, ``fit(files, y)``. Only the names are kept in memory, and nothing
    on the disk is looked at before it is needed.

    Parameters
    ----------
    root : path
        Folder to which the names are relative.
    files : sequence of str, length N
        Names of the images, in any format that Pillow reads.
    size : int or (height, width), default=224
        An integer takes the largest square in the middle of the image and resizes it to ``size`` x ``size``, which is
        the same as resizing the shorter side and cropping the centre. A pair resizes the whole image to that shape,
        whatever its proportions. Both are bilinear.

    Attributes
    ----------
    files : ndarray of str, shape (N,)
    shape : tuple
        (N, 3, H, W), as of an array of all images.

    Raises
    ------
    InvalidParameterError
        If ``size`` is neither.
    InvalidDataError
        When a row is asked for whose image is missing or cannot be read; the message names the file.

    Notes
    -----
    ``files[row]`` is a uint8 tensor (3, H, W) in colour, upright as a camera's note (EXIF) says; grey values of 16 bits
    keep their levels, scaled to 0 to 255; what is transparent lies on white. ``files[rows]``, with an array of row
    numbers, a mask or a slice, is an ``ImageFiles`` of those rows, so scikit-learn splits it without reading it. It can
    be pickled, so that worker processes can read, too.

    Examples
    --------
    >>> files = ImageFiles("photos", ["cat/1.jpg", "cat/2.jpg", "dog/1.jpg"], size=64)
    >>> len(files), len(files[[0, 2]])
    (3, 2)
    >>> files[0].shape  # doctest: +SKIP
    torch.Size([3, 64, 64])
    """

    def __init__(self, root: str | os.PathLike[str], files: Sequence[str] | np.ndarray, size: Size = 224) -> None:
        self.root = os.fspath(local_path("root", root))
        self.files = np.asarray(files, dtype=object)
        self.size = _check_size(size)

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(N, 3, H, W); scikit-learn would read the rows of what has no shape."""
        height, width = (self.size, self.size) if isinstance(self.size, int) else self.size
        return len(self), 3, height, width

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, row: Any) -> Any:
        if isinstance(row, tuple) and row[1:] == (Ellipsis,):  # how scikit-learn takes rows of arrays
            row = row[0]
        if not isinstance(row, Integral):
            return ImageFiles(self.root, self.files[row], self.size)
        pixels = _resized(read_image(os.path.join(self.root, self.files[row])), self.size)
        return torch.from_numpy(pixels).permute(2, 0, 1).contiguous()


def _check_size(size: Any) -> Size:
    if isinstance(size, tuple | list):
        if len(size) != 2:
            raise InvalidParameterError(f"'size' must be an integer or a pair (height, width). Got {size!r}.")
        return check_count("size", size[0]), check_count("size", size[1])
    return check_count("size", size)


def _resized(picture: Image.Image, size: Size) -> np.ndarray:
    """Return the pixels of an image at a size, (H, W, 3)."""
    bilinear = Image.Resampling.BILINEAR
    if isinstance(size, int):
        return np.array(ImageOps.fit(picture, (size, size), bilinear))
    return np.array(picture.resize(size[::-1], bilinear))
