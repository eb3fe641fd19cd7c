"""CIFAR-10N and CIFAR-100N: labels that people gave to CIFAR's training images."""

import os
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.utils import Bunch

from noisylabel._support.files import reading
from noisylabel._support.validation import check_choice
from noisylabel.datasets._base import check_codes, first_existing, get_data_home, missing, read_codes
from noisylabel.exceptions import InvalidFileError

# kind -> (folder, Parquet file, its column, .pt file, its key, key of the clean labels)
_SOURCES = {
    "worst": ("cifar10", "cifar10n-worse.parquet", "worse_label", "CIFAR-10_human.pt", "clean_label"),
    "aggregate": ("cifar10", "cifar10n-aggre.parquet", "aggre_label", "CIFAR-10_human.pt", "clean_label"),
    "random1": ("cifar10", "cifar10n-random1.parquet", "random_label1", "CIFAR-10_human.pt", "clean_label"),
    "random2": ("cifar10", "cifar10n-random2.parquet", "random_label2", "CIFAR-10_human.pt", "clean_label"),
    "random3": ("cifar10", "cifar10n-random3.parquet", "random_label3", "CIFAR-10_human.pt", "clean_label"),
    "cifar100": ("cifar100", "cifar100n.parquet", "noisy_label", "CIFAR-100_human.pt", "clean_label"),
}


def fetch_cifarn_labels(kind: str = "worst", *, data_home: str | os.PathLike[str] | None = None) -> Bunch:
    """Load human labels of CIFAR's 50,000 training images, in the training order.

    Parameters
    ----------
    kind : {"worst", "aggregate", "random1", "random2", "random3", "cifar100"}, default="worst"
        Which set of labels; ``"cifar100"`` is CIFAR-100N's fine labels.
    data_home : path, optional
        See :func:`get_data_home`. Read from a Parquet file (``cifar10/cifar10n-worse.parquet``, ...) or from the
        authors' ``.pt`` file, which is opened without running code in it.

    Returns
    -------
    Bunch
        ``noisy`` and ``clean``, label codes of shape (50000,); ``kind``.

    Raises
    ------
    DatasetNotFoundError
        If the labels are absent; the message says what to put where.
    InvalidFileError
        If a file is cut off, lacks the labels asked for, or holds others.
    InvalidParameterError
        If ``kind`` is another one; the message has the nearest.

    Examples
    --------
    >>> human = fetch_cifarn_labels("worst")  # doctest: +SKIP
    >>> round((human.noisy != human.clean).mean(), 3)  # doctest: +SKIP
    0.402
    """
    folder, parquet, column, authors, clean = _SOURCES[check_choice("kind", kind, _SOURCES)]
    home, n_classes = get_data_home(data_home), 100 if kind == "cifar100" else 10
    if (home / folder / parquet).exists():
        found = read_codes(home / folder / parquet, [column, clean], n_classes)
        noisy_labels, clean_labels = found[column], found[clean]
    else:
        authors_file = first_existing([home / folder / authors, home / authors])
        if authors_file is None:
            raise missing(
                f"CIFAR-N ({kind})",
                home,
                [f"{folder}/{parquet} with columns {clean!r}, {column!r}", f"{folder}/{authors}"],
                "The authors' file is at github.com/UCSC-REAL/cifar-10-100n (CC BY-NC 4.0).",
            )
        keys = ["worse_label" if kind == "worst" else column, clean]
        noisy_labels, clean_labels = _read_authors_file(authors_file, keys, n_classes)
    return Bunch(noisy=noisy_labels, clean=clean_labels, kind=kind)


def _numpy_builders() -> list[Any]:
    """Return the two functions with which NumPy's pickles make arrays and numbers; they run nothing else."""
    array = np.zeros(1)
    return [array.__reduce__()[0], array[0].__reduce__()[0]]


def _read_authors_file(path: Path, keys: list[str], n_classes: int) -> list[np.ndarray]:
    """Read the authors' dictionary of NumPy arrays; only arrays and numbers are let in."""
    import torch

    numpy_parts: list[Any] = [
        *_numpy_builders(),
        np.ndarray,
        np.dtype,
        *[type(np.dtype(code)) for code in ("int8", "uint8", "int16", "int32", "int64", "float64")],
    ]
    with reading(path, "file of CIFAR-N", "Fetch it again."), torch.serialization.safe_globals(numpy_parts):
        stored = torch.load(path, weights_only=True, map_location="cpu")
    if not isinstance(stored, dict) or not set(keys) <= stored.keys():
        held = sorted(stored, key=str) if isinstance(stored, dict) else type(stored).__name__
        wanted = " and ".join(map(repr, sorted(keys, key="clean_label".__ne__)))
        raise InvalidFileError(f"{path} must hold a dictionary with {wanted}. It holds {held}.")
    noisy, clean = [check_codes(path, key, stored[key], n_classes) for key in keys]
    if len(noisy) != len(clean):
        raise InvalidFileError(
            f"{path} must hold as many noisy labels as clean ones. Got {len(noisy)} and {len(clean)}."
        )
    return [noisy, clean]
