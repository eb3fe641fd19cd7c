"""The page on which a slider moves through the training with a curriculum."""

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import altair as alt
import numpy as np

from noisylabel.curricula import resolve_curriculum
from noisylabel.pages import chart, write_page
from noisylabel.plots._curricula import curriculum_name, named_weights

_CELL = 6  # pixels
_MAP: Any = "viridis"  # as in the figures


def write_curriculum_page(
    curriculum: Any, path: str | Path, *, vstar: Any = None, loss_bound: float = 5.0, title: str | None = None
) -> Path:
    """Write one HTML page, without anything loaded from elsewhere, on which a slider moves through training.

    Parameters
    ----------
    curriculum, vstar, loss_bound
        As in :func:`plot_curriculum`; ``vstar`` stands beside.
    path : str or Path
        Where to write.
    title : str, optional
        Heading; the curriculum's name by default.

    Returns
    -------
    Path
    """
    rows = named_weights(curriculum, vstar, range(100), loss_bound)
    card = getattr(resolve_curriculum(curriculum), "card", None)
    return write_page(
        path,
        Path(str(files("noisylabel.pages") / "curriculum.html.jinja")),
        title=title or curriculum_name(curriculum),
        card=json.dumps(card, indent=2, ensure_ascii=False) if card else None,
        panels=[(name, chart(_heat_map(weights, loss_bound), f"Weights of {name}")) for name, weights in rows],
    )


def _heat_map(weights: np.ndarray, loss_bound: float) -> alt.Chart:
    """Draw weights (percents, differences, losses) as colours, at the percent that the slider of the page says.

    Each cell has its weights of all percents in one text, two hexadecimal digits each, from 00 to ff.
    """
    n_cells = weights.shape[-1]
    losses, differences = np.linspace(0, loss_bound, n_cells), np.linspace(-loss_bound, loss_bound, n_cells)
    digits = np.moveaxis((255 * weights).round().astype(np.uint8), 0, -1)
    cells = [
        {"loss": round(loss, 6), "difference": round(difference, 6), "digits": digits[row, column].tobytes().hex()}
        for row, difference in enumerate(differences.tolist())
        for column, loss in enumerate(losses.tolist())
    ]
    scale = alt.Scale(domain=[0, 1], scheme=_MAP)
    return (
        alt.Chart(alt.Data(values=cells), width=_CELL * n_cells, height=_CELL * n_cells)
        .mark_rect(width=_CELL + 0.5, height=_CELL + 0.5, aria=False)
        .add_params(alt.param(name="percent", value=50))
        .transform_calculate(weight="toNumber('0x' + substring(datum.digits, 2 * percent, 2 * percent + 2)) / 255")
        .encode(
            x=_axis("loss", "loss", losses),
            y=_axis("difference", "loss minus moving percentile", differences),
            color=alt.Color("weight:Q", scale=scale, title="weight", legend=alt.Legend(orient="bottom")),
            tooltip=[alt.Tooltip(f"{name}:Q", format=".2f") for name in ("loss", "difference", "weight")],
        )
    )


def _axis(field: str, title: str, values: np.ndarray) -> Any:
    """Return an axis that ends half a cell beyond the first and the last value."""
    half = (values[1] - values[0]) / 2
    scale = alt.Scale(domain=[values[0] - half, values[-1] + half], nice=False)
    channel = alt.X if field == "loss" else alt.Y
    return channel(f"{field}:Q", title=title, scale=scale, axis=alt.Axis(grid=False, tickCount=6))
