"""Which trials go on: all of them, the better ones (ASHA), or copies of the better ones (PBT)."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ray.tune import Callback
from ray.tune.schedulers import ASHAScheduler, FIFOScheduler, PopulationBasedTraining, TrialScheduler

from noisylabel.exceptions import NoisyLabelError
from sweeps.trial.clock import Clock

TIME = "epoch"


class EpochASHA(ASHAScheduler):
    """Asynchronous successive halving that compares trials at equal epochs, and none during its burn-in.

    Epochs are those of the network that is kept: a teacher's do not count.

    At each rung, an epoch of comparison, the better half goes on. The rungs are closer to each other than Ray's, so
    that a trial with a long burn-in, in which it is not compared, has less time to wait for its first rung. And a score
    counts at the rung of its own epoch only: Ray writes the first score after a restart into each rung before it.

    Parameters
    ----------
    clocks : callable
        From a configuration to its :class:`~sweeps.trial.draws.Clock`.
    rungs : sequence of int
        Epochs at which trials are compared.
    """

    def __init__(self, clocks: Callable[[Mapping[str, Any]], Clock], rungs: Sequence[int]) -> None:
        super().__init__(time_attr=TIME, max_t=rungs[-1] + 1, grace_period=rungs[0], reduction_factor=2)
        self.clocks = clocks
        self._max_t = math.inf  # trials end by themselves
        self._brackets[0]._rungs = [(epoch, {}) for epoch in reversed(rungs)]

    def on_trial_result(self, tune_controller: Any, trial: Any, result: dict[str, Any]) -> str:
        """Compare at a rung's own epoch, after the trial's warm-up."""
        clock = self.clocks(trial.config)
        epoch, score = result[TIME] - clock.before, result[self._metric]
        if result.get("finished") or result.get("failed") or not math.isfinite(score):
            return str(TrialScheduler.CONTINUE)  # it ends by itself
        rungs = dict(self._trial_info[trial.trial_id]._rungs)
        if epoch <= clock.warm_up or trial.trial_id in rungs.get(epoch, {trial.trial_id}):
            return str(TrialScheduler.CONTINUE)
        return str(super().on_trial_result(tune_controller, trial, {**result, TIME: epoch}))

    def on_trial_complete(self, tune_controller: Any, trial: Any, result: dict[str, Any]) -> None:
        """Forget the trial; its last score belongs into no rung."""
        self._trial_info.pop(trial.trial_id, None)

    def state(self) -> Any:
        """Return what has been compared so far."""
        return [[(milestone, dict(scores)) for milestone, scores in b._rungs] for b in self._brackets]

    def restore_state(self, state: Any, trials: Sequence[Any]) -> None:
        """Take over what :meth:`state` returned."""
        for bracket, rungs in zip(self._brackets, state, strict=True):
            bracket._rungs = [(milestone, dict(scores)) for milestone, scores in rungs]


class CurriculumPBT(PopulationBasedTraining):
    """Population-based training of curriculum and percentile, whose scores survive a restart."""

    def on_trial_result(self, tune_controller: Any, trial: Any, result: dict[str, Any]) -> str:
        """Let a trial alone that is over."""
        if result.get("finished") or result.get("failed"):
            return str(TrialScheduler.CONTINUE)
        return str(super().on_trial_result(tune_controller, trial, result))

    def state(self) -> Any:
        """Return the scores of the population."""
        return {
            trial.trial_id: (s.last_score, s.last_train_time, s.last_perturbation_time)
            for trial, s in self._trial_state.items()
        }

    def restore_state(self, state: Any, trials: Sequence[Any]) -> None:
        """Take over what :meth:`state` returned."""
        for trial in trials:
            own = self._trial_state.get(trial)
            if own is not None and trial.trial_id in state:
                own.last_score, own.last_train_time, own.last_perturbation_time = state[trial.trial_id]


class RunAll(FIFOScheduler):
    """Stop nothing."""

    def state(self) -> Any:
        """Return nothing: there is nothing to remember."""
        return None

    def restore_state(self, state: Any, trials: Sequence[Any]) -> None:
        """Do nothing."""


class SchedulerMemory(Callback):
    """Save the scheduler's state with the sweep, which Ray does not do, and refuse to resume without the trials.

    Parameters
    ----------
    scheduler : EpochASHA, CurriculumPBT or RunAll
    n_known : int
        How many trials a resumed sweep must know, 0 for a new one.
    """

    def __init__(self, scheduler: Any, n_known: int = 0) -> None:
        self.scheduler = scheduler
        self.n_known = n_known
        self.saved: Any = None

    def get_state(self) -> dict[str, Any]:
        """Return what to write beside the sweep."""
        return {"scheduler": self.scheduler.state()}

    def set_state(self, state: dict[str, Any]) -> None:
        """Keep what was written until the trials are there."""
        self.saved = state["scheduler"]

    def on_step_begin(self, iteration: int, trials: list[Any], **info: Any) -> None:
        """Before anything runs: check that no trial was forgotten, and give the scheduler its memory back."""
        check_restored(len(trials), self.n_known)
        self.n_known = 0
        if self.saved is not None:
            self.scheduler.restore_state(self.saved, trials)
            self.saved = None


@dataclass(frozen=True)
class Plan:
    """What a scheduler must know of a sweep.

    Attributes
    ----------
    max_epochs : int
        Of the longest trial, without a teacher's.
    least_warm_up : int
        Epochs after which the first method may act.
    clocks : callable
        See :class:`EpochASHA`.
    """

    max_epochs: int
    least_warm_up: int
    clocks: Callable[[Mapping[str, Any]], Clock]


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


def _asha(plan: Plan) -> EpochASHA:
    return EpochASHA(plan.clocks, halving_rungs(plan.max_epochs, plan.least_warm_up))


#: From a name and the sweep's plan to a scheduler; ``"pbt"`` is made by :mod:`sweeps.engine.population`.
SCHEDULERS: dict[str, Callable[[Plan], Any]] = {"asha": _asha, "none": lambda plan: RunAll()}


def check_restored(n_found: int, n_known: int) -> None:
    """Refuse to go on if the restored sweep has forgotten trials.

    Raises
    ------
    NoisyLabelError
    """
    if n_found < n_known:
        raise NoisyLabelError(
            f"The sweep had {n_known} trials, and Ray restored {n_found}: it would start over. Nothing was run."
        )
