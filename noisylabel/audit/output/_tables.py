"""The rows of an audit as a table: CSV as the file it came from, or Parquet."""

import csv
from pathlib import Path
from typing import Any

import pandas as pd

from noisylabel._support.files import written_whole
from noisylabel._support.spreadsheet import no_formula, write_csv
from noisylabel.audit._training import Audit
from noisylabel.audit.reading import RARE, AuditData

_ROUNDED = 4


def write_text_table(audit: Audit, path: Path) -> None:
    """Write CSV; see :func:`save_label_issues`."""
    ours, own = split_table(audit)
    written = audit.data.written
    if written is None:
        separator = "\t" if path.suffix.lower() == ".tsv" else ","
        write_csv(pd.concat([ours, own], axis=1), path, encoding="utf-8-sig", separator=separator)
        return
    separator = "\t" if path.suffix.lower() == ".tsv" else written.separator
    ours = ours.apply(lambda column: column if column.dtype.kind in "biuf" else column.astype(object).map(no_formula))
    table = pd.concat([ours, own], axis=1)
    has_returns = any(own[name].str.contains("\r", regex=False).any() for name in own)
    options: dict[str, Any] = {
        "sep": separator,
        "index": False,
        "decimal": decimal_sign(audit.data),
        "lineterminator": written.line_end,
        "quoting": csv.QUOTE_NONNUMERIC if has_returns else csv.QUOTE_MINIMAL,
    }

    def write(file: Path) -> None:
        with file.open("w", encoding=written.encoding, errors=written.errors, newline="") as stream:
            if written.n_skipped:
                stream.write(f"sep={separator}{written.line_end}")
            table.to_csv(stream, **options)

    written_whole(path, write)


def write_parquet_table(audit: Audit, path: Path) -> None:
    """Write Parquet, all columns of ours with their types."""
    table = pd.concat(split_table(audit), axis=1)
    written_whole(path, lambda file: plain_columns(table).to_parquet(file, index=False))


def split_table(audit: Audit) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the columns of ours, and the file's own ones, of the same rows."""
    data, issues = audit.data, audit.issues
    ours = issues.drop(columns=data.columns)
    own = data.rows[data.own_columns].loc[issues.index]
    counts = ours["given_label"].map(ours["given_label"].value_counts())
    if (counts < RARE).any():
        ours["is_rare_class"] = counts < RARE
    if audit.unlabelled is not None and data.unlabelled is not None:
        further = data.unlabelled[1]
        ours = pd.concat([ours.astype(object), audit.unlabelled.drop(columns=data.columns).astype(object)])
        whole = dict.fromkeys(issues.select_dtypes("integer").columns.intersection(ours.columns), "Int64")
        flags = ours["is_label_issue"].fillna(False).astype(bool)
        ours = ours.assign(is_label_issue=flags).infer_objects().astype(whole)
        own = pd.concat([own, further[data.own_columns].loc[audit.unlabelled.index]])
    return ours.round(_ROUNDED).reset_index(drop=True), own.reset_index(drop=True)


def decimal_sign(data: AuditData) -> str:
    """Return the sign before decimals in the numbers of a text file."""
    if data.written is None or data.written.separator == ",":
        return "."
    some = data.rows[data.own_columns].head(1000)
    commas, points = (
        sum(int(some[name].str.fullmatch(rf"\s*-?\d+{sign}\d+\s*").sum()) for name in some) for sign in (",", r"\.")
    )
    return "," if commas > points else "."


def plain_columns(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table that Parquet takes: columns of values of several kinds as texts."""
    mixed = [
        str(name)
        for name in table.columns[[kind.kind == "O" for kind in table.dtypes]]
        if pd.api.types.infer_dtype(table[name], skipna=True).startswith("mixed")
        and not table[name].map(lambda value: isinstance(value, (list, dict, tuple)) or hasattr(value, "shape")).any()
    ]
    return table.assign(**{name: table[name].map(str, na_action="ignore") for name in mixed})
