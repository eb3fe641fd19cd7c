"""CIFAR-10 and CIFAR-100."""

import os
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.utils import Bunch

from noisylabel.datasets._base import cached_arrays, first_existing, get_data_home, missing
from noisylabel.datasets._images import decode_parquet
from noisylabel.exceptions import MissingDependencyError

CIFAR10_NAMES = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]


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
        ``data``, ``test_data`` uint8 (N, 3, 32, 32); ``target``, ``test_target`` (N,); ``target_names``.

    Raises
    ------
    DatasetNotFoundError
        If there is no CIFAR-10; the message says what to put where.
    """
    return _fetch_cifar("cifar10", "CIFAR10", "label", CIFAR10_NAMES, data_home, download)


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
    DatasetNotFoundError
        If there is no CIFAR-100; the message says what to put where.
    """
    return _fetch_cifar("cifar100", "CIFAR100", "fine_label", None, data_home, download)


def _fetch_cifar(
    folder: str, torchvision_name: str, label: str, names: list[str] | None, data_home: Any, download: bool
) -> Bunch:
    home = get_data_home(data_home)
    parts = {}
    for part in ("train", "test"):
        path = first_existing(sorted((home / folder).glob(f"{part}*.parquet")))
        if path is None:
            return _from_torchvision(home, folder, torchvision_name, names, download)
        parts[part] = cached_arrays(home, f"{folder}-{part}", path, _decoder(path, label))
    return _bunch(
        parts["train"]["images"], parts["train"]["labels"], parts["test"]["images"], parts["test"]["labels"], names
    )


def _decoder(path: Path, label: str) -> Any:
    return lambda: decode_parquet(path, "img", label)


def _from_torchvision(home: Path, folder: str, name: str, names: list[str] | None, download: bool) -> Bunch:
    try:
        from torchvision import datasets as vision
    except ImportError as error:
        if not download:
            raise missing(
                name, home, _wanted(folder), "With torchvision installed, download=True fetches it."
            ) from error
        raise MissingDependencyError("download=True needs torchvision: pip install 'noisylabel[vision]'.") from error
    try:
        train, test = (getattr(vision, name)(home / folder, train=part, download=download) for part in (True, False))
    except RuntimeError as error:
        raise missing(name, home, _wanted(folder), "Or pass download=True to fetch it through torchvision.") from error
    images = [np.ascontiguousarray(part.data.transpose(0, 3, 1, 2)) for part in (train, test)]
    return _bunch(
        images[0], np.asarray(train.targets), images[1], np.asarray(test.targets), names or list(train.classes)
    )


def _wanted(folder: str) -> list[str]:
    archive = {"cifar10": "cifar-10-batches-py", "cifar100": "cifar-100-python"}[folder]
    return [f"{folder}/train-00000-of-00001.parquet and {folder}/test-00000-of-00001.parquet", f"{folder}/{archive}"]


def _bunch(data: np.ndarray, target: np.ndarray, test_data: np.ndarray, test_target: np.ndarray, names: Any) -> Bunch:
    names = names or [str(code) for code in range(int(target.max()) + 1)]
    return Bunch(data=data, target=target, test_data=test_data, test_target=test_target, target_names=names)
