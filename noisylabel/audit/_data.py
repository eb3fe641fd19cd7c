"""What an audit reads: a table, a folder of images, or a table with a column of image files."""

import os
import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from noisylabel._support.validation import check_choice
from noisylabel.audit._columns import LEFT_OUT, column_kind, table_features
from noisylabel.audit._images import read_images
from noisylabel.audit._words import counted, some
from noisylabel.exceptions import DatasetNotFoundError, InvalidDataError, InvalidParameterError

FEW_ROWS = 100
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
_TEXT_FILES = (".csv", ".tsv", ".txt")
_NO_LABEL = ("", "na", "n/a", "nan", "null", "#n/a")


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
        """Return the file of the image at a position in ``rows``."""
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
        A CSV, TSV or Parquet file. Comma, semicolon, tab or bar may separate; UTF-8 or, failing that, Windows-1252.
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
    """
    file = Path(path).expanduser()
    table, notes = _read_table(file, label)
    for name, columns in (("label", [label]), ("ignore", ignore), ("images", [] if images is None else [images])):
        for column in columns:
            check_choice(name, column, table.columns)
    _check_purposes(label, ignore, images)
    table.index = pd.RangeIndex(len(table))
    labels = _labels(table.pop(label))
    if labels.isna().any():
        notes.append(f"{counted(int(labels.isna().sum()), 'row')} without a label left out.")
    table, labels = table[labels.notna()], labels[labels.notna()]
    if labels.empty:
        raise InvalidDataError(f"No row of {file} has a label in {label!r}.")
    if images is None:
        kind = "table"
        X = _columns(table.drop(columns=list(ignore)), notes)
    else:
        kind = "images"
        X, is_read = read_images(_files_inside(file.parent, table[images]), size, notes)
        table, labels = table[is_read], labels[is_read]
    noisy_y = _checked(labels, notes)
    rows = pd.DataFrame({"row": table.index})
    if file.suffix.lower() in _TEXT_FILES:
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
    """
    root = Path(folder).expanduser()
    if not root.is_dir():
        raise DatasetNotFoundError(f"There is no folder {root}. Give one with a sub-folder of images for each class.")
    found = [(path, path.relative_to(root)) for path in sorted(root.rglob("*")) if path.is_file()]
    files = [name for _, name in found if len(name.parts) > 1 and not any(part.startswith(".") for part in name.parts)]
    if not files:
        raise InvalidDataError(f"{root} has no images in sub-folders. Expected {root}/CLASS/picture.png and the like.")
    notes: list[str] = []
    X, is_read = read_images([root / name for name in files], size, notes)
    labels = pd.Series([name.parts[0] for name in files])[is_read]
    rows = pd.DataFrame({"file": [name.as_posix() for name, good in zip(files, is_read, strict=True) if good]})
    return AuditData(root, "images", X, _checked(labels, notes), rows, [], notes)


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


def _read_table(file: Path, label: str) -> tuple[pd.DataFrame, list[str]]:
    """Read a file as it is, the column of labels as text."""
    if not file.is_file():
        raise DatasetNotFoundError(f"There is no file {file}. Give the path of a .csv, .tsv or .parquet file.")
    suffix = file.suffix.lower()
    if suffix not in (*_TEXT_FILES, ".parquet"):
        raise InvalidDataError(
            f"{file} must end in .csv, .tsv or .parquet, or be a folder of images. A spreadsheet can be saved as CSV."
        )
    try:
        if suffix == ".parquet":
            return pd.read_parquet(file), []
        try:
            return _read_text(file, label, "utf-8-sig"), []
        except UnicodeDecodeError:
            return _read_text(file, label, "cp1252"), ["The file is not UTF-8; it was read as Windows-1252."]
    except pd.errors.ParserWarning as error:
        raise InvalidDataError(
            f"{file} has more values in a row than names in its first line. Give every column a name there."
        ) from error
    except (ValueError, OSError) as error:
        raise InvalidDataError(f"{file} cannot be read as a table: {error}") from error


def _read_text(file: Path, label: str, encoding: str) -> pd.DataFrame:
    """Read separated values; empty lines stay, so that row numbers are those of a spreadsheet."""
    errors = "replace" if encoding == "cp1252" else "strict"
    with file.open(encoding=encoding, errors=errors) as stream:
        header = re.sub(r'"[^"]*"', "", stream.readline())
    options: dict[str, Any] = {
        "sep": max(",;\t|", key=header.count),
        "encoding": encoding,
        "encoding_errors": errors,
        "skip_blank_lines": False,
        "index_col": False,  # a separator at the end of each line makes no column
    }
    with warnings.catch_warnings():
        warnings.simplefilter("error", pd.errors.ParserWarning)  # values would be lost
        table = pd.read_csv(file, low_memory=False, **options)
    if label in table.columns:  # as it is written: "None" may be a class
        as_written = pd.read_csv(file, usecols=[label], dtype=str, keep_default_na=False, **options)
        table[label] = as_written[label].to_numpy()
    return table


def _labels(column: pd.Series) -> pd.Series:
    """Return labels as whole numbers if all are and int64 holds them, else as text; missing where there is none."""
    text = column.astype("string").str.strip()
    text = text.mask(text.str.lower().isin(_NO_LABEL))
    present = text.dropna()
    if present.str.fullmatch(r"-?(0|[1-9]\d*)(\.0*)?").all():
        numbers = present.str.replace(r"\..*", "", regex=True).astype(object).map(int)
        if numbers.between(-(2**63), 2**63 - 1).all():
            return numbers.astype(object).reindex(text.index)
    return text.astype(object)


def _checked(labels: pd.Series, notes: list[str]) -> np.ndarray:
    """Return the labels as an array if they are classes to learn; note what is odd about them."""
    n_rows, counts = len(labels), labels.value_counts()
    if len(counts) == 1:
        raise InvalidDataError(
            f"All {n_rows} rows have the label {counts.index[0]!r}. An audit compares classes: it needs two or more."
        )
    numbers = pd.to_numeric(labels, errors="coerce")
    is_measured = bool(numbers.notna().all() and (numbers % 1 != 0).any() and len(counts) > 20)
    if is_measured or len(counts) > n_rows / 2:
        what = "measured numbers" if numbers.notna().all() else "names, ids or free text"
        raise InvalidDataError(
            f"The labels have {len(counts)} different values in {n_rows} rows, such as {counts.index[0]!r}. They look "
            f"like {what}, and not like classes. Choose another column, or group them into classes."
        )
    single = [str(label) for label, count in counts.items() if count == 1]
    if single:
        notes.append(f"{counted(len(single), 'class', 'classes')} with a single row: {some(single)}.")
    if n_rows < FEW_ROWS:
        notes.append(f"Only {n_rows} rows: with fewer than {FEW_ROWS} the result means little.")
    return np.array(labels.tolist())


def _columns(table: pd.DataFrame, notes: list[str]) -> np.ndarray:
    """Return the features of a table; note which columns were used as what, and which not."""
    kinds = {name: column_kind(str(name), table[name]) for name in table.columns}
    X = table_features(table, kinds)
    for kind, what in (("number", "numbers"), ("date", "dates"), ("category", "categories"), ("text", "texts")):
        names = [name for name in kinds if kinds[name] == kind]
        if names:
            notes.append(f"Read as {what}: {some(names)}.")
    for kind, reason in LEFT_OUT.items():
        names = [name for name in kinds if kinds[name] == kind]
        if names:
            notes.append(f"Not used ({reason}): {some(names)}.")
    return X


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
