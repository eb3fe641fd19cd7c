"""What an audit reads: a table, a folder of images, or a table with a column of image files."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from noisylabel._support.files import local_path
from noisylabel._support.progress import progress_bar
from noisylabel._support.validation import check_choice, check_count
from noisylabel.audit._features import encode_table
from noisylabel.audit._labels import check_labels
from noisylabel.audit._words import counted, some
from noisylabel.datasets._folder import class_folders, files_below
from noisylabel.datasets._read_image import read_image
from noisylabel.datasets._table import TEXT_SUFFIXES, parse_labels, read_table
from noisylabel.exceptions import InvalidDataError, InvalidParameterError

_PLACE_COLUMNS = ("row", "spreadsheet_row", "file")
RESULT_COLUMNS = (
    "given_label",
    "suggested_label",
    "label_quality",
    "is_label_issue",
    "predicted_label",
    "loss",
    "margin",
    "weight",
    "forgetting",
)


@dataclass
class AuditData:
    """Rows with labels, as an estimator wants them and as a person knows them.

    Attributes
    ----------
    source : Path
        The file or folder.
    kind : {"table", "images"}
        What an estimator gets.
    X : ndarray, float32 of shape (N, D) or uint8 of shape (N, 3, S, S)
        Samples.
    noisy_y : ndarray of shape (N,)
        Labels as they were given: int64 or str.
    rows : DataFrame of N rows
        Where each row is (``row``, counted from 0 without the header; ``spreadsheet_row``, counted from 1 with the
        header, for files that a spreadsheet opens; ``file`` for images), then the file's own columns without the label.
    columns : list of str
        The file's own columns in ``rows``.
    notes : list of str
        What was left out or looks odd, as sentences.
    """

    source: Path
    kind: str
    X: np.ndarray
    noisy_y: np.ndarray
    rows: pd.DataFrame
    columns: list[str]
    notes: list[str]

    def picture(self, row: int) -> Path:
        """Return the file of the image at a position in ``rows``, counted from 0."""
        folder = self.source if self.source.is_dir() else self.source.parent
        return folder / str(self.rows["file"].iloc[row])


def read_audit_table(
    path: str | os.PathLike[str],
    *,
    label: str,
    ignore: Sequence[str] = (),
    images: str | None = None,
    size: int = 32,
) -> AuditData:
    """Read a table with a column of labels, for an audit.

    Parameters
    ----------
    path : path
        A CSV, TSV or Parquet file; see :func:`noisylabel.datasets.read_table`.
    label : str
        Column of the labels. Rows without one are left out.
    ignore : sequence of str, default=()
        Columns to leave out.
    images : str, optional
        Column of image files, as paths from the table's folder: learn from the images instead of the columns. All
        must lie in that folder, since the page of an audit shows them.
    size : int, default=32
        Side of the images, in pixels.

    Returns
    -------
    AuditData

    Raises
    ------
    DatasetNotFoundError
        If there is no such file.
    InvalidParameterError
        If it has no such column, or the same one is given for two purposes.
    InvalidDataError
        If it cannot be read, its labels or columns are none to learn from, or images lie outside its folder.

    Examples
    --------
    >>> import tempfile
    >>> path = tempfile.mkdtemp() + "/toys.csv"
    >>> pd.DataFrame({"size": range(120), "kind": ["car", "doll"] * 60}).to_csv(path, index=False)
    >>> data = read_audit_table(path, label="kind")
    >>> data.X.shape, data.noisy_y[1].item(), data.notes
    ((120, 1), 'doll', ['Read as numbers: size.'])
    """
    file = local_path("path", path)
    table, notes = read_table(file, as_written=[label], empty_lines=True)
    for name, columns in (("label", [label]), ("ignore", ignore), ("images", [] if images is None else [images])):
        for column in columns:
            check_choice(name, column, table.columns)
    _check_purposes(label, ignore, images)
    if len(table.columns) > 1 and set(table.columns) <= {label, *ignore}:
        raise InvalidParameterError(
            f"'ignore' names every column besides the labels, {list(ignore)!r}: none is left to learn from. Keep one."
        )
    table.index = pd.RangeIndex(len(table))
    labels = parse_labels(table.pop(label))
    if labels.isna().any():
        notes.append(f"{counted(int(labels.isna().sum()), 'row')} without a label left out.")
    table, labels = table[labels.notna()], labels[labels.notna()]
    if labels.empty:
        raise InvalidDataError(f"No row of {file} has a label in {label!r}.")
    if images is None:
        kind = "table"
        X, read_as = encode_table(table.drop(columns=list(ignore)))
        notes += read_as
    else:
        kind = "images"
        X, is_read = _read_images(_files_inside(file.parent, table[images]), size, notes)
        table, labels = table[is_read], labels[is_read]
    noisy_y = check_labels(labels, notes)
    rows = pd.DataFrame({"row": table.index})
    if file.suffix.lower() in TEXT_SUFFIXES:
        rows["spreadsheet_row"] = table.index + 2
    if images is not None:
        rows["file"] = table.pop(images).astype(str).to_numpy()
    return AuditData(file, kind, X, noisy_y, *_joined(rows, table), notes)


def read_audit_folder(folder: str | os.PathLike[str], *, size: int = 32) -> AuditData:
    """Read a folder of images, whose sub-folders are the labels, for an audit.

    Parameters
    ----------
    folder : path
        Each sub-folder is a class and holds its images, at any depth. Hidden files are passed over.
    size : int, default=32
        Side of the images, in pixels, to which all are resized.

    Returns
    -------
    AuditData

    Raises
    ------
    DatasetNotFoundError
        If there is no such folder.
    InvalidDataError
        If it has no images in two sub-folders or more.

    Examples
    --------
    >>> import tempfile
    >>> from PIL import Image
    >>> root = Path(tempfile.mkdtemp())
    >>> for name in ("cat/1.png", "cat/2.png", "dog/1.png", "dog/2.png"):
    ...     (root / name).parent.mkdir(exist_ok=True)
    ...     Image.new("RGB", (20, 10)).save(root / name)
    >>> data = read_audit_folder(root)
    >>> data.X.shape, data.noisy_y[2].item(), data.picture(2) == root / "dog" / "1.png"
    ((4, 3, 32, 32), 'dog', True)
    """
    root = local_path("folder", folder)
    unread: list[OSError] = []
    found = [file for name in class_folders(root) for file in files_below(root / name, unread)]
    files = [file.relative_to(root) for file in found]
    if not files:
        raise InvalidDataError(f"{root} has no images in sub-folders. Expected {root}/CLASS/picture.png and the like.")
    notes = [f"1 folder left out: {error.filename} cannot be read ({error.strerror})." for error in unread]
    X, is_read = _read_images([root / name for name in files], size, notes)
    labels = pd.Series([name.parts[0] for name in files])[is_read]
    rows = pd.DataFrame({"file": [name.as_posix() for name, good in zip(files, is_read, strict=True) if good]})
    return AuditData(root, "images", X, check_labels(labels, notes), rows, [], notes)


def _check_purposes(label: str, ignore: Sequence[str], images: str | None) -> None:
    """Refuse a column with two purposes, and one to ignore where no column is learned from."""
    if label in (images, *ignore):
        name = "images" if label == images else "ignore"
        raise InvalidParameterError(
            f"'label' and {name!r} are both {label!r}, but the labels are never learned from. "
            f"Leave {name!r} out, or name another column."
        )
    if images is not None and ignore:
        raise InvalidParameterError(
            f"'ignore' is {list(ignore)!r}, but with 'images' only the images are learned from. Leave 'ignore' out."
        )


def _files_inside(folder: Path, names: pd.Series) -> list[Path]:
    """Return the files of a table's images; refuse what lies elsewhere, as the table may be another person's."""
    files, root = [folder / str(name) for name in names], folder.resolve()
    outside = [file for file in files if not file.resolve().is_relative_to(root)]
    if outside:
        raise InvalidDataError(
            f"{len(outside)} of the {len(files)} image files in {names.name!r} lie outside the folder of the table, "
            f"{root}, such as {outside[0]}. Copy them into it, or put the table into a folder above them."
        )
    return files


def _read_images(files: list[Path], size: int, notes: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Return the images that can be read, uint8 (n, 3, size, size), and which they are, (N,); note the others."""
    check_count("size", size, 8)
    images: dict[int, np.ndarray] = {}
    absent: list[str] = []
    errors: dict[str, InvalidDataError] = {}
    for position, file in enumerate(progress_bar(files, "read images", unit="image", leave=False, delay=2)):
        name = str(file).encode(errors="backslashreplace").decode()
        try:
            if name != str(file):
                raise InvalidDataError(f"{name} has a name that is no text, so no table can hold it. Rename the file.")
            images[position] = np.asarray(read_image(file, side=size).resize((size, size)))
        except InvalidDataError as error:
            if file.exists():
                errors[name] = error
            else:
                absent.append(name)
    left_out = _left_out(absent, errors)
    if not images:
        raise InvalidDataError(f"None of the {len(files)} images can be read. {' '.join(left_out)}")
    notes += left_out
    is_read = np.isin(np.arange(len(files)), list(images))
    return np.ascontiguousarray(np.stack(list(images.values())).transpose(0, 3, 1, 2)), is_read


def _left_out(absent: list[str], errors: dict[str, InvalidDataError]) -> list[str]:
    """Say which files are not there, and which cannot be read."""
    said = []
    if absent:
        are = "is" if len(absent) == 1 else "are"
        said.append(f"{counted(len(absent), 'file')} left out that {are} not there: {some(absent)}.")
    if len(errors) == 1:
        said.append(f"1 file left out: {next(iter(errors.values()))}")
    elif errors:
        first = next(iter(errors.values()))
        said.append(
            f"{len(errors)} files left out that cannot be read as images: {some(list(errors))}. The first: {first}"
        )
    return said


def _joined(rows: pd.DataFrame, table: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Put the file's own columns after ours; one of the same name as any of ours says where it is from."""
    given = [str(name) for name in table.columns]
    ours = {*_PLACE_COLUMNS, *RESULT_COLUMNS}
    taken = ours | set(given)
    table = table.reset_index(drop=True)
    table.columns = pd.Index([_free_name(name, taken) if name in ours else name for name in given])
    return pd.concat([rows, table], axis=1), list(table.columns)


def _free_name(name: str, taken: set[str]) -> str:
    while name in taken:
        name += " (file)"
    return name
