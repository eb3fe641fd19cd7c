"""What a profile costs: the seconds that its cells are expected to take, from those of recorded runs."""

from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.cells.catalogue import PROFILES
from benchmarks.cells.cell import Cell, cells
from benchmarks.cells.profile import Profile
from benchmarks.cells.rows import load_rows
from benchmarks.cells.store import RESULTS
from benchmarks.methods import find_method
from benchmarks.report.tables import result_table


def costs(profile: str | None = None, folder: Path = RESULTS, on_gpu: bool = False) -> pd.DataFrame:
    """Return the cells of each profile, or of each method of one, and what those without a result will take.

    A cell is expected to take as many seconds as the recorded runs of its method in its profile took on average, on the
    machine that has most of them. If there are none, those of a profile of the same data, network and batch size count,
    in proportion to training samples times epochs. Where there are none either, nothing is known. No other scaling is
    done: times of another machine are no guide to this one.

    Parameters
    ----------
    profile : str, optional
        Key of ``PROFILES``.
    folder : Path
        Of the results.
    on_gpu : bool
        Whether the runs on a GPU count, or those on a processor alone.

    Returns
    -------
    DataFrame
        ``profile`` (or ``method``), ``cells``, ``measured`` (those with a result), ``seconds`` (of a cell, on average),
        ``left`` (expected seconds of all cells without a result, one after the other), ``unknown`` (the cells without a
        result of which nothing is known), ``from`` (where the seconds are from) and ``machine``.
    """
    rows = load_rows(folder)
    runs = _timed([row for row in rows if (row["environment"].get("device", "cpu") != "cpu") == on_gpu])
    done = {Cell(**row["cell"]) for row in rows}
    names = [profile] if profile else list(PROFILES)
    every = [cell for name in names for cell in cells(name)]
    found = {pair: _cost(*pair, runs) for pair in dict.fromkeys((cell.profile, cell.method) for cell in every)}
    table = pd.DataFrame([found[cell.profile, cell.method] | {"done": cell in done} for cell in every])
    groups = table.groupby("method" if profile else "profile", sort=False)
    return pd.DataFrame([{groups.keys: name, **_sums(part)} for name, part in groups])


def _timed(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Return the runs whose seconds count: of each profile, those of the machine that has most."""
    runs = result_table(rows) if rows else pd.DataFrame(columns=["profile", "method", "seconds", "machine"])
    machine = runs.groupby("profile")["machine"].agg(lambda names: names.value_counts().index[0])
    return runs[runs["machine"] == runs["profile"].map(machine)]


def _cost(profile: str, method: str, runs: pd.DataFrame) -> dict[str, object]:
    """Return the seconds that are expected of a cell, and from where."""
    of_method = runs[runs["method"] == method]
    source = profile
    if profile not in set(of_method["profile"]):
        like = [name for name in dict.fromkeys(of_method["profile"]) if _alike(PROFILES[name], PROFILES[profile])]
        source = max(like, key=lambda name: _work(name, method), default="")
    found = of_method[of_method["profile"] == source]
    scale = _work(profile, method) / _work(source, method) if source else 1.0
    return {
        "profile": profile,
        "method": method,
        "seconds": scale * found["seconds"].mean(),
        "from": source,
        "machine": "; ".join(dict.fromkeys(found["machine"])),
    }


def _work(profile: str, method: str) -> int:
    """Return how many samples a method passes through the network in a profile, up to a factor of its own."""
    settings = PROFILES[profile]
    return settings.n_train * (settings.tuned_epochs if find_method(method).tuned else settings.max_epochs)


def _alike(one: Profile, other: Profile) -> bool:
    """Whether a training sample costs the same in two profiles."""
    network = [(p.dataset, repr(p.settings.get("student")), p.settings.get("batch_size")) for p in (one, other)]
    return network[0] == network[1]


def _sums(part: pd.DataFrame) -> dict[str, object]:
    left = part[~part["done"]]
    return {
        "cells": len(part),
        "measured": int(part["done"].sum()),
        "seconds": part["seconds"].mean(),
        "left": left["seconds"].sum(),
        "unknown": int(left["seconds"].isna().sum()),
        "from": ", ".join(name for name in dict.fromkeys(part["from"]) if name),
        "machine": "; ".join(name for name in dict.fromkeys(part["machine"]) if name),
    }


def describe_costs(table: pd.DataFrame) -> str:
    """Return the table for a terminal, and what its seconds are."""
    shown = table.drop(columns="machine").rename(columns={"seconds": "seconds a cell", "left": "seconds left"})
    machines = dict.fromkeys(name for names in table["machine"] for name in names.split("; ") if name)
    return (
        f"{shown.round(1).to_string(index=False, na_rep='not known')}\n"
        "Seconds left: of all cells without a result, one after the other, as recorded runs took. They were run on: "
        f"{'; '.join(machines) or 'nothing yet'}. Another machine takes other times."
    )
