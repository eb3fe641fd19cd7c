"""Results as JSON-lines files: a line a result, added at the end, never changed."""

import json
import os
import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from filelock import FileLock

from noisylabel.exceptions import InvalidFileError

RESULTS = Path(__file__).parents[1] / "results"

Row = dict[str, Any]


def append(path: Path, row: Row) -> None:
    """Add a row at the end of a file, which is made if it is not there.

    Other processes may append to the same file at the same time. A process that is killed in here leaves at most the
    beginning of its own line; the next row then starts on a line of its own.

    Parameters
    ----------
    path : Path
        A ``.jsonl`` file. A lock file, ``.NAME.lock``, stands beside it.
    row : dict
        Plain values. A number that is not finite is an error, since JSON has none.

    Raises
    ------
    ValueError
        If a number is not finite.
    """
    line = json.dumps(row, allow_nan=False, separators=(",", ":")).encode() + b"\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path.with_name(f".{path.name}.lock")), open(path, "a+b") as file:
        file.write(line if _at_line_start(file) else b"\n" + line)
        file.flush()
        os.fsync(file.fileno())


def _at_line_start(file: Any) -> bool:
    """Whether a file that is open for reading and appending is empty or ends with a whole line."""
    if file.seek(0, os.SEEK_END) == 0:
        return True
    file.seek(-1, os.SEEK_END)
    return bool(file.read(1) == b"\n")


def read(path: Path) -> list[Row]:
    """Return the rows of a file, the oldest first; none if there is no such file.

    A line that breaks off, because the process that wrote it was killed, is left out with a warning.

    Parameters
    ----------
    path : Path
        A ``.jsonl`` file.

    Raises
    ------
    InvalidFileError
        If a line is something else than a row or the beginning of one.
    """
    if not path.exists():
        return []
    rows = []
    for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), start=1):
        row = _row(line, f"{path}, line {number}") if line else None
        if row is not None:
            rows.append(row)
        elif line:
            warnings.warn(f"{path}, line {number} breaks off and is left out.", stacklevel=2)
    return rows


def _row(line: str, place: str) -> Row | None:
    """Return the row of a line; None if the line breaks off."""
    try:
        row, end = json.JSONDecoder().raw_decode(line)
    except ValueError:  # also of each beginning of a row
        row, end = None, len(line)
    if end < len(line) or not line.startswith("{"):
        raise InvalidFileError(f"{place} must be one JSON object. Got {line[:60]!r}. Put it right, or remove the line.")
    return row


def newest(rows: Iterable[Row], keys: Sequence[str]) -> list[Row]:
    """Return the last row of each cell, in the order in which the cells came first.

    Parameters
    ----------
    rows : iterable of dict
        The oldest first.
    keys : sequence of str
        What the rows of one cell have in common, such as ``["dataset", "seed"]``; values may be lists or dicts.
    """
    found = {json.dumps([row[key] for key in keys], sort_keys=True): row for row in rows}
    return list(found.values())
