"""How well a sweep foresees how long it will take."""

import json
import tempfile
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.studies._runs import as_markdown, run_once, runs_of
from sweeps.config import SweepConfig
from sweeps.problem import load_problem, make_search

SHARES = (0.25, 0.5, 0.75)
#: Method, scheduler and number of trials.
SWEEPS = (("mentornet", "asha", 30), ("methods", "asha", 30), ("mentornet", "none", 16), ("methods", "none", 16))
N_SEEDS = 3
# In 1, first trials loaded torch; in 2, a worker about to begin did not count;
# in 3, rows from commit 6557b05 on count first trials as all others.
_VERSION = 3
_EPOCHS, _ROWS = 20, 800


def add_arguments(parser: ArgumentParser) -> None:
    """Add nothing: the study has no options."""


def run(options: Namespace) -> None:
    """Run sweeps of digits, and keep what each said of the time left when some of it was over."""
    for seed in range(N_SEEDS):
        for method, scheduler, n_trials in SWEEPS:
            name = f"{method}-{scheduler}-{n_trials}-seed-{seed}-version-{_VERSION}"
            run_once("time_left", name, partial(_foreseen, method, scheduler, n_trials, seed))


def _foreseen(method: str, scheduler: str, n_trials: int, seed: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        config = SweepConfig(
            out=str(Path(folder) / "sweep"), dataset="digits", samples=_ROWS, noise="symmetric", rate=0.4, seed=seed,
            epochs=_EPOCHS, trials=n_trials, method=method, scheduler=scheduler,
        )  # fmt: skip
        problem = load_problem(config)
        make_search(config, problem, verbose=0).run_trials(problem.X, problem.noisy_y)
        lines = (Path(config.out) / "log.jsonl").read_text(encoding="utf-8").splitlines()
    events = [json.loads(line) for line in lines]
    start, end = events[0]["time"], events[-1]["time"]
    said = [(event["time"], event["seconds_left"]) for event in events if "seconds_left" in event]
    return {
        "method": method, "scheduler": scheduler, "n_trials": n_trials, "seed": seed, "seconds": end - start,
        "version": _VERSION, "ratios": {str(share): _ratio(said, start, end, share) for share in SHARES},
    }  # fmt: skip


def _ratio(said: Sequence[tuple[float, float]], start: float, end: float, share: float) -> float | None:
    """Return the estimate nearest to a share of the sweep, as a multiple of the time that was left then."""
    at = start + share * (end - start)
    time, left = min(said, key=lambda pair: abs(pair[0] - at))
    return left / (end - time) if end > time else None


def report(options: Namespace) -> str:
    """Return a table of the estimates."""
    runs = runs_of("time_left").to_dict("records")
    runs = [one for one in runs if one.get("version") == _VERSION]
    groups: dict[tuple[Any, ...], list[dict[Any, Any]]] = {}
    for one in runs:
        groups.setdefault((one["method"], one["scheduler"], one["n_trials"]), []).append(one)
    return as_markdown(pd.DataFrame([_row(*key, own) for key, own in groups.items()]))


def _row(method: str, scheduler: str, n_trials: int, runs: Sequence[dict[Any, Any]]) -> dict[str, str]:
    ratios = np.array([[one["ratios"][str(share)] for share in SHARES] for one in runs], float)
    row = {"space": method, "scheduler": scheduler, "trials": str(n_trials), "sweeps": str(len(runs))}
    for column, share in enumerate(SHARES):
        row[f"estimate / truth at {share:.0%}"] = ", ".join(f"{ratio:.2f}" for ratio in ratios[:, column])
    return row | {"within 30 %": f"{(np.abs(ratios - 1) <= 0.3).sum()} of {ratios.size}"}
