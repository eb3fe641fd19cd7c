"""How configurations are chosen: Optuna's samplers, in Ray Tune's hands."""

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
    """Optuna's search with four things mended that Ray 2.60's has otherwise.

    A trial that failed or has no finite score is told as failed, and does not stay open; one that was stopped early is
    told as pruned, and not as if its score were final; the state is saved with cloudpickle, so that spaces of a
    notebook survive; and it is saved whole or not at all.
    """

    def on_trial_result(self, trial_id: str, result: dict[str, Any]) -> None:
        """Pass a finite score on."""
        if trial_id not in self._completed_trials and math.isfinite(result[self.metric]):
            self._ot_trials[trial_id].report(result[self.metric], int(result["epoch"]))

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
