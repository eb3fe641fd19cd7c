"""A table in a CSV or Parquet file: the one way in which tables are read, and a table to learn from."""

import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from sklearn.utils import Bunch

from noisylabel._support.files import local_path
from noisylabel.datasets._table_text import TextFormat, text_format
from noisylabel.exceptions import DatasetNotFoundError, InvalidDataError, NoisyLabelWarning

TEXT_SUFFIXES = (".csv", ".tsv", ".txt")
TABLE_SUFFIXES = (*TEXT_SUFFIXES, ".parquet")
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
    table, notes = read_table(path, as_written=[label])
    for note in notes:
        warnings.warn(f"{path}: {note}", NoisyLabelWarning, stacklevel=2)
    for column in (label, *drop):
        if column not in table.columns:
            raise InvalidDataError(f"{path} has no column {column!r}. It has {list(table.columns)}.")
    is_text = Path(path).suffix.lower() in TEXT_SUFFIXES
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
    r"""Read a file of values separated by commas, semicolons, tabs or bars, or a Parquet file.

    This is the one reader of tables: ``load_table``, the audit, sweeps and ``noisylabel evaluate`` all call it. Its
    errors are ``InvalidDataError`` and ``DatasetNotFoundError``, which a command says in a sentence before it ends
    with exit code 2; its notes are to be shown.

    Parameters
    ----------
    path : path
        A ``.csv``, ``.tsv``, ``.txt`` or ``.parquet`` file. Text is UTF-8, UTF-16 or Windows-1252, as its bytes show.
        Its first line names the columns, or Excel's ``sep=;`` stands before it; a name can hold line breaks if it is
        quoted. The one of ``,`` ``;`` tab and ``|`` separates that cuts the first rows into as many values as there
        are names. A separator at the end of every line makes no column.
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
    >>> path = Path(tempfile.mkdtemp()) / "flowers.csv"
    >>> _ = path.write_text("petals;code\n5;007\n6;None\n", encoding="utf-8")
    >>> table, notes = read_table(path, as_written=["code"])
    >>> table["code"].tolist(), notes
    (['007', 'None'], [])
    """
    file = local_path("path", path)
    if not file.is_file():
        raise DatasetNotFoundError(f"There is no file {file}. Give the path of a .csv, .tsv or .parquet file.")
    if file.suffix.lower() not in TABLE_SUFFIXES:
        raise InvalidDataError(f"{file} must end in .csv, .tsv or .parquet. A spreadsheet can be saved as CSV.")
    try:
        if file.suffix.lower() == ".parquet":
            table, notes = _read_parquet(file), []
        else:
            written = text_format(file)
            table, notes = _read_text(file, as_written, empty_lines, written), written.notes
    except InvalidDataError:
        raise
    except (ValueError, OSError) as error:
        raise InvalidDataError(f"{file} cannot be read as a table: {str(error).strip()}") from error
    if table.empty:
        raise InvalidDataError(f"{file} names columns, {list(table.columns)}, but has no rows.")
    return table, notes


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


def _read_parquet(file: Path) -> pd.DataFrame:
    names = pq.read_schema(file).names
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise InvalidDataError(f"{file} has two columns {twice[0]!r}. Give each a name of its own.")
    table = pd.read_parquet(file)
    for name in table.columns[[pd.api.types.infer_dtype(table[name]) == "bytes" for name in table.columns]]:
        try:
            table[name] = table[name].map(lambda value: value.decode(), na_action="ignore")
        except UnicodeDecodeError:
            continue  # no text: a hash or a picture
    return table


def _read_text(file: Path, as_written: Sequence[str], empty_lines: bool, written: TextFormat) -> pd.DataFrame:
    if empty_lines and written.begins_empty:
        raise InvalidDataError(f"{file} begins with an empty line. Take it out: the first line names the columns.")
    options: dict[str, Any] = {
        "sep": written.separator,
        "encoding": written.encoding,
        "encoding_errors": written.errors,
        "skiprows": written.n_skipped,
        "skip_blank_lines": not empty_lines,
        "index_col": False,  # a separator at the end of each line makes no column
    }
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)  # values would be lost
            table = pd.read_csv(file, low_memory=False, **options)
    except (pd.errors.ParserError, pd.errors.ParserWarning) as error:
        _refuse_longer_rows(file, written)
        raise InvalidDataError(f"{file} cannot be read as a table: {str(error).strip()}") from error
    _, names = next(written.records(file))
    for column in table.columns.intersection(list(as_written)):
        if names.count(column) > 1:
            raise InvalidDataError(f"{file} has two columns {column!r}. Give each a name of its own.")
        texts = pd.read_csv(file, usecols=[column], dtype=str, keep_default_na=False, **options)
        table[column] = texts[column].to_numpy()
    return table


def _refuse_longer_rows(file: Path, written: TextFormat) -> None:
    """Say which row has more values than there are names, if one has."""
    rows = written.records(file)
    _, names = next(rows)
    longer = next(((line, len(row)) for line, row in rows if any(row[len(names) :])), None)
    if longer is not None:
        raise InvalidDataError(
            f"{file} has more values in line {longer[0]}, {longer[1]}, than names in its first line, {len(names)}. "
            "Quote values that hold the separator, or give every column a name."
        )
