"""A table that an audit reads."""

import os
from collections.abc import Sequence

import numpy as np
import pandas as pd

from noisylabel._support.files import local_path
from noisylabel._support.validation import check_choice, spoken
from noisylabel.audit._words import counted
from noisylabel.audit.reading._columns import column_notes, column_warnings
from noisylabel.audit.reading._data import OURS, AuditData, free_name
from noisylabel.audit.reading._images import files_inside, read_images
from noisylabel.audit.reading._labels import check_labels
from noisylabel.datasets._table import TEXT_SUFFIXES, parse_labels, read_table
from noisylabel.exceptions import InvalidDataError, InvalidParameterError
from noisylabel.preprocessing import TableEncoder


def read_audit_table(  # noqa: PLR0913 - what the columns are, and which of them hold images
    path: str | os.PathLike[str],
    *,
    label: str,
    ignore: Sequence[str] = (),
    encoder: TableEncoder | None = None,
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
    encoder : TableEncoder, optional
        What makes numbers of the columns: one that has been told ``kinds`` of columns or a ``text_model``. It is
        fitted.
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
    ((120, 1), 'doll', ['Read as numbers (holds numbers): size.'])
    """
    file = local_path("path", path)
    table, notes = read_table(file, as_written=[label], empty_lines=True)
    for name, columns in (("label", [label]), ("ignore", ignore), ("images", [] if images is None else [images])):
        for column in columns:
            check_choice(name, column, table.columns)
    _check_purposes(label, ignore, images)
    if len(table.columns) > 1 and set(table.columns) <= {label, *ignore}:
        raise InvalidParameterError(
            f"{spoken('ignore')} names every column besides the labels, {list(ignore)!r}: none is left to learn from. "
            "Keep one."
        )
    table.index = pd.RangeIndex(len(table))
    labels = parse_labels(table.pop(label))
    if labels.isna().any():
        notes.append(f"{counted(int(labels.isna().sum()), 'row')} without a label left out.")
    table, labels = table[labels.notna()], labels[labels.notna()]
    if labels.empty:
        raise InvalidDataError(f"No row of {file} has a label in {label!r}.")
    if images is None:
        learned = table.drop(columns=list(ignore))
        X, noisy_y = _read_columns(learned, labels, TableEncoder() if encoder is None else encoder, notes)
    else:
        learned = None
        X, is_read = read_images(files_inside(file.parent, table[images]), size, notes)
        table, labels = table[is_read], labels[is_read]
        noisy_y = check_labels(labels, notes)
    rows = pd.DataFrame({"row": table.index})
    if file.suffix.lower() in TEXT_SUFFIXES:
        rows["spreadsheet_row"] = table.index + 2
    if images is not None:
        rows["file"] = table.pop(images).astype(str).to_numpy()
    kind = "table" if images is None else "images"
    return AuditData(file, kind, X, noisy_y, *_joined(rows, table), notes, learned)


def _read_columns(
    table: pd.DataFrame, labels: pd.Series, encoder: TableEncoder, notes: list[str]
) -> tuple[np.ndarray, np.ndarray]:
    """Return the columns as numbers and the labels as classes; note what each was taken for and what looks odd."""
    X = encoder.fit_transform(table)
    notes += column_notes(encoder)
    noisy_y = check_labels(labels, notes)
    notes += column_warnings(X, noisy_y, encoder)
    return X, noisy_y


def _check_purposes(label: str, ignore: Sequence[str], images: str | None) -> None:
    """Refuse a column with two purposes, and one to ignore where no column is learned from."""
    if label in (images, *ignore):
        name = "images" if label == images else "ignore"
        raise InvalidParameterError(
            f"{spoken('label')} and {spoken(name)} are both {label!r}, but the labels are never learned from. "
            f"Leave {spoken(name)} out, or name another column."
        )
    if images is not None and ignore:
        raise InvalidParameterError(
            f"{spoken('ignore')} is {list(ignore)!r}, but with {spoken('images')} only the images are learned from. "
            f"Leave {spoken('ignore')} out."
        )


def _joined(rows: pd.DataFrame, table: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Put the file's own columns after ours; one of the same name as any of ours says where it is from."""
    given = [str(name) for name in table.columns]
    taken = OURS | set(given)
    table = table.reset_index(drop=True)
    table.columns = pd.Index([free_name(name, taken) if name in OURS else name for name in given])
    return pd.concat([rows, table], axis=1), list(table.columns)
