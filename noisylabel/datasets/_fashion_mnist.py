"""Fashion-MNIST."""

import gzip
import math
import os
import struct
from pathlib import Path

import numpy as np
from sklearn.utils import Bunch

from noisylabel._support.files import reading
from noisylabel.datasets._base import check_codes, first_existing, get_data_home, missing
from noisylabel.exceptions import InvalidFileError, MissingDependencyError

DEBIAN_FOLDER = Path("/usr/share/datasets/fashion-mnist")
FASHION_NAMES = [
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
]  # fmt: skip
_FILES = ["train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"]


def fetch_fashion_mnist(*, data_home: str | os.PathLike[str] | None = None, download: bool = False) -> Bunch:
    """Load Fashion-MNIST: 60,000 training and 10,000 test images, 28x28 grey, ten classes.

    Parameters
    ----------
    data_home : path, optional
        See :func:`get_data_home`. Read from ``fashion-mnist/*-ubyte[.gz]`` there, else from Debian's package
        ``dataset-fashion-mnist``.
    download : bool, default=False
        If absent, download it through torchvision into the data home.

    Returns
    -------
    Bunch
        ``data``, ``test_data`` uint8 (N, 1, 28, 28); ``target``, ``test_target`` label codes (N,); ``target_names``.

    Raises
    ------
    DatasetNotFoundError
        If there is none; the message says what to put where.
    InvalidFileError
        If a file is cut short or of another kind.
    MissingDependencyError
        If ``download`` is True and torchvision is not installed.

    Examples
    --------
    >>> clothes = fetch_fashion_mnist()  # doctest: +SKIP
    >>> clothes.data.shape  # doctest: +SKIP
    (60000, 1, 28, 28)
    """
    home = get_data_home(data_home)
    folders = [home / "fashion-mnist", home / "fashion-mnist" / "FashionMNIST" / "raw", DEBIAN_FOLDER]
    folder = next((one for one in folders if all(_find(one, name) for name in _FILES)), None)
    if folder is None and download:
        _download(home / "fashion-mnist")
        folder = folders[1]
    if folder is None:
        advice = "On Debian: apt install dataset-fashion-mnist. Or pass download=True (torchvision)."
        raise missing("Fashion-MNIST", home, [f"fashion-mnist/{_FILES[0]}.gz and its three siblings"], advice)
    data, target = _read_part(folder, *_FILES[:2])
    test_data, test_target = _read_part(folder, *_FILES[2:])
    return Bunch(data=data, target=target, test_data=test_data, test_target=test_target, target_names=FASHION_NAMES)


def _read_part(folder: Path, images: str, labels: str) -> tuple[np.ndarray, np.ndarray]:
    """Return images (N, 1, H, W) and labels (N,) of a file of each."""
    paths = [path for name in (images, labels) if (path := _find(folder, name))]
    data, codes = [read_idx(path) for path in paths]
    target = check_codes(paths[1], "labels", codes, len(FASHION_NAMES))
    if data.ndim != 3 or len(data) != len(target):
        raise InvalidFileError(
            f"{paths[0]} must hold an image for each of the {len(target)} labels of {paths[1].name}. It holds an array "
            f"of shape {data.shape}. Fetch both again."
        )
    return data[:, None], target


def _find(folder: Path, name: str) -> Path | None:
    return first_existing([folder / name, folder / f"{name}.gz"])


def _download(folder: Path) -> None:
    try:
        from torchvision.datasets import FashionMNIST
    except ImportError as error:
        raise MissingDependencyError("download=True needs torchvision: pip install torchvision.") from error
    FashionMNIST(folder, download=True)


def read_idx(path: Path) -> np.ndarray:
    """Read an IDX file of unsigned bytes, gzipped or not.

    Raises
    ------
    InvalidFileError
        If the file is no such thing, or is cut short.
    """
    with reading(path, "IDX file", "Fetch it again."):
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        if len(content) < 4 or content[:3] != b"\x00\x00\x08":
            raise InvalidFileError(f"{path} is not an IDX file of unsigned bytes. Fetch it again.")
        n_axes = content[3]
        shape = struct.unpack(f">{n_axes}I", content[4 : 4 + 4 * n_axes])
        values = np.frombuffer(content, np.uint8, offset=4 + 4 * n_axes)
    if values.size != math.prod(shape):
        raise InvalidFileError(f"{path} holds {values.size} bytes where its header promises {shape}. Fetch it again.")
    return values.reshape(shape)
