"""WebVision 1.0: what web searches for the classes of ImageNet find."""

import os
from pathlib import Path

import numpy as np
from sklearn.utils import Bunch

from noisylabel.datasets._base import get_data_home, require
from noisylabel.datasets._image_files import ImageFiles, Size
from noisylabel.datasets.large._listings import bad_line, list_class_folders, read_labelled, read_lines
from noisylabel.exceptions import InvalidFileError, InvalidParameterError

_ENGINES = {50: ["google"], 1000: ["google", "flickr"]}
_ADVICE = "It is at data.vision.ee.ethz.ch/cvl/webvision/dataset2017.html."


def fetch_webvision(classes: int = 50, *, size: Size = 224, data_home: str | os.PathLike[str] | None = None) -> Bunch:
    """Load WebVision 1.0, or the small part of it that most papers report.

    Parameters
    ----------
    classes : {50, 1000}, default=50
        50 is "mini WebVision", the first 50 classes as Google found them, some 66,000 images; 1000 is everything that
        Google and Flickr found, 2.4 million images.
    size : int or (height, width), default=224
        Size of the images; see :class:`ImageFiles`.
    data_home : path, optional
        See :func:`get_data_home`. Read from ``webvision/`` there::

            webvision/
              info/synsets.txt                  lines "n01440764 tench, Tinca tinca"; the first is class 0
              info/train_filelist_google.txt    lines "google/q0001/....jpg 0"
              info/train_filelist_flickr.txt    for 1000 classes only, as is flickr/
              info/val_filelist.txt             lines "val000001.jpg 543"
              google/  flickr/  val_images_256/

        If the validation images of ImageNet (ILSVRC 2012) are there as ``imagenet/val/n01440764/....JPEG``, those of
        the same classes are loaded, too.

    Returns
    -------
    Bunch
        ``data``, ``target``: the noisy training set, :class:`ImageFiles` of length N and label codes (N,).
        ``test_data``, ``test_target``: WebVision's validation set, labelled by people (the labels of its test set are
        kept secret). ``ilsvrc_data``, ``ilsvrc_target``: ImageNet's, or None. ``target_names`` and ``wnids``, lists of
        length ``classes``; ``filenames`` (N,) of ``data``.

    Raises
    ------
    DatasetNotFoundError
        If a file is absent; the message says what to put where.
    InvalidFileError
        If a line is not as published.
    InvalidParameterError
        If ``classes`` is another number.

    References
    ----------
    Li, Wang, Li, Agustsson, Van Gool, "WebVision database: visual learning and understanding from web data",
    arXiv:1708.02862. The first 50 classes: Jiang et al., "MentorNet", ICML 2018. The images belong to their owners.

    Examples
    --------
    >>> web = fetch_webvision(50)  # doctest: +SKIP
    >>> clf.fit(web.data, web.target).score(web.test_data, web.test_target)  # doctest: +SKIP
    """
    if classes not in _ENGINES:
        raise InvalidParameterError(f"'classes' must be 50 (mini WebVision) or 1000. Got {classes!r}.")
    home, engines = get_data_home(data_home), _ENGINES[classes]
    lists = [f"info/train_filelist_{engine}.txt" for engine in engines]
    entries = ["info/synsets.txt", *lists, "info/val_filelist.txt", *engines, "val_images_256"]
    root = require("WebVision", home, "webvision", entries, _ADVICE)
    wnids, names = _read_synsets(root / "info" / "synsets.txt", classes)
    parts = [_read_part(root / entry, classes) for entry in lists]
    files = [file for part in parts for file in part[0]]
    test_files, test_target = _read_part(root / "info" / "val_filelist.txt", classes)
    data = ImageFiles(root, files, size)
    return Bunch(
        data=data,
        target=np.concatenate([part[1] for part in parts]),
        test_data=ImageFiles(root / "val_images_256", test_files, size),
        test_target=test_target,
        target_names=names,
        wnids=wnids,
        filenames=data.files,
        **_ilsvrc(home / "imagenet" / "val", wnids, size),
    )


def _read_synsets(path: Path, classes: int) -> tuple[list[str], list[str]]:
    """Return WordNet ids and names of the first classes."""
    lines = read_lines(path)
    if len(lines) != 1000:
        raise InvalidFileError(f"{path} must name 1000 classes, one a line. It has {len(lines)} lines. Fetch it again.")
    wnids, names = [], []
    for number, line in enumerate(lines[:classes], 1):
        wnid, _, name = line.partition(" ")
        if not name:
            raise bad_line(path, number, "a WordNet id and a name, such as 'n01440764 tench, Tinca tinca'", line)
        wnids.append(wnid)
        names.append(name.strip())
    return wnids, names


def _read_part(path: Path, classes: int) -> tuple[list[str], np.ndarray]:
    """Return the images of a list, and their labels, that are of the first classes."""
    files, labels = read_labelled(path, 1000)
    chosen = np.flatnonzero(labels < classes)
    return [files[row] for row in chosen], labels[chosen]


def _ilsvrc(folder: Path, wnids: list[str], size: Size) -> dict[str, ImageFiles | np.ndarray | None]:
    if not folder.is_dir():
        return {"ilsvrc_data": None, "ilsvrc_target": None}
    files, target = list_class_folders(folder, wnids)
    return {"ilsvrc_data": ImageFiles(folder, files, size), "ilsvrc_target": target}
