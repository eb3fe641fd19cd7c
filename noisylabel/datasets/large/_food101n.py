"""Food-101N: dishes, found by web searches, with a check of some labels."""

import os
import warnings
from pathlib import Path

import numpy as np
from sklearn.utils import Bunch

from noisylabel.datasets._base import get_data_home, require
from noisylabel.datasets._image_files import ImageFiles, Size
from noisylabel.datasets.large._listings import bad_line, read_lines
from noisylabel.exceptions import NoisyLabelWarning

_FILES = ["meta/classes.txt", "meta/imagelist.tsv", "meta/verified_train.tsv", "meta/verified_val.tsv", "images"]
_ADVICE = "It is at kuanghuei.github.io/Food-101N."
_TEST_ADVICE = "It is at data.vision.ee.ethz.ch/cvl/food-101.tar.gz."


def fetch_food101n(*, size: Size = 224, data_home: str | os.PathLike[str] | None = None) -> Bunch:
    """Load Food-101N: 310,009 images of 101 dishes, some 20 % of them mislabelled, tested on Food-101.

    Parameters
    ----------
    size : int or (height, width), default=224
        Size of the images; see :class:`ImageFiles`.
    data_home : path, optional
        See :func:`get_data_home`. Read from two folders there, as published::

            Food-101N_release/
              meta/classes.txt           a class a line, below the heading "class_name"
              meta/imagelist.tsv         lines "apple_pie/....jpg", below a heading
              meta/verified_train.tsv    lines "apple_pie/....jpg", a tab and 1 (label right) or 0, below a heading
              meta/verified_val.tsv
              images/apple_pie/ ...
            food-101/
              meta/test.txt              lines "apple_pie/1005649"
              images/apple_pie/ ...

    Returns
    -------
    Bunch
        ``data``, ``target``: :class:`ImageFiles` of length N and label codes (N,), noisy. ``test_data``,
        ``test_target``: Food-101's test set, labelled by people. ``verified_label`` (N,): 1 where people found the
        label right, 0 where wrong, -1 where nobody looked; ``is_verified`` (N,), whether somebody looked;
        ``is_validation`` (N,), whether that check is one of ``verified_val.tsv``, for judging a method, not for
        training it. ``target_names``; ``filenames`` (N,) of ``data``.

    Raises
    ------
    DatasetNotFoundError
        If a file of either data set is absent; the message says what to put where.
    InvalidFileError
        If a line is not as published.

    Warns
    -----
    NoisyLabelWarning
        If a check is of an image that ``imagelist.tsv`` lacks, as one in the published files is; it is left out.

    References
    ----------
    Lee, He, Zhang, Yang, "CleanNet: transfer learning for scalable image classifier training with label noise", CVPR
    2018. The test set: Bossard, Guillaumin, Van Gool, "Food-101", ECCV 2014. The images belong to their owners.

    Examples
    --------
    >>> food = fetch_food101n()  # doctest: +SKIP
    >>> issues = clf.fit(food.data, food.target).label_issues()  # doctest: +SKIP
    >>> (food.verified_label[issues["row"].head(1000)] == 0).mean()  # doctest: +SKIP
    """
    home = get_data_home(data_home)
    root = require("Food-101N", home, "Food-101N_release", _FILES, _ADVICE)
    test_root = require("Food-101, which tests Food-101N,", home, "food-101", ["meta/test.txt", "images"], _TEST_ADVICE)
    names = [line.strip() for _, line in _read_below_heading(root / "meta" / "classes.txt")]
    files, target = _read_images(root / "meta" / "imagelist.tsv", names)
    test_files, test_target = _read_images(test_root / "meta" / "test.txt", names)
    rows = {file: row for row, file in enumerate(files)}
    train = _read_checks(root / "meta" / "verified_train.tsv", rows)
    valid = _read_checks(root / "meta" / "verified_val.tsv", rows)
    data = ImageFiles(root / "images", files, size)
    return Bunch(
        data=data,
        target=target,
        test_data=ImageFiles(test_root / "images", [f"{file}.jpg" for file in test_files], size),
        test_target=test_target,
        verified_label=np.maximum(train, valid),
        is_verified=(train >= 0) | (valid >= 0),
        is_validation=valid >= 0,
        target_names=names,
        filenames=data.files,
    )


def _read_below_heading(path: Path) -> list[tuple[int, str]]:
    """Return the numbered lines of a file, without a heading."""
    lines = list(enumerate(read_lines(path), 1))
    return lines[1:] if lines[0][1].startswith("class_name") else lines


def _read_images(path: Path, names: list[str]) -> tuple[list[str], np.ndarray]:
    """Return the images of a list, and their labels from the names of their folders."""
    codes = {name: code for code, name in enumerate(names)}
    files, labels = [], []
    for number, line in _read_below_heading(path):
        name, _, key = line.strip().partition("/")
        if name not in codes or not key:
            raise bad_line(path, number, "an image in a folder of classes.txt, such as 'apple_pie/1005649'", line)
        files.append(f"{name}/{key}")
        labels.append(codes[name])
    return files, np.array(labels)


def _read_checks(path: Path, rows: dict[str, int]) -> np.ndarray:
    """Return for each row 1 if its label was found right, 0 if wrong, -1 if nobody looked."""
    checks = np.full(len(rows), -1)
    unknown = []
    for number, line in _read_below_heading(path):
        file, _, check = line.strip().partition("\t")
        if check not in ("0", "1"):
            raise bad_line(path, number, "an image, a tab and 0 or 1", line)
        if file in rows:
            checks[rows[file]] = int(check)
        else:
            unknown.append(f"line {number}: {file}")
    if unknown:
        message = f"{path} checks {len(unknown)} images that imagelist.tsv lacks, the first in {unknown[0]}."
        warnings.warn(f"{message} They are left out.", NoisyLabelWarning, stacklevel=3)
    return checks
