"""Results as files: one JSON a cell, written whole or not at all."""

import json
from pathlib import Path
from typing import Any

from benchmarks.cell import Cell

RESULTS = Path(__file__).parent / "results"


def path_of(cell: Cell, folder: Path = RESULTS) -> Path:
    """Return where the result of a cell is or will be."""
    return folder / cell.profile / f"{cell.name}.json"


def save(cell: Cell, result: dict[str, Any], folder: Path = RESULTS) -> Path:
    """Write a result beside its place, then rename it."""
    path = path_of(cell, folder)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".json.part")
    partial.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    return partial.replace(path)


def load_all(folder: Path = RESULTS) -> list[dict[str, Any]]:
    """Return all results below a folder."""
    return [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*/*.json"))]
