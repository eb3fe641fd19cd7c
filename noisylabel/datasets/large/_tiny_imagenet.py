"""Tiny-ImageNet: 200 classes of ImageNet at 64x64."""

import os
from pathlib import Path

import numpy as np
from sklearn.utils import Bunch

from noisylabel.datasets._base import get_data_home, require
from noisylabel.datasets._image_files import ImageFiles, Size
from noisylabel.datasets.large._listings import bad_line, list_class_folders, read_lines

_FILES = ["wnids.txt", "words.txt", "train", "val/val_annotations.txt", "val/images"]
_ADVICE = "It is at cs231n.stanford.edu/tiny-imagenet-200.zip."


def fetch_tiny_imagenet(*, size: Size = 64, data_home: str | os.PathLike[str] | None = None) -> Bunch:
    """Load Tiny-ImageNet: 100,000 training and 10,000 validation images of 200 classes, with clean labels.

    Parameters
    ----------
    size : int or (height, width), default=64
        Size of the images, which are 64x64; see :class:`ImageFiles`.
    data_home : path, optional
        See :func:`get_data_home`. Read from ``tiny-imagenet-200/`` there, as published::

            tiny-imagenet-200/
              wnids.txt                 a WordNet id a line; the first is class 0
              words.txt                 lines of a WordNet id, a tab and its names
              train/n01443537/images/n01443537_0.JPEG ...
              val/val_annotations.txt   lines of an image, its WordNet id and a box, separated by tabs
              val/images/val_0.JPEG ...

    Returns
    -------
    Bunch
        ``data``, ``target``: :class:`ImageFiles` of length N, class by class, and label codes (N,), the line numbers of
        ``wnids.txt`` from 0. ``test_data``, ``test_target``: the validation set (the test set has no labels).
        ``target_names`` and ``wnids``, lists of length 200; ``filenames`` (N,) of ``data``.

    Raises
    ------
    DatasetNotFoundError
        If a file is absent; the message says what to put where.
    InvalidFileError
        If a line is not as published, or a class has no images.

    References
    ----------
    Le, Yang, "Tiny ImageNet visual recognition challenge", Stanford CS231n, 2015. ImageNet's terms hold:
    non-commercial research and education.

    Examples
    --------
    >>> tiny = fetch_tiny_imagenet()  # doctest: +SKIP
    >>> noisy_y, manifest = corrupt(tiny.target, "symmetric", rate=0.4)  # doctest: +SKIP
    >>> clf.fit(tiny.data, noisy_y).score(tiny.test_data, tiny.test_target)  # doctest: +SKIP
    """
    root = require("Tiny-ImageNet", get_data_home(data_home), "tiny-imagenet-200", _FILES, _ADVICE)
    wnids = [line.strip() for line in read_lines(root / "wnids.txt")]
    words = dict(line.partition("\t")[::2] for line in read_lines(root / "words.txt"))
    files, target = list_class_folders(root / "train", [f"{wnid}/images" for wnid in wnids])
    test_files, test_target = _read_annotations(root / "val" / "val_annotations.txt", wnids)
    data = ImageFiles(root / "train", files, size)
    return Bunch(
        data=data,
        target=target,
        test_data=ImageFiles(root / "val" / "images", test_files, size),
        test_target=test_target,
        target_names=[words.get(wnid, wnid).strip() for wnid in wnids],
        wnids=wnids,
        filenames=data.files,
    )


def _read_annotations(path: Path, wnids: list[str]) -> tuple[list[str], np.ndarray]:
    """Return the validation images and their labels."""
    codes = {wnid: code for code, wnid in enumerate(wnids)}
    files, labels = [], []
    for number, line in enumerate(read_lines(path), 1):
        columns = line.split("\t")
        if len(columns) < 2 or columns[1] not in codes:
            raise bad_line(path, number, "an image, a tab and a WordNet id of wnids.txt", line)
        files.append(columns[0])
        labels.append(codes[columns[1]])
    return files, np.array(labels)
