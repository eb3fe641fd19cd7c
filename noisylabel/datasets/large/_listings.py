"""What large data sets consist of beside images: files that list them, and folders named after classes."""

import os
from pathlib import Path

import numpy as np

from noisylabel.datasets._folder import IMAGE_SUFFIXES
from noisylabel.exceptions import InvalidFileError


def read_lines(path: Path) -> list[str]:
    """Return the lines of a text file, without empty ones at its end.

    Raises
    ------
    InvalidFileError
        If it is empty, no text in UTF-8, or a web page.
    """
    try:
        text = path.read_text(encoding="utf-8").rstrip()
    except (UnicodeDecodeError, OSError) as error:
        raise InvalidFileError(f"{path} is no text in UTF-8: {error}. Fetch it again.") from error
    if not text or "\0" in text or text.lstrip().startswith("<"):
        held = "is a web page or XML" if text.lstrip().startswith("<") else "holds zeros" if text else "is empty"
        raise InvalidFileError(f"{path} {held}. Fetch it again.")
    return text.split("\n")


def bad_line(path: Path, number: int, expected: str, line: str) -> InvalidFileError:
    """Return the one error of a line that is not as published: file, line, what was expected and what came."""
    return InvalidFileError(
        f"{path}, line {number}: expected {expected}. Got {line!r}. Correct the line, or fetch the file again."
    )


def read_labelled(path: Path, n_classes: int) -> tuple[list[str], np.ndarray]:
    """Read lines of an image's name and its label.

    Parameters
    ----------
    path : Path
        Lines such as ``images/0/1.jpg 13``.
    n_classes : int
        Labels are from 0 to ``n_classes - 1``.

    Returns
    -------
    tuple
        Names, list of length N, and labels, ndarray of shape (N,).

    Raises
    ------
    InvalidFileError
        If a line is anything else; the message has its number.
    """
    names, labels = [], []
    for number, line in enumerate(read_lines(path), 1):
        words = line.split()
        if len(words) != 2 or not words[1].isdecimal() or int(words[1]) >= n_classes:
            raise bad_line(path, number, f"an image and its label from 0 to {n_classes - 1}", line)
        names.append(words[0])
        labels.append(int(words[1]))
    return names, np.array(labels)


def image_names(folder: Path) -> list[str]:
    """Return the names of the images in a folder, sorted.

    Raises
    ------
    InvalidFileError
        If there is no such folder, or no image in it.
    """
    entries = os.listdir(folder) if folder.is_dir() else []
    names = [name for name in entries if Path(name).suffix.lower() in IMAGE_SUFFIXES and not name.startswith(".")]
    if not names:
        raise InvalidFileError(f"There are no images in {folder}. Unpack the data set there again.")
    return sorted(names)


def list_class_folders(root: Path, folders: list[str]) -> tuple[list[str], np.ndarray]:
    """List the images of folders that stand for classes.

    Parameters
    ----------
    root : Path
    folders : list of str, length C
        Folders in ``root``; the position of a folder is its label.

    Returns
    -------
    tuple
        Names relative to ``root``, list of length N, and labels, ndarray of shape (N,).

    Raises
    ------
    InvalidFileError
        If a folder is absent or has no images.
    """
    names = [image_names(root / folder) for folder in folders]
    files = [f"{folder}/{name}" for folder, inside in zip(folders, names, strict=True) for name in inside]
    return files, np.repeat(np.arange(len(folders)), [len(inside) for inside in names])
