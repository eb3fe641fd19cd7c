"""The log of a sweep: one line for each thing that happens, so that nothing is lost if the sweep is killed."""

import json
import math
import time
from pathlib import Path
from typing import Any

import pandas as pd
from optuna.distributions import BaseDistribution, distribution_to_json, json_to_distribution
from optuna.trial import FixedTrial
from ray.tune import Callback

from noisylabel.exceptions import InvalidFileError
from sweeps.trial.clock import Clocks
from sweeps.trial.draws import BoundSpace

LOG_FILE = "log.jsonl"
_CHECKPOINT = "checkpoint_dir_name"  # Ray's name for the folder of a report's checkpoint
_KEPT = (
    "score",
    "epoch",
    "seconds",
    "finished",
    "failed",
    "error",
    "traceback",
    "right",
    "test_score",
    "schedule",
    _CHECKPOINT,
)


class SweepLog(Callback):
    """Append what trials report to a file.

    Parameters
    ----------
    path : Path
        Lines of JSON.
    clocks : Clocks
        The epochs of a configuration are noted with it.
    bound : BoundSpace, optional
        What configurations are drawn from; the intervals and choices are noted with each.
    """

    def __init__(self, path: Path, clocks: Clocks, bound: BoundSpace | None = None) -> None:
        self.path = path
        self.clocks = clocks
        self.bound = bound

    def on_trial_start(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """Note the configuration; of a trial that goes on, the one that it goes on with."""
        clock = self.clocks(trial.config)
        drawn_from = self._distributions(trial.config)
        self._write("start", trial, params=trial.config, drawn_from=drawn_from, before=clock.before, total=clock.total)

    def on_trial_result(
        self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **info: Any
    ) -> None:
        """Note a report."""
        self._write("report", trial, **{name: result[name] for name in _KEPT if result.get(name) is not None})

    def on_trial_complete(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """Note the end."""
        self._write("end", trial)

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """Note that the trial's process died too often."""
        self._write("error", trial, error=str(trial.get_error() or "its process died"))

    def _distributions(self, config: dict[str, Any]) -> dict[str, str]:
        if self.bound is None:
            return {}
        drawn = FixedTrial(config)
        self.bound.draw(drawn)
        return {name: distribution_to_json(kind) for name, kind in drawn.distributions.items()}

    def _write(self, event: str, trial: Any, **content: Any) -> None:
        content = {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in content.items()}
        line = json.dumps({"event": event, "trial": trial.trial_id, "time": time.time(), **content})
        with self.path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")


def read_log(path: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return trials and curves, as :class:`sweeps.report.tables.SweepResults` has them.

    A last line that a kill cut off is left out.
    """
    events = read_events(path)
    ids = list(dict.fromkeys(event["trial"] for event in events))
    names = {trial: f"t{number:03d}" for number, trial in enumerate(ids, 1)}
    rows = [_trial(names[trial], [e for e in events if e["trial"] == trial]) for trial in ids]
    trials = pd.DataFrame(rows, columns=list(_trial("", [])))
    for name in dict.fromkeys(name for row in rows for name in row["params"]):
        trials[f"param_{name}"] = [row["params"].get(name) for row in rows]
    reports = [e for e in events if e["event"] == "report" and not e.get("failed") and e["score"] is not None]
    curves = pd.DataFrame(
        [{"trial": names[e["trial"]], "epoch": int(e["epoch"]), "score": float(e["score"])} for e in reports],
        columns=["trial", "epoch", "score"],
    )
    return trials, curves.drop_duplicates(["trial", "epoch"], keep="last", ignore_index=True)


def drawn_from(path: Path) -> dict[str, dict[str, BaseDistribution]]:
    """Return what each trial's parameters were drawn from, by Ray's name of it, in order of start."""
    found: dict[str, dict[str, BaseDistribution]] = {}
    for event in read_events(path):
        drawn = {name: json_to_distribution(text) for name, text in event.get("drawn_from", {}).items()}
        found[event["trial"]] = found.get(event["trial"]) or drawn
    return found


def ended_trials(path: Path) -> dict[str, Any]:
    """Return what an earlier run of the sweep has done, for the live table.

    Returns
    -------
    dict
        ``numbers`` (from Ray's name of a trial to its number), ``counts`` (ended trials by state) and ``best`` (score,
        name and parameters of the best trial, or None).
    """
    trials, _ = read_log(path)
    ids = dict.fromkeys(event["trial"] for event in read_events(path))
    counts = trials.loc[trials["state"] != "unfinished", "state"].value_counts()
    done = trials[trials["state"] == "done"].sort_values("score", kind="stable")
    best = None if done.empty else (float(done["score"].iloc[-1]), done["trial"].iloc[-1], done["params"].iloc[-1])
    return {
        "numbers": {trial: number for number, trial in enumerate(ids, 1)},
        "counts": {str(state): int(n) for state, n in counts.items()},
        "best": best,
    }


def finished_reports(path: Path) -> dict[str, dict[str, Any]]:
    """Return the last report of each trial that trained to its end, by Ray's name of it."""
    reports = {e["trial"]: e for e in read_events(path) if e["event"] == "report" and e.get("finished")}
    return {trial: {name: e[name] for name in _KEPT if name in e} for trial, e in reports.items()}


def logged_checkpoints(path: Path) -> dict[str, set[str]]:
    """Return the names of the checkpoints whose reports are in the log, by Ray's name of the trial."""
    found: dict[str, set[str]] = {}
    for event in read_events(path):
        found.setdefault(event["trial"], set()).update({event[_CHECKPOINT]} if event.get(_CHECKPOINT) else ())
    return found


def read_events(path: Path) -> list[dict[str, Any]]:
    """Return what the lines of a log hold, without those that a kill cut off.

    Raises
    ------
    InvalidFileError
        If a line is something else than an event.
    """
    events = []
    for number, line in enumerate(path.read_bytes().split(b"\n") if path.exists() else [], start=1):
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if not isinstance(event, dict) or not {"event", "trial", "time"} <= event.keys():
            raise InvalidFileError(f"{path} is damaged: line {number} is no event of a sweep. Got {line[:60]!r}.")
        events.append(event)
    return events


def _trial(name: str, events: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the row of one trial."""
    reports = [event for event in events if event["event"] == "report"]
    good = [report for report in reports if report["score"] is not None]
    last = reports[-1] if reports else {}
    state, error = _state(events, last)
    start: dict[str, Any] = next((event for event in reversed(events) if event["event"] == "start"), {})
    right = last.get("right")
    return {
        "trial": name,
        "state": state,
        "score": good[-1]["score"] if good and state != "failed" else math.nan,
        "test_score": last.get("test_score", math.nan),
        "epochs": int(good[-1]["epoch"]) if good else 0,
        "full_epochs": int(start.get("total", 0)),
        "epochs_before": int(start.get("before", 0)),
        "seconds": _seconds(events),
        "error": error,
        "right": None if right is None else bytes.fromhex(right),
        "params": last.get("schedule") or start.get("params", {}),
    }


def _seconds(events: list[dict[str, Any]]) -> float:
    """Return the training time of a trial: each of its processes counts from its own start."""
    total = part = 0.0
    for event in events:
        if event["event"] == "start":
            total, part = total + part, 0.0
        part = event.get("seconds", part)
    return total + part


def _state(events: list[dict[str, Any]], last: dict[str, Any]) -> tuple[str, str]:
    """Return the state of a trial and what went wrong."""
    if last.get("failed"):
        return "failed", last["error"]
    if last.get("finished"):
        return "done", ""
    kind = events[-1]["event"] if events else "start"
    if kind == "error":
        return "failed", events[-1]["error"]
    return ("stopped" if kind == "end" else "unfinished"), ""
