"""The trials of a sweep as an Optuna study, for Optuna's own analyses and its dashboard."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import optuna
import pandas as pd
from optuna.distributions import BaseDistribution
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState

JOURNAL_FILE = "optuna.journal"
_STATES = {"done": TrialState.COMPLETE, "stopped": TrialState.PRUNED, "failed": TrialState.FAIL}


def as_study(
    trials: pd.DataFrame, curves: pd.DataFrame, distributions: Mapping[str, Mapping[str, BaseDistribution]]
) -> optuna.Study:
    """Return the ended trials as a study.

    Parameters
    ----------
    trials, curves : DataFrame
        As :class:`sweeps.report.tables.SweepResults` has them.
    distributions : mapping
        What the parameters of each trial were drawn from, in the trials' order.
    """
    study = optuna.create_study(direction="maximize", study_name="sweep")
    by_trial = {name: rows for name, rows in curves.groupby("trial")}
    for row, kinds in zip(trials.to_dict("records"), distributions.values(), strict=True):
        state = _STATES.get(row["state"])
        if state is not None:
            study.add_trial(_frozen(row, state, by_trial.get(row["trial"]), kinds))
    return study


def _frozen(
    row: Any, state: TrialState, curve: pd.DataFrame | None, kinds: Mapping[str, BaseDistribution]
) -> optuna.trial.FrozenTrial:
    values = {} if curve is None else dict(zip(curve["epoch"].tolist(), curve["score"].tolist(), strict=True))
    return optuna.trial.create_trial(
        state=state,
        value=row["score"] if state == TrialState.COMPLETE else None,
        params={name: row["params"][name] for name in kinds},
        distributions=dict(kinds),
        intermediate_values=values,
        user_attrs={"trial": row["trial"], "error": row["error"]},
    )


def save_study(study: optuna.Study, folder: Path) -> Path:
    """Write the study as an Optuna journal, anew, and return its path."""
    path = folder / JOURNAL_FILE
    partial = folder / f".{JOURNAL_FILE}.part"
    partial.unlink(missing_ok=True)
    storage = JournalStorage(JournalFileBackend(str(partial)))
    copy = optuna.create_study(storage=storage, study_name=study.study_name, direction="maximize")
    copy.add_trials(study.trials)
    partial.replace(path)
    return path
