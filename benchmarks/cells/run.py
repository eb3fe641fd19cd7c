"""Run the cells of a profile, those that have no result yet or all of them again."""

import shutil
import sys
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from tqdm.auto import tqdm

from benchmarks.cells.catalogue import GROUPS, PROFILES
from benchmarks.cells.cell import Cell, cells, check_data, run_cell
from benchmarks.cells.noises import is_here
from benchmarks.cells.rows import path_of
from benchmarks.cells.store import RESULTS, append, newest, read
from benchmarks.cells.workers import call_here, call_on_ray
from benchmarks.methods import find_method
from noisylabel.estimators import resolve_device
from noisylabel.exceptions import InvalidParameterError
from noisylabel.utils import as_note, check_count, progress_bar, take_notes


@dataclass(frozen=True)
class RunOptions:
    """How cells are run, whatever they are.

    Attributes
    ----------
    precision : {"fp32", "bf16"}, optional
        Arithmetic instead of the profile's.
    device : str
        Where to train.
    jobs : int
        Cells at a time: here, or with Ray on each GPU.
    ray : str, optional
        Address of a Ray cluster to run on, ``"local"`` for one that is started here.
    resume : bool
        Whether cells save themselves after each epoch, so that a killed one goes on from there.
    proof : bool
        Only two steps of each cell, on a few samples; nothing is saved.
    again : bool
        Whether cells that have a result are run too; the new result is added, and the older one stays.
    """

    precision: str | None = None
    device: str = "cpu"
    jobs: int = 1
    ray: str | None = None
    resume: bool = False
    proof: bool = False
    again: bool = False


@dataclass(frozen=True)
class Outcome:
    """What became of a cell: its result, or the text of the error; neither if another process has been faster.

    ``notes`` are what our own warnings said meanwhile.
    """

    cell: Cell
    result: dict[str, Any] | None = None
    error: str | None = None
    notes: tuple[str, ...] = ()


def run_profile(
    profile: str,
    only: Mapping[str, list[Any] | None] | None = None,
    folder: Path = RESULTS,
    options: RunOptions = RunOptions(),
) -> list[Outcome]:
    """Train the cells that have no result; a killed run goes on where it stopped.

    Parameters
    ----------
    profile : str
        Key of ``PROFILES`` or of ``GROUPS``.
    only : mapping, optional
        Lists of what to run, by ``"method"``, ``"seed"``, ``"noise"`` and ``"rate"`` (human labels have none); None
        is all. A method that the profile does not have for these is run too.
    folder : Path
        Where results go: a file for each profile.
    options : RunOptions

    Returns
    -------
    list of Outcome
        Of the cells that were run, in the order in which they ended. Those with an error have no result, and are run
        again next time.

    Raises
    ------
    InvalidParameterError
        If the profile does not have a seed, noise or rate that ``only`` asks for, or there is no such method; ``jobs``
        is below 1; or torch cannot use ``device`` here.
    DatasetNotFoundError
        If data are missing; before anything is trained.
    """
    check_count("jobs", options.jobs)
    if options.ray is None:
        resolve_device(options.device)  # on a cluster, this machine need not have what the nodes have
    wanted = _wanted(profile, only or {})
    missing = _missing(wanted, folder, options)
    print(f"{profile}: {len(missing)} of {len(wanted)} cells to run.", file=sys.stderr)
    check_data(missing)
    outcomes, left = [], set(missing)
    for outcome in progress_bar(_outcomes(missing, folder, options), desc=profile, unit="cell", total=len(missing)):
        if outcome.result is not None and not options.proof:
            append(path_of(outcome.cell.profile, folder), outcome.result)
            shutil.rmtree(_checkpoints_of(outcome.cell, folder), ignore_errors=True)
        for note in outcome.notes:
            tqdm.write(as_note(note, outcome.cell.name), file=sys.stderr)
        tqdm.write(_line(outcome), file=sys.stderr if outcome.error else sys.stdout)
        outcomes.append(outcome)
        left.discard(outcome.cell)
        if not options.proof and not any(_column(cell) == _column(outcome.cell) for cell in left):
            _say_column(outcome.cell, folder)
    return outcomes


def _wanted(profile: str, only: Mapping[str, list[Any] | None]) -> list[Cell]:
    """Return the cells that are asked for, without human labels that nobody has put there."""
    every = [cell for name in GROUPS.get(profile, (profile,)) for cell in cells(name)]
    wanted = _chosen(profile, every, {name: values for name, values in only.items() if values})
    absent = {cell.noise for cell in wanted if not is_here(cell.noise)}
    if absent and len(absent) < len({cell.noise for cell in wanted}):
        print(f"{profile}: left out {', '.join(sorted(absent))}, not in the data home.", file=sys.stderr)
        return [cell for cell in wanted if cell.noise not in absent]
    return wanted


def _chosen(profile: str, every: list[Cell], chosen: Mapping[str, list[Any]]) -> list[Cell]:
    """Return what is asked for of all cells of a profile.

    A method that is not in the profile gets a cell for each noise and seed; any method does if the noises are named.
    """
    chosen = dict(chosen)
    methods = chosen.pop("method", None)
    there = {name: {getattr(cell, name) for cell in every} for name in chosen}
    unknown = {name: lost for name in chosen if (lost := [one for one in chosen[name] if one not in there[name]])}
    within = [cell for cell in every if all(getattr(cell, name) in chosen[name] for name in chosen)]
    if unknown or not within:
        raise InvalidParameterError(
            f"The profile {profile!r} has no cell with {unknown or chosen}. Its noises are "
            f"{sorted({cell.noise for cell in every})}, its rates {sorted({c.rate for c in every if c.rate})}, its "
            f"seeds {sorted({cell.seed for cell in every})}."
        )
    if methods is None:
        return within
    known = {cell.method for cell in within}
    others = [name for name in methods if find_method(name) and ("noise" in chosen or name not in known)]
    added = [replace(cell, method=name) for name in others for cell in within]
    return list(dict.fromkeys([*(cell for cell in within if cell.method in methods), *added]))


def _missing(wanted: list[Cell], folder: Path, options: RunOptions) -> list[Cell]:
    """Return the cells that are to be run."""
    if options.proof or options.again:
        return wanted
    finished = {cell for profile in {cell.profile for cell in wanted} for cell in _finished(profile, folder)}
    return [cell for cell in wanted if cell not in finished]


def _finished(profile: str, folder: Path) -> set[Cell]:
    return {Cell(**row["cell"]) for row in read(path_of(profile, folder))}


def _outcomes(missing: list[Cell], folder: Path, options: RunOptions) -> Iterator[Outcome]:
    train = partial(_train, folder=folder, options=options)
    if options.ray is None:
        return call_here(train, missing, options.jobs)
    gpus = 1 / options.jobs if options.device.startswith("cuda") else 0
    return call_on_ray(train, missing, options.ray, gpus)


def _column(cell: Cell) -> tuple[Any, ...]:
    """Return what the methods of one column of a table have in common, and the seed."""
    return cell.profile, cell.noise, cell.rate, cell.seed


def _say_column(cell: Cell, folder: Path) -> None:
    """Print the accuracies of all methods that have a result at a cell's noise and seed, the best first."""
    rows = newest(read(path_of(cell.profile, folder)), ["cell"])
    found = {
        row["cell"]["method"]: row["metrics"]["last"] for row in rows if _column(Cell(**row["cell"])) == _column(cell)
    }
    best_first = sorted(found.items(), key=lambda item: -item[1])
    noise = cell.name.replace(f"_{cell.method}", "")
    tqdm.write(f"{noise}, last epoch: " + ", ".join(f"{method} {100 * value:.2f}" for method, value in best_first))


def _train(cell: Cell, folder: Path, options: RunOptions) -> Outcome:
    """Run one cell; an error of one is no reason to lose the others."""
    if not _missing([cell], folder, options):
        return Outcome(cell)
    profile = PROFILES[cell.profile].two_steps() if options.proof else PROFILES[cell.profile]
    if options.device.startswith("cuda"):
        torch.backends.cudnn.benchmark = True  # of its ways to convolve, take the fastest on this machine
    checkpoints = _checkpoints_of(cell, folder) if options.resume and not options.proof else None
    try:
        with take_notes() as notes:
            result = run_cell(cell, options.precision, options.device, checkpoints, profile)
        result["environment"] = result["environment"] | {"jobs": options.jobs}
        return Outcome(cell, result, notes=tuple(notes))
    except Exception:
        return Outcome(cell, error=traceback.format_exc())


def _checkpoints_of(cell: Cell, folder: Path) -> Path:
    return folder.resolve() / f".{cell.profile}_{cell.name}"


def _line(outcome: Outcome) -> str:
    if outcome.error is not None:
        return f"{outcome.cell.name} failed:\n{outcome.error}"
    if outcome.result is None:
        return f"{outcome.cell.name}: another process has run it"
    metrics = outcome.result["metrics"]
    shown = ", ".join(f"{key} {metrics[key]:.4f}" for key in ("last", "selected", "oracle"))
    return f"{outcome.cell.name}: {shown} ({metrics['seconds']:.0f} s)"
