"""The table in the terminal while a sweep runs: the running trials, the best so far, and the time that is left."""

import math
import sys
import time
from collections.abc import Mapping
from typing import Any

from ray.tune import Callback
from rich.box import SIMPLE
from rich.console import Console
from rich.live import Live
from rich.table import Table

from sweeps.report.tables import describe_params, short_duration
from sweeps.trial.clock import Clocks


class LiveTable(Callback):
    """Draw a table in the terminal. If the output goes elsewhere, write a line for each trial that ends.

    Parameters
    ----------
    n_trials : int
    clocks : Clocks
        From a configuration to the epochs of its training.
    before : mapping, optional
        What :func:`sweeps.engine.log.ended_trials` says of an earlier run of the sweep.
    """

    def __init__(self, n_trials: int, clocks: Clocks, before: Mapping[str, Any] | None = None) -> None:
        self.n_trials = n_trials
        self.clocks = clocks
        self.before = before or {"numbers": {}, "counts": {}, "best": None}
        self.reset()

    def reset(self) -> None:
        """Begin to count."""
        self.start = time.monotonic()
        self.running: dict[str, dict[str, Any]] = {}
        self.counts = {"done": 0, "stopped": 0, "failed": 0} | self.before["counts"]
        self.known: dict[str, int] = dict(self.before["numbers"])
        self.best: tuple[float, str] | None = None
        if self.before["best"] is not None:
            score, name, params = self.before["best"]
            self.best = (score, f"{name}: {describe_params(params)}")
        self.console: Any = None
        self.live: Any = None

    def __getstate__(self) -> dict[str, Any]:
        return {"n_trials": self.n_trials, "clocks": self.clocks, "before": self.before}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(**state)  # type: ignore[misc]

    def open(self) -> None:
        """Begin to draw."""
        self.reset()
        self.console = Console(file=sys.stderr)
        if self.console.is_terminal:
            self.live = Live(get_renderable=self._table, console=self.console, refresh_per_second=2)
            self.live.start()

    def close(self) -> None:
        """Draw for the last time."""
        if self.live is not None:
            self.live.stop()
        self.live = None

    def on_trial_start(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """Show the trial."""
        self._number(trial)
        self.running[trial.trial_id] = {"params": trial.config, "epoch": 0, "score": math.nan, "last": {}}

    def on_trial_result(
        self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **info: Any
    ) -> None:
        """Show how far it is."""
        row = self.running.setdefault(trial.trial_id, {"params": trial.config})
        row |= {"epoch": result["epoch"], "score": result["score"], "last": result}

    def on_trial_complete(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """Count it."""
        row = self.running.pop(trial.trial_id, {"last": {}, "params": trial.config, "epoch": 0, "score": math.nan})
        last = row["last"]
        state = "failed" if last.get("failed") else "done" if last.get("finished") else "stopped"
        if state == "done" and (self.best is None or row["score"] > self.best[0]):
            self.best = (row["score"], f"{self._number(trial)}: {describe_params(row['params'])}")
        self._ended(trial, state, row)

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """Count it."""
        row = self.running.pop(trial.trial_id, {"params": trial.config, "epoch": 0, "score": math.nan})
        self._ended(trial, "failed", row)

    def _number(self, trial: Any) -> str:
        return f"t{self.known.setdefault(trial.trial_id, len(self.known) + 1):03d}"

    def _ended(self, trial: Any, state: str, row: Mapping[str, Any]) -> None:
        self.counts[state] += 1
        if self.console is not None and self.live is None:
            what = f"score {row['score']:.4f} after {row['epoch']} epochs"
            if state == "failed":
                what = str(row.get("last", {}).get("error", "its process died"))
            line = f"{self._number(trial)} {state}: {what} ({describe_params(row['params'])}). {self._summary()}"
            self.console.print(line, markup=False, highlight=False, soft_wrap=True)

    def _summary(self) -> str:
        n_ended = sum(self.counts.values())
        counts = ", ".join(f"{n} {state}" for state, n in self.counts.items() if n)
        best = "" if self.best is None else f", best so far {self.best[0]:.4f}"
        return f"{n_ended} of {self.n_trials} trials ended ({counts or 'none'}){best}, {self._time_left(n_ended)}"

    def _time_left(self, n_ended: int) -> str:
        elapsed = time.monotonic() - self.start
        shares = sum(min(1.0, row["epoch"] / self.clocks(row["params"]).total) for row in self.running.values())
        here = n_ended + shares - sum(self.before["counts"].values())
        if here < 0.5:
            return "time left not known yet"
        left = elapsed / here * max(0.0, self.n_trials - n_ended - shares)
        return f"about {short_duration(left)} left"

    def _table(self) -> Table:
        table = Table(title=self._summary(), title_justify="left", title_style="bold", box=SIMPLE)
        for name in ("trial", "epoch", "score", "configuration"):
            table.add_column(name, no_wrap=name != "configuration")
        table.caption_justify = "left"
        for trial_id, row in list(self.running.items()):
            table.add_row(
                f"t{self.known.get(trial_id, 0):03d}",
                f"{row['epoch']}/{self.clocks(row['params']).total}",
                "" if math.isnan(row["score"]) else f"{row['score']:.4f}",
                describe_params(row["params"]),
            )
        if self.best is not None:
            table.caption = f"best so far {self.best[0]:.4f}, {self.best[1]}"
        return table
