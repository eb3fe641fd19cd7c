"""What the page of a sweep shows, as plain values."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from noisylabel.exceptions import InvalidDataError
from sweeps.report.axes import Axis
from sweeps.report.front import pareto_front
from sweeps.report.ranking import best_by_noise, best_trial, importances, near_ties, oracle_gap, ranked
from sweeps.report.tables import (
    PARAM,
    SweepResults,
    describe_params,
    is_missing,
    plain_value,
    short_duration,
    short_name,
    tuned_parameters,
)

_LOG_FROM = 50  # where the study does not say: a parameter that spans so large a factor has a logarithmic axis
_MOST_TICKS = 6
_FACTS = {
    "dataset": "Data",
    "estimator": "Estimator",
    "n_train": "Training rows",
    "n_valid": "Validation rows",
    "n_classes": "Classes",
    "searcher": "Searcher",
    "scheduler": "Scheduler",
    "max_epochs": "Epochs of a full trial",
    "seed": "Seed",
    "command": "Command",
}


def report_summary(sweeps: Sequence[SweepResults]) -> dict[str, Any]:
    """Return what the page shows, as plain values.

    Parameters
    ----------
    sweeps : sequence of SweepResults

    Returns
    -------
    dict
        ``title``, ``best`` (a row a sweep; empty for one sweep) and ``sweeps``.
    """
    names = [str(results.manifest["name"]) for results in sweeps]
    table = best_by_noise(sweeps) if len(sweeps) > 1 else pd.DataFrame()
    return {
        "title": f"Sweep {names[0]}" if len(sweeps) == 1 else f"{len(sweeps)} sweeps",
        "best": [{name: plain_value(value) for name, value in row.items()} for row in _records(table)],
        "sweeps": [_sweep(results) for results in sweeps],
    }


def _sweep(results: SweepResults) -> dict[str, Any]:
    shares, sentence = importances(results)
    ties, names, shown = _ties(results), tuned_parameters(results), _with_final_values(results)
    tied = {row["trial"] for row in ties["rows"]}
    return {
        "name": str(results.manifest["name"]),
        "headline": _headline(results, ties),
        "notes": _notes(results),
        "numbers": _numbers(results),
        "axes": [_axis(shown, name) for name in names],
        "trials": [_trial(row, names, tied) for row in _records(ranked(shown))],
        "ties": ties,
        "importances": {"shares": [[short_name(str(k)), float(v)] for k, v in shares.items()], "sentence": sentence},
        "curves": _curves(results.curves),
        "front": _front(results),
        "gap": _gap(results),
        "schedule": [_stages(name, text) for name, text in (results.manifest.get("schedule") or {}).items()],
        "facts": _facts(results.manifest),
    }


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [dict(zip(table.columns, row, strict=True)) for row in table.itertuples(index=False, name=None)]


def _headline(results: SweepResults, ties: dict[str, Any]) -> str:
    """Say what was found in two or three sentences."""
    try:
        best, manifest = best_trial(results), results.manifest
    except InvalidDataError as error:  # none is done
        return str(error)
    n_done = int(ranked(results)["rank"].notna().sum())
    first = f"The best of {n_done} finished trials" if n_done > 1 else "The only finished trial"
    words = describe_params(best["params"]) or "no parameter was tuned"
    labels = "noisy" if manifest["validation"] == "noisy" else "trusted"
    scores = f"validation {manifest['scoring']} {best['score']:.3f} ({labels} labels)"
    if not is_missing(best["test_score"]):
        scores += f", test {best['test_score']:.3f}"
    told = f" {_told_apart(len(ties['rows']) - 1)}" if n_done > 1 and not ties["note"] else ""
    return f"{first} is {best['trial']}: {words}; {scores}.{told}"


def _told_apart(n_others: int) -> str:
    if n_others == 0:
        return "Every other one is worse on these validation rows, beyond chance."
    return f"{n_others} other{'s' if n_others > 1 else ''} cannot be told from it."


def _notes(results: SweepResults) -> list[str]:
    """Return what a reader should know before believing the numbers."""
    notes = []
    if results.manifest["validation"] == "noisy":
        notes.append(
            "The validation labels are noisy too. Scores on them are lower than on clean data; it is their order that "
            "counts."
        )
    if results.manifest.get("schedule"):
        notes.append("Parameters changed in the course of training; a trial is shown with the ones it ended with.")
    if results.manifest.get("extended_from"):
        steps = ", then ".join(map(str, [*results.manifest["extended_from"], results.manifest["n_trials"]]))
        notes.append(f"The sweep was extended: it had {steps} trials. Each step knew all trials before it.")
    n_failed = int((results.trials["state"] == "failed").sum())
    if n_failed:
        notes.append(f"{n_failed} of {len(results.trials)} trials failed; the table of all trials says why.")
    return notes


def _numbers(results: SweepResults) -> list[list[str]]:
    """Return the key numbers, each as a value, what stands beside it and what it is."""
    manifest, counts = results.manifest, results.trials["state"].value_counts()
    others = ", ".join(
        f"{counts.get(state, 0)} {words}"
        for state, words in [("stopped", "stopped early"), ("failed", "failed"), ("unfinished", "unfinished")]
    )
    spent, full = int(results.trials["epochs"].sum()), _full_epochs(results)
    return [
        [str(counts.get("done", 0)), f"of {manifest['n_trials']} trials", f"trained to the end; {others}"],
        [
            f"{100 * spent / full:.0f} %" if full else "0 %",
            f"{spent:,} epochs",
            f"of the {full:,} that a full random search would take",
        ],
        ["not known" if manifest["seconds"] is None else short_duration(manifest["seconds"]), "", "from start to end"],
    ]


def _full_epochs(results: SweepResults) -> int:
    """Return the epochs of all trials without a stop, of those that have not started as of the others on average."""
    known = results.trials["full_epochs"]
    return round(known.mean() * max(results.manifest["n_trials"], len(known))) if len(known) else 0


def _axis(results: SweepResults, name: str) -> Axis:
    """Return where a parameter's values lie: numbers between ``low`` and ``high``, names apart."""
    values = [plain_value(value) for value in results.trials[PARAM + name]]
    numbers = sorted({value for value in values if isinstance(value, int | float)})
    return {
        "name": name,
        "label": short_name(name),
        "low": numbers[0] if numbers else None,
        "high": numbers[-1] if numbers else None,
        "log": bool(numbers) and _is_log(results, name, numbers),
        "ticks": numbers if len(numbers) <= _MOST_TICKS else [],
        "names": sorted({value for value in values if isinstance(value, str)}),
        "missing": None in values,
    }


def _is_log(results: SweepResults, name: str, numbers: list[float]) -> bool:
    if numbers[0] <= 0:
        return False
    trials = results.study.get_trials(deepcopy=False) if results.study is not None else []
    drawn_from = [trial.distributions[name] for trial in trials if name in trial.distributions]
    if drawn_from:
        return any(getattr(distribution, "log", False) for distribution in drawn_from)
    return numbers[-1] / numbers[0] >= _LOG_FROM


def _trial(row: dict[str, Any], names: list[str], tied: set[str]) -> dict[str, Any]:
    shown = {name: plain_value(row[name]) for name in ("rank", "score", "test_score", "epochs", "seconds")}
    texts = {name: str(row[name]) for name in ("trial", "state", "error")}
    params = {name: plain_value(row[PARAM + name]) for name in names}
    role = _role(shown["rank"], texts, tied)
    return {**shown, **texts, "params": params, "words": describe_params(row["params"]), "role": role}


def _role(rank: Any, texts: dict[str, str], tied: set[str]) -> str:
    """Return what a trial is among the others, as its state and its rank say it."""
    if rank is None:
        return "unfinished" if texts["state"] == "done" else texts["state"]
    return "best" if rank == 1 else "tie" if texts["trial"] in tied else "other"


def _ties(results: SweepResults) -> dict[str, Any]:
    if ranked(results)["rank"].isna().all():
        return {"rows": [], "note": ""}
    ties = near_ties(results)
    rows = [
        {**{name: plain_value(row[name]) for name in row if name != "params"}, "words": describe_params(row["params"])}
        for row in _records(ties)
    ]
    return {"rows": rows, "note": ties.attrs["note"]}


def _front(results: SweepResults) -> list[dict[str, Any]]:
    """Return the trials that none beats in score and time; none where time was no objective."""
    if "seconds" not in results.manifest.get("objectives", ()):
        return []
    return [
        {**{name: plain_value(row[name]) for name in row if name != "params"}, "words": describe_params(row["params"])}
        for row in _records(pareto_front(results))
    ]


def _curves(curves: pd.DataFrame) -> dict[str, list[list[float]]]:
    """Return the points (epoch, score) of each trial, those without a score left out."""
    finite = curves[np.isfinite(curves["score"].to_numpy(float))].sort_values("epoch")
    return {
        str(trial): [[int(epoch), float(score)] for epoch, score in zip(own["epoch"], own["score"], strict=True)]
        for trial, own in finite.groupby("trial", sort=False)
    }


def _gap(results: SweepResults) -> str:
    """Say what choosing by validation cost on the test data, "" without test data."""
    gap = oracle_gap(results)
    if gap is None:
        return ""
    low, high = gap["ties_test"]
    chosen = f"The choice never saw the test data. The chosen trial scores {gap['selected_test']:.3f} there"
    if gap["gap"] == 0:
        return f"{chosen}, the highest test score of all finished trials."
    return (
        f"{chosen}; {gap['oracle_trial']} has the highest test score of all finished trials, {gap['oracle_test']:.3f}, "
        f"so choosing by validation cost at most {gap['gap']:.3f} (that trial is picked on the test data and so "
        f"flattered). The best and those that cannot be told from it score {low:.3f} to {high:.3f} on the test data."
    )


def _stages(name: str, value: Any) -> dict[str, Any]:
    """Return the stages of a schedule ``"value,percent,value,percent,..."``, each with where it starts and ends.

    A value alone holds for the whole training.
    """
    parts = [part.strip() for part in str(value).split(",")]
    values, percents = parts[::2], parts[1::2] or ["100"]
    if len(values) != len(percents) or not all(percent.isdecimal() for percent in percents):
        raise InvalidDataError(
            f"manifest['schedule'][{name!r}] must be 'value,percent,value,percent,...' in percents. Got {value!r}."
        )
    ends = np.cumsum([int(percent) for percent in percents]).tolist()
    stages = [list(stage) for stage in zip(values, [0, *ends], ends, strict=False)]
    return {"name": short_name(name), "is_number": all(map(_is_number, values)), "stages": stages}


def _with_final_values(results: SweepResults) -> SweepResults:
    """Return, after population-based training, the trials with the values that their schedules ended with."""
    if not results.manifest.get("schedule"):
        return results
    columns = [PARAM + name for name in tuned_parameters(results)]
    return replace(
        results, trials=results.trials.assign(**{name: results.trials[name].map(_final) for name in columns})
    )


def _final(value: Any) -> Any:
    if not isinstance(value, str) or "," not in value:
        return value
    last = value.split(",")[-2].strip()
    return float(last) if _is_number(last) else last


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def _facts(manifest: dict[str, Any]) -> list[list[str]]:
    """Return what was swept, as names and values."""
    facts = [[label, str(manifest[name])] for name, label in _FACTS.items() if not is_missing(manifest[name])]
    noise = "not known" if manifest["noise"] is None else str(manifest["noise"])
    for name, words in [("rate", "asked for"), ("realised_rate", "of the training labels changed")]:
        if not is_missing(manifest[name]):
            noise += f", {100 * manifest[name]:.3g} % {words}"
    labels = f"{manifest['scoring']} on {manifest['validation']} labels"
    versions = ", ".join(f"{name} {version}" for name, version in manifest["versions"].items())
    objectives = ", ".join(manifest.get("objectives", ["score"]))
    return [["Label noise", noise], ["Validation", labels], ["Objectives", objectives], *facts, ["Versions", versions]]
