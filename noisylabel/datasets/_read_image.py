"""The one way in which image files are read: upright, in 8-bit red, green and blue, whatever the format."""

import os
from pathlib import Path
from typing import IO

import numpy as np
from PIL import Image, ImageOps

from noisylabel.exceptions import InvalidDataError

_WITH_ALPHA = ("LA", "PA", "RGBA")
_WHITE_OF_16_BITS = 65_535


def read_image(file: str | Path | IO[bytes], *, name: str = "", side: int | None = None) -> Image.Image:
    """Read an image as a person sees it: upright, in 8-bit red, green and blue.

    A camera's note on how it was held (EXIF) is followed. Grey values of 16 bits are divided by 257, so that black
    stays 0 and white becomes 255. What is transparent lies on white. One-bit, palette and CMYK images become RGB.

    Parameters
    ----------
    file : path or binary file
        An image in any format that Pillow reads; of several pictures in one file, the first.
    name : str
        What to call it in an error; the path by default.
    side : int, optional
        Pixels that will be needed on each side: a large JPEG is decoded faster to about twice as many.

    Returns
    -------
    Image
        In mode RGB.

    Raises
    ------
    InvalidDataError
        If the file is absent, damaged or no image, has more pixels than Pillow takes for safe
        (``PIL.Image.MAX_IMAGE_PIXELS``, 89 million), or if nothing says which of its values is white: fractions, and
        whole numbers outside 0 to 65,535. The message names the file.
    """
    if isinstance(file, (str, Path)) and not os.path.exists(file):
        raise InvalidDataError(f"There is no image {file}. Put it there, or leave it out.")
    try:
        if isinstance(file, (str, Path)) and not os.path.isfile(file):
            raise ValueError("it is no file")  # a folder; or a pipe, which would be waited for
        with Image.open(file) as picture:
            n_pixels = picture.width * picture.height
            if n_pixels > (Image.MAX_IMAGE_PIXELS or n_pixels):  # a small file can unpack to any size
                raise ValueError(f"it has {n_pixels:,} pixels, more than are safe to unpack; save it smaller")
            if side is not None:
                picture.draft("RGB", (2 * side, 2 * side))
            ImageOps.exif_transpose(picture, in_place=True)
            return _on_white(_in_8_bits(picture)).convert("RGB")
    except Exception as error:  # damaged files make Pillow raise nearly anything
        reason = str(error) or type(error).__name__
        raise InvalidDataError(
            f"{name or file} cannot be read as an image: {reason}. Repair it, or leave it out."
        ) from error


def _in_8_bits(picture: Image.Image) -> Image.Image:
    """Return grey values of 16 bits as 8 bits, and other images as they are."""
    if picture.mode == "F":
        raise ValueError("its values are fractions, and nothing says which is white; save it with 8 or 16 bits")
    if not picture.mode.startswith("I"):
        return picture
    values = np.asarray(picture).astype(np.int64)
    if values.min() < 0 or values.max() > _WHITE_OF_16_BITS:
        raise ValueError(
            f"its values go from {values.min()} to {values.max()}, and nothing says which is white; save it with 8 or "
            "16 bits"
        )
    values[values == picture.info.get("transparency", -1)] = _WHITE_OF_16_BITS
    return Image.fromarray(((values + 128) // 257).astype(np.uint8))


def _on_white(picture: Image.Image) -> Image.Image:
    """Return an image without transparency, what was transparent on white."""
    if picture.mode not in _WITH_ALPHA and "transparency" not in picture.info:
        return picture
    return Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture.convert("RGBA"))
