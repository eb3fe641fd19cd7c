"""How configurations are chosen: Optuna's samplers; and the trials as an Optuna study, for Optuna's own analyses."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pandas as pd
from optuna.distributions import BaseDistribution, distribution_to_json
from optuna.samplers import BaseSampler, RandomSampler, TPESampler
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.study import StudyDirection
from optuna.trial import TrialState

from noisylabel.exceptions import InvalidFileError
from sweeps.engine.trials import DONE, FAILED, STOPPED, Trial
from sweeps.trial.draws import BoundSpace

JOURNAL_FILE = "optuna.journal"
_STATES = {DONE: TrialState.COMPLETE, STOPPED: TrialState.PRUNED, FAILED: TrialState.FAIL}


def _grouped_tpe(seed: int) -> BaseSampler:
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


#: From what is sought to whether more or less of it is better.
OBJECTIVES = {"score": StudyDirection.MAXIMIZE, "seconds": StudyDirection.MINIMIZE}


class Searcher:
    """Draws configurations, and is told what became of them.

    Each trial is drawn by a sampler of its own, whose seed follows from the sweep's and the number of the trial. So a
    configuration follows from the seed and from what was told before, and a sweep that goes on draws what it would
    have drawn.

    Parameters
    ----------
    bound : BoundSpace
        What is drawn from. The first configuration is the estimator's own, as far as the space allows.
    make_sampler : callable
        A value of :data:`SEARCHERS`.
    seed : int
    objectives : sequence of str, default=("score",)
        Keys of :data:`OBJECTIVES`. With several, a sampler looks for configurations that none beats in all.
    """

    def __init__(
        self,
        bound: BoundSpace,
        make_sampler: Callable[[int], BaseSampler],
        seed: int,
        objectives: Sequence[str] = ("score",),
    ) -> None:
        self.bound = bound
        self.make_sampler = make_sampler
        self.seed = seed
        self.objectives = objectives
        self.study = optuna.create_study(directions=_directions(objectives), sampler=RandomSampler(seed=0))
        self._asked: list[optuna.Trial] = []

    def draw(self, number: int) -> tuple[dict[str, Any], dict[str, str]]:
        """Return the configuration of the next trial, and the distributions that it was drawn from, as JSON."""
        seed = int(np.random.SeedSequence([self.seed, number]).generate_state(1)[0])
        self.study.sampler = self.make_sampler(seed)
        if number == 0:
            self.study.enqueue_trial(self.bound.own())
        return self._ask()

    def draw_again(self, params: Mapping[str, Any], drawn_from: Mapping[str, str]) -> None:
        """Take over a configuration that was drawn before.

        Raises
        ------
        InvalidFileError
            If the space does not have it.
        """
        self.study.sampler = RandomSampler(seed=0)
        found: dict[str, Any] = {}
        with warnings.catch_warnings(), suppress(ValueError, KeyError, UserWarning):
            warnings.simplefilter("error", UserWarning)  # of a value that is out of range
            self.study.enqueue_trial({name: params[name] for name in drawn_from})
            found, _ = self._ask()
        if found != dict(params):
            raise InvalidFileError(f"The space does not have the configuration {dict(params)}. Nothing was run.")

    def _ask(self) -> tuple[dict[str, Any], dict[str, str]]:
        trial = self.study.ask()
        fixed = self.bound(trial)
        self._asked.append(trial)
        return {**fixed, **trial.params}, {k: distribution_to_json(kind) for k, kind in trial.distributions.items()}

    def report(self, trial: Trial) -> None:
        """Tell a score, if it is the first of its epoch: a trial that goes on from a checkpoint repeats some."""
        asked = self._asked[trial.number]
        if len(self.objectives) > 1:
            return  # Optuna compares trials in their course by one objective only
        if trial.epoch not in self.study.get_trials(deepcopy=False)[trial.number].intermediate_values:
            asked.report(trial.score, trial.epoch)

    def end(self, trial: Trial) -> None:
        """Tell how a trial ended."""
        values = [getattr(trial, name) for name in self.objectives] if trial.state == DONE else None
        self.study.tell(trial.number, values, state=_STATES[trial.state])


def _directions(objectives: Sequence[str]) -> list[StudyDirection]:
    return [OBJECTIVES[name] for name in objectives]


def as_study(
    trials: pd.DataFrame,
    curves: pd.DataFrame,
    distributions: Mapping[str, Mapping[str, BaseDistribution]],
    objectives: Sequence[str] = ("score",),
) -> optuna.Study:
    """Return the ended trials as a study.

    Parameters
    ----------
    trials, curves : DataFrame
        As :class:`sweeps.report.tables.SweepResults` has them.
    distributions : mapping
        What the parameters of each trial were drawn from, in the trials' order.
    objectives : sequence of str, default=("score",)
        Columns of ``trials``.
    """
    study = optuna.create_study(directions=_directions(objectives), study_name="sweep")
    by_trial = {name: rows for name, rows in curves.groupby("trial")}
    for row, kinds in zip(trials.to_dict("records"), distributions.values(), strict=True):
        state = _STATES.get(row["state"])
        if state is not None:
            values = [row[name] for name in objectives] if state == TrialState.COMPLETE else None
            study.add_trial(_frozen(row, state, by_trial.get(row["trial"]), kinds, values))
    return study


def _frozen(
    row: Any,
    state: TrialState,
    curve: pd.DataFrame | None,
    kinds: Mapping[str, BaseDistribution],
    values: list[float] | None,
) -> optuna.trial.FrozenTrial:
    scores = {} if curve is None else dict(zip(curve["epoch"].tolist(), curve["score"].tolist(), strict=True))
    return optuna.trial.create_trial(
        state=state,
        values=values,
        params={name: row["params"][name] for name in kinds},
        distributions=dict(kinds),
        intermediate_values=scores,
        user_attrs={"trial": row["trial"], "error": row["error"]},
    )


def save_study(study: optuna.Study, folder: Path) -> Path:
    """Write the study as an Optuna journal, anew, and return its path."""
    path = folder / JOURNAL_FILE
    partial = folder / f".{JOURNAL_FILE}.part"
    partial.unlink(missing_ok=True)
    storage = JournalStorage(JournalFileBackend(str(partial)))
    copy = optuna.create_study(storage=storage, study_name=study.study_name, directions=study.directions)
    copy.add_trials(study.trials)
    partial.replace(path)
    return path
