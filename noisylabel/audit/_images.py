"""Image files as pixels, whatever their format."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from tqdm import tqdm

from noisylabel._support.validation import check_count
from noisylabel.audit._words import counted, some
from noisylabel.exceptions import InvalidDataError

if TYPE_CHECKING:
    from PIL import Image


def read_images(files: list[Path], size: int, notes: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Return the images that can be read, uint8 (n, 3, size, size), and which they are, (N,); note the others.

    Raises
    ------
    InvalidDataError
        If none can be read.
    """
    from PIL import Image

    check_count("size", size, 8)
    images, is_read = [], np.full(len(files), False)
    for position, file in enumerate(tqdm(files, "Reading images", leave=False, disable=None, delay=2)):
        try:
            images.append(np.asarray(open_picture(file, size).resize((size, size))))
        except (OSError, ValueError, Image.DecompressionBombError):
            continue
        is_read[position] = True
    if not images:
        raise InvalidDataError(f"None of the {len(files)} files, such as {files[0]}, can be read as an image.")
    if not is_read.all():
        names = [str(file) for file, good in zip(files, is_read, strict=True) if not good]
        notes.append(f"{counted(len(names), 'file')} that cannot be read as an image left out: {some(names)}.")
    return np.ascontiguousarray(np.stack(images).transpose(0, 3, 1, 2)), is_read


def open_picture(file: Path, side: int) -> "Image.Image":
    """Return the image of a file: upright, in 8-bit red, green and blue.

    Parameters
    ----------
    file : Path
        An image that Pillow reads. Grey values of 16 bits are divided by 257; those of 32 bits and fractions have no
        known white, so that the range found in the image becomes 0 to 255.
    side : int
        Pixels that will be needed on each side: a large JPEG is decoded faster to about twice as many.

    Returns
    -------
    Image

    Raises
    ------
    OSError
        If it cannot be read.
    """
    from PIL import Image, ImageOps

    with Image.open(file) as picture:
        picture.draft("RGB", (2 * side, 2 * side))
        upright = ImageOps.exif_transpose(picture)
    if upright.mode in ("I", "F") or upright.mode.startswith("I;16"):
        values = np.asarray(upright, dtype=np.float64)
        known = values[np.isfinite(values)] if upright.mode in ("I", "F") else np.array([0, 65_535])
        low, high = (known.min(), known.max()) if known.size else (0, 1)
        shares = np.nan_to_num((values - low) / ((high - low) or 1)).clip(0, 1)
        upright = Image.fromarray((255 * shares).round().astype(np.uint8))
    return upright.convert("RGB")
