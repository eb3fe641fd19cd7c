"""Pictures of curricula that are no formulas: the weights that they gave while a student trained."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from torch import Tensor

from noisylabel._support.validation import check_count
from noisylabel.curricula import MentorNet
from noisylabel.curricula.learned import MentorFeatures
from noisylabel.exceptions import InvalidDataError, InvalidParameterError

_STRETCHES = (0, 18, 50, 90, 100)
_BINS = 30
_SHOWN = (0.005, 0.995)  # quantiles of losses and differences between which is drawn
_POINTS = 1500  # of each panel
_COLOURS = {"right": "C0", "wrong": "C1"}


def plot_recorded_weights(  # noqa: PLR0913 - what to draw, and how
    features: MentorFeatures,
    weights: Tensor,
    *,
    is_right: Tensor | None = None,
    imitation: MentorNet | None = None,
    stretches: Sequence[int] = _STRETCHES,
    figure: Any = None,
) -> Any:
    """Draw recorded weights over the loss, and over its distance from the moving percentile, by stretch of training.

    A point is a visit. The line is the mean weight of those with about the same loss (of bins with equally many), the
    band goes from the 10 % to the 90 % quantile: what is wide there is not told by the loss.

    Parameters
    ----------
    features : MentorFeatures
        Of n visits; :class:`noisylabel.callbacks.MentorRecorder` records them.
    weights : Tensor of shape (n,)
        The weight that each was given.
    is_right : Tensor of shape (n,), optional
        Whether each one's given label is right; wrong ones then have another colour.
    imitation : MentorNet, optional
        Learned from such weights: its mean, on the same visits, is a dashed line.
    stretches : sequence of int in [0, 100], default=(0, 18, 50, 90, 100)
        Percents of training at which panels begin and end; increasing.
    figure : matplotlib Figure, optional
        Where to draw; a new one by default.

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    InvalidParameterError
        If ``stretches`` are not increasing percents.
    InvalidDataError
        If there is not one weight for each visit.

    Examples
    --------
    >>> import torch
    >>> loss = torch.linspace(0, 3, 200)
    >>> features = MentorFeatures.of(loss, loss - 1, torch.zeros(200), torch.arange(200) // 2)
    >>> figure = plot_recorded_weights(features, (loss < 1).float(), stretches=(0, 50, 100))
    >>> [ax.get_title() for ax in figure.axes[:2]]
    ['0 to 49 %', '50 to 99 %']
    """
    from matplotlib.figure import Figure

    bounds = _checked_bounds(stretches)
    if len(weights) != len(features):
        raise InvalidDataError(f"'weights' must hold one for each of {len(features)} visits. Got {len(weights)}.")
    learned = None if imitation is None else _weights_of(imitation, features)
    given = np.asarray(weights.cpu(), dtype=float)
    right = np.full(len(given), True) if is_right is None else np.asarray(is_right.cpu(), dtype=bool)
    seen = {"loss": features.loss[:, -1], "loss minus moving percentile": features.loss_diff[:, -1]}
    if figure is None:
        figure = Figure(figsize=(2.6 * (len(bounds) - 1) + 0.8, 5.4), layout="constrained")
    axes = figure.subplots(2, len(bounds) - 1, sharey=True, squeeze=False)
    percent = features.epoch_percent.cpu().numpy()
    for column, (first, end) in enumerate(pairwise(bounds)):
        axes[0, column].set_title(f"{first} to {end - 1} %", fontsize=10)
        inside = (percent >= first) & (percent < end)
        for ax, (name, values) in zip(axes[:, column], seen.items(), strict=True):
            ax.set_xlabel(name, fontsize=9)
            if inside.any():
                imitated = None if learned is None else learned[inside]
                _draw(ax, values.cpu().numpy()[inside], given[inside], right[inside], imitated)
    for ax in axes[:, 0]:
        ax.set_ylabel("weight")
    _add_legend(figure, axes, is_right is not None)
    return figure


def _add_legend(figure: Any, axes: Any, tells_right: bool) -> None:
    handles = {label: handle for ax in axes.flat for handle, label in zip(*ax.get_legend_handles_labels(), strict=True)}
    kinds = [label for label in handles if tells_right or label not in _COLOURS]
    shown = [handles[label] for label in kinds]
    figure.legend(shown, kinds, loc="outside lower center", ncols=max(1, len(kinds)), fontsize=9, markerscale=4)


def _checked_bounds(stretches: Sequence[int]) -> list[int]:
    bounds = [check_count("stretches", bound, 0) for bound in stretches]
    if len(bounds) < 2 or sorted(set(bounds)) != bounds or bounds[-1] > 100:
        raise InvalidParameterError(
            f"'stretches' must be increasing percents of training from 0 to 100, at least two. Got {stretches!r}."
        )
    return bounds


def _weights_of(imitation: MentorNet, features: MentorFeatures) -> np.ndarray:
    """Return what an imitation gives the visits, in the units of the weights that it was learned from."""
    network = imitation.network
    logits = network(features.loss, features.loss_diff, features.label, features.epoch_percent)
    scale = ((imitation.card or {}).get("learned_from") or {}).get("weight_scale", 1.0)
    weights: np.ndarray = scale * logits.sigmoid().detach().cpu().numpy()
    return weights


def _draw(ax: Any, x: np.ndarray, weights: np.ndarray, right: np.ndarray, learned: np.ndarray | None) -> None:
    low, high = np.quantile(x, _SHOWN)
    few = np.random.default_rng(0).permutation(len(x))[:_POINTS]
    for name, chosen in (("right", few[right[few]]), ("wrong", few[~right[few]])):
        ax.scatter(
            x[chosen], weights[chosen], s=3, alpha=0.25, color=_COLOURS[name], label=name, linewidths=0, rasterized=True
        )
    edges = np.unique(np.quantile(x, np.linspace(0, 1, _BINS + 1)))
    cell = np.clip(np.searchsorted(edges, x, side="right") - 1, 0, max(len(edges) - 2, 0))
    cells = [cell == number for number in np.unique(cell)]
    middle = [np.median(x[inside]) for inside in cells]
    ends = [np.quantile(weights[inside], (0.1, 0.9)) for inside in cells]
    ax.fill_between(middle, *np.transpose(ends), color="0.5", alpha=0.25, linewidth=0, label="10 to 90 %")
    ax.plot(middle, [weights[inside].mean() for inside in cells], color="black", linewidth=1.5, label="mean")
    if learned is not None:
        ax.plot(
            middle, [learned[inside].mean() for inside in cells], "--", color="C3", linewidth=1.5, label="imitation"
        )
    if high > low:
        ax.set_xlim(low, high)
