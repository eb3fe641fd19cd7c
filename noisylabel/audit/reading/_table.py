"""A table that an audit reads."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from noisylabel._support.files import local_path
from noisylabel._support.validation import check_choice, spoken
from noisylabel.audit._words import counted
from noisylabel.audit.reading._columns import column_notes, column_warnings
from noisylabel.audit.reading._data import OURS, AuditData, free_name
from noisylabel.audit.reading._embeddings import Embeddings
from noisylabel.audit.reading._images import files_inside, read_images
from noisylabel.audit.reading._labels import check_labels, read_labels
from noisylabel.datasets._table import TableFile, read_table_file
from noisylabel.datasets._table_source import STANDARD_INPUT
from noisylabel.exceptions import InvalidDataError, InvalidParameterError
from noisylabel.preprocessing import TableEncoder


def read_audit_table(  # noqa: PLR0913 - what the columns are, and which of them hold images
    path: str | os.PathLike[str],
    *,
    label: str | Sequence[str],
    ignore: Sequence[str] = (),
    encoder: TableEncoder | Embeddings | None = None,
    images: str | None = None,
    size: int = 32,
    group_labels: bool = False,
) -> AuditData:
    """Read a table with a column of labels, for an audit.

    Parameters
    ----------
    path : path
        A CSV, TSV, Parquet, Excel or JSON-lines file, or ``-``; see :func:`noisylabel.datasets.read_table`.
    label : str or sequence of str
        Column of the labels, or one for each of several annotators: the label that most of them gave is taken. Rows
        without one are set apart.
    ignore : sequence of str, default=()
        Columns to leave out.
    encoder : TableEncoder or Embeddings, optional
        What makes numbers of the columns: one that has been told ``kinds`` of columns or a ``text_model``. It is
        fitted. Or :class:`Embeddings` of the rows.
    images : str, optional
        Column of image files, as paths from the table's folder: learn from the images instead of the columns. All
        must lie in that folder, since the page of an audit shows them.
    size : int, default=32
        Side of the images, in pixels.
    group_labels : bool, default=False
        Whether labels that differ only in case or spaces are one class, called as most rows call it.

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
    names = [label] if isinstance(label, str) else list(label)
    file = read_table_file(path, as_written=names, empty_lines=True)
    table, cells = file.table, file.cells()
    _check_columns(table, {"label": names, "ignore": ignore, "images": [] if images is None else [images]})
    table.index = cells.index = pd.RangeIndex(len(table))
    notes = file.notes
    labels, agreement = read_labels(table[names], group_labels, notes)
    if labels.isna().all():
        raise InvalidDataError(f"No row of {file.source} has a label in {' or '.join(map(repr, names))}.")
    where, learned = Path("standard input" if str(path) == STANDARD_INPUT else local_path("path", path)), None
    if images is None:
        learned = _as_written_codes(table, cells if file.written else None).drop(columns=[*names, *ignore])
        encoder = TableEncoder() if encoder is None else encoder
        X, is_read = _encoded(learned, labels.notna().to_numpy(), encoder), _has_cells(file, cells)
        X = X if is_read.all() else X[is_read]
        notes += column_notes(encoder)
    else:
        X, is_read = read_images(files_inside(where.parent, table[images]), size, notes)
    rows, columns = _joined(_places(file, cells, images, agreement), cells, [*names, images])
    data = _labelled(X, labels[is_read], rows[is_read], notes)
    data.source, data.kind, data.columns, data.written = where, "images" if images else "table", columns, file.written
    if learned is not None and encoder is not None:
        data.table, data.kinds = learned[labels.notna()], encoder.kinds_
        notes += column_warnings(data.X, data.noisy_y, encoder)
    return data


def _encoded(table: pd.DataFrame, has_label: np.ndarray, encoder: TableEncoder | Embeddings) -> np.ndarray:
    """Return a table as numbers that were learned from its rows with a label."""
    if isinstance(encoder, Embeddings):
        encoder.check_rows(len(table))
    X = encoder.fit_transform(table[has_label])
    if has_label.all():
        return X
    every = encoder.transform(table)
    every[has_label] = X
    return every


def _has_cells(file: TableFile, cells: pd.DataFrame) -> np.ndarray:
    """Return which rows are no empty lines of a text file."""
    return np.ones(len(cells), bool) if file.written is None else (cells != "").any(axis=1).to_numpy()


def _labelled(X: np.ndarray, labels: pd.Series, rows: pd.DataFrame, notes: list[str]) -> AuditData:
    """Return what has a label, and set apart what has none."""
    has_label = labels.notna().to_numpy()
    data = AuditData(Path(), "", X, np.empty(0), rows, [], notes)
    if not has_label.all():
        notes.append(f"{counted(int((~has_label).sum()), 'row')} without a label: one is predicted for each.")
        data.unlabelled = X[~has_label], rows[~has_label].reset_index(drop=True)
        data.X, data.rows = X[has_label], rows[has_label].reset_index(drop=True)
    else:
        data.rows = rows.reset_index(drop=True)
    data.noisy_y = check_labels(labels[has_label], notes)
    return data


def _as_written_codes(table: pd.DataFrame, cells: pd.DataFrame | None) -> pd.DataFrame:
    """Return a table of a text file with codes such as 05110 or +491234567 as texts, which pandas takes for numbers."""
    if cells is None:
        return table
    numbers = [name for name in table.columns if pd.api.types.is_numeric_dtype(table[name])]
    codes = [name for name in numbers if cells[name].str.fullmatch(r"\s*(0\d+|\+\d{6,})\s*").any()]
    return table.assign(**{name: cells[name].where(table[name].notna()) for name in codes}) if codes else table


def _places(file: TableFile, cells: pd.DataFrame, images: str | None, agreement: pd.Series | None) -> pd.DataFrame:
    """Return the columns that say where a row is, and how far its annotators agree."""
    rows = pd.DataFrame({"row": cells.index}, index=cells.index)
    if file.source.kind in ("text", "excel"):
        rows["spreadsheet_row"] = cells.index + 2
    if images is not None:
        rows["file"] = cells[images].astype(str)
    if agreement is not None:
        rows["annotator_agreement"] = agreement
    return rows


def _check_columns(table: pd.DataFrame, said: dict[str, Sequence[str]]) -> None:
    """Refuse columns that are not there, that have two purposes, and tables of which nothing is left."""
    for name, columns in said.items():
        for column in columns:
            check_choice(name, column, [str(one) for one in table.columns])
    labels, ignore = said["label"], list(said["ignore"])
    if len(set(labels)) < max(len(labels), 1):
        raise InvalidParameterError(f"{spoken('label')} is {list(labels)!r}. Name one column, or different ones.")
    for label in labels:
        _check_purposes(label, ignore, said["images"][0] if said["images"] else None)
    if len(table.columns) > len(labels) and set(table.columns) <= {*labels, *ignore}:
        raise InvalidParameterError(
            f"{spoken('ignore')} names every column besides the labels, {ignore!r}: none is left to learn from. "
            "Keep one."
        )


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


def _joined(rows: pd.DataFrame, cells: pd.DataFrame, hidden: list[str | None]) -> tuple[pd.DataFrame, list[str]]:
    """Put the file's own columns after ours; one of the same name as any of ours says where it is from.

    Returns the names of those that are not hidden, too.
    """
    given = [str(name) for name in cells.columns]
    taken = OURS | set(given)
    names = [free_name(name, taken) if name in OURS else name for name in given]
    shown = [name for name, was in zip(names, given, strict=True) if was not in hidden]
    return pd.concat([rows, cells.set_axis(names, axis=1)], axis=1), shown
