"""Results as files: one JSON a cell, written whole or not at all."""

import json
from pathlib import Path
from typing import Any

from benchmarks.cells.cell import Cell
from noisylabel.exceptions import InvalidFileError
from noisylabel.utils import write_whole

RESULTS = Path(__file__).parents[1] / "results"
_NEEDED = {
    "cell": ("profile", "noise", "rate", "method", "seed"),
    "metrics": ("last", "selected", "oracle", "weight_right", "weight_wrong", "seconds"),
    "manifest": ("realised_rate",),
    "environment": ("commit", "cpu", "cores"),
}
_REPAIR = "Delete it and make it again with python -m benchmarks run, or fetch it again from the repository."


def path_of(cell: Cell, folder: Path = RESULTS) -> Path:
    """Return where the result of a cell is or will be."""
    return folder / cell.profile / f"{cell.name}.json"


def save(cell: Cell, result: dict[str, Any], folder: Path = RESULTS) -> Path:
    """Write a result whole or not at all: a line for each of its parts, numbers to six decimals."""
    rounded = json.loads(json.dumps(result), parse_float=lambda text: round(float(text), 6))
    parts = [f"{json.dumps(name)}: {json.dumps(part)}" for name, part in rounded.items()]
    path = path_of(cell, folder)
    write_whole(path, ("{\n" + ",\n".join(parts) + "\n}\n").encode())
    return path


def load_all(folder: Path = RESULTS) -> list[dict[str, Any]]:
    """Return all results below a folder.

    Raises
    ------
    InvalidFileError
        If a file is broken or is not a result.
    """
    paths = (path for path in folder.glob("*/*.json") if not path.name.startswith("."))  # not one that is being written
    return [_load(path) for path in sorted(paths)]


def _load(path: Path) -> dict[str, Any]:
    try:
        result = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InvalidFileError(f"{path} is not a whole JSON file: {error}. {_REPAIR}") from error
    parts = result if isinstance(result, dict) else {}
    lacking = [f"{part}.{name}" for part, names in _NEEDED.items() for name in names if not _has(parts, part, name)]
    lacking += [] if "dataset" in parts else ["dataset"]
    if lacking:
        raise InvalidFileError(f"{path} is not the result of a cell: it has no {', '.join(lacking)}. {_REPAIR}")
    metrics = parts["metrics"]
    wrong = [name for name in _NEEDED["metrics"] if not isinstance(metrics[name], int | float)]
    if wrong:
        raise InvalidFileError(f"{path}: metrics.{wrong[0]} must be a number. Got {metrics[wrong[0]]!r}. {_REPAIR}")
    return parts


def _has(parts: dict[str, Any], part: str, name: str) -> bool:
    return isinstance(parts.get(part), dict) and name in parts[part]
