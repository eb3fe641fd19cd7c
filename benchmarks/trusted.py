"""Accuracy against the number of trusted labels."""

import re
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.report import result_table
from benchmarks.store import RESULTS, load_all

LINES = {"plain": "0.6", "plain_tuned": "0.3", "self_paced": "tab:orange", "mentornet_pd": "tab:green"}
CURVES = {"data_driven": "tab:blue", "self_paced_corrected": "tab:red"}
_NAME = re.compile(r"(data_driven|self_paced_corrected)_(\d+)")


def trusted_table(profile: str = "cifar10-10k", folder: Path = RESULTS) -> pd.DataFrame:
    """Return a row a run of a method that knows some right labels: noise, method, ``n_trusted``, accuracies."""
    runs = result_table(load_all(folder))
    runs = runs[runs["profile"] == profile]
    matched = runs["method"].map(_NAME.fullmatch)
    known = runs[matched.notna()]
    parts = [(found[1], int(found[2])) for found in matched.dropna()]
    return known.assign(method=[name for name, _ in parts], n_trusted=[n for _, n in parts])


def plot_trusted(path: Path, profile: str = "cifar10-10k", folder: Path = RESULTS) -> None:
    """Draw a panel a noise: mean accuracy of the last epoch against the trusted labels, dots for single runs.

    Methods that know no right label are level lines.
    """
    from matplotlib.figure import Figure

    runs, known = result_table(load_all(folder)), trusted_table(profile, folder)
    figure = Figure(figsize=(9.5, 4.2), layout="constrained")
    noises = sorted(known["noise"].unique(), reverse=True)
    for ax, noise in zip(figure.subplots(1, len(noises), sharey=True, squeeze=False)[0], noises, strict=True):
        same = runs[(runs["profile"] == profile) & (runs["noise"] == noise)]
        for method, colour in LINES.items():
            level = 100 * same.loc[same["method"] == method, "last"]
            ax.axhline(level.mean(), color=colour, linestyle="--", label=f"{method} (n = {len(level)})")
        for method, rows in known[known["noise"] == noise].groupby("method"):
            _draw_curve(ax, method, rows)
        ax.set(xscale="log", xlabel="trusted labels among 10,000 training rows", title=noise.replace("_", " "))
        ax.grid(alpha=0.3)
    figure.axes[0].set_ylabel("accuracy at the last epoch (%)")
    figure.axes[0].legend(frameon=False, fontsize=8)
    figure.savefig(path, dpi=120)


def _draw_curve(ax: Any, method: str, rows: pd.DataFrame) -> None:
    mean = 100 * rows.groupby("n_trusted")["last"].mean()
    ax.plot(mean.index, mean, marker="o", color=CURVES[method], label=method)
    ax.plot(rows["n_trusted"], 100 * rows["last"], ".", color=CURVES[method], alpha=0.5)
