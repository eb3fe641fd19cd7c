"""Results of the studies: a JSON file for each run, with where it was made."""

import json
import os
import platform
import subprocess
from pathlib import Path
from typing import Any

import pandas as pd

from noisylabel.utils import write_whole
from sweeps.engine.manifest import package_versions

FOLDER = Path("benchmarks/results/sweeps")


def run_once(study: str, name: str, measure: Any, folder: Path = FOLDER) -> dict[str, Any]:
    """Return the saved result of a run, or measure and save it.

    Parameters
    ----------
    study, name : str
        Folder and file.
    measure : callable
        Without arguments; returns a dict of plain values.
    """
    path = folder / study / f"{name}.json"
    if path.exists():
        saved: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return saved
    result = {**measure(), "environment": environment()}
    write_whole(path, (json.dumps(result, indent=1) + "\n").encode())
    return result


def load(study: str, folder: Path = FOLDER) -> pd.DataFrame:
    """Return all results of a study, a row each."""
    return pd.DataFrame([json.loads(path.read_text("utf-8")) for path in sorted((folder / study).glob("*.json"))])


def environment() -> dict[str, Any]:
    """Return versions, commit and machine."""
    commit = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False).stdout.strip()
    return {
        "commit": commit or "unknown",
        "python": platform.python_version(),
        **package_versions(),
        "machine": platform.machine(),
        "cores": os.cpu_count(),
    }


def as_markdown(table: pd.DataFrame) -> str:
    """Return a table as Markdown."""
    lines = [list(map(str, table.columns)), ["---"] * len(table.columns)]
    lines += [[str(value) for value in row] for row in table.itertuples(index=False)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
