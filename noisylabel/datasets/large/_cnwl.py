"""Controlled noisy web labels: Mini-ImageNet and Stanford Cars with a known share of wrong labels."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.utils import Bunch

from noisylabel._support.validation import check_choice
from noisylabel.datasets._base import first_existing, get_data_home, require
from noisylabel.datasets._image_files import ImageFiles, Size
from noisylabel.datasets.large._listings import read_labelled, read_lines
from noisylabel.exceptions import InvalidFileError, InvalidParameterError

CNWL_NOISE_LEVELS = (0.0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8)


@dataclass(frozen=True)
class _Layout:
    """How one of the two data sets is stored."""

    folders: tuple[str, ...]
    annotations: str
    n_classes: int
    size: int


_LAYOUTS = {
    "mini_imagenet": _Layout(("mini-imagenet",), "mini-imagenet-annotations.json", 100, 32),
    "stanford_cars": _Layout(
        ("stanford_cars", "stanford-cars", "stanford_car"), "stanford-cars-annotations.json", 196, 224
    ),
}
_ADVICE = "The lists, and where the images are, are at google.github.io/controlled-noisy-web-labels."


def fetch_cnwl(
    dataset: str = "mini_imagenet",
    *,
    colour: str = "red",
    noise_level: float = 0.4,
    size: Size | None = None,
    data_home: str | os.PathLike[str] | None = None,
) -> Bunch:
    """Load a data set of the benchmark of controlled noisy web labels, at one of its ten levels of noise.

    Parameters
    ----------
    dataset : {"mini_imagenet", "stanford_cars"}, default="mini_imagenet"
        100 classes of everyday things, or 196 kinds of cars.
    colour : {"red", "blue"}, default="red"
        Red noise is images from the web that do not show their class; blue noise is labels drawn at random.
    noise_level : {0.0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8}, default=0.4
        Nominal share of wrong labels.
    size : int or (height, width), optional
        Size of the images; see :class:`ImageFiles`. By default 32 for ``mini_imagenet`` and 224 for ``stanford_cars``.
    data_home : path, optional
        See :func:`get_data_home`. Read from ``dataset_no_images/`` there, the published archive, to which the images
        were added::

            dataset_no_images/
              mini-imagenet-annotations.json     optional: which images of the web do show their class
              mini-imagenet/                     or stanford_cars/
                class_name.txt                   a class a line
                split/red_noise_nl_0.4           lines "n0153282900000005.jpg 49" or "5922767e5677aef4.jpg 0"
                split/clean_validation           lines "ILSVRC2012_val_00000001.jpg 12"
                all_images/                      the images of all training lists
                validation/49/                   the validation images, in folders by label or all in validation/

    Returns
    -------
    Bunch
        ``data``, ``target``: :class:`ImageFiles` of length N and label codes (N,), noisy. ``test_data``,
        ``test_target``: the validation set, clean. ``is_clean`` (N,): whether a label of red noise is right, by the
        annotations; None without these and for blue noise. ``target_names``; ``filenames`` (N,) of ``data``.

    Raises
    ------
    DatasetNotFoundError
        If a file is absent; the message says what to put where.
    InvalidFileError
        If a line or the annotations are not as published.
    InvalidParameterError
        If a parameter is none of its choices.

    References
    ----------
    Jiang, Huang, Liu, Yang, "Beyond synthetic noise: deep learning on controlled noisy labels", ICML 2020. The
    annotations are CC BY 4.0; the images from the web were found under CC BY 2.0, those of ImageNet have its terms.

    Examples
    --------
    >>> red = fetch_cnwl("mini_imagenet", noise_level=0.8)  # doctest: +SKIP
    >>> clf.fit(red.data, red.target).score(red.test_data, red.test_target)  # doctest: +SKIP
    """
    layout = _LAYOUTS[check_choice("dataset", dataset, _LAYOUTS)]
    check_choice("colour", colour, ["red", "blue"])
    if noise_level not in CNWL_NOISE_LEVELS:
        raise InvalidParameterError(
            f"'noise_level' must be one of {list(CNWL_NOISE_LEVELS)}, fractions: 0.4 for 40 %. Got {noise_level!r}."
        )
    home = get_data_home(data_home)
    archive = home / "dataset_no_images"
    folder = (first_existing([archive / name for name in layout.folders]) or archive / layout.folders[0]).name
    split = f"split/{colour}_noise_nl_{float(noise_level)}"
    entries = [split, "split/clean_validation", "all_images"]
    root = require(f"CNWL ({dataset})", home, f"dataset_no_images/{folder}", entries, _ADVICE)
    files, target = read_labelled(root / split, layout.n_classes)
    test_files, test_target = read_labelled(root / "split" / "clean_validation", layout.n_classes)
    size = layout.size if size is None else size
    data = ImageFiles(root / "all_images", files, size)
    return Bunch(
        data=data,
        target=target,
        test_data=ImageFiles(root, _validation_files(root, test_files, test_target), size),
        test_target=test_target,
        is_clean=_is_clean(archive / layout.annotations, files) if colour == "red" else None,
        target_names=_class_names(root / "class_name.txt", layout.n_classes),
        filenames=data.files,
    )


def _class_names(path: Path, n_classes: int) -> list[str]:
    """Return the names of the classes, or their numbers if they are not there."""
    if not path.exists():
        return [str(code) for code in range(n_classes)]
    names = [line.strip() for line in read_lines(path)]
    if len(names) != n_classes:
        raise InvalidFileError(
            f"{path} must name {n_classes} classes, one a line. It has {len(names)} lines. Fetch it again."
        )
    return names


def _validation_files(root: Path, files: list[str], target: np.ndarray) -> list[str]:
    """Return where the validation images are, by looking for the first."""
    by_label = [f"validation/{label}/{file}" for label, file in zip(target, files, strict=True)]
    places = [by_label, [f"validation/{file}" for file in files], [f"all_images/{file}" for file in files]]
    return next((place for place in places if (root / place[0]).exists()), by_label)


def _is_clean(path: Path, files: list[str]) -> np.ndarray | None:
    """Say of each image whether it shows its class: of those from the web the annotations do, all others are right."""
    if not path.exists():
        return None
    try:
        entries: list[list[dict[str, Any]]] = json.loads(path.read_text(encoding="utf-8"))["data"]
        flags = {entry[0]["image/id"]: bool(entry[0]["image/class/label/is_clean"]) for entry in entries}
    except (OSError, ValueError, KeyError, IndexError, TypeError) as error:
        raise InvalidFileError(
            f"{path} must list 'image/id' and 'image/class/label/is_clean' under 'data' ({error!r}). Fetch it again."
        ) from error
    return np.array([flags.get(Path(file).stem, True) for file in files])
