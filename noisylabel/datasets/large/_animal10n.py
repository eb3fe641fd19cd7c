"""ANIMAL-10N: animals that people confuse."""

import os
import re
from pathlib import Path

import numpy as np
from sklearn.utils import Bunch

from noisylabel.datasets._base import get_data_home, missing
from noisylabel.datasets._image_files import ImageFiles, Size
from noisylabel.datasets.large._listings import image_names
from noisylabel.exceptions import InvalidFileError, InvalidParameterError

ANIMAL10N_NAMES = [
    "cat", "lynx", "wolf", "coyote", "cheetah", "jaguar", "chimpanzee", "orangutan", "hamster", "guinea pig",
]  # fmt: skip
_RECORD = np.dtype([("id", ">u4"), ("label", ">u4"), ("image", np.uint8, (3, 64, 64))])


def fetch_animal10n(*, size: Size = 64, data_home: str | os.PathLike[str] | None = None) -> Bunch:
    """Load ANIMAL-10N: 50,000 training images labelled by people, some 8 % wrongly, and 5,000 test images.

    Parameters
    ----------
    size : int or (height, width), default=64
        Size of the images, which are 64x64; see :class:`ImageFiles`.
    data_home : path, optional
        See :func:`get_data_home`. Read from ``animal10n/`` there, from either of the two forms that its authors give
        out. As images, whose names begin with the label::

            animal10n/
              training/0_12345.jpg ...
              testing/0_54321.jpg ...

        or in their binary form, ``animal10n/data_batch_1.bin`` (and 2, ...) and ``animal10n/test_batch.bin``, whose
        records are an id and a label, of four bytes each, high byte first, and the red, green and blue pixels.

    Returns
    -------
    Bunch
        ``data``, ``target``: :class:`ImageFiles` of length N, sorted by name, and label codes (N,). ``test_data``,
        ``test_target``; ``target_names``; ``filenames`` (N,) of ``data``. From the binary form, data are arrays, uint8
        (N, 3, 64, 64), and ``filenames`` is None.

    Raises
    ------
    DatasetNotFoundError
        If it is absent; the message says what to put where.
    InvalidFileError
        If a name does not begin with a label, or a binary file is cut short or holds other labels.
    InvalidParameterError
        If another size than 64 is asked of the binary form.

    References
    ----------
    Song, Kim, Lee, "SELFIE: refurbishing unclean samples for robust deep learning", ICML 2019. Its authors give it out
    at dm.kaist.ac.kr/datasets/animal-10n, on request.

    Examples
    --------
    >>> animals = fetch_animal10n()  # doctest: +SKIP
    >>> clf.fit(animals.data, animals.target).score(animals.test_data, animals.test_target)  # doctest: +SKIP
    """
    home = get_data_home(data_home)
    root = home / "animal10n"
    if (root / "training").is_dir() and (root / "testing").is_dir():
        train, test = [_from_names(root / part, size) for part in ("training", "testing")]
    elif (root / "data_batch_1.bin").exists() and (root / "test_batch.bin").exists():
        if size not in (64, (64, 64)):
            raise InvalidParameterError(f"'size' must be 64 for the binary form of ANIMAL-10N. Got {size!r}.")
        batches = sorted(root.glob("data_batch_*.bin"))
        train, test = [_from_records(paths) for paths in (batches, [root / "test_batch.bin"])]
    else:
        wanted = ["animal10n/training and animal10n/testing", "animal10n/data_batch_1.bin and test_batch.bin beside it"]
        raise missing("ANIMAL-10N", home, wanted, "Its authors give it out at dm.kaist.ac.kr/datasets/animal-10n.")
    return Bunch(
        data=train[0],
        target=train[1],
        test_data=test[0],
        test_target=test[1],
        target_names=ANIMAL10N_NAMES,
        filenames=train[0].files if isinstance(train[0], ImageFiles) else None,
    )


def _from_names(folder: Path, size: Size) -> tuple[ImageFiles | np.ndarray, np.ndarray]:
    """Return the images of a folder and the labels in front of their names."""
    names = image_names(folder)
    for name in names:
        if not re.match("[0-9]_", name):
            raise InvalidFileError(
                f"{folder / name}: the name must begin with a label from 0 to 9 and '_', as in 0_12345.jpg. Rename or "
                "remove the file."
            )
    return ImageFiles(folder, names, size), np.array([int(name[0]) for name in names])


def _from_records(paths: list[Path]) -> tuple[ImageFiles | np.ndarray, np.ndarray]:
    """Return images and labels of binary files."""
    for path in paths:
        if path.stat().st_size == 0 or path.stat().st_size % _RECORD.itemsize:
            raise InvalidFileError(
                f"{path} must hold records of {_RECORD.itemsize} bytes. It has {path.stat().st_size} bytes. Fetch it "
                "again."
            )
    parts = [np.fromfile(path, _RECORD) for path in paths]
    for path, part in zip(paths, parts, strict=True):
        is_bad = part["label"] >= len(ANIMAL10N_NAMES)
        if is_bad.any():
            row = int(is_bad.argmax())
            raise InvalidFileError(
                f"{path}, record {row + 1}: expected a label from 0 to 9. Got {part['label'][row]}. Fetch it again."
            )
    images = np.concatenate([part["image"] for part in parts])
    return images, np.concatenate([part["label"] for part in parts]).astype(np.int64)
