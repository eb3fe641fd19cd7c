"""Run the cells of a profile that have no result yet."""

import sys
from pathlib import Path

from tqdm.auto import tqdm

from benchmarks.cell import Cell, cells, check_data, run_cell
from benchmarks.store import RESULTS, path_of, save


def run_profile(
    profile: str, methods: list[str] | None = None, seeds: list[int] | None = None, folder: Path = RESULTS
) -> list[Cell]:
    """Train the missing cells one after the other; a killed run goes on where it stopped.

    Parameters
    ----------
    profile : str
        Key of ``PROFILES``.
    methods, seeds : list, optional
        Only these.
    folder : Path
        Where results go.

    Returns
    -------
    list of Cell
        The cells that were run.
    """
    wanted = [c for c in cells(profile) if (not methods or c.method in methods) and (not seeds or c.seed in seeds)]
    missing = [cell for cell in wanted if not path_of(cell, folder).exists()]
    print(f"{profile}: {len(wanted) - len(missing)} of {len(wanted)} cells are done.", file=sys.stderr)
    check_data(missing)
    for cell in tqdm(missing, desc=profile, unit="cell"):
        result = run_cell(cell)
        save(cell, result, folder)
        metrics = result["metrics"]
        shown = ", ".join(f"{key} {metrics[key]:.4f}" for key in ("last", "selected", "oracle"))
        tqdm.write(f"{cell.name}: {shown} ({metrics['seconds']:.0f} s)")
    return missing
