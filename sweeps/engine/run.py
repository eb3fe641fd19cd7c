"""Run a sweep, or go on with one."""

import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from noisylabel.exceptions import InvalidFileError, InvalidParameterError, NoisyLabelError
from noisylabel.utils import check_choice, check_count, write_whole
from sweeps.engine.driver import Driver
from sweeps.engine.log import LOG_FILE, SweepLog, drawn_from, read_log
from sweeps.engine.manifest import MANIFEST_FILE, read_manifest, write_manifest
from sweeps.engine.population import Population, change_interval, population_space
from sweeps.engine.recovery import Checkpoints
from sweeps.engine.schedulers import SCHEDULERS, Plan, Scheduler
from sweeps.engine.searchers import SEARCHERS, Searcher, as_study
from sweeps.engine.session import check_resources, ray_session
from sweeps.engine.state import Drawing, SweepState, check_trials
from sweeps.engine.storage import check_storage
from sweeps.engine.watchers.live_table import LiveTable
from sweeps.engine.watchers.time_left import TimeLeft
from sweeps.engine.watchers.trackers import make_tracker
from sweeps.engine.workers import Pool
from sweeps.report.tables import SweepResults
from sweeps.trial.clock import Clock, clock_of
from sweeps.trial.draws import BoundSpace, check_space, configure
from sweeps.trial.training import Setup, fingerprint

_MEGABYTES = 100


@dataclass
class Sweep:
    """What to sweep.

    Attributes
    ----------
    folder : Path
        Everything that the sweep writes is below it.
    setup : Setup
        The estimator and how it is scored.
    data : dict of ndarray or Dataset
        See :func:`sweeps.trial.training.train_trial`.
    bound : BoundSpace
    n_trials : int
        With ``"pbt"`` the size of the population.
    searcher, scheduler : str
        Keys of ``SEARCHERS`` and ``SCHEDULERS``, or ``"pbt"``.
    resources : mapping
        ``{"cpu": 1, "gpu": 0.25}``, of each trial.
    address : str or None
        Of a Ray cluster.
    seed : int
    manifest : dict
        What the report says about it.
    objectives : tuple of str
        ``"score"``, and ``"seconds"`` if training time counts too.
    trackers : sequence of str
        ``"tensorboard"``, ``"mlflow"``, ``"wandb"``.
    verbose : int
        1 shows the live table.
    """

    folder: Path
    setup: Setup
    data: dict[str, Any]
    bound: BoundSpace
    n_trials: int
    searcher: str
    scheduler: str
    resources: Mapping[str, float]
    address: str | None
    seed: int
    manifest: dict[str, Any]
    objectives: tuple[str, ...] = ("score",)
    trackers: Sequence[str] = ()
    verbose: int = 1


def check_sweep(sweep: Sweep) -> Sweep:
    """Refuse what cannot work, before anything is started.

    Parameters
    ----------
    sweep : Sweep

    Returns
    -------
    Sweep
        With what the trials need to know beyond it: threads, learned curricula, how often to write checkpoints.

    Raises
    ------
    InvalidParameterError
        Naming the parameter.
    """
    check_count("n_trials", sweep.n_trials)
    check_choice("searcher", sweep.searcher, SEARCHERS)
    check_choice("scheduler", sweep.scheduler, [*SCHEDULERS, "pbt"])
    for name in sweep.trackers:
        make_tracker(name, sweep.folder)
    sweep.bound.estimator.check_parameters()
    if len(sweep.objectives) > 1 and sweep.scheduler != "none":
        raise InvalidParameterError(
            f"scheduler={sweep.scheduler!r} compares trials by their score alone, and 'objectives' are "
            f"{list(sweep.objectives)}: it would stop the fast ones. Use scheduler='none'."
        )
    setup = replace(sweep.setup, threads=max(1, int(sweep.resources.get("cpu", 1))))
    if sweep.scheduler == "pbt":
        if not hasattr(setup.estimator, "loss_percentile"):
            raise InvalidParameterError(
                f"scheduler='pbt' changes the curriculum during training, and {type(setup.estimator).__name__} has "
                "none. Use 'asha' or 'none'."
            )
        population_space(sweep.bound.limits)
        interval = change_interval(setup.estimator.max_epochs)
        return replace(sweep, setup=replace(setup, population=True, checkpoint_epochs=interval))
    curricula = check_space(sweep.bound, has_trusted="y_trusted" in sweep.data)
    budgets = {params.get("max_epochs") for params in sweep.bound.examples()}
    if sweep.scheduler == "asha" and len(budgets) > 1:
        raise InvalidParameterError(
            "The space draws 'max_epochs', and scheduler='asha' compares trials at equal epochs, at which their "
            "learning rates would stand elsewhere. Use scheduler='none'."
        )
    return replace(sweep, setup=replace(setup, curricula=curricula))


def run_sweep(sweep: Sweep, resume: bool = False) -> SweepResults:
    """Run all trials, or those that an earlier run left.

    Parameters
    ----------
    sweep : Sweep
        As :func:`check_sweep` returns it.
    resume : bool
        Go on with the sweep in the folder.

    Returns
    -------
    SweepResults
        With unfinished trials if somebody pressed Ctrl-C.

    Raises
    ------
    InvalidParameterError
        If the folder cannot be written to, or its disk is full.
    InvalidFileError
        If a sweep that is to go on is damaged; nothing is run.
    """
    check_folder(sweep.folder)
    start = time.time()
    if not resume:
        _check_empty(sweep.folder)
        write_manifest(sweep.folder, sweep.manifest)  # first of all, so that whatever comes can be resumed
    with _folder_to_ourselves(sweep.folder):
        state, checkpoints = make_state(sweep), Checkpoints(sweep.folder)
        state.replay()
        check_trials(state, checkpoints.names(), sweep.n_trials)
        write_manifest(sweep.folder, sweep.manifest)  # it may have more trials than before
        with ray_session(sweep.address):
            _check_machines(sweep, is_new=not resume)
            _drive(sweep, state, checkpoints)
    sweep.manifest["seconds"] = (sweep.manifest.get("seconds") or 0.0) + time.time() - start
    write_manifest(sweep.folder, sweep.manifest)
    return read_results(sweep.folder)


def _check_machines(sweep: Sweep, is_new: bool) -> None:
    """Refuse machines on which the trials cannot run; a new sweep then leaves no trace in its folder."""
    try:
        check_resources(sweep.resources)
        check_storage(sweep.folder)
    except NoisyLabelError:
        if is_new:
            (sweep.folder / MANIFEST_FILE).unlink()
        raise


def _drive(sweep: Sweep, state: SweepState, checkpoints: Checkpoints) -> None:
    """Run the trials, beside the live table."""
    setup = replace(sweep.setup, fingerprint=fingerprint(sweep.data))
    pool = Pool(sweep.resources, setup, sweep.data, may_grow=sweep.address is not None)
    trackers = [make_tracker(name, sweep.folder) for name in sweep.trackers]
    table = LiveTable(sweep.n_trials, state, is_shown=sweep.verbose > 0)
    Driver(state, pool, checkpoints, sweep.n_trials, [table, *trackers]).run()


def make_state(sweep: Sweep) -> SweepState:
    """Return the state of a sweep of which nothing is known yet."""
    searcher: Drawing
    scheduler: Scheduler
    estimator, curricula = sweep.bound.estimator, sweep.setup.curricula

    def clock(params: Mapping[str, Any]) -> Clock:
        return clock_of(configure(estimator, params, curricula))

    if sweep.scheduler == "pbt":
        space = population_space(sweep.bound.limits)
        population = Population(space, estimator.max_epochs, clock_of(estimator).warm_up, sweep.seed)
        searcher, scheduler = population, population
    else:
        searcher = Searcher(sweep.bound, SEARCHERS[sweep.searcher], sweep.seed, sweep.objectives)
        drawn = [clock(params) for params in sweep.bound.examples()]
        plan = Plan(max(one.own for one in drawn), min(one.warm_up for one in drawn))
        scheduler = SCHEDULERS[sweep.scheduler](plan)
    return SweepState(SweepLog(sweep.folder / LOG_FILE), searcher, scheduler, clock, TimeLeft(sweep.n_trials))


def read_results(folder: Path) -> SweepResults:
    """Return what a sweep has found so far.

    Raises
    ------
    InvalidFileError
        If there is no sweep in the folder.
    """
    manifest = read_manifest(folder)
    trials, curves = read_log(folder / LOG_FILE)
    if manifest["scheduler"] == "pbt":
        done = trials[trials["state"] == "done"].sort_values("score", ascending=False, kind="stable")
        if len(done):
            manifest["schedule"] = done.iloc[0]["params"]
        return SweepResults(manifest, trials, curves, None)
    objectives = tuple(manifest.get("objectives", ["score"]))
    return SweepResults(manifest, trials, curves, as_study(trials, curves, drawn_from(folder / LOG_FILE), objectives))


def check_folder(folder: Path) -> None:
    """Refuse a folder that cannot be written to, or whose disk is almost full.

    Raises
    ------
    InvalidParameterError
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(folder / ".writable", b"0" * 4096)
        (folder / ".writable").unlink()
    except OSError as error:
        raise InvalidParameterError(
            f"'out' must be a folder that can be written to. Got {str(folder)!r}: {error.strerror or error}."
        ) from error
    free = shutil.disk_usage(folder).free // 2**20
    if free < _MEGABYTES:
        raise InvalidParameterError(
            f"'out' {str(folder)!r} is on a disk with {free} MB left, and a sweep needs at least {_MEGABYTES} MB for "
            "checkpoints. Make room, or name another folder."
        )


def _check_empty(folder: Path) -> None:
    """Refuse a folder that holds the trials of a sweep which has lost its description."""
    if (folder / LOG_FILE).exists():
        raise InvalidFileError(
            f"{folder} holds the log of a sweep, {LOG_FILE}, and not what describes it. Name another folder, or delete "
            "this one."
        )


@contextmanager
def _folder_to_ourselves(folder: Path) -> Iterator[None]:
    """Refuse a second sweep in the folder while one is running."""
    try:
        with FileLock(folder / ".lock", timeout=0):
            yield
    except Timeout as error:
        raise InvalidParameterError(
            f"'out' {str(folder)!r}: another process is running the sweep in this folder. Wait for it, or name another."
        ) from error
