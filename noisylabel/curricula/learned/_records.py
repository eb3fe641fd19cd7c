"""Records of a student: what loss it had on samples whose right label is known, and when."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from noisylabel._support.files import local_path, reading, written_whole
from noisylabel._support.spreadsheet import write_csv
from noisylabel._support.validation import check_count, check_number
from noisylabel.curricula.learned._features import MentorFeatures
from noisylabel.exceptions import InvalidFileError

_MISSING = ("", "nan", "none", "null", "<na>")
COLUMNS = ("sample_id", "epoch", "noisy_label", "clean_label", "loss")


def write_records(records: pd.DataFrame, path: str | Path) -> Path:
    """Write records as CSV, or as Parquet if ``path`` ends with ``.parquet``.

    Parameters
    ----------
    records : DataFrame
        With the columns ``sample_id``, ``epoch`` (percent of training, 0 to 99), ``noisy_label``, ``clean_label`` and
        ``loss`` (against the noisy label).
    path : str or Path
        Where to write. Another file of that name is replaced, whole or not at all.

    Returns
    -------
    Path

    Examples
    --------
    >>> import tempfile
    >>> rows = [("a", 18, "cat", "cat", 0.1), ("b", 18, "cat", "dog", 2.3)]
    >>> path = write_records(pd.DataFrame(rows, columns=COLUMNS), tempfile.mkdtemp() + "/records.csv")
    >>> read_records(path)["loss"].tolist()
    [0.1, 2.3]
    """
    path, table = local_path("path", path), records[list(COLUMNS)]
    if path.suffix == ".parquet":
        written_whole(path, lambda partial: table.to_parquet(partial, index=False))
    else:
        write_csv(table, path)
    return path


def read_records(path: str | Path) -> pd.DataFrame:
    """Read records from CSV (commas, tabs or spaces; with or without a header) or Parquet.

    Parameters
    ----------
    path : str or Path
        Without a header, the columns are sample_id, epoch, noisy_label, clean_label, loss.

    Returns
    -------
    DataFrame
        With the columns of :func:`write_records`; labels are numbers if all of them are, otherwise strings.

    Raises
    ------
    InvalidFileError
        If there is no such file, or a row is bad: the message has its line number.
    """
    path = local_path("path", path)
    if not path.is_file():
        raise InvalidFileError(f"There is no file of records {path}.")
    if path.suffix == ".parquet":
        with reading(path, "Parquet file"):
            table = _as_text(pd.read_parquet(path))
    else:
        table = _read_text(path)
    return _checked(_named(table, str(path)), f"{path}, {'row' if path.suffix == '.parquet' else 'line'}")


def check_records(records: pd.DataFrame) -> pd.DataFrame:
    """Return the five columns of a DataFrame of records, checked as those of a file are."""
    table = _as_text(records.reset_index(drop=True))
    return _checked(_named(table, "The table of records"), "The table of records, row")


def _as_text(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table's values as strings, what is missing as empty ones."""
    return table.astype(object).where(table.notna(), "").astype(str)


def _read_text(path: Path) -> pd.DataFrame:
    """Read a text file as strings; the index holds line numbers."""
    with path.open(encoding="utf-8-sig", errors="replace") as lines:
        n_blank, first = next(((number, line) for number, line in enumerate(lines) if line.strip()), (0, ""))
    separator = next((mark for mark in (",", "\t") if mark in first.strip()), r"\s+")
    options: dict[str, Any] = {"sep": separator, "skiprows": n_blank, "skipinitialspace": separator == ","}
    try:
        table = pd.read_csv(
            path, header=None, dtype=str, skip_blank_lines=False, encoding="utf-8-sig", na_filter=False, **options
        )
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise InvalidFileError(f"{path} cannot be read as a table: {str(error).strip()}") from error
    table.index += 1 + n_blank
    table = table.fillna("").apply(lambda column: column.str.strip())
    table = table[(table != "").any(axis=1)]
    is_header = pd.to_numeric(table.iloc[0], errors="coerce").isna().all()
    if is_header:
        table, table.columns = table.iloc[1:], table.iloc[0].tolist()
    return table


def _named(table: pd.DataFrame, source: str) -> pd.DataFrame:
    """Return the five columns, by name where the file has names, otherwise by position."""
    if isinstance(table.columns, pd.RangeIndex) or not table.columns.map(lambda name: isinstance(name, str)).all():
        if table.shape[1] != len(COLUMNS):
            raise InvalidFileError(
                f"{source} must have the columns {', '.join(COLUMNS)}. Line {table.index[0]} has {table.shape[1]}."
            )
        return table.set_axis(list(COLUMNS), axis="columns")
    missing = [name for name in COLUMNS if name not in table.columns]
    if missing or not table.columns.is_unique:
        raise InvalidFileError(
            f"{source} must have the columns {', '.join(COLUMNS)}, once each. Its header is {', '.join(table.columns)}."
        )
    return table[list(COLUMNS)]


def _checked(table: pd.DataFrame, place: str) -> pd.DataFrame:
    """Turn the strings into numbers and labels; the first bad row is an error."""
    if table.empty:
        raise InvalidFileError(f"{place.rpartition(', ')[0]} holds no records.")
    epoch, loss = (pd.to_numeric(table[name], errors="coerce") for name in ("epoch", "loss"))
    _refuse(~(epoch.between(0, 99) & (epoch % 1 == 0)), table, place, "'epoch' must be a whole number from 0 to 99")
    _refuse(~(loss.ge(0) & np.isfinite(loss)), table, place, "'loss' must be a number of at least 0")
    for name in ("sample_id", "noisy_label", "clean_label"):
        _refuse(table[name].str.lower().isin(_MISSING), table, place, f"{name!r} is missing")
    records = table.assign(epoch=epoch.astype(int), loss=loss.astype(float))
    labels = records[["noisy_label", "clean_label"]].apply(pd.to_numeric, errors="coerce")
    if labels.notna().all(axis=None):  # so that 3 and 3.0 are one label
        records = records.assign(**labels)
    twice = records.duplicated(["sample_id", "epoch"])
    _refuse(twice, table, place, "this 'sample_id' has a record at this 'epoch' already")
    return records.reset_index(drop=True)


def _refuse(bad: pd.Series, table: pd.DataFrame, place: str, what: str) -> None:
    if bad.any():
        row = bad.index[int(bad.to_numpy().argmax())]
        count = f" {int(bad.sum())} rows are like that." if bad.sum() > 1 else ""
        raise InvalidFileError(f"{place} {row}: {what}. Got {' '.join(table.loc[row])!r}.{count}")


def record_features(
    records: pd.DataFrame | Sequence[pd.DataFrame], percentile: float, history_length: int = 1
) -> tuple[MentorFeatures, Tensor, np.ndarray]:
    """Turn records into what a MentorNet sees, what it should answer, and which sample each row is of.

    The loss difference is the loss minus the percentile (linear interpolation) of all losses of the same table at the
    same percent of training.

    Parameters
    ----------
    records : DataFrame or sequence of DataFrame
        Several tables may stand for several noise levels.
    percentile : float in [0, 1]
        As a fraction: 0.7, not 70.
    history_length : int, default=1
        Last records of the sample that a row holds, oldest first; a missing one repeats the oldest there is.

    Returns
    -------
    features : MentorFeatures
        Of n records; the label is 0.
    is_right : Tensor of shape (n,)
        1 where the noisy label is the clean one.
    sample : ndarray of shape (n,)
        Number of the sample; a ``sample_id`` that several tables share has one number.

    Examples
    --------
    >>> import pandas as pd
    >>> rows = [("a", 18, 1, 1, 0.1), ("b", 18, 2, 2, 0.3), ("c", 18, 4, 9, 2.0)]
    >>> features, is_right, sample = record_features(pd.DataFrame(rows, columns=COLUMNS), 0.5)
    >>> features.loss_diff.ravel(), is_right
    (tensor([-0.2000,  0.0000,  1.7000]), tensor([1., 1., 0.]))
    """
    check_number("percentile", percentile, 0, 1, hint="It is a fraction: 0.7 and not 70.")
    check_count("history_length", history_length)
    tables = [records] if isinstance(records, pd.DataFrame) else list(records)
    parts = []
    for number, table in enumerate(tables):
        table = table.sort_values(["sample_id", "epoch"], kind="stable")
        threshold = table.groupby("epoch")["loss"].transform("quantile", percentile)
        parts.append(table.assign(table=number, diff=table["loss"] - threshold))
    pooled = pd.concat(parts, ignore_index=True)
    run = pooled.groupby(["table", "sample_id"], sort=False).ngroup()
    loss, diff = (_last(pooled[name], run, history_length) for name in ("loss", "diff"))
    right = pooled["noisy_label"] == pooled["clean_label"]
    features = MentorFeatures.of(loss, diff, np.zeros(len(pooled)), pooled["epoch"])
    return features, torch.as_tensor(right.to_numpy(dtype=np.float32)), pd.factorize(pooled["sample_id"])[0]


def _last(values: pd.Series, run: pd.Series, history_length: int) -> np.ndarray:
    """Return the last values of each row's sample up to this row, (n, history_length), oldest first."""
    by_run = values.groupby(run)
    shifted = pd.concat([by_run.shift(steps) for steps in range(history_length)], axis=1)
    return shifted.ffill(axis=1).to_numpy()[:, ::-1].copy()
