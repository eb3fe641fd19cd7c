"""Pictures of learning paths: in the triangle of three classes, against time, and their distance from the truth."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from noisylabel._support.labels import label_array
from noisylabel._support.validation import check_samples
from noisylabel.exceptions import InvalidDataError, InvalidParameterError
from noisylabel.functional import distance_gap

_CORNERS = np.array([[0.0, 0.0], [1.0, 0.0], [0.5, np.sqrt(3) / 2]])
_N_NAMED = 5  # classes that a picture against time tells apart


def simplex_points(proba: Any) -> np.ndarray:
    """Return where probabilities of three classes lie in a triangle of side 1.

    Parameters
    ----------
    proba : array-like of shape (..., 3)
        Non-negative, with sum 1.

    Returns
    -------
    ndarray of shape (..., 2)
        The corners are (0, 0) for the first class, (1, 0) for the second, (0.5, 0.866) for the third.

    Examples
    --------
    >>> simplex_points([0.0, 0.5, 0.5]).round(3)
    array([0.75 , 0.433])
    """
    points: np.ndarray = check_samples("'proba'", proba) @ _CORNERS
    return points


def plot_path(  # noqa: PLR0913 - what to draw, and what it is called
    paths: Any,
    *,
    labels: Any = None,
    true_labels: Any = None,
    names: Sequence[str] | None = None,
    class_names: Sequence[str] | None = None,
    ax: Any = None,
) -> Any:
    """Draw learning paths in the triangle of three classes, a colour a sample, from the circle to the square.

    The line is thin where training begins and thick where it ends. Of more than three classes those of ``labels`` and
    ``true_labels`` are shown, and the ones of the largest mean probability; the three are scaled to sum 1, and the
    title says what was left out.

    Parameters
    ----------
    paths : array-like of shape (T, C) or (T, n, C)
        Class probabilities of one or several samples.
    labels : int or array-like of shape (n,), optional
        Code of each given label; it is named in the legend.
    true_labels : int or array-like of shape (n,), optional
        Code of each right label.
    names : sequence of str, optional
        Name of each sample, for the legend.
    class_names : sequence of str, optional
        Name of each class; its code by default.
    ax : matplotlib Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    InvalidDataError
        If the paths do not have two or three axes and at least three classes, or have missing values.
    InvalidParameterError
        If the labels have more than three classes between them, or another number than there are samples.

    Examples
    --------
    >>> ax = plot_path([[0.3, 0.4, 0.3], [0.2, 0.7, 0.1], [0.9, 0.1, 0.0]], labels=0, true_labels=1)
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['labelled 0, truly 1']
    """
    paths = _as_paths(paths)
    given, right = _codes("labels", labels, paths), _codes("true_labels", true_labels, paths)
    classes = _three_classes(paths, given, right)
    class_names = _class_names(class_names, paths.shape[2])
    shown = paths[:, :, classes]
    kept = shown.sum(axis=2)
    ax = _axes(ax, (5.2, 4.8))
    _draw_triangle(ax, [class_names[code] for code in classes])
    points = simplex_points(shown / np.maximum(kept, 1e-12)[:, :, None])
    for i in range(points.shape[1]):
        _draw_path(ax, points[:, i], f"C{i % 10}", _describe(i, names, given, right, class_names))
    if ax.get_legend_handles_labels()[1]:
        ax.legend(frameon=False, fontsize=9, loc="upper left", bbox_to_anchor=(-0.06, 1.0))
    if paths.shape[2] > len(_CORNERS):
        ax.set_title(f"the {paths.shape[2] - 3} other classes hold up to {1 - kept.min():.0%}", fontsize=9)
    return ax


def _as_paths(paths: Any) -> np.ndarray:
    """Return paths as (T, n, C)."""
    values = check_samples("'paths'", paths).astype(np.float64)
    if values.ndim == 2:
        values = values[:, None]
    if values.ndim != 3 or values.shape[2] < len(_CORNERS):
        raise InvalidDataError(
            f"'paths' must have shape (T, C) or (T, n, C) with at least 3 classes. Got shape {np.shape(paths)}."
        )
    return values


def _codes(name: str, labels: Any, paths: np.ndarray) -> np.ndarray | None:
    if labels is None:
        return None
    codes = np.atleast_1d(np.asarray(labels))
    if len(codes) != paths.shape[1] or not np.isin(codes, np.arange(paths.shape[2])).all():
        raise InvalidParameterError(
            f"{name!r} must be {paths.shape[1]} class codes from 0 to {paths.shape[2] - 1}, one a path. Got {labels!r}."
        )
    return codes


def _class_names(names: Any, n_classes: int) -> list[str]:
    """Return a name for each class: the given one, or its code."""
    shown = [str(name) for name in (range(n_classes) if names is None else names)]
    if len(shown) != n_classes:
        raise InvalidParameterError(f"'class_names' must have {n_classes} names, one a class. Got {len(shown)}.")
    return shown


def _three_classes(paths: np.ndarray, *labels: np.ndarray | None) -> np.ndarray:
    """Return the codes of the corners: those of the labels, then those of the largest mean probability; sorted."""
    wanted = np.unique(np.concatenate([codes for codes in labels if codes is not None] or [np.zeros(0, int)]))
    if len(wanted) > len(_CORNERS):
        raise InvalidParameterError(
            f"'labels' and 'true_labels' have the {len(wanted)} classes {wanted.tolist()}, and a triangle has three "
            "corners. Draw the samples one by one."
        )
    by_proba = np.argsort(-paths.mean(axis=(0, 1)), kind="stable")
    others = by_proba[~np.isin(by_proba, wanted)]
    return np.sort(np.concatenate([wanted, others])[: len(_CORNERS)])


def _describe(
    i: int, names: Any, given: np.ndarray | None, right: np.ndarray | None, class_names: Sequence[str]
) -> str | None:
    """Return a sample's entry in the legend."""
    parts = [] if given is None else [f"labelled {class_names[given[i]]}"]
    if right is not None and (given is None or given[i] != right[i]):
        parts.append(f"truly {class_names[right[i]]}")
    said = ", ".join(parts)
    if names is None:
        return said or None
    return f"{names[i]}: {said}" if said else names[i]


def _axes(ax: Any, size: tuple[float, float]) -> Any:
    if ax is None:
        import matplotlib.pyplot as plt

        _, ax = plt.subplots(figsize=size, layout="constrained")
    return ax


def _draw_triangle(ax: Any, corner_names: list[str]) -> None:
    ax.fill(*_CORNERS.T, facecolor="0.97", edgecolor="0.4", linewidth=1, zorder=0)
    middle = _CORNERS.mean(axis=0)
    for edge in (_CORNERS[[0, 1]], _CORNERS[[1, 2]], _CORNERS[[2, 0]]):  # where the most probable class changes
        ax.plot(*np.stack([middle, edge.mean(axis=0)]).T, color="0.8", linewidth=0.8, zorder=0)
    for corner, name, side, shift in zip(_CORNERS, corner_names, ("top", "top", "bottom"), (-6, -6, 6), strict=True):
        ax.annotate(
            name, corner, (0, shift), textcoords="offset points", ha="center", va=side, fontsize=10, parse_math=False
        )
    ax.set_aspect("equal")
    ax.set(xlim=(-0.08, 1.08), ylim=(-0.1, 0.98))
    ax.axis("off")


def _draw_path(ax: Any, points: np.ndarray, colour: str, name: str | None) -> None:
    from matplotlib.collections import LineCollection

    pieces = np.stack([points[:-1], points[1:]], axis=1)
    widths = np.linspace(0.7, 2.2, len(pieces))
    ax.add_collection(LineCollection(list(pieces), linewidths=widths, color=colour, capstyle="round", zorder=2))
    ax.plot(*points[0], "o", color="white", markeredgecolor=colour, markersize=5, zorder=3)
    ax.plot(*points[-1], "s", color=colour, markersize=5, label=name, zorder=3)


def plot_probabilities(  # noqa: PLR0913 - what to draw, and what it is called
    path: Any,
    *,
    steps: Any = None,
    label: int | None = None,
    true_label: int | None = None,
    class_names: Sequence[str] | None = None,
    ax: Any = None,
) -> Any:
    """Draw the class probabilities of one sample against time.

    The given label is a solid black line and the right one a dashed green line. Of the others the most probable ones
    have a name, up to five names in all; the rest is grey.

    Parameters
    ----------
    path : array-like of shape (T, C)
    steps : array-like of shape (T,), optional
        Steps of training; the number of the point by default.
    label, true_label : int, optional
        Codes of the given and of the right label.
    class_names : sequence of str, optional
        Name of each class; its code by default.
    ax : matplotlib Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib Axes

    Examples
    --------
    >>> ax = plot_probabilities([[0.3, 0.4, 0.3], [0.2, 0.7, 0.1], [0.9, 0.1, 0.0]], label=0, true_label=1)
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['0 (given label)', '1 (right label)', '2']
    """
    path = check_samples("'path'", path)
    if path.ndim != 2:
        raise InvalidDataError(f"'path' must have shape (T, C): one sample. Got shape {path.shape}.")
    for name, code in (("label", label), ("true_label", true_label)):
        _codes(name, code, path[:, None])
    class_names = _class_names(class_names, path.shape[1])
    times = np.arange(len(path)) if steps is None else np.asarray(steps)
    marked = [code for code in dict.fromkeys((label, true_label)) if code is not None]
    others = [code for code in np.argsort(-path.max(axis=0), kind="stable").tolist() if code not in marked]
    n_named = _N_NAMED - len(marked)
    ax = _axes(ax, (6, 3.6))
    for number, code in enumerate(marked + others[:n_named]):
        ax.plot(
            times,
            path[:, code],
            label=_class_name(code, label, true_label, class_names),
            **_look(number, code, label, true_label),
        )
    for code in others[n_named:]:
        ax.plot(times, path[:, code], color="0.8", linewidth=0.8, zorder=1)
    _finish(ax, "training steps" if steps is not None else "points of training", "probability")
    ax.set_ylim(-0.02, 1.02)
    return ax


def _class_name(code: int, label: int | None, true_label: int | None, class_names: Sequence[str]) -> str:
    roles = {label: "given label", true_label: "right label"}
    if label == true_label:
        roles = {label: "given and right label"}
    return f"{class_names[code]} ({roles[code]})" if code in roles else class_names[code]


def _look(number: int, code: int, label: int | None, true_label: int | None) -> dict[str, Any]:
    """Return the colour and kind of a class's line."""
    if code == label:
        return {"color": "black", "linewidth": 2, "zorder": 3}
    if code == true_label:
        return {"color": "C2", "linewidth": 2, "linestyle": "--", "zorder": 3}
    return {"color": ("C0", "C1", "C4", "C5", "C9")[number], "linewidth": 1.2, "zorder": 2}


def plot_distance_gap(paths: Any, target_proba: Any, *, groups: Any = None, steps: Any = None, ax: Any = None) -> Any:
    """Draw how far the network's probabilities are from the true ones against time: a line a group of samples.

    Parameters
    ----------
    paths : array-like of shape (T, N, C)
    target_proba : array-like of shape (N, C)
        True class probabilities.
    groups : array-like of shape (N,), optional
        Name of each sample's group, such as its difficulty; one group by default. Lines come in the order in which
        groups first appear.
    steps : array-like of shape (T,), optional
        Steps of training; the number of the point by default.
    ax : matplotlib Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib Axes
        The lines are means over a group, the bands its middle half.

    Examples
    --------
    >>> path = [[[0.5, 0.5], [0.5, 0.5]], [[0.9, 0.1], [0.6, 0.4]]]
    >>> ax = plot_distance_gap(path, [[0.9, 0.1], [0.1, 0.9]], groups=["easy", "hard"])
    >>> [line.get_ydata().round(2).tolist() for line in ax.lines]
    [[0.57, 0.0], [0.57, 0.71]]
    """
    known = check_samples("'paths'", paths), check_samples("'target_proba'", target_proba)
    gaps = distance_gap(torch.as_tensor(known[0]), torch.as_tensor(known[1])).numpy()
    times = np.arange(len(gaps)) if steps is None else np.asarray(steps)
    groups = np.full(gaps.shape[1], "all samples") if groups is None else label_array("'groups'", groups)
    if groups.shape != (gaps.shape[1],):
        raise InvalidParameterError(f"'groups' must have {gaps.shape[1]} names, one a path. Got shape {groups.shape}.")
    ax = _axes(ax, (6, 3.6))
    for name in dict.fromkeys(groups.tolist()):
        of_group = gaps[:, groups == name]
        (line,) = ax.plot(times, of_group.mean(axis=1), label=str(name), linewidth=1.8)
        low, high = np.quantile(of_group, (0.25, 0.75), axis=1)
        ax.fill_between(times, low, high, color=line.get_color(), alpha=0.15, linewidth=0)
    _finish(ax, "training steps" if steps is not None else "points of training", "distance from the true probabilities")
    ax.set_ylim(bottom=0)
    return ax


def _finish(ax: Any, x_name: str, y_name: str) -> None:
    ax.set(xlabel=x_name, ylabel=y_name)
    ax.grid(alpha=0.3)
    ax.legend(frameon=False, fontsize=9)
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
