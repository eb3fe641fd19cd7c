"""Results of the studies of sweeps: a line a run in one file, with where it was made."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.cells.environment import environment
from benchmarks.cells.store import RESULTS, append, newest, read
from noisylabel.exceptions import NoisyLabelError
from sweeps.engine.manifest import package_versions

FILE = RESULTS / "sweeps.jsonl"


def in_new_process(module: str, call: str, what: str) -> dict[str, Any]:
    """Return what a call of a module's function gives in a process that has done nothing else.

    Parameters
    ----------
    module : str
        Such as ``"benchmarks.studies.scale"``.
    call : str
        Python, such as ``"measure('table', 100)"``; what it returns must be ready for JSON.
    what : str
        How an error calls it, such as ``"table, 100 samples"``.

    Raises
    ------
    NoisyLabelError
        If the process fails, with what it printed.
    """
    name = call.partition("(")[0]
    code = f"import json; from {module} import {name}; print(json.dumps({call}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    if done.returncode:
        raise NoisyLabelError(f"{what} failed:\n{done.stderr}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def run_once(study: str, name: str, measure: Callable[[], dict[str, Any]], path: Path = FILE) -> None:
    """Measure a run and append its row, unless the file has it.

    Parameters
    ----------
    study, name : str
        Together they name the run.
    measure : callable
        Without arguments; returns a dict of plain values.
    path : Path
        A ``.jsonl`` file.
    """
    if not any((row["study"], row["name"]) == (study, name) for row in read(path)):
        append(path, {"study": study, "name": name, **measure(), "environment": environment() | package_versions()})


def runs_of(study: str, path: Path = FILE) -> pd.DataFrame:
    """Return the newest row of each run of a study."""
    return pd.DataFrame(newest([row for row in read(path) if row["study"] == study], ["name"]))


def as_markdown(table: pd.DataFrame) -> str:
    """Return a table as Markdown."""
    lines = [list(map(str, table.columns)), ["---"] * len(table.columns)]
    lines += [[str(value) for value in row] for row in table.itertuples(index=False)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
