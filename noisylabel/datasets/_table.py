"""A table in a CSV or Parquet file: the one way in which tables are read, and a table to learn from."""

import os
import re
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from sklearn.utils import Bunch

from noisylabel.exceptions import DatasetNotFoundError, InvalidDataError, NoisyLabelWarning

TEXT_SUFFIXES = (".csv", ".tsv", ".txt")
TABLE_SUFFIXES = (*TEXT_SUFFIXES, ".parquet")


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
        ``data``, a DataFrame of N rows and the other columns as they are; ``target`` (N,); ``feature_names``.

    Raises
    ------
    DatasetNotFoundError
        If there is no such file.
    InvalidDataError
        If it is no table, lacks a column, or a label is missing (the message has the row, counted from 0).

    Warns
    -----
    NoisyLabelWarning
        If the text is not UTF-8 and was read as Windows-1252.

    Examples
    --------
    >>> import tempfile
    >>> path = tempfile.mkdtemp() + "/flowers.csv"
    >>> pd.DataFrame({"id": [1, 2], "petals": [5, 6], "kind": ["rose", "lily"]}).to_csv(path, index=False)
    >>> table = load_table(path, label="kind", drop=["id"])
    >>> table.feature_names, table.target.tolist()
    (['petals'], ['rose', 'lily'])
    """
    table, notes = read_table(path)
    for note in notes:
        warnings.warn(f"{path}: {note}", NoisyLabelWarning, stacklevel=2)
    for column in (label, *drop):
        if column not in table.columns:
            raise InvalidDataError(f"{path} has no column {column!r}. It has {list(table.columns)}.")
    unlabelled = table[label].isna()
    if unlabelled.any():
        raise InvalidDataError(
            f"{path} has {int(unlabelled.sum())} rows without a label in {label!r}, the first at row "
            f"{int(unlabelled.to_numpy().argmax())}. Drop or fill them."
        )
    data = table.drop(columns=[label, *drop])
    return Bunch(data=data, target=table[label].to_numpy(), feature_names=list(data.columns))


def read_table(
    path: str | os.PathLike[str], *, as_written: Sequence[str] = (), empty_lines: bool = False
) -> tuple[pd.DataFrame, list[str]]:
    r"""Read a file of values separated by commas, semicolons, tabs or bars, or a Parquet file.

    Parameters
    ----------
    path : path
        A ``.csv``, ``.tsv``, ``.txt`` or ``.parquet`` file. Text is UTF-8, with or without a byte order mark, or
        failing that Windows-1252. Its first line names the columns; whichever of ``,`` ``;`` tab and ``|`` is there
        most often separates. A separator at the end of every line makes no column.
    as_written : sequence of str, default=()
        Columns whose values stay as they are written in a text file, so that ``None`` and ``007`` are not turned into
        something else.
    empty_lines : bool, default=False
        Whether an empty line is a row, as in a spreadsheet.

    Returns
    -------
    table : DataFrame of N rows
    notes : list of str
        What was odd about the file, as sentences.

    Raises
    ------
    DatasetNotFoundError
        If there is no such file.
    InvalidDataError
        If its name ends in none of these, or it cannot be read as a table; the message names the file.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "flowers.csv"
    >>> _ = path.write_text("petals;code\n5;007\n6;None\n", encoding="utf-8")
    >>> table, notes = read_table(path, as_written=["code"])
    >>> table["code"].tolist(), notes
    (['007', 'None'], [])
    """
    file = Path(path).expanduser()
    if not file.is_file():
        raise DatasetNotFoundError(f"There is no file {file}. Give the path of a .csv, .tsv or .parquet file.")
    if file.suffix.lower() not in TABLE_SUFFIXES:
        raise InvalidDataError(f"{file} must end in .csv, .tsv or .parquet. A spreadsheet can be saved as CSV.")
    try:
        if file.suffix.lower() == ".parquet":
            return pd.read_parquet(file), []
        try:
            return _read_text(file, as_written, empty_lines, "utf-8-sig"), []
        except UnicodeDecodeError:
            notes = ["The file is not UTF-8; it was read as Windows-1252."]
            return _read_text(file, as_written, empty_lines, "cp1252"), notes
    except pd.errors.ParserWarning as error:
        raise InvalidDataError(
            f"{file} has more values in a row than names in its first line. Give every column a name there."
        ) from error
    except (ValueError, OSError) as error:
        raise InvalidDataError(f"{file} cannot be read as a table: {error}") from error


def _read_text(file: Path, as_written: Sequence[str], empty_lines: bool, encoding: str) -> pd.DataFrame:
    errors = "replace" if encoding == "cp1252" else "strict"
    with file.open(encoding=encoding, errors=errors) as stream:
        header = re.sub(r'"[^"]*"', "", stream.readline())
    options: dict[str, Any] = {
        "sep": max(",;\t|", key=header.count),
        "encoding": encoding,
        "encoding_errors": errors,
        "skip_blank_lines": not empty_lines,
        "index_col": False,  # a separator at the end of each line makes no column
    }
    with warnings.catch_warnings():
        warnings.simplefilter("error", pd.errors.ParserWarning)  # values would be lost
        table = pd.read_csv(file, low_memory=False, **options)
    for column in table.columns.intersection(list(as_written)):
        texts = pd.read_csv(file, usecols=[column], dtype=str, keep_default_na=False, **options)
        table[column] = texts[column].to_numpy()
    return table
