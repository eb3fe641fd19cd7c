"""Population-based training: curriculum and percentile change in the course of training, and the best changes stay."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from noisylabel.curricula import resolve_curriculum
from noisylabel.exceptions import InvalidParameterError
from noisylabel.utils import check_number
from sweeps.engine.schedulers import GIVE_WAY, GO_ON, Verdict
from sweeps.engine.trials import Trial
from sweeps.trial.clock import Clock

CURRICULA = ("uniform", "self_paced", "spcl_linear", "spcl_logarithmic", "mentornet_pd")
PERCENTILES = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
_CHANGES = 10
_QUANTILE = 0.25  # of the population that copies, and is copied
_RESAMPLED = 0.25  # probability that a copy draws a parameter anew, instead of taking the next smaller or larger value


def population_space(limits: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Return what a population tries: lists for ``curriculum`` and ``loss_percentile``.

    Parameters
    ----------
    limits : mapping
        Lists that replace the default ones, by the name of the parameter. Percentiles are fractions in [0, 1].

    Raises
    ------
    InvalidParameterError
        If a limit is of another parameter, is no list, or has a value that cannot change during training.
    """
    space: dict[str, list[Any]] = {"curriculum": list(CURRICULA), "loss_percentile": list(PERCENTILES)}
    for name, values in limits.items():
        if name not in space or not isinstance(values, list | tuple) or len(values) == 0:
            raise InvalidParameterError(
                f"scheduler='pbt' changes 'curriculum' and 'loss_percentile' during training, and 'limits' may have a "
                f"list for each. Got limits[{name!r}] = {values!r}. Set other parameters on the estimator."
            )
        space[name] = list(values)
    for name in space["curriculum"]:
        if not isinstance(name, str) or "," in name or name == "auto" or resolve_curriculum(name).history_length > 1:
            raise InvalidParameterError(
                f"scheduler='pbt' takes names of curricula that look at the latest loss only. Got {name!r}."
            )
    space["loss_percentile"] = sorted(
        check_number("limits['loss_percentile']", value, 0, 1) for value in space["loss_percentile"]
    )
    return space


@dataclass
class Member:
    """What is remembered of a trial.

    Attributes
    ----------
    score : float
        At its latest comparison.
    epoch : int
        Of that comparison, or of the one whose network it has copied.
    """

    score: float
    epoch: int


class Population:
    """Population-based training (Jaderberg et al., 2017): the worst quarter goes on from the networks of the best.

    Trials are compared after each tenth of the training, from the end of the burn-in on. One in the worst quarter
    takes over the network of one in the best, and that one's configuration with a change. What is drawn follows from
    the seed, the trial and the epoch, so that the same reports in the same order lead to the same population.

    Parameters
    ----------
    space : mapping
        As :func:`population_space` returns it.
    max_epochs : int
        Of a training.
    warm_up : int
        Epochs of the burn-in.
    seed : int

    Attributes
    ----------
    members : dict
        By number of the trial, those that were compared.
    """

    takes_turns = True

    def __init__(self, space: Mapping[str, Sequence[Any]], max_epochs: int, warm_up: int, seed: int) -> None:
        self.space = space
        self.interval = change_interval(max_epochs)
        self.first = self.interval * math.ceil((warm_up + 1) / self.interval)  # there is a checkpoint at multiples only
        self.seed = seed
        self.members: dict[int, Member] = {}

    def draw(self, number: int) -> tuple[dict[str, Any], dict[str, str]]:
        """Return the configuration that a trial begins with; it was drawn from no distributions of Optuna's."""
        rng = np.random.default_rng([self.seed, number])
        return {name: _one_of(values, rng) for name, values in self.space.items()}, {}

    def draw_again(self, params: Mapping[str, Any], drawn_from: Mapping[str, str]) -> None:
        """Do nothing: what is drawn does not depend on what was."""

    def report(self, trial: Trial) -> None:
        """Do nothing; see :meth:`judge`."""

    def end(self, trial: Trial) -> None:
        """Do nothing."""

    def questions(self, clock: Clock) -> frozenset[int]:
        """Return the epochs of which there are checkpoints."""
        return frozenset(range(self.interval, clock.total, self.interval))

    def judge(self, trial: Trial, trials: Sequence[Trial]) -> Verdict:
        """Compare with the others."""
        known = self.members.get(trial.number)
        if trial.epoch < self.first or (known and trial.epoch - known.epoch < self.interval):
            return GO_ON
        if "checkpoint" not in trial.last:
            return GO_ON
        member = self.members[trial.number] = Member(trial.score, trial.epoch)
        worst, best = self._quarters(trials)
        if trial not in worst:
            return GIVE_WAY
        rng = np.random.default_rng([self.seed, trial.number, trial.epoch])
        model = _one_of(best, rng)
        member.epoch = self.members[model.number].epoch
        return Verdict(gives_way=True, model=model, params=self._changed(model.params, rng))

    def _quarters(self, trials: Sequence[Trial]) -> tuple[list[Trial], list[Trial]]:
        """Return the worst and the best of the trials that were compared and are not over."""
        compared = [trial for trial in trials if trial.number in self.members and not trial.is_over]
        compared.sort(key=lambda trial: self.members[trial.number].score)
        n = min(math.ceil(_QUANTILE * len(compared)), len(compared) // 2)
        return compared[:n], compared[len(compared) - n :]

    def _changed(self, params: Mapping[str, Any], rng: np.random.Generator) -> dict[str, Any]:
        """Return a configuration near another one."""
        changed = {}
        for name, values in self.space.items():
            if rng.random() < _RESAMPLED or params[name] not in values:
                changed[name] = _one_of(values, rng)
            else:
                place = list(values).index(params[name]) + int(rng.choice([-1, 1]))
                changed[name] = values[min(max(place, 0), len(values) - 1)]
        return changed


def _one_of(values: Sequence[Any], rng: np.random.Generator) -> Any:
    return values[int(rng.integers(len(values)))]


def change_interval(max_epochs: int) -> int:
    """Return the epochs between two changes: a tenth of the training, at least one."""
    return max(1, round(max_epochs / _CHANGES))
