"""Accuracy and loss on labelled samples, epoch by epoch."""

import pandas as pd
from matplotlib.figure import Figure


def plot_evaluation(table: pd.DataFrame) -> Figure:
    """Draw accuracy and loss against the epoch; the best epoch is marked.

    Parameters
    ----------
    table : DataFrame
        A row an epoch, with columns ``epoch``, ``accuracy`` (in [0, 1]) and ``loss`` (in nats).

    Returns
    -------
    Figure

    Examples
    --------
    >>> table = pd.DataFrame({"epoch": [1, 2], "accuracy": [0.7, 0.9], "loss": [1.2, 0.6]})
    >>> plot_evaluation(table).axes[0].get_ylabel()
    'accuracy'
    """
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    axes.plot(table["epoch"], table["accuracy"], "o-", color="C0", markersize=3)
    best = int(table["accuracy"].fillna(-1).to_numpy().argmax())  # an epoch that was not measured is not the best
    epoch, accuracy = int(table["epoch"].iloc[best]), float(table["accuracy"].iloc[best])
    axes.plot(epoch, accuracy, "o", color="C0", markersize=9, fillstyle="none")
    axes.annotate(
        f"best: {accuracy:.3f} (epoch {epoch})",
        (epoch, accuracy),
        xytext=(0, -16),
        textcoords="offset points",
        ha="center",
        fontsize=9,
    )
    axes.set(xlabel="epoch", ylabel="accuracy")
    axes.yaxis.label.set_color("C0")
    right = axes.twinx()
    right.plot(table["epoch"], table["loss"], "-", color="C1", linewidth=1)
    right.set_ylabel("cross-entropy (nats)", color="C1")
    axes.spines["top"].set_visible(False)
    right.spines["top"].set_visible(False)
    return figure
