"""How configurations are chosen: Optuna's samplers, called by Ray Tune."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import optuna
from optuna.samplers import BaseSampler, RandomSampler, TPESampler
from optuna.trial import TrialState
from ray import cloudpickle
from ray.tune.search.optuna import OptunaSearch

from noisylabel.utils import write_whole


def _grouped_tpe(seed: int) -> BaseSampler:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return TPESampler(seed=seed, multivariate=True, group=True, constant_liar=True)


#: From a name and a seed to a sampler. Optuna 5's TPE is multivariate and made for parallel trials by default;
#: ``"tpe_grouped"`` also models parameters together that are drawn together, for spaces with conditions.
SEARCHERS: dict[str, Callable[[int], BaseSampler]] = {
    "tpe": lambda seed: TPESampler(seed=seed, constant_liar=True),
    "tpe_grouped": _grouped_tpe,
    "random": lambda seed: RandomSampler(seed=seed),
}


class SweepSearch(OptunaSearch):
    """Ray's search by Optuna, with what Ray 2.60 does otherwise put right.

    - Optuna is told that a trial failed if it raised or has no finite score; in Ray's, such a trial stays open.
    - It is told that a trial was pruned if it was stopped early; in Ray's, the score counts as a final one.
    - A score that a restarted trial reports for the second time is not passed on.
    - The state is saved with cloudpickle, so that it can hold spaces that were defined in a notebook, and it is saved
      whole or not at all.
    """

    def on_trial_result(self, trial_id: str, result: dict[str, Any]) -> None:
        """Pass a finite score on, if it is the first of its epoch."""
        trial, epoch = self._ot_trials[trial_id], int(result["epoch"])
        if trial_id in self._completed_trials or not math.isfinite(result[self.metric]):
            return
        if epoch not in self._ot_study.get_trials(deepcopy=False)[trial.number].intermediate_values:
            trial.report(result[self.metric], epoch)

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        """Tell how the trial ended."""
        if trial_id in self._completed_trials or trial_id not in self._ot_trials:
            return
        result = result or {}
        score = result.get(self.metric, math.nan)
        trial = self._ot_trials[trial_id]
        if error or result.get("failed") or not math.isfinite(score):
            self._ot_study.tell(trial, state=TrialState.FAIL)
        elif result.get("finished"):
            self._ot_study.tell(trial, score)
        else:
            self._ot_study.tell(trial, state=TrialState.PRUNED)
        self._completed_trials.add(trial_id)

    def save(self, checkpoint_path: str) -> None:
        """Write the state."""
        write_whole(Path(checkpoint_path), cloudpickle.dumps(self.__dict__))

    def restore(self, checkpoint_path: str) -> None:
        """Read the state."""
        self.__dict__.update(cloudpickle.loads(Path(checkpoint_path).read_bytes()))
