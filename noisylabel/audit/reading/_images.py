"""Images that an audit reads: a folder of them, or the files that a table names."""

import os
from pathlib import Path

import numpy as np
import pandas as pd

from noisylabel._support.files import local_path
from noisylabel._support.progress import progress_bar
from noisylabel._support.validation import check_count
from noisylabel.audit._words import counted, some
from noisylabel.audit.reading._data import AuditData
from noisylabel.audit.reading._labels import check_labels
from noisylabel.audit.reading._text_files import are_texts, read_text_files
from noisylabel.datasets._folder import class_folders, files_below
from noisylabel.datasets._read_image import read_image
from noisylabel.exceptions import InvalidDataError
from noisylabel.preprocessing import TableEncoder


def read_audit_folder(
    folder: str | os.PathLike[str], *, size: int = 32, encoder: TableEncoder | None = None
) -> AuditData:
    """Read a folder of images, or of text files, whose sub-folders are the labels, for an audit.

    Parameters
    ----------
    folder : path
        Each sub-folder is a class and holds its images, or its files that end in ``.txt`` or ``.md``, at any depth.
        Hidden files are passed over.
    size : int, default=32
        Side of the images, in pixels, to which all are resized.
    encoder : TableEncoder, optional
        What makes numbers of texts, such as one with a ``text_model``.

    Returns
    -------
    AuditData

    Raises
    ------
    DatasetNotFoundError
        If there is no such folder.
    InvalidDataError
        If it has no images in two sub-folders or more.

    Examples
    --------
    >>> import tempfile
    >>> from PIL import Image
    >>> root = Path(tempfile.mkdtemp())
    >>> for name in ("cat/1.png", "cat/2.png", "dog/1.png", "dog/2.png"):
    ...     (root / name).parent.mkdir(exist_ok=True)
    ...     Image.new("RGB", (20, 10)).save(root / name)
    >>> data = read_audit_folder(root)
    >>> data.X.shape, data.noisy_y[2].item(), data.picture(2) == root / "dog" / "1.png"
    ((4, 3, 32, 32), 'dog', True)
    """
    root = local_path("folder", folder)
    unread: list[OSError] = []
    found = [file for name in class_folders(root) for file in files_below(root / name, unread)]
    files = [file.relative_to(root) for file in found]
    if not files:
        raise InvalidDataError(
            f"{root} has no images in sub-folders. Expected {root}/CLASS/picture.png, or CLASS/text.txt, and the like."
        )
    notes = [f"1 folder left out: {error.filename} cannot be read ({error.strerror})." for error in unread]
    if are_texts(files):
        return read_text_files(root, files, TableEncoder() if encoder is None else encoder, notes)
    X, is_read = read_images([root / name for name in files], size, notes)
    labels = pd.Series([name.parts[0] for name in files])[is_read]
    rows = pd.DataFrame({"file": [name.as_posix() for name, good in zip(files, is_read, strict=True) if good]})
    return AuditData(root, "images", X, check_labels(labels, notes), rows, [], notes)


def files_inside(folder: Path, names: pd.Series) -> list[Path]:
    """Return the files of a table's images; refuse what lies elsewhere, as the table may be another person's."""
    files, root = [folder / str(name) for name in names], folder.resolve()
    outside = [file for file in files if not file.resolve().is_relative_to(root)]
    if outside:
        raise InvalidDataError(
            f"{len(outside)} of the {len(files)} image files in {names.name!r} lie outside the folder of the table, "
            f"{root}, such as {outside[0]}. Copy them into it, or put the table into a folder above them."
        )
    return files


def read_images(files: list[Path], size: int, notes: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Return the images that can be read, uint8 (n, 3, size, size), and which they are, (N,); note the others."""
    check_count("size", size, 8)
    images: dict[int, np.ndarray] = {}
    absent: list[str] = []
    errors: dict[str, InvalidDataError] = {}
    for position, file in enumerate(progress_bar(files, "read images", unit="image", leave=False, delay=2)):
        name = str(file).encode(errors="backslashreplace").decode()
        try:
            if name != str(file):
                raise InvalidDataError(f"{name} has a name that is no text, so no table can hold it. Rename the file.")
            images[position] = np.asarray(read_image(file, side=size).resize((size, size)))
        except InvalidDataError as error:
            if file.exists():
                errors[name] = error
            else:
                absent.append(name)
    left_out = _left_out(absent, errors)
    if not images:
        raise InvalidDataError(f"None of the {len(files)} images can be read. {' '.join(left_out)}")
    notes += left_out
    is_read = np.isin(np.arange(len(files)), list(images))
    return np.ascontiguousarray(np.stack(list(images.values())).transpose(0, 3, 1, 2)), is_read


def _left_out(absent: list[str], errors: dict[str, InvalidDataError]) -> list[str]:
    """Say which files are not there, and which cannot be read."""
    said = []
    if absent:
        are = "is" if len(absent) == 1 else "are"
        said.append(f"{counted(len(absent), 'file')} left out that {are} not there: {some(absent)}.")
    if len(errors) == 1:
        said.append(f"1 file left out: {next(iter(errors.values()))}")
    elif errors:
        first = next(iter(errors.values()))
        said.append(
            f"{len(errors)} files left out that cannot be read as images: {some(list(errors))}. The first: {first}"
        )
    return said
