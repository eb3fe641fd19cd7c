"""What the fits came to, as Markdown: accuracies, regrets, noise rates, seconds, and errors."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.cells.store import Row
from benchmarks.studies._runs import as_markdown
from benchmarks.studies.defaults._data import GROUPS, NOISES
from benchmarks.studies.defaults._methods import METHODS, OURS, RIVALS, TOLD, VARIANTS

CELL = ["data", "noise", "seed", "method"]


def tables(rows: list[Row]) -> str:
    """Return all tables of rows, at least one; of each cell there is one row."""
    fits = pd.DataFrame(map(_flat, rows))
    cells = _cells(fits)
    titled = [
        *_of_accuracy(fits),
        ("Regret of our defaults, in points", regrets(cells)),
        ("Regret of taking one method always, a win as 0: mean (worst)", always(cells)),
        ("Noise rate, estimated against true, in percent", rates(fits)),
        ("Seconds of CPU of a fit on one thread, median", seconds(fits)),
        ("Failed", _failed(rows)),
    ]
    return "\n\n".join(f"**{title}**\n\n{as_markdown(table)}" for title, table in titled if len(table))


def _flat(row: Row) -> Row:
    """Return what the tables are made of; NaN where a row says nothing."""
    said, by_class = row.get("estimated", {}), row.get("true_rate_by_class", [])
    low, high = said.get("interval") or (None, None)
    guesses = said.get("by_class")
    gaps = np.subtract(guesses, np.array(by_class, float)) if guesses else np.array([np.nan])
    true = row.get("true_rate", np.nan)
    numbers = {
        "percent": 100 * row.get("accuracy", np.nan),
        "cpu_s": row.get("cpu_s"),
        "true": 100 * true,
        "guess": 100 * _number(said.get("rate")),
        "off_by_class": 100 * (np.nanmean(np.abs(gaps)) if not np.isnan(gaps).all() else np.nan),
        "matrix_error": 100 * _number(said.get("matrix_error")),
        "covers": np.nan if low is None else float(low <= true <= high),
    }
    return {name: row[name] for name in CELL} | {name: _number(value) for name, value in numbers.items()}


def _number(value: Any) -> float:
    return np.nan if value is None else float(value)


def _present(order: Iterable[str], values: Iterable[str]) -> list[str]:
    """Return what occurs, in the study's order."""
    found = set(values)
    return [name for name in order if name in found]


def _parts(fits: pd.DataFrame) -> Iterator[tuple[str, str, pd.DataFrame]]:
    """Yield the data sets and noises that occur, in order, with their fits."""
    names = [name for group in GROUPS.values() for name in group]
    for data in _present(names, fits["data"]):
        of_data = fits[fits["data"] == data]
        for noise in _present(NOISES, of_data["noise"]):
            yield data, noise, of_data[of_data["noise"] == noise]


def _of_accuracy(fits: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """Return a titled table for each data set: mean accuracies, and what each of our defaults lacks."""
    found: dict[str, list[dict[str, Any]]] = {}
    for data, noise, part in _parts(fits):
        by_method, percent = dict(list(part.groupby("method")["percent"])), _percent(part)
        best = max((by_method[name].mean() for name in RIVALS if name in by_method), default=np.nan)
        present = _present(METHODS | VARIANTS, by_method)
        means = {name: _mean(by_method[name], best if name in RIVALS else np.nan) for name in present}
        lacks = {f"regret {ours}": _shown(regret(percent, ours), 2) for ours in OURS if ours in by_method}
        found.setdefault(data, []).append({"noise": noise, "seeds": _seeds(by_method), **means, **lacks})
    return [(f"{data}: accuracy in percent", pd.DataFrame(lines).fillna("")) for data, lines in found.items()]


def _mean(percent: pd.Series, best: float) -> str:
    """Return a mean, bold if it is the best of those told nothing, with an exclamation mark if a seed failed."""
    text = _shown(percent.mean(), 1)
    return (f"**{text}**" if percent.mean() == best else text) + ("!" if percent.isna().any() else "")


def _shown(value: float, digits: int) -> str:
    return "" if np.isnan(value) else f"{round(value, digits) + 0.0:.{digits}f}"  # no -0.0


def _seeds(by_method: dict[str, pd.Series]) -> str:
    counts = sorted({len(values) for values in by_method.values()})
    return f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"


def _percent(part: pd.DataFrame) -> pd.DataFrame:
    """Return the accuracies of one data set and noise: a row a seed, a column a method."""
    return part.pivot_table("percent", "seed", "method")


def regret(percent: pd.DataFrame, method: str) -> float:
    """Return by how many points the best of what is told nothing is above a method, below 0 if ours is the best.

    Parameters
    ----------
    percent : DataFrame
        Accuracies of one data set and noise, a row a seed and a column a method. Each rival is compared on the seeds
        that it has in common with the method.
    method : str

    Returns
    -------
    float
        NaN without a seed in common.
    """
    if method not in percent:
        return np.nan
    rivals = percent[_present(RIVALS, percent.columns)]
    return float(rivals.sub(percent[method], axis=0).mean().max())


def regrets(cells: pd.DataFrame) -> pd.DataFrame:
    """Return mean and worst regret of each of our defaults: a row a data set, and a row a group of them.

    And, at most, how far the default is behind plain training on clean labels.
    """
    return _by_data(cells[cells["method"].isin(OURS)], _regrets_of)


def always(cells: pd.DataFrame) -> pd.DataFrame:
    """Return the mean regret of each method, a win as 0, and the worst: what a user risks who always takes this one."""
    return _by_data(cells, _risks_of)


def _cells(fits: pd.DataFrame) -> pd.DataFrame:
    """Return a row for each data set, noise and method: its regret, and how far plain training is above it."""
    return pd.DataFrame(
        {
            "data": data,
            "noise": noise,
            "method": method,
            "regret": regret(percent, method),
            "behind": _behind(percent, method),
        }
        for data, noise, part in _parts(fits)
        for percent in [_percent(part)]
        for method in _present(METHODS, percent)
    ).dropna(subset="regret")


def _by_data(cells: pd.DataFrame, line_of: Callable[[pd.DataFrame], dict[str, str]]) -> pd.DataFrame:
    """Return a line for each data set, and after each group one for all of it."""
    lines = []
    for group, names in GROUPS.items():
        present = _present(names, cells["data"])
        lines += [{"data": name} | line_of(cells[cells["data"] == name]) for name in present]
        if len(present) > 1:
            lines.append({"data": f"all to {group}"} | line_of(cells[cells["data"].isin(present)]))
    return pd.DataFrame(lines).fillna("")


def _behind(percent: pd.DataFrame, method: str) -> float:
    """Return by how many points plain training is above a method, on the seeds in common."""
    return float((percent["plain"] - percent[method]).mean()) if {"plain", method} <= set(percent) else np.nan


def _regrets_of(cells: pd.DataFrame) -> dict[str, str]:
    line = {}
    for ours in _present(OURS, cells["method"]):
        part = cells[cells["method"] == ours]
        worst = part.loc[part["regret"].idxmax()]
        clean = part.loc[part["noise"] == "clean", "behind"]
        line |= {
            f"{ours}, mean": _shown(part["regret"].mean(), 2),
            f"{ours}, worst": f"{worst['regret']:.2f} ({worst['data']}, {worst['noise']})",
            f"{ours}, behind plain on clean": _shown(clean.max(), 2),
        }
    return line


def _risks_of(cells: pd.DataFrame) -> dict[str, str]:
    risks = cells.assign(risk=cells["regret"].clip(lower=0)).groupby("method")["risk"]
    return {name: f"{risks.mean()[name]:.1f} ({risks.max()[name]:.1f})" for name in _present(METHODS, cells["method"])}


def rates(fits: pd.DataFrame) -> pd.DataFrame:
    """Return what our defaults say of the noise: a row a data set, noise and method, blank where one says nothing."""
    lines = []
    for data, noise, part in _parts(fits):
        for ours in _present(OURS, part["method"]):
            of_ours = part[part["method"] == ours]
            covers = of_ours["covers"].dropna()
            lines.append(
                {
                    "data": data,
                    "noise": noise,
                    "method": ours,
                    "true": _shown(of_ours["true"].mean(), 1),
                    "estimated": _shown(of_ours["guess"].mean(), 1),
                    "off by": _shown((of_ours["guess"] - of_ours["true"]).abs().mean(), 1),
                    "off by, a class": _shown(of_ours["off_by_class"].mean(), 1),
                    "matrix off by": _shown(of_ours["matrix_error"].mean(), 1),
                    "interval covers": f"{covers.sum():.0f} of {len(covers)}" if len(covers) else "",
                }
            )
    return pd.DataFrame(lines)


def seconds(fits: pd.DataFrame) -> pd.DataFrame:
    """Return CPU seconds of each method, a row a data set, and ours as a share of those with the told percentile."""
    lines = []
    for data in dict.fromkeys(data for data, _, _ in _parts(fits)):
        of_cells = fits[fits["data"] == data].pivot_table("cpu_s", ["noise", "seed"], "method")
        line = {name: _shown(of_cells[name].median(), 1) for name in _present(METHODS, of_cells.columns)}
        if TOLD in of_cells:
            shares = {f"{ours} / {TOLD}": (of_cells[ours] / of_cells[TOLD]).median() for ours in OURS if ours in line}
            line |= {name: _shown(share, 2) for name, share in shares.items()}
        lines.append({"data": data} | line)
    return pd.DataFrame(lines).fillna("")


def _failed(rows: list[Row]) -> pd.DataFrame:
    return pd.DataFrame(
        {name: row[name] for name in CELL} | {"error": row["error"].strip().splitlines()[-1]}
        for row in rows
        if "error" in row
    )
