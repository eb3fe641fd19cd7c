"""CIFAR-10 and CIFAR-100."""

import os
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.utils import Bunch

from noisylabel._support.files import reading
from noisylabel.datasets._base import cached_arrays, get_data_home, missing, read_codes
from noisylabel.datasets._decode import decode_pictures
from noisylabel.exceptions import InvalidFileError, MissingDependencyError


@dataclass(frozen=True)
class _Source:
    """How a CIFAR data set is stored: in Parquet, and as its authors published it."""

    torchvision_name: str
    original_folder: str
    label_column: str
    n_classes: int
    class_names: list[str] | None


CIFAR10_NAMES = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
_SOURCES = {
    "cifar10": _Source("CIFAR10", "cifar-10-batches-py", "label", 10, CIFAR10_NAMES),
    "cifar100": _Source("CIFAR100", "cifar-100-python", "fine_label", 100, None),
}


def fetch_cifar10(*, data_home: str | os.PathLike[str] | None = None, download: bool = False) -> Bunch:
    """Load CIFAR-10: 50,000 training and 10,000 test images, 32x32, ten classes.

    Parameters
    ----------
    data_home : path, optional
        See :func:`get_data_home`. Read from ``cifar10/train*.parquet`` and ``cifar10/test*.parquet`` there.
    download : bool, default=False
        If the Parquet files are absent, download the original through torchvision into the data home.

    Returns
    -------
    Bunch
        ``data``, ``test_data`` uint8 (N, 3, 32, 32); ``target``, ``test_target`` label codes (N,); ``target_names``.

    Raises
    ------
    DatasetNotFoundError
        If there is no CIFAR-10; the message says what to put where.
    InvalidDataError
        If an image in a file cannot be read.
    InvalidFileError
        If a file is cut off, lacks a column, or holds other labels.
    MissingDependencyError
        If ``download`` is True and torchvision is not installed.

    Examples
    --------
    >>> cifar = fetch_cifar10()  # doctest: +SKIP
    >>> noisy_y, manifest = corrupt(cifar.target, "symmetric", rate=0.4)  # doctest: +SKIP
    >>> clf.fit(cifar.data, noisy_y).score(cifar.test_data, cifar.test_target)  # doctest: +SKIP
    """
    return _fetch_cifar("cifar10", data_home, download)


def fetch_cifar100(*, data_home: str | os.PathLike[str] | None = None, download: bool = False) -> Bunch:
    """Load CIFAR-100: 50,000 training and 10,000 test images, 32x32, a hundred (fine) classes.

    Parameters
    ----------
    data_home, download
        As for :func:`fetch_cifar10`; the files are ``cifar100/train*.parquet`` and ``cifar100/test*.parquet``.

    Returns
    -------
    Bunch
        As for :func:`fetch_cifar10`.

    Raises
    ------
    DatasetNotFoundError, InvalidDataError, InvalidFileError, MissingDependencyError
        As for :func:`fetch_cifar10`.
    """
    return _fetch_cifar("cifar100", data_home, download)


def _fetch_cifar(folder: str, data_home: Any, download: bool) -> Bunch:
    source = _SOURCES[folder]
    home = get_data_home(data_home)
    parts = {}
    for part in ("train", "test"):
        paths = sorted((home / folder).glob(f"{part}*.parquet"))
        if not paths:
            return _from_torchvision(home, folder, download)
        parts[part] = cached_arrays(home, f"{folder}-{part}", paths, partial(_decode, paths, source))
    images = [part["images"] for part in parts.values()]
    return _bunch(images, [part["labels"] for part in parts.values()], source.class_names)


def _decode(paths: list[Path], source: _Source) -> dict[str, np.ndarray]:
    """Return images (N, 3, H, W) uint8 and labels (N,) int64 of all files of one part, in the order of their names."""
    files = [_decode_file(path, source) for path in paths]
    return {name: np.concatenate([file[name] for file in files]) for name in files[0]}


def _decode_file(path: Path, source: _Source) -> dict[str, np.ndarray]:
    """Decode a Parquet file with labels and a column ``img`` of structs ``bytes``, ``path``."""
    import pyarrow.parquet as pq

    labels = read_codes(path, [source.label_column], source.n_classes)[source.label_column]
    with reading(path, "Parquet file with images in the column 'img'", "Fetch it again."):
        pictures = pq.read_table(path, columns=["img"]).column("img").combine_chunks().field("bytes")
        images = decode_pictures([picture.as_py() for picture in pictures], str(path))
    return {"images": images, "labels": labels}


def _from_torchvision(home: Path, folder: str, download: bool) -> Bunch:
    name = _SOURCES[folder].torchvision_name
    try:
        from torchvision import datasets as vision
    except ImportError as error:
        if not download:
            raise missing(
                name, home, _wanted(folder), "With torchvision installed, download=True fetches it."
            ) from error
        raise MissingDependencyError("download=True needs torchvision: pip install torchvision.") from error
    try:
        parts = [getattr(vision, name)(home / folder, train=part, download=download) for part in (True, False)]
    except RuntimeError as error:
        original = home / folder / _SOURCES[folder].original_folder
        if original.exists():
            raise InvalidFileError(
                f"{original} does not hold the files that {name}'s authors published: {error}. Delete it, and fetch it "
                "again."
            ) from error
        raise missing(name, home, _wanted(folder), "Or pass download=True to fetch it through torchvision.") from error
    images = [np.ascontiguousarray(part.data.transpose(0, 3, 1, 2)) for part in parts]
    return _bunch(images, [np.asarray(part.targets) for part in parts], list(parts[0].classes))


def _wanted(folder: str) -> list[str]:
    parquet = f"{folder}/train-00000-of-00001.parquet and {folder}/test-00000-of-00001.parquet"
    return [parquet, f"{folder}/{_SOURCES[folder].original_folder}"]


def _bunch(images: list[np.ndarray], labels: list[np.ndarray], names: list[str] | None) -> Bunch:
    names = names or [str(code) for code in range(int(labels[0].max()) + 1)]
    return Bunch(data=images[0], target=labels[0], test_data=images[1], test_target=labels[1], target_names=names)
