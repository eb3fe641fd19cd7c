"""Accuracy against the number of trusted labels."""

from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.cells.catalogue import PROFILES
from benchmarks.cells.rows import load_rows
from benchmarks.cells.store import RESULTS
from benchmarks.methods import METHODS
from benchmarks.report.tables import result_table
from noisylabel.utils import written_whole

LINES = {"plain": "0.6", "plain_tuned": "0.3", "self_paced": "tab:orange", "mentornet_pd": "tab:green"}
CURVES = {
    "curriculum learned from them": ("tab:blue", [f"data_driven_{n}" for n in (50, 100, 300, 1000, 5000)]),
    "self_paced, labels corrected": ("tab:red", [f"self_paced_corrected_{n}" for n in (1000, 5000)]),
}


def trusted_table(profile: str = "cifar10-10k", folder: Path = RESULTS) -> pd.DataFrame:
    """Return a row a run of a method that knows some right labels: noise, curve, ``n_trusted``, accuracies."""
    runs = result_table(load_rows(folder))
    curve = {method: name for name, (_, methods) in CURVES.items() for method in methods}
    known = runs[(runs["profile"] == profile) & runs["method"].isin(list(curve))]
    n_trusted = [METHODS[method].n_trusted for method in known["method"]]
    return known.assign(curve=known["method"].map(curve), n_trusted=n_trusted)


def plot_trusted(path: Path, profile: str = "cifar10-10k", folder: Path = RESULTS) -> None:
    """Write the picture of :func:`trusted_figure`, whole or not at all."""
    figure = trusted_figure(profile, folder)
    written_whole(path, lambda partial: figure.savefig(partial, dpi=120))


def trusted_figure(profile: str = "cifar10-10k", folder: Path = RESULTS) -> Any:
    """Draw a panel a noise: mean accuracy of the last epoch against the trusted labels, dots for single runs.

    Methods that know no right label are level lines.
    """
    from matplotlib.figure import Figure

    runs, known = result_table(load_rows(folder)), trusted_table(profile, folder)
    figure = Figure(figsize=(5, 4.2), layout="constrained")
    panels = list(known.groupby(["noise", "rate"]))
    figure.set_figwidth(4.5 * len(panels) + 0.5)
    for ax, (key, rows) in zip(figure.subplots(1, len(panels), sharey=True, squeeze=False)[0], panels, strict=True):
        noise, rate = key
        same = runs[(runs["profile"] == profile) & (runs["noise"] == noise) & (runs["rate"] == rate)]
        for method, colour in LINES.items():
            level = 100 * same.loc[same["method"] == method, "last"]
            if len(level):
                ax.axhline(level.mean(), color=colour, linestyle="--", label=f"{method} (n = {len(level)})")
        for curve, of_curve in rows.groupby("curve"):
            _draw_curve(ax, curve, of_curve)
        n_train = f"{PROFILES[profile].n_train:,}"
        title = f"{noise.replace('_', ' ')} {100 * rate:.0f} %"
        ax.set(xscale="log", xlabel=f"trusted labels among {n_train} training rows", title=title)
        counts = sorted(rows["n_trusted"].unique())
        ax.set_xticks(counts, labels=[f"{count:,}" for count in counts])
        ax.minorticks_off()
        ax.grid(alpha=0.3)
    figure.axes[0].set_ylabel("accuracy at the last epoch (%)")
    figure.axes[0].legend(frameon=False, fontsize=8)
    return figure


def _draw_curve(ax: Any, curve: str, rows: pd.DataFrame) -> None:
    colour, mean = CURVES[curve][0], 100 * rows.groupby("n_trusted")["last"].mean()
    ax.plot(mean.index, mean, marker="o", color=colour, label=curve)
    ax.plot(rows["n_trusted"], 100 * rows["last"], ".", color=colour, alpha=0.5)
