"""The loop that runs a sweep: it gives trials to workers, notes what they report, and acts on the verdicts."""

import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

from sweeps.engine.recovery import Checkpoints
from sweeps.engine.state import SweepState
from sweeps.engine.trials import RUNNING, WAITING, Trial
from sweeps.engine.workers import Pool, Slot
from sweeps.trial.training import Task

_RETRIES = 8  # of a trial whose process dies
_WAIT = 1.0  # seconds, after which Ctrl-C and new machines are noticed


class Watcher(Protocol):
    """Who is told what happens, such as the live table or an experiment tracker."""

    def started(self, trial: Trial) -> None:
        """Hear that a trial starts or goes on."""

    def reported(self, trial: Trial) -> None:
        """Hear of a report; it is ``trial.last``."""

    def ended(self, trial: Trial) -> None:
        """Hear that a trial is over."""

    def close(self) -> None:
        """Hear that nothing more comes."""


class Driver:
    """Runs the trials that are not over.

    Parameters
    ----------
    state : SweepState
        What is known; all that happens goes through it into the log.
    pool : Pool
    checkpoints : Checkpoints
    n_trials : int
    watchers : sequence of Watcher
    """

    def __init__(
        self, state: SweepState, pool: Pool, checkpoints: Checkpoints, n_trials: int, watchers: Sequence[Watcher]
    ) -> None:
        self.state = state
        self.pool = pool
        self.checkpoints = checkpoints
        self.n_trials = n_trials
        self.watchers = watchers

    def run(self) -> None:
        """Run until all trials are over, or somebody presses Ctrl-C."""
        self.settle()
        try:
            with _interrupts() as is_interrupted:
                while self._n_open() and not is_interrupted():
                    self.pool.resize(self._n_open())
                    self._give_out()
                    for slot, reports in self.pool.wait(_WAIT):
                        self._hear(slot, reports)
        finally:
            self.pool.close()
            for watcher in self.watchers:
                watcher.close()

    def settle(self) -> None:
        """Do what follows from the last reports of an earlier driver, which was killed before it could."""
        for trial in [trial for trial in self.state.trials if not trial.is_over]:
            if {"finished", "failed"} & trial.last.keys():
                self._end(trial)
            else:
                self._obey(trial)

    def _n_open(self) -> int:
        """Return how many trials are not over, with those that have not been drawn."""
        return self.n_trials - sum(trial.is_over for trial in self.state.trials)

    def _give_out(self) -> None:
        """Give each worker that is idle a trial."""
        for slot in self.pool.idle():
            trial = self._next_trial()
            if trial is None:
                return
            self._start(slot, trial)

    def _next_trial(self) -> Trial | None:
        """Return a trial that waits, or a new one: the one that is behind, or else the first that was drawn."""
        waiting = [trial for trial in self.state.trials if trial.state == WAITING]
        is_more = len(self.state.trials) < self.n_trials
        if is_more and (not waiting or self.state.scheduler.takes_turns):
            return self.state.draw()
        return min(waiting, key=lambda t: t.epoch * self.state.scheduler.takes_turns, default=None)

    def _start(self, slot: Slot, trial: Trial) -> None:
        checkpoint = self.checkpoints.newest(trial)
        self.state.start(trial, checkpoint)
        questions = self.state.scheduler.questions(trial.clock)
        folder = self.checkpoints.of(trial).resolve()
        task = Task(trial.name, trial.params, trial.clock.total, folder, checkpoint, trial.n_checkpoints, questions)
        self.pool.train(slot, trial, task)
        self._tell("started", trial)

    def _hear(self, slot: Slot, reports: list[dict[str, Any]] | None) -> None:
        """Note what a worker has said, and go on listening."""
        trial = slot.trial
        if trial is None:
            return
        if reports is None:
            self._has_died(trial)
            return
        goes_on = None
        for report in reports:
            goes_on = self._note(trial, report)
            if {"finished", "failed"} & report.keys():
                slot.trial = None
        if goes_on is False:
            self.pool.halt(slot)
        elif slot.trial is not None:
            self.pool.listen(slot, answers=goes_on is True)

    def _note(self, trial: Trial, report: Mapping[str, Any]) -> bool | None:
        """Note a report, act on the verdict, and return the answer to its question if it has one."""
        asks = report.get("asks", False)
        self.state.report(trial, {name: value for name, value in report.items() if name != "asks"})
        if "checkpoint" in report:
            self.checkpoints.written(trial, report["checkpoint"])
        self._tell("reported", trial)
        if {"finished", "failed"} & report.keys():
            self._end(trial)
        elif asks:
            self._obey(trial)
        self.checkpoints.prune(trial)
        return trial.state == RUNNING if asks else None

    def _obey(self, trial: Trial) -> None:
        """Act on the verdict on a trial."""
        verdict = self.state.verdict(trial)
        if verdict.stops:
            self._end(trial)
        elif verdict.model is not None and self.checkpoints.copy(verdict.model, trial):
            trial.state, trial.params = WAITING, dict(verdict.params or {})
            trial.epoch = next(reversed(trial.checkpoints.values()))
        elif verdict.gives_way and self._is_somebody_waiting():
            trial.state = WAITING

    def _is_somebody_waiting(self) -> bool:
        return len(self.state.trials) < self.n_trials or any(trial.state == WAITING for trial in self.state.trials)

    def _has_died(self, trial: Trial) -> None:
        """Let a trial whose process died go on, unless that happens over and over."""
        if trial.is_over:
            return
        trial.n_deaths += 1
        trial.state = WAITING
        if trial.n_deaths > _RETRIES:
            self.state.fail(trial, f"its process died {trial.n_deaths} times")
            self._tell("ended", trial)
            self.checkpoints.prune(trial)

    def _end(self, trial: Trial) -> None:
        self.state.end(trial)
        self._tell("ended", trial)

    def _tell(self, what: str, trial: Trial) -> None:
        for watcher in self.watchers:
            getattr(watcher, what)(trial)


@contextmanager
def _interrupts() -> Iterator[Callable[[], bool]]:
    """Note the first Ctrl-C, so that nothing is left half done; the second one interrupts as ever."""
    noted = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield noted.is_set
        return

    def note(number: int, frame: Any) -> None:
        noted.set()
        signal.signal(signal.SIGINT, before)

    before = signal.signal(signal.SIGINT, note)
    try:
        yield noted.is_set
    finally:
        signal.signal(signal.SIGINT, before)
