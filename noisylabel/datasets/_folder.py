"""A folder of images, one sub-folder a class."""

import os
from pathlib import Path

import numpy as np
from sklearn.utils import Bunch

from noisylabel.exceptions import DatasetNotFoundError, InvalidDataError

IMAGE_SUFFIXES = {".bmp", ".gif", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp"}


def load_image_folder(folder: str | os.PathLike[str], *, size: int | tuple[int, int] = 32, mode: str = "RGB") -> Bunch:
    """Load images from ``folder/CLASS/*``, resized to one size.

    Parameters
    ----------
    folder : path
        Each sub-folder is a class and holds its images, at any depth.
    size : int or (height, width), default=32
        Size of the images returned.
    mode : {"RGB", "L"}, default="RGB"
        Colour or grey.

    Returns
    -------
    Bunch
        ``data`` uint8 (N, channels, H, W), ``target`` (N,), ``target_names``, ``filenames``.

    Raises
    ------
    DatasetNotFoundError
        If the folder does not exist.
    InvalidDataError
        If it has no images in sub-folders, or an image cannot be read (the message names it).
    """
    from PIL import Image

    root = Path(folder).expanduser()
    if not root.is_dir():
        raise DatasetNotFoundError(f"There is no folder {root}. Give one with a sub-folder of images for each class.")
    names = sorted(entry.name for entry in root.iterdir() if entry.is_dir())
    files = [(path, code) for code, name in enumerate(names) for path in _images_below(root / name)]
    if not files:
        raise InvalidDataError(f"{root} has no images in sub-folders. Expected {root}/CLASS/picture.png and the like.")
    height, width = (size, size) if isinstance(size, int) else size
    images = []
    for path, _ in files:
        try:
            with Image.open(path) as picture:
                images.append(np.asarray(picture.convert(mode).resize((width, height))))
        except OSError as error:
            raise InvalidDataError(f"{path} cannot be read as an image: {error}. Remove or repair it.") from error
    data = np.stack(images)
    data = data[:, None] if data.ndim == 3 else data.transpose(0, 3, 1, 2)
    return Bunch(
        data=np.ascontiguousarray(data),
        target=np.array([code for _, code in files]),
        target_names=names,
        filenames=[str(path.relative_to(root)) for path, _ in files],
    )


def _images_below(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in IMAGE_SUFFIXES)
