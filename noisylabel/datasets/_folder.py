"""A folder of images, one sub-folder a class."""

import os
from pathlib import Path

import numpy as np
from sklearn.utils import Bunch

from noisylabel._support.files import local_path
from noisylabel._support.validation import check_choice
from noisylabel.datasets._read_image import read_image
from noisylabel.exceptions import DatasetNotFoundError, InvalidDataError

IMAGE_SUFFIXES = {".bmp", ".gif", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp"}


def load_image_folder(folder: str | os.PathLike[str], *, size: int | tuple[int, int] = 32, mode: str = "RGB") -> Bunch:
    """Load images from ``folder/CLASS/*``, resized to one size.

    They come upright, as a camera's note (EXIF) says; grey values of 16 bits keep their levels, scaled to 0 to 255;
    what is transparent lies on white.

    Parameters
    ----------
    folder : path
        Each sub-folder is a class and holds its images, at any depth. What is hidden (its name begins with a point) is
        passed over.
    size : int or (height, width), default=32
        Size of the images returned, in pixels; an integer is both height and width.
    mode : {"RGB", "L"}, default="RGB"
        Colour (3 channels) or grey (1 channel).

    Returns
    -------
    Bunch
        ``data`` uint8 (N, channels, H, W), ``target`` (N,), label codes in the order of the sorted names;
        ``target_names``; ``filenames``, relative to the folder.

    Raises
    ------
    DatasetNotFoundError
        If the folder does not exist.
    InvalidDataError
        If it has no images in sub-folders, or an image cannot be read (the message names it).
    InvalidParameterError
        If ``mode`` is another one.

    Examples
    --------
    >>> import tempfile
    >>> from PIL import Image
    >>> root = Path(tempfile.mkdtemp())
    >>> for name in ("cat", "dog"):
    ...     (root / name).mkdir()
    ...     Image.new("RGB", (20, 10)).save(root / name / "1.png")
    >>> photos = load_image_folder(root, size=(24, 32))
    >>> photos.data.shape, photos.target.tolist(), photos.target_names
    ((2, 3, 24, 32), [0, 1], ['cat', 'dog'])
    """
    check_choice("mode", mode, ("RGB", "L"))
    root = local_path("folder", folder)
    names = class_folders(root)
    found = [(path, code) for code, name in enumerate(names) for path in files_below(root / name)]
    files = [(path, code) for path, code in found if path.suffix.lower() in IMAGE_SUFFIXES]
    if not files:
        raise InvalidDataError(f"{root} has no images in sub-folders. Expected {root}/CLASS/picture.png and the like.")
    height, width = (size, size) if isinstance(size, int) else size
    data = np.stack([np.asarray(read_image(path).convert(mode).resize((width, height))) for path, _ in files])
    data = data[:, None] if data.ndim == 3 else data.transpose(0, 3, 1, 2)
    return Bunch(
        data=np.ascontiguousarray(data),
        target=np.array([code for _, code in files]),
        target_names=names,
        filenames=[str(path.relative_to(root)) for path, _ in files],
    )


def class_folders(root: Path) -> list[str]:
    """Return the sorted names of the folders in a folder, without hidden ones.

    Raises
    ------
    DatasetNotFoundError
        If there is no such folder.
    """
    if not root.is_dir():
        raise DatasetNotFoundError(f"There is no folder {root}. Give one with a sub-folder of images for each class.")
    return sorted(entry.name for entry in root.iterdir() if entry.is_dir() and not entry.name.startswith("."))


def files_below(folder: Path, unread: list[OSError] | None = None) -> list[Path]:
    """Return the files in a folder at any depth, sorted, without what is hidden.

    Parameters
    ----------
    folder : Path
    unread : list of OSError, optional
        Gets the errors of folders that cannot be read; they are raised by default.
    """

    def refuse(error: OSError) -> None:
        if unread is None:
            raise error
        unread.append(error)

    files = []
    for place, folders, names in os.walk(folder, onerror=refuse):
        folders[:] = [name for name in folders if not name.startswith(".")]
        files += [Path(place, name) for name in names if not name.startswith(".")]
    return sorted(file for file in files if file.is_file())
