"""Run the cells of a profile that have no result yet."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tqdm.auto import tqdm

from benchmarks.cell import Cell, cells, check_data, run_cell
from benchmarks.store import RESULTS, path_of, save


def run_profile(
    profile: str,
    only: Mapping[str, list[Any] | None] | None = None,
    folder: Path = RESULTS,
    precision: str | None = None,
) -> list[Cell]:
    """Train the missing cells one after the other; a killed run goes on where it stopped.

    Parameters
    ----------
    profile : str
        Key of ``PROFILES``.
    only : mapping, optional
        Lists of what to run, by ``"method"``, ``"seed"``, ``"noise"`` and ``"rate"`` (human labels have none); None
        is all.
    folder : Path
        Where results go.
    precision : {"fp32", "bf16"}, optional
        See :func:`benchmarks.cell.run_cell`.

    Returns
    -------
    list of Cell
        The cells that were run.
    """
    chosen = {name: values for name, values in (only or {}).items() if values}
    wanted = [cell for cell in cells(profile) if all(getattr(cell, name) in chosen[name] for name in chosen)]
    missing = [cell for cell in wanted if not path_of(cell, folder).exists()]
    print(f"{profile}: {len(wanted) - len(missing)} of {len(wanted)} cells are done.", file=sys.stderr)
    check_data(missing)
    for cell in tqdm(missing, desc=profile, unit="cell"):
        if path_of(cell, folder).exists():
            continue  # another process has been faster
        result = run_cell(cell, precision)
        save(cell, result, folder)
        metrics = result["metrics"]
        shown = ", ".join(f"{key} {metrics[key]:.4f}" for key in ("last", "selected", "oracle"))
        tqdm.write(f"{cell.name}: {shown} ({metrics['seconds']:.0f} s)")
    return missing
