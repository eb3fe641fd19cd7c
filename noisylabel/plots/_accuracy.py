"""Plots of results."""

from typing import Any

import pandas as pd


def plot_accuracy_against_noise(table: pd.DataFrame, ax: Any = None) -> Any:
    """Draw a line a method: mean accuracy against the noise rate, with a band of one standard deviation.

    Parameters
    ----------
    table : DataFrame
        Columns ``method``, ``rate`` (fraction), ``accuracy`` (fraction), a row a run.
    ax : matplotlib Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib Axes
    """
    if ax is None:
        import matplotlib.pyplot as plt

        _, ax = plt.subplots(figsize=(7, 4.5), layout="constrained")
    for method, runs in table.groupby("method", sort=False):
        summary = (100 * runs.groupby("rate")["accuracy"].agg(["mean", "std"])).fillna(0)
        rates = 100 * summary.index.to_numpy(dtype=float)
        is_plain = method == "plain"
        style = {"color": "0.35", "linestyle": "--"} if is_plain else {}
        (line,) = ax.plot(rates, summary["mean"], marker="o", label=method, linewidth=2, **style)
        low, high = summary["mean"] - summary["std"], summary["mean"] + summary["std"]
        ax.fill_between(rates, low, high, color=line.get_color(), alpha=0.15, linewidth=0)
    ax.set(xlabel="labels replaced by random ones (%)", ylabel="accuracy on clean test labels (%)")
    ax.set_xticks(sorted(100 * table["rate"].unique()))
    ax.grid(alpha=0.3)
    ax.legend(frameon=False)
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    return ax
