"""The log of a sweep: one line for each thing that happens. A sweep that goes on knows what it knows from it alone."""

import json
import math
import os
import re
import time
from pathlib import Path
from typing import Any

import pandas as pd
from optuna.distributions import BaseDistribution, json_to_distribution

from noisylabel.exceptions import InvalidFileError
from sweeps.engine.trials import trial_name

LOG_FILE = "log.jsonl"
_CHECKPOINT = re.compile(r"checkpoint_\d{6}")
_KINDS: dict[str, dict[str, Any]] = {
    "start": {"params": dict, "drawn_from": dict, "epoch": int},
    "report": {"epoch": int},
    "end": {},
    "error": {"error": str},
}


class SweepLog:
    """A file of lines of JSON, to be added to.

    Parameters
    ----------
    path : Path
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._n_whole: int | None = None  # bytes, where a kill has cut off what comes after

    def write(self, event: str, trial: str, **content: Any) -> dict[str, Any]:
        """Add a line, and return what it says. What a sweep cannot do without survives a power cut."""
        content = {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in content.items()}
        line = {"event": event, "trial": trial, "time": time.time(), **content}
        if self._n_whole is not None:
            os.truncate(self.path, self._n_whole)
            self._n_whole = None
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
            if event != "report" or "checkpoint" in content or "finished" in content:
                file.flush()
                os.fsync(file.fileno())
        return line

    def read(self) -> list[dict[str, Any]]:
        """Return what the lines say, without a last one that a kill cut off; the next line takes its place.

        Raises
        ------
        InvalidFileError
            If another line is damaged, or lines are missing.
        """
        data = self.path.read_bytes() if self.path.exists() else b""
        whole = data[: data.rfind(b"\n") + 1]
        events = [_event(self.path, number, line) for number, line in enumerate(whole.splitlines(), start=1)]
        _check_order(self.path, events)
        self._n_whole = len(whole) if whole != data else None
        return events


def _event(path: Path, number: int, line: bytes) -> dict[str, Any]:
    """Return what a line says; refuse one that a driver cannot have written."""
    try:
        event = json.loads(line)
        kinds = _KINDS[event["event"]]
        is_right = isinstance(event["trial"], str) and all(isinstance(event[name], kinds[name]) for name in kinds)
        is_right = is_right and isinstance(event.get("score", 0.0), float | int | None)
        name = event.get("checkpoint")
        is_right = is_right and (name is None or (isinstance(name, str) and bool(_CHECKPOINT.fullmatch(name))))
    except (ValueError, KeyError, TypeError, AttributeError):
        is_right = False
    if not is_right:
        raise InvalidFileError(
            f"{path} is damaged: line {number} is no event of a sweep. Got {line[:60].decode(errors='replace')!r}. "
            "Nothing was run. 'python -m sweeps report' shows what there is."
        )
    return dict(event)


def _check_order(path: Path, events: list[dict[str, Any]]) -> None:
    """Refuse a log in which a trial begins before the one with the number before it, or reports before it begins."""
    begun: set[str] = set()
    for number, event in enumerate(events, start=1):
        is_next = event["event"] == "start" and event["trial"] == trial_name(len(begun))
        if not is_next and event["trial"] not in begun:
            raise InvalidFileError(
                f"{path} is damaged: line {number} is of the trial {event['trial']!r}, and there is no start of "
                f"{trial_name(len(begun))!r} before it. Lines are missing, or another version wrote it. "
                "Nothing was run."
            )
        begun.add(event["trial"])


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
    """Return what each trial's parameters were drawn from, by its name, in order of start."""
    found: dict[str, dict[str, BaseDistribution]] = {}
    for event in read_events(path):
        drawn = {name: json_to_distribution(text) for name, text in event.get("drawn_from", {}).items()}
        found[event["trial"]] = found.get(event["trial"]) or drawn
    return found


def read_events(path: Path) -> list[dict[str, Any]]:
    """Return what the lines of a log hold, without those that a kill cut off, for those who only look.

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
