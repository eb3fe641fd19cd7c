"""Which trials go on: all of them, the better ones (ASHA), or copies of the better ones (:mod:`.population`)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from sweeps.engine.trials import Trial
from sweeps.trial.clock import Clock


@dataclass(frozen=True)
class Verdict:
    """What becomes of a trial after a report.

    Attributes
    ----------
    stops : bool
        It ends here.
    gives_way : bool
        It makes room for a trial that is behind, if one waits, and goes on later.
    model : Trial or None
        It goes on from the network of this one,
    params : dict or None
        with this configuration.
    """

    stops: bool = False
    gives_way: bool = False
    model: Trial | None = None
    params: dict[str, Any] | None = None


GO_ON, STOP, GIVE_WAY = Verdict(), Verdict(stops=True), Verdict(gives_way=True)


class Scheduler(Protocol):
    """Judges trials by their reports, and by nothing else: the same reports in the same order, the same verdicts."""

    #: Whether the trial that is behind goes first.
    takes_turns: bool

    def questions(self, clock: Clock) -> frozenset[int]:
        """Return the epochs after which a trial must wait for the verdict, a teacher's included."""

    def judge(self, trial: Trial, trials: Sequence[Trial]) -> Verdict:
        """Return what becomes of a trial, one of all trials, after its latest report."""


class RunAll:
    """Stop nothing."""

    takes_turns = False

    def questions(self, clock: Clock) -> frozenset[int]:
        """Return no epoch."""
        return frozenset()

    def judge(self, trial: Trial, trials: Sequence[Trial]) -> Verdict:
        """Let it go on."""
        return GO_ON


class EpochASHA:
    """Asynchronous successive halving that compares trials at equal epochs, and none during its burn-in.

    Epochs are those of the network that is kept: a teacher's do not count. At each rung, an epoch of comparison, a
    trial stops if its score is below the median of those that were there before it. The rungs are closer to each other
    than usual, so that a trial with a long burn-in, in which it is not compared, waits less for its first rung.

    Parameters
    ----------
    rungs : sequence of int
        Epochs at which trials are compared.

    Attributes
    ----------
    compared : dict
        From a rung to the scores so far, by number of the trial.
    """

    takes_turns = False

    def __init__(self, rungs: Sequence[int]) -> None:
        self.compared: dict[int, dict[int, float]] = {rung: {} for rung in rungs}

    def questions(self, clock: Clock) -> frozenset[int]:
        """Return the rungs after the burn-in."""
        return frozenset(clock.before + rung for rung in self.compared if rung > clock.warm_up)

    def judge(self, trial: Trial, trials: Sequence[Trial]) -> Verdict:
        """Compare at a rung, once."""
        scores = self.compared.get(trial.epoch - trial.clock.before)
        if trial.epoch not in self.questions(trial.clock) or scores is None or trial.number in scores:
            return GO_ON
        is_behind = bool(scores) and trial.score < float(np.median(list(scores.values())))
        scores[trial.number] = trial.score
        return STOP if is_behind else GO_ON


@dataclass(frozen=True)
class Plan:
    """What a scheduler must know of a sweep.

    Attributes
    ----------
    max_epochs : int
        Of the longest trial, without a teacher's.
    least_warm_up : int
        Epochs after which the first method may act.
    """

    max_epochs: int
    least_warm_up: int


def halving_rungs(max_epochs: int, least_warm_up: int) -> list[int]:
    """Return the epochs of comparison.

    The first is after a ninth of the training, and after the shortest burn-in. Each further one is 1.7 times as late,
    and none is in the last quarter.

    Parameters
    ----------
    max_epochs : int
        Of the longest training.
    least_warm_up : int
        Epochs of the shortest burn-in.

    Examples
    --------
    >>> halving_rungs(50, 0), halving_rungs(60, 30), halving_rungs(3, 0)
    ([6, 10, 17, 29], [31], [1, 2])
    """
    rungs = [max(1, round(max_epochs / 9), least_warm_up + 1)]
    while round(1.7 * rungs[-1]) < 0.75 * max_epochs and round(1.7 * rungs[-1]) > rungs[-1]:
        rungs.append(round(1.7 * rungs[-1]))
    return rungs


def _asha(plan: Plan) -> Scheduler:
    return EpochASHA(halving_rungs(plan.max_epochs, plan.least_warm_up))


#: From a name and the sweep's plan to a scheduler; ``"pbt"`` is made by :mod:`sweeps.engine.population`.
SCHEDULERS: dict[str, Callable[[Plan], Scheduler]] = {"asha": _asha, "none": lambda plan: RunAll()}
