"""The table in the terminal while a sweep runs: the running trials, the best so far, and the time that is left."""

import math
import sys
import time
from collections import Counter
from typing import Any

from rich.box import SIMPLE
from rich.console import Console
from rich.live import Live
from rich.table import Table

from sweeps.engine.state import SweepState
from sweeps.engine.trials import DONE, FAILED, RUNNING, STOPPED, Trial
from sweeps.report.tables import describe_params, short_duration


class LiveTable:
    """Draw a table in the terminal. If the output goes elsewhere, write a line for each trial that ends.

    Parameters
    ----------
    n_trials : int
    state : SweepState
        Of the sweep.
    is_shown : bool, default=True
    """

    def __init__(self, n_trials: int, state: SweepState, is_shown: bool = True) -> None:
        self.n_trials = n_trials
        self.trials = state.trials
        self.time_left = state.time_left
        self.console: Any = None
        self.live: Any = None
        if is_shown:
            self.console = Console(file=sys.stderr)
            if self.console.is_terminal:
                self.live = Live(get_renderable=self._table, console=self.console, refresh_per_second=2)
                self.live.start()

    def started(self, trial: Trial) -> None:
        """Do nothing: the next table has it."""

    def reported(self, trial: Trial) -> None:
        """Do nothing: the next table has it."""

    def ended(self, trial: Trial) -> None:
        """Write a line, if there is no table."""
        if self.console is None or self.live is not None:
            return
        what = f"score {trial.score:.4f} after {trial.epoch} epochs" if trial.state != FAILED else trial.error
        line = f"{trial.name} {trial.state}: {what} ({describe_params(trial.params)}). {self._summary()}"
        self.console.print(line, markup=False, highlight=False, soft_wrap=True)

    def close(self) -> None:
        """Draw for the last time."""
        if self.live is not None:
            self.live.stop()
        self.live = None

    def _best(self) -> Trial | None:
        """Return the best of the trials that were trained to their end; of equal ones the first."""
        return max((trial for trial in self.trials if trial.state == DONE), key=lambda t: t.score, default=None)

    def _running(self) -> list[Trial]:
        return [trial for trial in self.trials if trial.state == RUNNING]

    def _summary(self) -> str:
        counts = Counter(trial.state for trial in self.trials if trial.is_over)
        texts = ", ".join(f"{counts[state]} {state}" for state in (DONE, STOPPED, FAILED) if counts[state])
        best = self._best()
        shown = "" if best is None else f", best so far {best.score:.4f}"
        return f"{counts.total()} of {self.n_trials} trials ended ({texts or 'none'}){shown}, {self._time_left()}"

    def _time_left(self) -> str:
        left = self.time_left.seconds(time.time())
        return "time left not known yet" if left is None else f"about {short_duration(left)} left"

    def _table(self) -> Table:
        table = Table(title=self._summary(), title_justify="left", title_style="bold", box=SIMPLE)
        for name in ("trial", "epoch", "score", "configuration"):
            table.add_column(name, no_wrap=name != "configuration")
        table.caption_justify = "left"
        for trial in self._running():
            table.add_row(
                trial.name,
                f"{trial.epoch}/{trial.clock.total}",
                "" if math.isnan(trial.score) else f"{trial.score:.4f}",
                describe_params(trial.params),
            )
        best = self._best()
        if best is not None:
            table.caption = f"best so far {best.score:.4f}, {best.name}: {describe_params(best.params)}"
        return table
