"""Rows of cells: what they must hold, and those of a folder."""

import math
from pathlib import Path
from typing import Any

from benchmarks.cells.catalogue import PROFILES
from benchmarks.cells.store import RESULTS, Row, newest, read
from noisylabel.exceptions import InvalidFileError

_DECIMALS = 6
_NEEDED = {
    "cell": ("profile", "noise", "rate", "method", "seed"),
    "metrics": ("last", "selected", "oracle", "weight_right", "weight_wrong", "seconds"),
    "manifest": ("realised_rate",),
    "environment": ("commit", "cpu", "cores"),
}
_REPAIR = "Remove it and make it again with python -m benchmarks run, or fetch the file again from the repository."


def path_of(profile: str, folder: Path = RESULTS) -> Path:
    """Return where the rows of a profile are or will be."""
    return folder / f"{profile}.jsonl"


def rounded(value: Any) -> Any:
    """Return plain values with numbers to six decimals, and None for a number that is not finite.

    Examples
    --------
    >>> rounded({"last": 0.12345678, "curve": [float("nan"), 1]})
    {'last': 0.123457, 'curve': [None, 1]}
    """
    if isinstance(value, dict):
        return {name: rounded(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(part) for part in value]
    if isinstance(value, float):
        return round(value, _DECIMALS) if math.isfinite(value) else None
    return value


def load_rows(folder: Path = RESULTS, *, history: bool = False) -> list[Row]:
    """Return the rows of all profiles that have a file in a folder, profile by profile.

    Parameters
    ----------
    folder : Path
    history : bool
        Whether older rows of a cell are among them, before its newest.

    Raises
    ------
    InvalidFileError
        If a row lacks something that the tables need.
    """
    rows = []
    for profile in sorted(PROFILES):
        path = path_of(profile, folder)
        found = read(path)
        for number, row in enumerate(found, start=1):
            _check(row, f"{path}, row {number}")
        rows += found if history else newest(found, ["cell"])
    return rows


def _check(row: Row, place: str) -> None:
    lacking = [f"{part}.{name}" for part, names in _NEEDED.items() for name in names if not _has(row, part, name)]
    lacking += [] if "dataset" in row else ["dataset"]
    if lacking:
        raise InvalidFileError(f"{place}, is not the result of a cell: it has no {', '.join(lacking)}. {_REPAIR}")
    metrics = row["metrics"]
    wrong = [name for name in _NEEDED["metrics"] if not isinstance(metrics[name], int | float)]
    if wrong:
        raise InvalidFileError(f"{place}: metrics.{wrong[0]} must be a number. Got {metrics[wrong[0]]!r}. {_REPAIR}")


def _has(row: Row, part: str, name: str) -> bool:
    return isinstance(row.get(part), dict) and name in row[part]
