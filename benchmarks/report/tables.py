"""Tables from results."""

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.cells.rows import load_rows
from benchmarks.cells.store import RESULTS
from benchmarks.report.reference import load_references
from noisylabel.exceptions import InvalidDataError

KEYS = ["profile", "dataset", "noise", "rate", "method"]
METRICS = ["last", "selected", "oracle"]
GAPS = ["oracle_gap_last", "oracle_gap_selected"]
SHOWN = ["profile", "noise", "rate", "method", "n", *METRICS, "ece", "detection_ap", "seconds"]  # on a terminal
_LOST = 0.1


def result_table(results: list[dict[str, Any]]) -> pd.DataFrame:
    """Return a row a run: the cell, its accuracies on clean test labels, and seconds."""
    return pd.DataFrame([_run(result) for result in results])


def _run(result: dict[str, Any]) -> dict[str, Any]:
    cell, metrics = result["cell"], result["metrics"]
    # human labels have no nominal rate: all seeds share the realised one, in tenths
    rate = round(result["manifest"]["realised_rate"], 1) if cell["rate"] is None else cell["rate"]
    return {
        "profile": cell["profile"],
        "dataset": result["dataset"],
        "noise": cell["noise"],
        "rate": rate,
        "method": cell["method"],
        "seed": cell["seed"],
        **{key: metrics[key] for key in METRICS},
        **{f"oracle_gap_{key}": 100 * (metrics["oracle"] - metrics[key]) for key in ("last", "selected")},
        "ece": _number(metrics.get("ece")),  # older results have none
        "detection_ap": _number(metrics.get("detection_ap")),
        "weight_right": metrics["weight_right"],
        "weight_wrong": metrics["weight_wrong"],
        "lost": _lost_classes(metrics),
        "seconds": metrics["seconds"],
        "machine": machine_of(result["environment"]),
        "commit": result["environment"]["commit"],
        "measured": result.get("measured", ""),  # older results have no date
        "edited": ", ".join(result.get("edited_after_measuring", [])),
    }


def _number(value: float | None) -> float:
    return float("nan") if value is None else value


def _lost_classes(metrics: dict[str, Any]) -> float:
    """Count the classes whose right labels have a mean weight below 0.1; NaN for results that do not say."""
    weights = metrics.get("weight_right_by_class")
    return float("nan") if weights is None else float(sum(weight is not None and weight < _LOST for weight in weights))


def machine_of(environment: dict[str, Any]) -> str:
    """Return what seconds depend on: processor, cores and device, and how many runs shared them if that is known."""
    device, jobs = environment.get("device", "cpu"), environment.get("jobs", 1)  # older results are of a processor
    parts = [environment["cpu"], f"{environment['cores']} cores"]
    parts += [device] if device != "cpu" else []
    return ", ".join(parts + ([f"{jobs} runs at a time"] if jobs != 1 else []))


def load_results(folder: Path = RESULTS) -> list[dict[str, Any]]:
    """Return all results below a folder.

    Raises
    ------
    InvalidDataError
        If there are none.
    """
    results = load_rows(folder)
    if not results:
        raise InvalidDataError(f"No results in {folder}. Run: python -m benchmarks run --profile smoke")
    return results


def history(runs: pd.DataFrame) -> pd.DataFrame:
    """Return a row a run, the older ones of a cell before its newest.

    With ``commit`` and ``measured`` (UTC) as far as they are known, and as ``edited`` what was changed in the record
    after the run, from before records were never changed.

    Parameters
    ----------
    runs : DataFrame
        From :func:`result_table`, of all rows.
    """
    cell = ["profile", "noise", "rate", "method", "seed"]
    table = runs.assign(commit=runs["commit"].str[:7]).sort_values(cell, kind="stable")
    return table[[*cell, *METRICS, "seconds", "commit", "measured", "edited"]].round(4)


def report_table(folder: Path = RESULTS) -> pd.DataFrame:
    """Return the :func:`summary` of all results below a folder."""
    return summary(result_table(load_results(folder)))


def summary(runs: pd.DataFrame) -> pd.DataFrame:
    """Return mean and standard deviation over seeds, a row a profile, noise and method.

    ``last``: last epoch. ``selected``: the epoch with the best accuracy on noisy validation labels. ``oracle``: the
    best of the epochs at which the test set was looked at, which nobody can choose in practice. ``oracle_gap_last``
    and ``oracle_gap_selected``: how far these two are behind it, in points (hundredths of accuracy). ``ece``: expected
    calibration error of the last epoch on the test set, in [0, 1]. ``detection_ap``: average precision with which the
    run finds the wrong labels, in [0, 1]. These two are NaN unless all seeds have them. ``seconds`` is NaN if the
    seeds were not all run on one machine, since times of different machines have no common mean.

    Parameters
    ----------
    runs : DataFrame
        From :func:`result_table`.
    """
    groups = runs.groupby(KEYS, sort=False)
    table = groups.size().rename("n").to_frame()
    for metric in (*METRICS, *GAPS, "ece", "detection_ap"):
        is_known = groups[metric].count() == table["n"]
        table[metric] = groups[metric].mean().where(is_known)
        table[f"{metric}_std"] = groups[metric].std().where(is_known)
    for extra in ("weight_right", "weight_wrong", "lost", "seconds"):
        table[extra] = groups[extra].mean()
    table["machine"] = groups["machine"].agg(lambda names: "; ".join(sorted(set(names))))
    table["seconds"] = table["seconds"].where(groups["machine"].nunique() == 1)
    return _in_order(table.reset_index())


def _in_order(table: pd.DataFrame) -> pd.DataFrame:
    """Sort by noise and method, plain training first."""
    order = ["plain", "plain_tuned"]
    rank = table["method"].map({name: i for i, name in enumerate(order)}).fillna(len(order))
    return (
        table.assign(rank=rank).sort_values([*KEYS[:4], "rank", "method"]).drop(columns="rank").reset_index(drop=True)
    )


def markdown(table: pd.DataFrame) -> str:
    """Return the table as Markdown: a block a profile and noise, accuracies in percent, mean ± standard deviation.

    The calibration error and the average precision of detection are in it, in percent too, if any row has one. A dash
    stands for the minutes of runs on several machines.
    """
    metrics = [*METRICS, *(name for name in ("ece", "detection_ap") if table[name].notna().any())]

    def cells(row: pd.Series) -> list[str]:
        weights = f"{row['weight_right']:.2f} / {row['weight_wrong']:.2f}"
        gaps = " / ".join(f"{row[gap]:.1f}" for gap in GAPS)
        minutes = "-" if pd.isna(row["seconds"]) else f"{row['seconds'] / 60:.1f}"
        return [*(_accuracy(row, metric) for metric in metrics), weights, gaps, minutes]

    names = [metric.replace("_ap", " AP") for metric in metrics]
    behind = "last / selected behind oracle"
    return _blocks(table, [*names, "weight of right / wrong labels", behind, "minutes"], cells)


def markdown_collapse(table: pd.DataFrame) -> str:
    """Return, as Markdown, how far the last epoch falls behind the best, and how many classes were lost on the way."""

    def cells(row: pd.Series) -> list[str]:
        lost = "" if pd.isna(row["lost"]) else f"{row['lost']:.1f}"
        return [_accuracy(row, "last"), _accuracy(row, "oracle"), f"{row['last'] / row['oracle']:.2f}", lost]

    return _blocks(table, ["last", "best epoch", "last / best", "classes lost"], cells)


def _blocks(table: pd.DataFrame, columns: list[str], cells: Callable[[pd.Series], list[str]]) -> str:
    """Return a Markdown table for each profile and noise, a row a method."""
    blocks = []
    for (profile, noise, rate), rows in table.groupby(["profile", "noise", "rate"], sort=False):
        lines = [f"**{profile}**, {noise} {100 * rate:.0f} %", "", f"| {' | '.join(['method', 'n', *columns])} |"]
        lines.append("|---" * (2 + len(columns)) + "|")
        lines += [f"| {' | '.join([row['method'], str(row['n']), *cells(row)])} |" for _, row in rows.iterrows()]
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks)


def markdown_by_noise(table: pd.DataFrame, published: Sequence[str] = ()) -> str:
    """Return the accuracies at the last epoch as Markdown: a block a profile, a row a method, a column a noise.

    Parameters
    ----------
    table : DataFrame
        From :func:`summary`.
    published : sequence of str
        Methods, as ``reference.json`` names them, whose published accuracies follow; a row for each that was published.
    """
    blocks = []
    for profile, rows in table.groupby("profile", sort=False):
        noises = list(dict.fromkeys(zip(rows["noise"], rows["rate"], strict=True)))
        names = [noise_label(noise, rate) for noise, rate in noises]
        lines = [f"**{profile}**", "", f"| method | {' | '.join(names)} |", "|---" * (1 + len(names)) + "|"]
        for method in dict.fromkeys(rows["method"]):
            of_method = rows[rows["method"] == method].set_index(["noise", "rate"])
            lines.append(f"| {method} | {' | '.join(_last(of_method, noise) for noise in noises)} |")
        lines += _published(rows["dataset"].iloc[0], noises, published)
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks)


def _published(dataset: str, noises: list[tuple[str, float]], methods: Sequence[str]) -> list[str]:
    """Return rows of published accuracies, each with its note on where it is from."""
    found: dict[str, dict[tuple[str, float], float]] = {}
    for one in load_references():
        columns = [noise for noise in noises if noise[0] == one.noise and math.isclose(noise[1], one.rate or 0)]
        if columns and one.dataset == dataset and one.method in methods:
            found.setdefault(f"published: {one.method}, {one.note}", {})[columns[0]] = one.accuracy
    return [
        f"| {name} | {' | '.join(f'{values[noise]:.1f}' if noise in values else '' for noise in noises)} |"
        for name, values in found.items()
    ]


def noise_label(noise: str, rate: float) -> str:
    """Return the noise as it heads a column."""
    return f"{noise.replace('_', ' ')} {100 * rate:.0f} %"


def _last(rows: pd.DataFrame, noise: tuple[str, float]) -> str:
    if noise not in rows.index:
        return ""
    row = rows.loc[noise]
    return f"{_accuracy(row, 'last')} (n = {row['n']})"


def _accuracy(row: pd.Series, metric: str) -> str:
    mean, std = row[metric], row[f"{metric}_std"]
    if pd.isna(mean):
        return ""
    return f"{100 * mean:.1f}" + ("" if pd.isna(std) else f" ± {100 * std:.1f}")
