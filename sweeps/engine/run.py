"""Run a sweep with Ray Tune, or go on with one."""

import random
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout
from ray import tune

from noisylabel.exceptions import InvalidParameterError
from noisylabel.utils import check_choice, check_count, write_whole
from sweeps.engine.journal import as_study
from sweeps.engine.live_table import LiveTable
from sweeps.engine.log import (
    LOG_FILE,
    SweepLog,
    drawn_from,
    ended_trials,
    finished_reports,
    logged_checkpoints,
    read_log,
)
from sweeps.engine.manifest import read_manifest, write_manifest
from sweeps.engine.population import change_interval, make_pbt, population_space
from sweeps.engine.recovery import RAY_FOLDER, CheckpointRepair, forget_others, trials_to_restore
from sweeps.engine.schedulers import SCHEDULERS, Plan, SchedulerMemory
from sweeps.engine.searchers import SEARCHERS, SweepSearch
from sweeps.engine.session import check_resources, check_workers, ray_session
from sweeps.engine.storage import check_storage
from sweeps.engine.trackers import make_tracker
from sweeps.report.tables import SweepResults
from sweeps.trial.clock import Clocks, clock_of
from sweeps.trial.draws import BoundSpace, check_space
from sweeps.trial.training import METRIC, Setup, fingerprint, train_trial

_RETRIES = 8  # of a trial whose process dies
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
        write_manifest(sweep.folder, sweep.manifest)  # first of all, so that whatever comes can be resumed
    with _folder_to_ourselves(sweep.folder):
        known = trials_to_restore(sweep.folder, sweep.scheduler != "pbt") if resume else {}
        with ray_session(sweep.address), _global_streams_kept(sweep.seed):
            check_resources(sweep.resources)
            check_workers(sweep.setup)
            check_storage(sweep.folder)
            _fit(_restored_tuner(sweep, known) if known else _new_tuner(sweep), sweep)
    sweep.manifest["seconds"] = (sweep.manifest.get("seconds") or 0.0) + time.time() - start
    write_manifest(sweep.folder, sweep.manifest)
    return read_results(sweep.folder)


def _fit(tuner: tune.Tuner, sweep: Sweep) -> None:
    """Let Ray run the trials, beside the live table."""
    table = next(callback for callback in _callbacks(tuner) if isinstance(callback, LiveTable))
    if sweep.verbose:
        table.open()
    try:
        tuner.fit()
    finally:
        table.close()


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
    return SweepResults(manifest, trials, curves, as_study(trials, curves, drawn_from(folder / LOG_FILE)))


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


def _new_tuner(sweep: Sweep) -> tune.Tuner:
    population = sweep.scheduler == "pbt"
    scheduler = _make_scheduler(sweep)
    search = None if population else SweepSearch(
        sweep.bound, METRIC, "max", [sweep.bound.own()], SEARCHERS[sweep.searcher](sweep.seed)
    )  # fmt: skip
    space = population_space(sweep.bound.limits) if population else {}
    clocks = Clocks(sweep.bound.estimator, sweep.setup.curricula)
    table = LiveTable(sweep.n_trials, clocks)
    trackers = [make_tracker(name, sweep.folder) for name in sweep.trackers]
    log = SweepLog(sweep.folder / LOG_FILE, clocks, None if population else sweep.bound)
    callbacks = [log, SchedulerMemory(scheduler), CheckpointRepair(), table, *trackers]
    return tune.Tuner(
        _trainable(sweep),
        param_space={name: tune.choice(values) for name, values in space.items()},
        tune_config=tune.TuneConfig(
            metric=METRIC,
            mode="max",
            num_samples=sweep.n_trials,
            search_alg=search,
            scheduler=scheduler,
            reuse_actors=True,
            trial_dirname_creator=_trial_folder,
        ),
        run_config=tune.RunConfig(
            name=RAY_FOLDER,
            storage_path=str(sweep.folder.resolve()),
            failure_config=tune.FailureConfig(max_failures=_RETRIES),
            checkpoint_config=tune.CheckpointConfig(num_to_keep=4 if population else 2),
            callbacks=callbacks,
            verbose=0,
        ),
    )


def _make_scheduler(sweep: Sweep) -> Any:
    estimator = sweep.bound.estimator
    if sweep.scheduler == "pbt":
        space = population_space(sweep.bound.limits)
        return make_pbt(space, estimator.max_epochs, clock_of(estimator).warm_up)
    clocks = Clocks(estimator, sweep.setup.curricula)
    drawn = [clocks(params) for params in sweep.bound.examples()]
    plan = Plan(max(clock.own for clock in drawn), min(clock.warm_up for clock in drawn), clocks)
    return SCHEDULERS[sweep.scheduler](plan)


def _trainable(sweep: Sweep) -> Any:
    """Return what Ray runs, with setup and data in its object store."""
    setup = replace(sweep.setup, fingerprint=fingerprint(sweep.data))
    function = tune.with_parameters(train_trial, setup=setup, data=sweep.data)
    return tune.with_resources(function, dict(sweep.resources))


def _trial_folder(trial: Any) -> str:
    return str(trial.trial_id)


def _restored_tuner(sweep: Sweep, known: Mapping[str, float]) -> tune.Tuner:
    """Return a tuner that goes on with the trials that are known."""
    folder = sweep.folder / RAY_FOLDER
    forget_others(sweep.folder / LOG_FILE, known)
    setup = replace(sweep.setup, finished=finished_reports(sweep.folder / LOG_FILE))
    tuner = tune.Tuner.restore(
        str(folder.resolve()), trainable=_trainable(replace(sweep, setup=setup)), resume_unfinished=True
    )
    for callback in _callbacks(tuner):
        if isinstance(callback, SchedulerMemory):
            callback.n_known = len(known)
        elif isinstance(callback, CheckpointRepair):
            callback.logged = logged_checkpoints(sweep.folder / LOG_FILE)
        elif isinstance(callback, SweepLog):
            callback.path = sweep.folder / LOG_FILE
        elif isinstance(callback, LiveTable):
            callback.before = ended_trials(sweep.folder / LOG_FILE)
    return tuner


def _callbacks(tuner: tune.Tuner) -> list[Any]:
    """Return the callbacks of a tuner: of a restored one, those that were read from its folder."""
    callbacks: list[Any] = tuner._local_tuner.get_run_config().callbacks
    return callbacks


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


@contextmanager
def _global_streams_kept(seed: int) -> Iterator[None]:
    """Seed the global random streams, from which Ray's schedulers draw, and leave them as they were."""
    states = random.getstate(), np.random.get_state()  # noqa: NPY002
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002
    try:
        yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])  # noqa: NPY002
