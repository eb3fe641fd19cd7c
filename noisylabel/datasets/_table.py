"""A table in a CSV or Parquet file."""

import os
from pathlib import Path

from sklearn.utils import Bunch

from noisylabel.exceptions import DatasetNotFoundError, InvalidDataError


def load_table(path: str | os.PathLike[str], *, label: str, drop: list[str] | None = None) -> Bunch:
    """Load a table with a column of labels from a ``.csv`` or ``.parquet`` file.

    Parameters
    ----------
    path : path
        The file.
    label : str
        Name of the column of labels.
    drop : list of str, optional
        Columns that are no features, such as ids.

    Returns
    -------
    Bunch
        ``data`` DataFrame of the other columns, ``target`` (N,), ``feature_names``.

    Raises
    ------
    DatasetNotFoundError
        If there is no such file.
    InvalidDataError
        If it is neither CSV nor Parquet, lacks a column, or a label is missing (the message has the row).
    """
    import pandas as pd

    file = Path(path).expanduser()
    if not file.is_file():
        raise DatasetNotFoundError(f"There is no file {file}. Give the path of a .csv or .parquet file.")
    if file.suffix not in (".csv", ".parquet"):
        raise InvalidDataError(f"{file} must end in .csv or .parquet.")
    table = pd.read_csv(file) if file.suffix == ".csv" else pd.read_parquet(file)
    for column in (label, *(drop or [])):
        if column not in table.columns:
            raise InvalidDataError(f"{file} has no column {column!r}. It has {list(table.columns)}.")
    unlabelled = table[label].isna()
    if unlabelled.any():
        raise InvalidDataError(
            f"{file} has {int(unlabelled.sum())} rows without a label in {label!r}, the first at row "
            f"{int(unlabelled.to_numpy().argmax())}. Drop or fill them."
        )
    data = table.drop(columns=[label, *(drop or [])])
    return Bunch(data=data, target=table[label].to_numpy(), feature_names=list(data.columns))
