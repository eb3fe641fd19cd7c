"""What a sweep knows of its trials, and its searcher and scheduler with it: all of it follows from the log."""

import math
import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from noisylabel.exceptions import InvalidFileError
from sweeps.engine.log import SweepLog
from sweeps.engine.schedulers import GO_ON, Scheduler, Verdict
from sweeps.engine.trials import DONE, FAILED, RUNNING, STOPPED, WAITING, Trial
from sweeps.engine.watchers.time_left import TimeLeft
from sweeps.trial.clock import Clock


class Drawing(Protocol):
    """What draws configurations: :class:`~sweeps.engine.searchers.Searcher`, or a population."""

    def draw(self, number: int) -> tuple[dict[str, Any], dict[str, str]]:
        """Return a configuration and what it was drawn from."""

    def draw_again(self, params: Mapping[str, Any], drawn_from: Mapping[str, str]) -> None:
        """Take over a configuration that was drawn before."""

    def report(self, trial: Trial) -> None:
        """Hear of a score."""

    def end(self, trial: Trial) -> None:
        """Hear how a trial ended."""


class SweepState:
    """The trials of a sweep. Whatever changes is written to the log first, and :meth:`replay` reads it back.

    Parameters
    ----------
    log : SweepLog
    searcher : Drawing
    scheduler : Scheduler
    clock_of : callable
        From a configuration to the epochs of its training.
    time_left : TimeLeft
        Nothing is known to it yet.
    """

    def __init__(
        self,
        log: SweepLog,
        searcher: Drawing,
        scheduler: Scheduler,
        clock_of: Callable[[Mapping[str, Any]], Clock],
        time_left: TimeLeft,
    ) -> None:
        self.log = log
        self.searcher = searcher
        self.scheduler = scheduler
        self.clock_of = clock_of
        self.time_left = time_left
        self.trials: list[Trial] = []
        self.verdicts: dict[str, Verdict] = {}  # of trials that have not started again since

    def replay(self) -> None:
        """Do again what is in the log; trials that were running wait. Nothing is written.

        Raises
        ------
        InvalidFileError
            If the log is damaged.
        """
        by_name: dict[str, Trial] = {}
        events = self.log.read()
        for event in events:
            trial = by_name.get(event["trial"])
            if trial is None:
                self.searcher.draw_again(event["params"], event["drawn_from"])
                trial = by_name[event["trial"]] = self._added(event["params"], event["drawn_from"])
            self._apply(trial, event)
        self.time_left.pause(events[-1]["time"] if events else 0.0)
        for trial in self.trials:
            if not trial.is_over:
                trial.state = WAITING

    def verdict(self, trial: Trial) -> Verdict:
        """Return what becomes of a trial after its latest report."""
        return self.verdicts.get(trial.name, GO_ON)

    def draw(self) -> Trial:
        """Return a new trial."""
        return self._added(*self.searcher.draw(len(self.trials)))

    def start(self, trial: Trial, checkpoint: str | None) -> None:
        """Note that a trial starts, or goes on from a checkpoint."""
        epoch = 0 if checkpoint is None else trial.checkpoints[checkpoint]
        clock = {"before": trial.clock.before, "total": trial.clock.total}
        content = {"params": trial.params, "drawn_from": trial.drawn_from, "epoch": epoch, **clock}
        self._happened("start", trial, **content, **({} if checkpoint is None else {"checkpoint": checkpoint}))

    def report(self, trial: Trial, report: Mapping[str, Any]) -> None:
        """Note a report, and judge the trial by it."""
        self._happened("report", trial, **report)

    def end(self, trial: Trial) -> None:
        """Note that a trial trained to its end, failed by an error, or was stopped, and how long the sweep may take."""
        now = time.time()
        self.time_left.end(trial.name, now)
        left = self.time_left.seconds(now)
        self._happened("end", trial, **({} if left is None else {"seconds_left": round(left, 1)}))

    def fail(self, trial: Trial, error: str) -> None:
        """Note that a trial is given up."""
        self._happened("error", trial, error=error)

    def _added(self, params: Mapping[str, Any], drawn_from: Mapping[str, str]) -> Trial:
        trial = Trial(len(self.trials), dict(params), dict(drawn_from), self.clock_of(params))
        self.trials.append(trial)
        return trial

    def _happened(self, event: str, trial: Trial, **content: Any) -> None:
        self._apply(trial, self.log.write(event, trial.name, **content))

    def _apply(self, trial: Trial, event: Mapping[str, Any]) -> None:
        self.time_left.note(event)
        {"start": self._started, "report": self._reported, "end": self._ended, "error": self._failed}[event["event"]](
            trial, event
        )

    def _started(self, trial: Trial, event: Mapping[str, Any]) -> None:
        trial.state, trial.params, trial.epoch, trial.last = RUNNING, dict(event["params"]), event["epoch"], {}
        self.verdicts.pop(trial.name, None)
        if event.get("checkpoint"):
            self._keep(trial, event["checkpoint"], event["epoch"])

    def _reported(self, trial: Trial, event: Mapping[str, Any]) -> None:
        trial.seconds += max(0.0, event.get("seconds", 0.0) - trial.last.get("seconds", 0.0))
        trial.last = dict(event)
        score = event.get("score")
        trial.score = math.nan if score is None else float(score)
        if event.get("failed"):
            return
        trial.epoch = event["epoch"]
        if event.get("checkpoint"):
            self._keep(trial, event["checkpoint"], event["epoch"])
        if not event.get("finished"):
            self.searcher.report(trial)
            self.verdicts[trial.name] = self.scheduler.judge(trial, self.trials)

    def _keep(self, trial: Trial, checkpoint: str, epoch: int) -> None:
        trial.checkpoints.pop(checkpoint, None)
        trial.checkpoints[checkpoint] = epoch
        trial.n_checkpoints = max(trial.n_checkpoints, 1 + int(checkpoint.rpartition("_")[2]))

    def _ended(self, trial: Trial, event: Mapping[str, Any]) -> None:
        last = trial.last
        trial.state = FAILED if last.get("failed") else DONE if last.get("finished") else STOPPED
        trial.error = str(last.get("error", ""))
        self.searcher.end(trial)

    def _failed(self, trial: Trial, event: Mapping[str, Any]) -> None:
        trial.state, trial.error = FAILED, event["error"]
        self.searcher.end(trial)


def check_trials(state: SweepState, folders: list[str], n_trials: int) -> None:
    """Refuse a log that lacks trials which have left checkpoints, or has more trials than the sweep.

    Raises
    ------
    InvalidFileError
    """
    lost = sorted(set(folders) - {trial.name for trial in state.trials})
    if lost:
        raise InvalidFileError(
            f"{state.log.path} lacks the trial {lost[0]!r}, which has left checkpoints: lines are missing, and the "
            "sweep would repeat what was done. Nothing was run. 'python -m sweeps report' shows what there is."
        )
    if len(state.trials) > n_trials:
        raise InvalidFileError(f"{state.log.path} has {len(state.trials)} trials, and the sweep {n_trials}.")
