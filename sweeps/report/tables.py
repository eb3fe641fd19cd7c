"""What a sweep found, as tables."""

import json
import math
from dataclasses import dataclass
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from noisylabel.utils import write_csv, written_whole

if TYPE_CHECKING:
    import optuna

PARAM = "param_"
_SHORT_NAMES = {"loss_percentile": "percentile"}


@dataclass(frozen=True)
class SweepResults:
    """What a sweep found.

    Attributes
    ----------
    manifest : dict
        What was swept: ``name``, ``estimator``, ``dataset``, ``noise``, ``rate``, ``realised_rate``, ``n_train``,
        ``n_valid``, ``validation`` ("noisy" or "trusted"), ``scoring``, ``max_epochs``, ``n_trials``, ``searcher``,
        ``scheduler``, ``seed``, ``n_classes``, ``versions``, ``command``, ``seconds``; after population-based training
        also ``schedule``, which maps a parameter to ``"value,percent,value,percent,..."``.
    trials : DataFrame
        A row a trial, in order of start. ``trial`` is its name. ``state`` is "done" (trained to the end), "stopped"
        (by the scheduler), "failed" or "unfinished". ``score`` is the validation score after the last epoch it
        reached, higher is better; ``test_score`` is on clean test data, of done trials, if there were such data;
        NaN stands for none. ``epochs`` are those it had, ``full_epochs`` those of its whole training,
        ``epochs_before`` those of them that were a teacher's. Further ``seconds``, ``error`` ("" for none), ``right``
        (which validation rows the final network predicted right: the bytes of ``numpy.packbits``, or None), ``params``
        (a dict), and a column ``param_<name>`` for each tuned parameter, without a value where it was not drawn.
    curves : DataFrame
        ``trial``, ``epoch`` (from 1) and ``score``: each trial's validation score by epoch.
    study : optuna.Study or None
        The finished trials, each with the user attribute ``trial``, its name: COMPLETE if done, PRUNED if stopped,
        FAIL if failed. None after population-based training.
    """

    manifest: dict[str, Any]
    trials: pd.DataFrame
    curves: pd.DataFrame
    study: "optuna.Study | None" = None


def save_tables(results: SweepResults, folder: str | Path) -> list[Path]:
    """Write the tables for use elsewhere: the trials as CSV and Parquet, the curves as Parquet.

    Which rows each trial had right is left out. A Parquet column has one type, so that a parameter which is a number
    here and a text there becomes text; ``params`` is JSON.

    Parameters
    ----------
    results : SweepResults
    folder : str or Path
        Is made if it is not there.

    Returns
    -------
    list of Path
        ``trials.csv``, ``trials.parquet`` and ``curves.parquet``.
    """
    csv, parquet, curves = (Path(folder) / name for name in ("trials.csv", "trials.parquet", "curves.parquet"))
    trials = results.trials.drop(columns="right", errors="ignore")
    trials["params"] = [json.dumps(params, default=str) for params in trials["params"]]
    write_csv(trials, csv)
    uniform = trials.apply(_of_one_type)
    written_whole(parquet, lambda path: uniform.to_parquet(path, index=False))
    written_whole(curves, lambda path: results.curves.to_parquet(path, index=False))
    return [csv, parquet, curves]


def tuned_parameters(results: SweepResults) -> list[str]:
    """Return the names of the tuned parameters, in the order of the table's columns.

    Parameters
    ----------
    results : SweepResults

    Returns
    -------
    list of str
    """
    return [name.removeprefix(PARAM) for name in results.trials.columns if name.startswith(PARAM)]


def describe_params(params: dict[str, Any]) -> str:
    """Say a configuration in a few words.

    Parameters
    ----------
    params : dict
        Parameters without a value are left out.

    Returns
    -------
    str

    Examples
    --------
    >>> describe_params({"curriculum": "spcl_linear", "curriculum__gamma": 2.0, "loss_percentile": 0.7, "lr": 0.00123})
    'curriculum spcl_linear, gamma 2, percentile 0.7, lr 0.00123'
    """
    drawn = {name: value for name, value in params.items() if not is_missing(value)}
    return ", ".join(f"{short_name(name)} {short_value(value)}" for name, value in drawn.items())


def short_duration(seconds: float) -> str:
    """Return a duration in words.

    Parameters
    ----------
    seconds : float

    Returns
    -------
    str

    Examples
    --------
    >>> short_duration(42), short_duration(1200), short_duration(9000)
    ('42 s', '20.0 min', '2.5 h')
    """
    for unit, length in [("h", 3600), ("min", 60)]:
        if seconds >= 2 * length:
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds:.0f} s"


def short_name(name: str) -> str:
    """Return a parameter's name as people say it.

    Parameters
    ----------
    name : str

    Returns
    -------
    str
    """
    name = name.rsplit("__", 1)[-1]
    return _SHORT_NAMES.get(name, name.replace("_", " "))


def short_value(value: Any) -> str:
    """Return a parameter's value as a short text.

    Parameters
    ----------
    value : object

    Returns
    -------
    str
    """
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def is_missing(value: Any) -> bool:
    """Whether a parameter has no value because it was not drawn.

    Parameters
    ----------
    value : object

    Returns
    -------
    bool
    """
    return value is None or value is pd.NA or (isinstance(value, Real) and math.isnan(value))


def plain_value(value: Any) -> int | float | str | None:
    """Return a value as JSON has it: a finite number as a number, a missing one as None, anything else as a text.

    Parameters
    ----------
    value : object

    Returns
    -------
    int, float, str or None
    """
    if is_missing(value):
        return None
    if not isinstance(value, Real) or isinstance(value, bool):
        return str(value)
    number = float(value)
    if math.isinf(number):
        return None
    return int(number) if number.is_integer() else number


def _of_one_type(column: "pd.Series[Any]") -> "pd.Series[Any]":
    """Return numbers as numbers, booleans as booleans, and any other column of objects as texts."""
    if column.dtype != object:
        return column
    values = column.dropna()
    if all(isinstance(value, bool) for value in values):
        return column.astype("boolean")
    if all(isinstance(value, int | float) for value in values):
        return column.astype(float)
    return column.map(str, na_action="ignore")
