"""A table in a file: the one way in which tables are read, and a table to learn from."""

import io
import json
import os
import warnings
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from sklearn.utils import Bunch

from noisylabel.datasets._table_source import TableSource, open_table
from noisylabel.datasets._table_text import TextFormat, text_format
from noisylabel.exceptions import InvalidDataError, MissingDependencyError, NoisyLabelError, NoisyLabelWarning

_NO_LABEL = ("", "na", "n/a", "nan", "null", "#n/a")


def load_table(path: str | os.PathLike[str], *, label: str, drop: Sequence[str] = ()) -> Bunch:
    """Load a table with a column of labels, to learn from.

    Parameters
    ----------
    path : path
        The file; see :func:`read_table`. Empty lines are passed over.
    label : str
        Name of the column of labels.
    drop : sequence of str, default=()
        Columns that are no features, such as ids.

    Returns
    -------
    Bunch
        ``data``, a DataFrame of N rows and the other columns as they are; ``target`` (N,), of a text file whole
        numbers if all labels are, and else text as it stands there (so ``007`` keeps its zeros); ``feature_names``.

    Raises
    ------
    DatasetNotFoundError
        If there is no such file.
    InvalidDataError
        If it is no table, lacks a column, or a label is missing (the message has the row, counted from 0).

    Warns
    -----
    NoisyLabelWarning
        If the text is not UTF-8: how it was read.

    Examples
    --------
    >>> import tempfile
    >>> path = tempfile.mkdtemp() + "/flowers.csv"
    >>> pd.DataFrame({"id": [1, 2], "petals": [5, 6], "kind": ["rose", "lily"]}).to_csv(path, index=False)
    >>> table = load_table(path, label="kind", drop=["id"])
    >>> table.feature_names, table.target.tolist()
    (['petals'], ['rose', 'lily'])
    """
    read = read_table_file(path, as_written=[label])
    table = read.table
    for note in read.notes:
        warnings.warn(f"{path}: {note}", NoisyLabelWarning, stacklevel=2)
    for column in (label, *drop):
        if column not in table.columns:
            raise InvalidDataError(f"{path} has no column {column!r}. It has {list(table.columns)}.")
    is_text = read.written is not None
    labels = parse_labels(table[label]) if is_text else table[label]
    unlabelled = labels.isna()
    if unlabelled.any():
        raise InvalidDataError(
            f"{path} has {int(unlabelled.sum())} rows without a label in {label!r}, the first at row "
            f"{int(unlabelled.to_numpy().argmax())}. Drop or fill them."
        )
    data = table.drop(columns=[label, *drop])
    target = labels.to_numpy()
    if is_text and isinstance(target[0], int):
        target = target.astype(np.int64)
    return Bunch(data=data, target=target, feature_names=list(data.columns))


def read_table(
    path: str | os.PathLike[str], *, as_written: Sequence[str] = (), empty_lines: bool = False
) -> tuple[pd.DataFrame, list[str]]:
    r"""Read a table: values separated by commas, semicolons, tabs or bars, Parquet, an Excel sheet, or JSON lines.

    This is the one reader of tables: ``load_table``, the audit, sweeps and ``noisylabel evaluate`` all call it. Its
    errors are ``InvalidDataError`` and ``DatasetNotFoundError``, which a command says in a sentence before it ends
    with exit code 2; its notes are to be shown.

    Parameters
    ----------
    path : path
        A ``.csv``, ``.tsv``, ``.txt``, ``.parquet``, ``.xlsx`` (its first sheet; needs openpyxl) or ``.jsonl`` file
        (``.json`` with a list of objects too), also compressed (``.csv.gz``), or ``-`` for standard input. Text is
        UTF-8, UTF-16 or Windows-1252, as its bytes show. Its first line names the columns, or Excel's ``sep=;`` stands
        before it; a name can hold line breaks if it is quoted. The one of ``,`` ``;`` tab and ``|`` separates that cuts
        the first rows into as many values as there are names. A separator at the end of every line makes no column.
    as_written : sequence of str, default=()
        Columns whose values stay as they are written in a text file, so that ``None`` and ``007`` are not turned into
        something else.
    empty_lines : bool, default=False
        Whether an empty line is a row, as in a spreadsheet.

    Returns
    -------
    table : DataFrame of N rows, at least one
        Bytes of a Parquet file that are UTF-8 have become text.
    notes : list of str
        What was odd about the file, as sentences.

    Raises
    ------
    DatasetNotFoundError
        If there is no such file.
    InvalidDataError
        If its name ends in none of these, it is empty, has no rows, longer rows than names, or cannot be read as a
        table; the message names the file.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> path = Path(tempfile.mkdtemp()) / "flowers.csv"
    >>> _ = path.write_text("petals;code\n5;007\n6;None\n", encoding="utf-8")
    >>> table, notes = read_table(path, as_written=["code"])
    >>> table["code"].tolist(), notes
    (['007', 'None'], [])
    """
    read = read_table_file(path, as_written=as_written, empty_lines=empty_lines)
    return read.table, read.notes


@dataclass(frozen=True)
class TableFile:
    """A table as it was read.

    Attributes
    ----------
    table : DataFrame of N rows, at least one
    notes : list of str
        What was odd about the file, as sentences.
    source : TableSource
    written : TextFormat or None
        How a text file is written; None of another kind.
    """

    table: pd.DataFrame
    notes: list[str]
    source: TableSource
    written: TextFormat | None

    def cells(self) -> pd.DataFrame:
        """Return the cells of a text file with empty lines as rows, all as they are written; else the table."""
        if self.written is None:
            return self.table
        options = _text_options(self.written, empty_lines=True)
        used = range(self.table.shape[1])  # not what would stand behind a separator at the end of the line
        cells = pd.read_csv(io.BytesIO(self.source.data), dtype=str, keep_default_na=False, usecols=used, **options)
        return cells.fillna("")  # of a line that ends early


def read_table_file(path: Any, *, as_written: Sequence[str] = (), empty_lines: bool = False) -> TableFile:
    """Return a table with all that is known of its file; see :func:`read_table`."""
    source = open_table(path)
    written = None
    try:
        if source.kind == "text":
            written = text_format(source)
            table, notes = _read_text(source, as_written, empty_lines, written), written.notes
        else:
            table, notes = _READERS[source.kind](source)
    except NoisyLabelError:
        raise
    except (ValueError, OSError) as error:
        raise InvalidDataError(f"{source} cannot be read as a table: {str(error).strip()}") from error
    if table.empty:
        raise InvalidDataError(f"{source} names columns, {list(table.columns)}, but has no rows.")
    return TableFile(table, list(notes), source, written)


def parse_labels(column: pd.Series) -> pd.Series:
    """Return labels as whole numbers if all are and int64 holds them, else as text; missing where there is none.

    Parameters
    ----------
    column : Series of shape (N,)
        As written in the file.

    Returns
    -------
    Series of shape (N,)

    Raises
    ------
    InvalidDataError
        If they are bytes that are no text.

    Examples
    --------
    >>> parse_labels(pd.Series(["1", "2.0", "n/a"])).tolist(), parse_labels(pd.Series(["1", "none"])).tolist()
    ([1, 2, nan], ['1', 'none'])
    """
    if pd.api.types.infer_dtype(column) == "bytes":
        raise InvalidDataError(
            f"The labels in {column.name!r} are bytes that are no text. Give classes as text or numbers."
        )
    text = column.astype("string").str.strip()
    text = text.mask(text.str.lower().isin(_NO_LABEL))
    present = text.dropna()
    if present.str.fullmatch(r"-?(0|[1-9]\d*)(\.0*)?").all():
        numbers = present.str.replace(r"\..*", "", regex=True).astype(object).map(int)
        if numbers.between(-(2**63), 2**63 - 1).all():
            return numbers.astype(object).reindex(text.index)
    return text.astype(object)


def _read_parquet(file: TableSource) -> tuple[pd.DataFrame, list[str]]:
    _refuse_twice(file, pq.read_schema(io.BytesIO(file.data)).names)
    table = pd.read_parquet(io.BytesIO(file.data))
    for name in table.columns[[pd.api.types.infer_dtype(table[name]) == "bytes" for name in table.columns]]:
        try:
            table[name] = table[name].map(lambda value: value.decode(), na_action="ignore")
        except UnicodeDecodeError:
            continue  # no text: a hash or a picture
    return table, []


def _read_excel(file: TableSource) -> tuple[pd.DataFrame, list[str]]:
    """Read the first sheet of a workbook."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of styles and the like that no value depends on
            book = pd.ExcelFile(io.BytesIO(file.data), engine="openpyxl")
            names = [str(cell) for cell in pd.read_excel(book, nrows=1, header=None).iloc[0]]
            table = pd.read_excel(book, dtype=object).infer_objects()  # 05110 that is a text stays one
    except ImportError as error:
        raise MissingDependencyError(
            f"{file} is an Excel workbook, which needs the package openpyxl: pip install openpyxl. Or save it as CSV."
        ) from error
    except (zipfile.BadZipFile, KeyError) as error:
        raise InvalidDataError(f"{file} is no Excel workbook, or is damaged: {error}.") from error
    except IndexError:
        raise InvalidDataError(f"{file} is empty. Give a table whose first line names the columns.") from None
    _refuse_twice(file, names)
    others = [repr(name) for name in book.sheet_names[1:]]
    note = f"The first sheet of the workbook was read, {book.sheet_names[0]!r}, and not {', '.join(others)}."
    return table, [note] if others else []


def _read_json(file: TableSource) -> tuple[pd.DataFrame, list[str]]:
    """Read an object a line, or a list of objects."""
    text = file.data.decode("utf-8-sig")
    try:
        if text.lstrip().startswith("["):
            records = json.loads(text)
        else:
            records = [json.loads(line) for line in text.splitlines() if line.strip()]
    except json.JSONDecodeError as error:
        raise InvalidDataError(f"{file} is no JSON of an object a line: {error}.") from error
    other = next((number for number, record in enumerate(records) if not isinstance(record, dict)), None)
    if other is not None or not records:
        what = "is empty" if not records else f"has an entry that is no object, number {other}"
        raise InvalidDataError(f"{file} {what}. Give an object with the names of columns a line.")
    return pd.DataFrame.from_records(records), []


_READERS: dict[str, Any] = {"parquet": _read_parquet, "excel": _read_excel, "json": _read_json}


def _refuse_twice(file: TableSource, names: Sequence[str]) -> None:
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise InvalidDataError(f"{file} has two columns {twice[0]!r}. Give each a name of its own.")


def _text_options(written: TextFormat, *, empty_lines: bool) -> dict[str, Any]:
    """Return how pandas is to read a text file."""
    return {
        "sep": written.separator,
        "encoding": written.encoding,
        "encoding_errors": written.errors,
        "skiprows": written.n_skipped,
        "skip_blank_lines": not empty_lines,
        "index_col": False,  # a separator at the end of each line makes no column
    }


def _read_text(file: TableSource, as_written: Sequence[str], empty_lines: bool, written: TextFormat) -> pd.DataFrame:
    if empty_lines and written.begins_empty:
        raise InvalidDataError(f"{file} begins with an empty line. Take it out: the first line names the columns.")
    options = _text_options(written, empty_lines=empty_lines)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)  # values would be lost
            table = pd.read_csv(io.BytesIO(file.data), low_memory=False, **options)
    except (pd.errors.ParserError, pd.errors.ParserWarning) as error:
        _refuse_longer_rows(file, written)
        raise InvalidDataError(f"{file} cannot be read as a table: {str(error).strip()}") from error
    _, names = next(written.records(file))
    for column in table.columns.intersection(list(as_written)):
        if names.count(column) > 1:
            raise InvalidDataError(f"{file} has two columns {column!r}. Give each a name of its own.")
        texts = pd.read_csv(io.BytesIO(file.data), usecols=[column], dtype=str, keep_default_na=False, **options)
        table[column] = texts[column].to_numpy()
    return table


def _refuse_longer_rows(file: TableSource, written: TextFormat) -> None:
    """Say which row has more values than there are names, if one has."""
    rows = written.records(file)
    _, names = next(rows)
    longer = next(((line, len(row)) for line, row in rows if any(row[len(names) :])), None)
    if longer is not None:
        raise InvalidDataError(
            f"{file} has more values in line {longer[0]}, {longer[1]}, than names in its first line, {len(names)}. "
            "Quote values that hold the separator, or give every column a name."
        )
