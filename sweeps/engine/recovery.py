"""Whether a sweep that was killed can go on: its files are checked, since Ray would silently start over."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ray import cloudpickle
from ray.tune import Callback, Checkpoint

from noisylabel.estimators import read_checkpoint
from noisylabel.exceptions import InvalidFileError
from noisylabel.nets import CHECKPOINT_FILE
from noisylabel.utils import write_whole
from sweeps.engine.log import LOG_FILE, read_events

RAY_FOLDER = "ray"  # below the sweep's
_FIRST_SNAPSHOT = 5.0  # seconds after which there is one, with all trials so far; Ray takes one each second


def trials_to_restore(sweep: Path, has_searcher: bool) -> dict[str, float]:
    """Return the :func:`known_trials` of a sweep that can go on, once all of its files were looked at.

    If it was killed before Ray knew a trial, what little there is is removed, for the sweep to start again.

    Parameters
    ----------
    sweep : Path
        Its folder.
    has_searcher : bool
        Whether there is a searcher, which has files of its own.

    Raises
    ------
    InvalidFileError
        If files are missing or damaged; the message names one. Nothing is changed then.
    """
    folder, log = sweep / RAY_FOLDER, sweep / LOG_FILE
    known = known_trials(folder)
    check_none_lost(log, known)
    if known:
        check_states(folder, has_searcher)
    else:
        shutil.rmtree(folder, ignore_errors=True)
        log.unlink(missing_ok=True)
    return known


def known_trials(folder: Path) -> dict[str, float]:
    """Return the trials of the latest snapshot in Ray's folder, with the time of each one's last report.

    Raises
    ------
    InvalidFileError
        If the snapshot is damaged.
    """
    states = sorted(folder.glob("experiment_state-*.json"))
    if not states:
        return {}
    try:
        state = json.loads(states[-1].read_text(encoding="utf-8"))
        pairs = [(json.loads(trial), json.loads(run)) for trial, run in state["trial_data"]]
        return {str(trial["trial_id"]): float(run["last_result_time"] or 0) for trial, run in pairs}
    except (ValueError, KeyError, TypeError) as error:
        raise InvalidFileError(
            f"{states[-1]} is damaged, so the sweep cannot go on: {error}. Nothing was run."
        ) from error


def check_none_lost(log: Path, known: Mapping[str, float]) -> None:
    """Refuse a snapshot that lacks trials which are in the log, and a log that lacks trials of the snapshot.

    Trials that began after the snapshot was taken are not in it, and that is no fault. Any other trial can only be
    missing if files are missing or damaged.

    Raises
    ------
    InvalidFileError
    """
    events = read_events(log)
    latest = max(known.values()) if known else max((e["time"] for e in events), default=0.0) - _FIRST_SNAPSHOT
    lost = {e["trial"] for e in events if e["trial"] not in known and e["event"] == "start" and e["time"] < latest}
    if lost:
        raise InvalidFileError(
            f"{log} has {len(lost)} trials that Ray's snapshot beside it, in experiment_state-*.json, does not have: "
            "files are missing or older than the log, and the sweep would repeat what was done. Nothing was run. "
            "'python -m sweeps report' shows what there is."
        )
    unlogged = {trial for trial, reported in known.items() if reported > 0} - {e["trial"] for e in events}
    if unlogged:
        raise InvalidFileError(
            f"{log} lacks {len(unlogged)} trials that Ray's snapshot beside it has: it is damaged, and the sweep would "
            "end without their results. Nothing was run."
        )


def check_states(folder: Path, has_searcher: bool) -> None:
    """Refuse to go on if a state that Ray saved is missing or cannot be read: Ray would silently start over.

    Parameters
    ----------
    folder : Path
        Ray's.
    has_searcher : bool
        Whether there is a searcher, which has files of its own.

    Raises
    ------
    InvalidFileError
    """
    of_searcher = ["searcher-state-*.pkl", "search_gen_state-*.json"]  # the latter is a pickle too
    for name in ["tuner.pkl", "callback-states-*.pkl", *(of_searcher if has_searcher else [])]:
        paths = sorted(folder.glob(name))
        if not paths:
            raise InvalidFileError(
                f"{folder / name} is missing, so the sweep cannot go on: it would start over. Nothing was run."
            )
        for path in paths:
            _check_pickle(path)


def _check_pickle(path: Path) -> None:
    try:
        cloudpickle.loads(path.read_bytes())
    except Exception as error:
        raise InvalidFileError(
            f"{path} cannot be read ({type(error).__name__}: {error}), so the sweep cannot go on: it would start "
            "over. If its space came from a module of yours, make it importable again. Nothing was run."
        ) from error


def forget_others(log: Path, known: Mapping[str, float]) -> None:
    """Remove from the log the lines of trials that Ray does not know, and lines that a kill cut off."""
    kept = [json.dumps(event) + "\n" for event in read_events(log) if event["trial"] in known]
    write_whole(log, "".join(kept).encode())


class CheckpointRepair(Callback):
    """Make sure that each trial of a sweep that goes on starts from a checkpoint that is there.

    Ray's snapshot is up to some seconds older than the kill, and may name a checkpoint that newer ones have replaced
    since. Ray would try in vain to read it, and fail the trial. The newest one of all may be newer than the last report
    in the log; it is not used, since the score of its epoch would be missing.

    Attributes
    ----------
    logged : dict or None
        Of a sweep that goes on, the names of the checkpoints in the log, by trial, until the first step has looked.
    """

    def __init__(self) -> None:
        self.logged: dict[str, set[str]] | None = None

    def on_step_begin(self, iteration: int, trials: list[Any], **info: Any) -> None:
        """Look at each trial that has not ended."""
        logged, self.logged = self.logged, None
        if logged is not None:
            for trial in trials:
                if not trial.is_finished():
                    _use_existing_checkpoint(trial, logged.get(trial.trial_id, set()))


def _use_existing_checkpoint(trial: Any, logged: set[str]) -> None:
    """Replace a checkpoint that cannot be read by the newest that can and is in the log; without any, start over."""
    manager = trial.run_metadata.checkpoint_manager
    latest = manager.latest_checkpoint_result
    if latest is None or _is_whole(Path(latest.checkpoint.path)):
        return
    folders = sorted(Path(latest.checkpoint.path).parent.glob("checkpoint_*"), reverse=True)
    newest = next((folder for folder in folders if folder.name in logged and _is_whole(folder)), None)
    if newest is None:
        manager._latest_checkpoint_result, manager._checkpoint_results = None, []
        return
    latest.checkpoint = Checkpoint(str(newest), latest.checkpoint.filesystem)
    manager._checkpoint_results = [latest]


def _is_whole(folder: Path) -> bool:
    """Whether a folder holds at least one checkpoint (with a teacher there are two), and all of them can be read."""
    files = list(folder.rglob(CHECKPOINT_FILE))
    try:
        return len(files) > 0 and all(read_checkpoint(file.parent) is not None for file in files)
    except InvalidFileError:
        return False
