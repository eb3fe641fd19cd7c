"""Pictures of curricula: the weight of a sample over its loss, its loss difference and the percent of training."""

import io
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from noisylabel._support.files import local_path, write_whole, written_whole
from noisylabel._support.validation import check_number
from noisylabel.curricula import CURRICULA, Curriculum, resolve_curriculum
from noisylabel.exceptions import InvalidParameterError

PERCENTS = (0, 10, 18, 19, 30, 50, 75, 89, 90, 99)
_CELLS = 61
_COLUMNS = 5
_MAP = "viridis"


def curriculum_weights(
    curriculum: Any, percents: Sequence[int], *, loss_bound: float = 5.0, n_cells: int = _CELLS
) -> np.ndarray:
    """Return the weights that a curriculum gives over losses and loss differences.

    Parameters
    ----------
    curriculum : str, Path, Curriculum or callable
        See :func:`noisylabel.curricula.resolve_curriculum`. One that reads several losses of a sample gets the same
        one each time.
    percents : sequence of int in [0, 99]
        Percents of training.
    loss_bound : float in (0, inf), default=5.0
        Losses go from 0 to this, differences from minus this to this.
    n_cells : int, default=61
        Points on each axis.

    Returns
    -------
    ndarray of shape (len(percents), n_cells, n_cells)
        First axis after the percents is the loss difference, ascending; the last one the loss.

    Raises
    ------
    InvalidParameterError
        If a percent is not from 0 to 99, or ``loss_bound`` is not above 0.
    """
    wrong = [percent for percent in percents if percent not in range(100)]
    if wrong or len(percents) == 0:
        raise InvalidParameterError(f"'percents' must be whole numbers from 0 to 99. Got {wrong or 'none'}.")
    check_number("loss_bound", loss_bound, 0, closed="neither")
    curriculum = resolve_curriculum(curriculum)
    loss = torch.linspace(0, loss_bound, n_cells).repeat(n_cells)
    diff = torch.linspace(-loss_bound, loss_bound, n_cells).repeat_interleave(n_cells)
    label = torch.zeros(len(loss), dtype=torch.long)
    if curriculum.history_length > 1:
        shape = (len(loss), curriculum.history_length)
        loss, diff = loss[:, None].expand(shape), diff[:, None].expand(shape)
    weights = [curriculum.weights(loss, diff, label, percent) for percent in percents]
    return torch.stack(weights).reshape(len(percents), n_cells, n_cells).cpu().numpy()


def plot_curriculum(
    curriculum: Any,
    *,
    vstar: Any = None,
    percents: Sequence[int] = PERCENTS,
    loss_bound: float = 5.0,
    figure: Any = None,
) -> Any:
    """Draw a curriculum: a panel a percent of training, the weight as colour over loss and loss difference.

    Parameters
    ----------
    curriculum : str, Path, Curriculum or callable
        What to draw.
    vstar : str, Path, Curriculum or callable, optional
        What to draw under each panel for comparison, for instance the closed form that the network was learned from.
    percents : sequence of int in [0, 99], default=(0, 10, 18, 19, 30, 50, 75, 89, 90, 99)
        Percents of training.
    loss_bound : float in (0, inf), default=5.0
        Losses go from 0 to this, differences from minus this to this.
    figure : matplotlib Figure, optional
        Where to draw; a new one by default.

    Returns
    -------
    matplotlib Figure

    Examples
    --------
    >>> figure = plot_curriculum("mentornet_pd", percents=(10, 50, 95))
    >>> [ax.get_title() for ax in figure.axes[:3]]
    ['10 %', '50 %', '95 %']
    """
    from matplotlib.figure import Figure

    rows = named_weights(curriculum, vstar, percents, loss_bound)
    n_columns = min(_COLUMNS, len(percents))
    n_blocks = math.ceil(len(percents) / n_columns)
    if figure is None:
        size = (2.0 * n_columns + 1.2, 1.8 * n_blocks * len(rows) + 0.8)
        figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots(n_blocks * len(rows), n_columns, sharex=True, sharey=True, squeeze=False)
    image = None
    for position in range(n_blocks * n_columns):
        block, column = divmod(position, n_columns)
        for number, (name, weights) in enumerate(rows):
            ax = axes[block * len(rows) + number, column]
            if position >= len(percents):
                ax.remove()
                continue
            image = _draw(ax, weights[position], loss_bound)
            ax.set_title(f"{percents[position]} %" if number == 0 else "", fontsize=10)
            if column == 0:
                ax.set_ylabel(name, fontsize=10, parse_math=False)
    figure.supxlabel("loss")
    figure.supylabel("loss minus moving percentile")
    figure.colorbar(image, ax=figure.axes, label="weight", shrink=0.6, aspect=30)
    return figure


def named_weights(
    curriculum: Any, vstar: Any, percents: Sequence[int], loss_bound: float
) -> list[tuple[str, np.ndarray]]:
    """Name and weights of what is drawn."""
    shown = [curriculum] if vstar is None else [curriculum, vstar]
    names = [curriculum_name(one) for one in shown]
    if len(set(names)) < len(names):
        names = ["learned", "closed form"]
    weights = [curriculum_weights(one, percents, loss_bound=loss_bound) for one in shown]
    return list(zip(names, weights, strict=True))


def curriculum_name(curriculum: Any) -> str:
    if isinstance(curriculum, (str, Path)):
        return Path(str(curriculum).removeprefix("zoo:")).stem
    card = getattr(curriculum, "card", None)
    if card:
        return str(card.get("name", "learned"))
    names = [name for name, member in CURRICULA.items() if member is type(curriculum)]
    if names:
        return names[0]
    return getattr(curriculum, "__name__", type(curriculum).__name__)


def _draw(ax: Any, weights: np.ndarray, loss_bound: float) -> Any:
    extent = (0, loss_bound, -loss_bound, loss_bound)
    ax.axhline(0, color="white", linewidth=0.6, alpha=0.7)
    return ax.imshow(weights, origin="lower", extent=extent, aspect="auto", vmin=0, vmax=1, cmap=_MAP)


def animate_curriculum(
    curriculum: Any,
    path: str | Path,
    *,
    vstar: Any = None,
    percents: Sequence[int] = tuple(range(0, 100, 3)),
    loss_bound: float = 5.0,
) -> Path:
    """Write an animated GIF that goes through training, a picture a percent.

    Parameters
    ----------
    curriculum, vstar, loss_bound
        As in :func:`plot_curriculum`; ``vstar`` stands beside.
    path : str or Path
        Where to write.
    percents : sequence of int in [0, 99], default=(0, 3, ..., 99)
        Percents of training.

    Returns
    -------
    Path
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from PIL import Image

    rows = named_weights(curriculum, vstar, percents, loss_bound)
    figure = Figure(figsize=(3.4 * len(rows) + 0.9, 3.6), layout="constrained", dpi=80)
    axes = figure.subplots(1, len(rows), sharey=True, squeeze=False)[0]
    images = [_draw(ax, weights[0], loss_bound) for ax, (_, weights) in zip(axes, rows, strict=True)]
    for ax, (name, _) in zip(axes, rows, strict=True):
        ax.set_title(name, parse_math=False)
        ax.set_xlabel("loss")
    axes[0].set_ylabel("loss minus moving percentile")
    figure.colorbar(images[-1], ax=axes, label="weight", shrink=0.8)
    canvas, frames = FigureCanvasAgg(figure), []
    for position, percent in enumerate(percents):
        figure.suptitle(f"{percent} % of training")
        for image, (_, weights) in zip(images, rows, strict=True):
            image.set_data(weights[position])
        canvas.draw()
        frames.append(Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB"))
    buffer = io.BytesIO()
    frames[0].save(buffer, format="gif", save_all=True, append_images=frames[1:], duration=150, loop=0)
    path = local_path("path", path)
    write_whole(path, buffer.getvalue())
    return path


def save_curriculum_figure(figure: Any, path: str | Path) -> Path:
    """Write a figure as PNG, whole or not at all."""
    path = local_path("path", path)
    written_whole(path, lambda partial: figure.savefig(partial, dpi=120, format="png"))
    return path


def learned_from(curriculum: Curriculum) -> Curriculum | None:
    """Return the closed form that a MentorNet was learned from, if its card names one that is known here."""
    source = (getattr(curriculum, "card", None) or {}).get("learned_from", {})
    if source.get("vstar") not in CURRICULA:
        return None
    vstar, parameters = CURRICULA[source["vstar"]](), source.get("parameters", {})
    return vstar.set_params(**{key: value for key, value in parameters.items() if key in vstar.get_params()})
