"""What the trials of a sweep say: pure functions of its results."""

import math
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import optuna
import pandas as pd

from noisylabel.exceptions import InvalidDataError
from sweeps.report.tables import SweepResults, describe_params, short_name

FEWEST_TRIALS = 8


def ranked(results: SweepResults) -> pd.DataFrame:
    """Return the trials, the best first, with their ranks.

    Only trials that were trained to the end have a rank. The score of a stopped trial is one of fewer epochs and says
    nothing next to theirs, so these and the failed ones follow in order of start.

    Parameters
    ----------
    results : SweepResults

    Returns
    -------
    DataFrame
        The trials with the column ``rank``: 1 is the best; missing for trials that are not done.
    """
    trials = results.trials
    is_done = (trials["state"] == "done") & trials["score"].notna()
    done = trials[is_done].sort_values("score", ascending=False, kind="stable")
    ordered = trials.loc[[*done.index, *trials.index[~is_done]]].reset_index(drop=True)
    ranks = [*range(1, len(done) + 1), *[pd.NA] * (len(trials) - len(done))]
    ordered.insert(0, "rank", pd.Series(ranks, dtype="Int64"))
    return ordered


def best_trial(results: SweepResults) -> "pd.Series[Any]":
    """Return the trial of the highest validation score among those trained to the end.

    Parameters
    ----------
    results : SweepResults

    Returns
    -------
    Series
        Its row of :func:`ranked`.

    Raises
    ------
    InvalidDataError
        If no trial is done.
    """
    trials = ranked(results)
    if trials.empty or pd.isna(trials["rank"].iloc[0]):
        raise InvalidDataError(_why_none_is_done(results.trials))
    return trials.iloc[0]


def near_ties(results: SweepResults) -> pd.DataFrame:
    """Return the trials that cannot be told from the best on these validation rows, the best first.

    The comparison is paired: with d = 1, 0 or -1 for a row that the best alone, both or neither, or the other alone had
    right, a trial is a tie if mean(d) is below twice its standard error, std(d) / sqrt(n).

    Parameters
    ----------
    results : SweepResults

    Returns
    -------
    DataFrame
        ``trial``, ``score``, ``difference`` (the mean of d, a fraction of the rows), ``se`` (its standard error),
        ``test_score`` and ``params``. Where it is not known which rows were right, the best alone; ``attrs["note"]``
        says so, and is "" otherwise.
    """
    best, trials, note = best_trial(results), ranked(results), ""
    trials = trials[trials["rank"].notna()]
    is_comparable = np.array([mask is not None for mask in trials["right"]])
    n_rows = results.manifest["n_valid"]
    if results.manifest["scoring"] != "accuracy" or not is_comparable[0] or n_rows < 2:
        is_comparable = np.arange(len(trials)) == 0
        note = "It is not known which validation rows each trial had right, so none is compared with the best."
    elif not is_comparable.all():
        note = f"{(~is_comparable).sum()} finished trials are not compared: which rows they had right is not known."
    trials = trials[is_comparable].assign(difference=0.0, se=0.0)
    if len(trials) > 1:
        trials[["difference", "se"]] = _differences(best["right"], trials["right"], n_rows)
    ties = trials[(trials["difference"] < 2 * trials["se"]) | (trials["difference"] <= 0)]
    ties = ties[["trial", "score", "difference", "se", "test_score", "params"]].reset_index(drop=True)
    ties.attrs["note"] = note
    return ties


def oracle_gap(results: SweepResults) -> dict[str, Any] | None:
    """Return what choosing by validation cost against choosing by the test data.

    The oracle picks the trial of the highest test score. It looks at the very data it is judged on and so is
    optimistic: even among equally good trials it finds the luckiest. The gap is an upper bound.

    Parameters
    ----------
    results : SweepResults

    Returns
    -------
    dict or None
        ``selected_test``, ``oracle_test``, ``gap`` (their difference, never negative), ``oracle_trial``, and
        ``ties_test``, the lowest and highest test score among :func:`near_ties`. None without a test score.
    """
    trials = ranked(results)
    tested = trials[trials["rank"].notna() & trials["test_score"].notna()]
    if tested.empty or tested["rank"].iloc[0] != 1:
        return None
    oracle = tested.iloc[int(tested["test_score"].argmax())]
    selected = float(tested["test_score"].iloc[0])
    ties = near_ties(results)["test_score"].dropna()
    return {
        "selected_test": selected,
        "oracle_test": float(oracle["test_score"]),
        "gap": float(oracle["test_score"]) - selected,
        "oracle_trial": str(oracle["trial"]),
        "ties_test": (float(ties.min()), float(ties.max())),
    }


def importances(results: SweepResults) -> "tuple[pd.Series[float], str]":
    """Return how much of the differences in score each tuned parameter explains on its own, by fANOVA.

    Not by Optuna's default, PED-ANOVA, which seldom found the one that mattered in made-up sweeps of 10 to 80 trials. A
    parameter that only some trials have is looked at among these, and counts by their part of the differences. Where
    trials were stopped early, scores of equal epochs are taken.

    Parameters
    ----------
    results : SweepResults

    Returns
    -------
    shares : Series
        By name, the largest first; fractions of the variance. Empty with fewer than 8 trials to go by.
    sentence : str
        What this was computed on.

    Raises
    ------
    InvalidDataError
        If the study's trials do not name the trials of the table.
    """
    nothing: pd.Series[float] = pd.Series(dtype=float)
    if results.study is None:
        return nothing, "Parameters changed in the course of training, so that no importance can be given to them."
    scores, basis = _comparable_scores(results)
    trials = _with_scores(results.study, scores)
    if len(trials) < FEWEST_TRIALS:
        return nothing, f"Importances need at least {FEWEST_TRIALS} trials with a score; there are {len(trials)}."
    if _variance(trials) == 0:
        return nothing, f"Nothing can be told apart: the score is the same in all of {basis}."
    shares, left_out = _shares(trials)
    sentence = f"From {basis}, by fANOVA. What is missing to 100 % is interplay of several parameters, and chance."
    if left_out:
        names = ", ".join(short_name(name) for name in left_out)
        sentence += f" Left out, as fewer than {FEWEST_TRIALS} of these trials have it: {names}."
    return pd.Series(shares, dtype=float).sort_values(ascending=False, kind="stable"), sentence


def best_by_noise(sweeps: Sequence[SweepResults]) -> pd.DataFrame:
    """Return the best configuration of each sweep, a row each.

    Parameters
    ----------
    sweeps : sequence of SweepResults

    Returns
    -------
    DataFrame
        ``dataset``, ``noise``, ``rate``, ``params`` (in words), ``score``, ``test_score``, ``gap`` (see
        :func:`oracle_gap`) and ``n_ties`` (other trials as good as the best). A sweep without a finished trial says so
        in ``params``.
    """
    return pd.DataFrame([_best_row(results) for results in sweeps])


def _why_none_is_done(trials: pd.DataFrame) -> str:
    n_failed = int((trials["state"] == "failed").sum())
    message = f"No trial was trained to the end, so there is no best one: {n_failed} of {len(trials)} failed"
    for error in trials["error"]:
        if error:
            return f"{message}, the first with: {error}"
    return f"{message}. Let the sweep finish, or give it more epochs or time."


def _right_rows(mask: bytes, n_rows: int) -> np.ndarray:
    """Return which rows a packed mask says are right, as 0.0 and 1.0."""
    if len(mask) != math.ceil(n_rows / 8):
        raise InvalidDataError(
            f"The column 'right' must hold a bit for each of the {n_rows} validation rows. Got {len(mask)} bytes. "
            "Pack with numpy.packbits, and let 'n_valid' count the same rows."
        )
    return np.unpackbits(np.frombuffer(mask, np.uint8), count=n_rows).astype(float)


def _differences(best: bytes, others: "pd.Series[Any]", n_rows: int) -> np.ndarray:
    """Return the mean difference of the best from each other trial and its standard error, a row a trial."""
    right = _right_rows(best, n_rows)
    differences = np.array([right - _right_rows(mask, n_rows) for mask in others])
    return np.stack([differences.mean(1), differences.std(1, ddof=1) / math.sqrt(n_rows)], axis=1)


def _best_row(results: SweepResults) -> dict[str, Any]:
    row = {name: results.manifest[name] for name in ("dataset", "noise", "rate")}
    nothing = {"params": "no trial was trained to the end", "score": np.nan, "test_score": np.nan, "gap": np.nan}
    if ranked(results)["rank"].isna().all():
        return {**row, **nothing, "n_ties": 0}
    best, gap = best_trial(results), oracle_gap(results)
    return {
        **row,
        "params": describe_params(best["params"]),
        "score": best["score"],
        "test_score": best["test_score"],
        "gap": gap["gap"] if gap else np.nan,
        "n_ties": len(near_ties(results)) - 1,
    }


def _comparable_scores(results: SweepResults) -> "tuple[pd.Series[float], str]":
    """Return scores of equal epochs by trial, and what they are in words."""
    trials = results.trials[results.trials["state"].isin(["done", "stopped"])]
    if (trials["state"] == "done").all():
        scores = trials.set_index("trial")["score"].dropna()
        return scores, f"the scores of {len(scores)} trials that were trained to the end"
    curves = results.curves.merge(trials[["trial", "epochs_before"]], on="trial").dropna(subset="score")
    curves["epoch"] -= curves["epochs_before"]
    curves = curves[curves["epoch"] > 0]  # a teacher's scores say little about its student
    last = curves.groupby("trial")["epoch"].max().min()
    scores = curves[curves["epoch"] == last].set_index("trial")["score"]
    return scores, (
        f"the scores of {len(scores)} trials after epoch {last}, the last that all of them reached as some were "
        "stopped early (what pays off only later does not show)"
    )


def _with_scores(study: optuna.Study, scores: "pd.Series[float]") -> list[optuna.trial.FrozenTrial]:
    """Return the study's trials as complete ones with these scores."""
    by_name = {trial.user_attrs.get("trial"): trial for trial in study.get_trials(deepcopy=False)}
    missing = [name for name in scores.index if name not in by_name]
    if missing:
        raise InvalidDataError(
            f"The study has no trial whose user attribute 'trial' is {missing[0]!r}. Set it to the name in the table."
        )
    return [
        optuna.trial.create_trial(params=by_name[name].params, distributions=by_name[name].distributions, value=score)
        for name, score in zip(scores.index, scores.astype(float), strict=True)
    ]


def _shares(trials: list[optuna.trial.FrozenTrial]) -> tuple[dict[str, float], list[str]]:
    """Return the share of each parameter, and the parameters that too few trials have."""
    shares, left_out = _fanova(trials), []
    for name in dict.fromkeys(name for trial in trials for name in trial.params):
        having = [trial for trial in trials if name in trial.params]
        if name not in shares and len(having) < FEWEST_TRIALS:
            left_out.append(name)
        elif name not in shares:
            part = len(having) * _variance(having) / (len(trials) * _variance(trials))
            shares[name] = part * _fanova(having).get(name, 0.0)
    return shares, left_out


def _variance(trials: list[optuna.trial.FrozenTrial]) -> float:
    return float(np.var(np.array([trial.value for trial in trials], float)))


def _fanova(trials: list[optuna.trial.FrozenTrial]) -> dict[str, float]:
    """Return the shares of the parameters that all of the trials have."""
    if _variance(trials) == 0:
        return {}
    with _quiet_optuna():
        study = optuna.create_study(direction="maximize")
        study.add_trials(trials)
        evaluator = optuna.importance.FanovaImportanceEvaluator(seed=0)
        return optuna.importance.get_param_importances(study, evaluator=evaluator, normalize=False)


@contextmanager
def _quiet_optuna() -> Iterator[None]:
    """Leave out the message of each new study, and the warning that shares of the variance are experimental."""
    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        optuna.logging.set_verbosity(verbosity)
