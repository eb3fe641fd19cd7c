"""A file with the labels that were decided on."""

import csv
import io
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from noisylabel._support.files import local_path, reading, write_whole, written_whole
from noisylabel._support.spreadsheet import no_formula
from noisylabel._support.validation import spoken
from noisylabel.audit._decisions import located, read_decisions
from noisylabel.audit._words import some
from noisylabel.audit.reading import OURS, PLACE_COLUMNS, free_name, own_name
from noisylabel.datasets._table import parse_labels
from noisylabel.datasets._table_source import TEXT_SUFFIXES, open_table
from noisylabel.datasets._table_text import TextFormat, text_format
from noisylabel.exceptions import DatasetNotFoundError, InvalidDataError, InvalidParameterError

_SUFFIXES = (*TEXT_SUFFIXES, ".parquet")
_MOSTLY = 0.5
_OF_ISSUES = ("given_label", "suggested_label", "label_quality", "is_label_issue")


@dataclass
class _Cells:
    """A table as it is written: in a text file, cells are texts."""

    names: list[str]
    frame: pd.DataFrame  # whose columns are numbered, since names may come twice
    written: TextFormat | None
    line_end: str = "\n"

    def at(self, name: str, file: Path) -> int:
        """Return the number of a column."""
        found = [at for at, one in enumerate(self.names) if one == name]
        if len(found) != 1:
            what = f"has no column {name!r}" if not found else f"has {len(found)} columns {name!r}"
            raise InvalidParameterError(f"{file} {what}. It has {some(self.names)}.")
        return found[0]

    def chosen(self, columns: list[int], names: list[str], order: Any) -> "_Cells":
        """Return some of the columns under other names, and the rows in another order."""
        frame = self.frame.iloc[order, columns].reset_index(drop=True)
        frame.columns = pd.RangeIndex(len(columns))
        return _Cells(names, frame, self.written, self.line_end)


def apply_decisions(
    source: str | Path, decisions: str | Path, out: str | Path, *, label: str | None = None
) -> dict[str, Any]:
    r"""Write a table with the labels that were decided on; the file that it is made from is only read.

    Parameters
    ----------
    source : str or Path
        The file of issues of an audit, or the audited table itself, whose rows, columns and cells then stay as they
        are.
    decisions : str or Path
        What the page of the audit has saved; see :func:`read_decisions`.
    out : str or Path
        Where to write. It has the ending of ``source``, and its separator and encoding. The column ``changed_from`` has
        the former label where it was changed.
    label : str, optional
        The column of labels. In a file of issues the one that has all given labels, by default; ``"label"``, a new one
        at the end, where no column has, as of images, or several have.

    Returns
    -------
    dict
        ``n_changed``; ``label``, the name of the column of labels; and ``absent``, numbers of rows that a file of
        issues lacks, as those without a label.

    Raises
    ------
    InvalidParameterError
        If the column is not there, or the name of ``out`` does not fit.
    InvalidDataError
        If decisions are not about these rows.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / "mail.csv").write_text("text;kind\nhello;spam\nbuy;spam\nyes;ham\n", encoding="utf-8")
    >>> decided = "row,given_label,decision,right_label\n0,spam,change,ham\n"
    >>> _ = (folder / "decisions.csv").write_text(decided, encoding="utf-8")
    >>> done = apply_decisions(folder / "mail.csv", folder / "decisions.csv", folder / "new.csv", label="kind")
    >>> done["n_changed"], (folder / "new.csv").read_text(encoding="utf-8").split()
    (1, ['text;kind;changed_from', 'hello;ham;spam', 'buy;spam;', 'yes;ham;'])
    """
    source, out = local_path("source", source), local_path("out", out)
    _check_files(source, out)
    cells, decided = _read_cells(source), read_decisions(decisions)
    key = decided.columns[0]
    is_issues = set(_OF_ISSUES) <= set(cells.names) and label != "given_label"
    if not is_issues and label is None:
        raise InvalidParameterError(
            f"{source} is no file of issues: say which column holds the labels, with {spoken('label')}."
        )
    if not is_issues and key == "file":
        raise InvalidDataError(f"The decisions are about image files, so {source} must be the file of issues.")
    keys = _keys(cells, key, source) if is_issues else np.arange(len(cells.frame))
    absent = sorted(set(range(max(keys))) - set(keys)) if is_issues and key == "row" else []
    if is_issues:
        label, cells, given = _as_original(cells, keys, label, key)
        keys = np.sort(keys)
    at = cells.at(str(label), source)
    if not is_issues:
        given = _as_labels(cells.frame[at])
    found = located(decided, keys, given)
    is_changed = found.kinds == "change"
    rows, right = found.positions[is_changed], found.right_labels[is_changed]
    _change(cells, at, rows, [_spelled(cells.frame[at], given)[label] for label in right])
    _write(cells, out)
    return {"n_changed": int(is_changed.sum()), "label": label, "absent": absent}


def _check_files(source: Path, out: Path) -> None:
    if source.is_dir():
        raise InvalidParameterError(f"{source} is a folder. Give the file of issues that its audit has written.")
    if not source.is_file():
        raise DatasetNotFoundError(f"There is no file {source}. Give the file of issues, or the audited table.")
    suffix = source.suffix.lower()
    if suffix not in _SUFFIXES or out.suffix.lower() != suffix:
        allowed = f"end in {suffix} as {source.name} does" if suffix in _SUFFIXES else f"end in {_SUFFIXES}"
        raise InvalidParameterError(f"{spoken('out')} must {allowed}. Got {out} for {source}.")
    if out.resolve() == source.resolve():
        raise InvalidParameterError(f"{spoken('out')} is {out}, which is the file to correct. Give another name.")


def _read_cells(file: Path) -> _Cells:
    """Read a table so that it can be written as it is; an empty line is a row."""
    if file.suffix.lower() == ".parquet":
        with reading(file, "Parquet file"):
            frame = pd.read_parquet(file)
        names = [str(name) for name in frame.columns]
        return _Cells(names, frame.set_axis(range(len(names)), axis=1), None)
    table = open_table(file)
    written = text_format(table)
    limit = csv.field_size_limit(sys.maxsize)
    try:
        with table.open(written.encoding, _kept(written)) as stream:
            for _ in range(written.n_skipped):
                stream.readline()
            names, *rows = csv.reader(stream, delimiter=written.separator)
    finally:
        csv.field_size_limit(limit)
    padded = [row[: len(names)] + [""] * (len(names) - len(row)) for row in rows]
    return _Cells(names, pd.DataFrame(padded, columns=range(len(names)), dtype=object), written, written.line_end)


def _kept(written: TextFormat) -> str:
    """Return how to read and write bytes that are no letters, so that they stay what they are."""
    return "surrogateescape" if written.encoding == "utf-8" else written.errors


def _keys(cells: _Cells, key: str, file: Path) -> np.ndarray:
    """Return the number or the file of each row of a file of issues."""
    keys = cells.frame[cells.at(key, file)]
    if key == "file":
        return keys.to_numpy(object)
    numbers = pd.to_numeric(keys, errors="coerce")
    if numbers.isna().any() or numbers.duplicated().any():
        raise InvalidDataError(f"{file} must have a number of its own in 'row' of each row, as the audit writes it.")
    return numbers.to_numpy(int)


def _as_original(cells: _Cells, keys: np.ndarray, label: str | None, key: str) -> tuple[str, _Cells, np.ndarray]:
    """Return a file of issues as the file that was audited: its own columns, rows in their order.

    Also the name of its column of labels - the one that is named, or has the given labels, or else a new one at the
    end - and the given labels.
    """
    places = {*PLACE_COLUMNS} - {"file"} if key == "row" else {*PLACE_COLUMNS} - {key}
    own = [at for at, name in enumerate(cells.names) if name not in OURS or name in {*PLACE_COLUMNS} - places]
    names = [own_name(cells.names[at]) for at in own]
    at_given, order = cells.names.index("given_label"), np.argsort(keys, kind="stable")
    given = _as_labels(cells.frame[at_given])
    same = {name: _share_of_same(cells.frame[at], given) for at, name in zip(own, names, strict=True)}
    if label is None:
        whole = [name for name in names if same[name] == 1]
        label = whole[0] if len(whole) == 1 else "label"
    if same.get(label, 1) < _MOSTLY:
        raise InvalidParameterError(
            f"{spoken('label')} is {label!r}, a column that does not hold the given labels. Name the one that does, or "
            "give another name for a new one."
        )
    if label not in names:
        own, names = [*own, at_given], [*names, label]
    return label, cells.chosen(own, names, order), given[order]


def _share_of_same(column: pd.Series, given: np.ndarray) -> float:
    """Return in which share of the rows a column has the given label, which may be one of a group or of a majority."""
    return float((_as_labels(column.map(no_formula)) == [no_formula(label) for label in given]).mean())


def _as_labels(column: pd.Series) -> np.ndarray:
    """Return labels as texts, nothing where there is none."""
    return parse_labels(column).fillna("").astype(str).to_numpy()


def _spelled(column: pd.Series, given: np.ndarray) -> dict[str, Any]:
    """Return each label as the file writes it most often."""
    counts = pd.DataFrame({"label": given, "as": column.to_numpy(object)}).value_counts()
    return {label: written for label, written in reversed(counts.index.tolist())}


def _change(cells: _Cells, at: int, rows: np.ndarray, right: list[Any]) -> None:
    """Put right labels in their rows, and the former ones in a new column."""
    labels = cells.frame[at].to_numpy(object, copy=True)
    before = np.full(len(labels), None if cells.written is None else "", dtype=object)
    before[rows] = labels[rows]
    labels[rows] = right
    cells.frame[at] = pd.Series(labels, dtype=cells.frame[at].dtype)
    cells.frame[len(cells.names)] = pd.Series(before, dtype=object)
    cells.names.append(free_name("changed_from", set(cells.names)))


def _write(cells: _Cells, out: Path) -> None:
    """Write a table in the way of the file that it was read from."""
    if cells.written is None:
        frame = cells.frame.set_axis(cells.names, axis=1)
        return written_whole(out, lambda partial: frame.to_parquet(partial, index=False))
    written, text = cells.written, io.StringIO(newline="")
    if written.n_skipped:
        text.write(f"sep={written.separator}{cells.line_end}")
    rows = csv.writer(text, delimiter=written.separator, lineterminator=cells.line_end)
    rows.writerow(cells.names)
    rows.writerows(cells.frame.itertuples(index=False, name=None))
    write_whole(out, text.getvalue().encode(written.encoding, _kept(written)))
