"""How long a sweep still takes, from what its log says."""

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any


@dataclass
class Timing:
    """How far a trial is, and how long it took.

    Attributes
    ----------
    since : float or None
        When its process began; None if none is at work on it.
    total : int
        Epochs of its whole training.
    share : float in [0, 1]
        Of its training that is over.
    before : float
        Seconds of earlier processes.
    first, last : pair of float
        Share and seconds, by the clock of its process, of the first and the latest report of this process.
    is_over : bool
    """

    since: float | None
    total: int
    share: float = 0.0
    before: float = 0.0
    first: tuple[float, float] | None = None
    last: tuple[float, float] | None = None
    is_over: bool = False

    def seconds(self, now: float) -> float:
        """Return what it took so far."""
        return self.before + (0.0 if self.since is None else now - self.since)

    def start(self) -> float:
        """Return the seconds before its first epoch, such as short trainings that tell the noise; 0 if not known."""
        pace = self.pace()
        return 0.0 if pace is None or self.first is None else max(0.0, self.first[1] - pace * self.first[0])

    def pace(self) -> float | None:
        """Return the seconds of a whole training, without what comes before its first epoch; None if not known."""
        if self.first is None or self.last is None or self.last[0] <= self.first[0]:
            return None
        return (self.last[1] - self.first[1]) / (self.last[0] - self.first[0])


class TimeLeft:
    """What is still to come of a sweep: of the trials that run, and of those that have not begun.

    How likely a trial is stopped before it has come so far is estimated from all, those that still run too (by Kaplan
    and Meier). Trials that were stopped have ended first, and would say too little by themselves.

    Parameters
    ----------
    n_trials : int
        Of the whole sweep.
    """

    def __init__(self, n_trials: int) -> None:
        self.n_trials = n_trials
        self.trials: dict[str, Timing] = {}
        self._n_workers = 0  # a trial that has just ended leaves one that is about to begin another

    def note(self, event: Mapping[str, Any]) -> None:
        """Take notice of a line of the log."""
        name, now = str(event["trial"]), float(event["time"])
        if event["event"] == "start":
            known = self.trials.get(name)
            self.trials[name] = Timing(now, int(event["total"]))
            if known is not None:
                self.trials[name].share, self.trials[name].before = known.share, known.seconds(now)
            self._n_workers = max(self._n_workers, sum(trial.since is not None for trial in self.trials.values()))
            return
        trial = self.trials[name]
        if event["event"] == "report" and event["epoch"]:
            trial.share = min(1.0, event["epoch"] / trial.total)
            trial.last = trial.share, event.get("seconds", now)
            trial.first = trial.first or trial.last
        elif event["event"] != "report":
            self.end(name, now)

    def end(self, name: str, now: float) -> None:
        """Take notice that a trial is over."""
        trial = self.trials[name]
        trial.before, trial.since, trial.is_over = trial.seconds(now), None, True

    def pause(self, now: float) -> None:
        """Take notice that no process is at work: what was noted so far was an earlier run of the sweep."""
        for trial in self.trials.values():
            trial.before, trial.since = trial.seconds(now), None
        self._n_workers = 0

    def seconds(self, now: float) -> float | None:
        """Return the seconds that are left at a time; None as long as no trial has ended, or shown its pace."""
        timed = [trial for trial in self.trials.values() if trial.pace() is not None]
        if not timed or not any(trial.is_over or trial.share > 0.2 for trial in self.trials.values()):
            return None
        start = fmean(trial.start() for trial in timed)
        pace, stops = fmean(trial.pace() or 0.0 for trial in timed), self._stops()
        left = {name: _left(trial, pace, start, stops, now) for name, trial in self.trials.items()}
        each = fmean(trial.seconds(now) + left[name] for name, trial in self.trials.items())
        running = [left[name] for name, trial in self.trials.items() if trial.since is not None]
        waiting = [left[name] for name, trial in self.trials.items() if trial.since is None and not trial.is_over]
        idle = [0.0] * (self._n_workers - len(running))
        return _makespan([*running, *idle], [*waiting, *[each] * (self.n_trials - len(self.trials))])

    def _stops(self) -> list[tuple[float, float]]:
        """Return at which shares trials were stopped, and how likely a trial goes on there."""
        stopped = sorted(trial.share for trial in self.trials.values() if trial.is_over and trial.share < 1)
        found: dict[float, float] = {}
        for share in stopped:
            at_risk = sum(trial.share >= share for trial in self.trials.values())
            found[share] = 1 - stopped.count(share) / at_risk
        return list(found.items())


def _left(trial: Timing, pace: float, start: float, stops: Sequence[tuple[float, float]], now: float) -> float:
    """Return the seconds that a trial probably still takes; the others have this pace and this start."""
    if trial.is_over:
        return 0.0
    to_train = (trial.pace() or pace) * share_left(trial.share, stops)
    if trial.since is None:
        return to_train if trial.share else start + to_train
    if trial.last is None:
        return max(0.0, start + to_train - (now - trial.since))
    return max(0.0, to_train - max(0.0, now - trial.since - trial.last[1]))


def share_left(share: float, stops: Sequence[tuple[float, float]]) -> float:
    """Return how much of its training a trial has still to come, on average.

    Parameters
    ----------
    share : float in [0, 1]
        That is over.
    stops : sequence of (share, probability)
        Where trials may be stopped, in order, and how likely they go on there.

    Examples
    --------
    >>> share_left(0.5, []), share_left(0.0, [(0.1, 0.5)]), share_left(0.2, [(0.1, 0.5), (0.6, 0.0)])
    (0.5, 0.55, 0.4)
    """
    left, at, probability = 0.0, share, 1.0
    for place, goes_on in [*[stop for stop in stops if stop[0] > share], (1.0, 0.0)]:
        left += probability * (place - at)
        at, probability = place, probability * goes_on
    return round(left, 12)


def _makespan(running: Sequence[float], to_come: Sequence[float]) -> float:
    """Return the time until all are over, if each of those to come begins as soon as another one is over."""
    ends = list(running) or [0.0]
    heapq.heapify(ends)
    for seconds in to_come:
        heapq.heappush(ends, heapq.heappop(ends) + seconds)
    return max(ends)
