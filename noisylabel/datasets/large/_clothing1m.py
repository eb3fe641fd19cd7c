"""Clothing1M: a million photographs of clothes, labelled by the text around them."""

import os
from pathlib import Path

import numpy as np
from sklearn.utils import Bunch

from noisylabel.datasets._base import get_data_home, require
from noisylabel.datasets._image_files import ImageFiles, Size
from noisylabel.datasets.large._listings import bad_line, read_labelled, read_lines

_FILES = [
    "category_names_eng.txt",
    "noisy_label_kv.txt",
    "clean_label_kv.txt",
    "noisy_train_key_list.txt",
    "clean_train_key_list.txt",
    "clean_val_key_list.txt",
    "clean_test_key_list.txt",
    "images",
]
_ADVICE = "Its authors send it on request: github.com/Cysu/noisy_label."


def fetch_clothing1m(*, size: Size = 224, data_home: str | os.PathLike[str] | None = None) -> Bunch:
    """Load Clothing1M: about a million noisily labelled images of 14 kinds of clothes, and some with clean labels.

    Parameters
    ----------
    size : int or (height, width), default=224
        Size of the images; see :class:`ImageFiles`.
    data_home : path, optional
        See :func:`get_data_home`. Read from ``clothing1m/`` there, as its authors pack it::

            clothing1m/
              category_names_eng.txt     a class a line
              noisy_label_kv.txt         lines "images/0/....jpg 3"
              clean_label_kv.txt
              noisy_train_key_list.txt   lines "images/0/....jpg"
              clean_train_key_list.txt, clean_val_key_list.txt, clean_test_key_list.txt
              images/0/ ... images/9/

    Returns
    -------
    Bunch
        ``data``, ``target``: the noisy training set, :class:`ImageFiles` of length N and label codes (N,).
        ``test_data``, ``test_target``; ``validation_data``, ``validation_target``; ``clean_train_data``,
        ``clean_train_target``: those with clean labels. ``target_names``; ``filenames`` (N,) of ``data``.

    Raises
    ------
    DatasetNotFoundError
        If a file is absent; the message says what to put where.
    InvalidFileError
        If a line is not as published, or an image of a list has no label.

    References
    ----------
    Xiao, Xia, Yang, Huang, Wang, "Learning from massive noisy labeled data for image classification", CVPR 2015. For
    non-commercial research and education only, and not to be passed on.

    Examples
    --------
    >>> clothes = fetch_clothing1m()  # doctest: +SKIP
    >>> clf.fit(clothes.data, clothes.target).score(clothes.test_data, clothes.test_target)  # doctest: +SKIP
    """
    root = require("Clothing1M", get_data_home(data_home), "clothing1m", _FILES, _ADVICE)
    names = [line.strip() for line in read_lines(root / "category_names_eng.txt")]
    noisy = _read_labels(root / "noisy_label_kv.txt", len(names))
    clean = _read_labels(root / "clean_label_kv.txt", len(names))
    files, target = _read_part(root / "noisy_train_key_list.txt", noisy, "noisy_label_kv.txt")
    bunch = Bunch(data=ImageFiles(root, files, size), target=target, target_names=names)
    bunch.filenames = bunch.data.files
    for part, prefix in (("test", "test"), ("val", "validation"), ("train", "clean_train")):
        files, target = _read_part(root / f"clean_{part}_key_list.txt", clean, "clean_label_kv.txt")
        bunch[f"{prefix}_data"], bunch[f"{prefix}_target"] = ImageFiles(root, files, size), target
    return bunch


def _read_labels(path: Path, n_classes: int) -> dict[str, int]:
    files, labels = read_labelled(path, n_classes)
    return dict(zip(files, labels.tolist(), strict=True))


def _read_part(path: Path, labels: dict[str, int], source: str) -> tuple[list[str], np.ndarray]:
    """Return the images of a list and their labels."""
    files = [line.strip() for line in read_lines(path)]
    try:
        return files, np.array([labels[file] for file in files])
    except KeyError as error:
        file = error.args[0]
        raise bad_line(path, files.index(file) + 1, f"an image that has a label in {source}", file) from error
