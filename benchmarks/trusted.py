"""Accuracy against the number of trusted labels."""

from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.methods import METHODS
from benchmarks.report import result_table
from benchmarks.store import RESULTS, load_all

LINES = {"plain": "0.6", "plain_tuned": "0.3", "self_paced": "tab:orange", "mentornet_pd": "tab:green"}
CURVES = {
    "curriculum learned from them": ("tab:blue", ["data_driven_100", "data_driven_300", "data_driven_1000",
                                                  "data_driven_5000"]),
    "self_paced, labels corrected": ("tab:red", ["self_paced_corrected_1000", "self_paced_corrected_5000"]),
}  # fmt: skip


def trusted_table(profile: str = "cifar10-10k", folder: Path = RESULTS) -> pd.DataFrame:
    """Return a row a run of a method that knows some right labels: noise, curve, ``n_trusted``, accuracies."""
    runs = result_table(load_all(folder))
    curve = {method: name for name, (_, methods) in CURVES.items() for method in methods}
    known = runs[(runs["profile"] == profile) & runs["method"].isin(list(curve))]
    n_trusted = [METHODS[method].n_trusted for method in known["method"]]
    return known.assign(curve=known["method"].map(curve), n_trusted=n_trusted)


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
        for curve, rows in known[known["noise"] == noise].groupby("curve"):
            _draw_curve(ax, curve, rows)
        ax.set(xscale="log", xlabel="trusted labels among 10,000 training rows", title=noise.replace("_", " "))
        ax.grid(alpha=0.3)
    figure.axes[0].set_ylabel("accuracy at the last epoch (%)")
    figure.axes[0].legend(frameon=False, fontsize=8)
    figure.savefig(path, dpi=120)


def _draw_curve(ax: Any, curve: str, rows: pd.DataFrame) -> None:
    colour, mean = CURVES[curve][0], 100 * rows.groupby("n_trusted")["last"].mean()
    ax.plot(mean.index, mean, marker="o", color=colour, label=curve)
    ax.plot(rows["n_trusted"], 100 * rows["last"], ".", color=colour, alpha=0.5)
