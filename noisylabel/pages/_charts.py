"""Charts on pages: how they look, and the library that draws them in the browser."""

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

import altair as alt
import vl_convert
from jinja2.utils import htmlsafe_json_dumps
from markupsafe import Markup

_UNSEEN = dict.fromkeys([0, *range(0x202A, 0x202F), *range(0x2066, 0x206A)], "\ufffd")  # NUL and changes of direction
_AXIS = {
    "labelColor": "var(--soft)",
    "labelFontSize": 12,
    "titleColor": "var(--ink)",
    "titleFontSize": 12,
    "gridColor": "var(--line)",
    "domain": False,
    "ticks": False,
    "labelPadding": 6,
}
CONFIG = {  # colours are those of the style sheet, which knows light and dark
    "background": "transparent",
    "font": "system-ui, sans-serif",
    "view": {"stroke": None},
    "axis": _AXIS,
    "legend": {"labelColor": "var(--soft)", "titleColor": "var(--ink)", "labelFontSize": 12, "titleFontSize": 12},
    "text": {"color": "var(--soft)", "fontSize": 12},
}


def chart(drawing: Any, description: str) -> Markup:
    """Return a chart as markup of a page; the browser draws it when it comes into view.

    Parameters
    ----------
    drawing : altair chart
        Its data stand in it, or are named as in :func:`dataset`. A parameter with a value takes the value of the
        control of the same name on the page; a selection named "pointed" marks what is pointed at in all charts and
        tables that have a parameter "marked" or rows with ``data-mark``.
    description : str
        What it shows, for those who do not see it.

    Returns
    -------
    Markup
    """
    specification = drawing.to_dict() | {"description": description}
    del specification["config"]  # the page has one for all
    return Markup('<div class="chart"><script type="application/json">{}</script></div>').format(_json(specification))


def dataset(name: str, rows: Iterable[Mapping[str, Any]]) -> Markup:
    """Return rows of data as markup of a page, for all charts with ``alt.NamedData(name)``.

    Parameters
    ----------
    name : str
        Unique on the page.
    rows : iterable of dict
        Plain values; numbers are finite.

    Returns
    -------
    Markup
    """
    return Markup('<script type="application/json" data-name="{}">{}</script>').format(name, _json(list(rows)))


def embedded(name: str, value: Any) -> Markup:
    """Return plain data as markup of a page, for a script of the page to read by its id.

    Parameters
    ----------
    name : str
        The id, unique on the page.
    value : dict or list
        Plain values; numbers are finite.

    Returns
    -------
    Markup
    """
    return Markup('<script type="application/json" id="{}">{}</script>').format(name, _json(value))


def labelled_axis(places: Sequence[tuple[float, str]], **settings: Any) -> alt.Axis:
    """Return an axis with given texts at given places.

    Parameters
    ----------
    places : sequence of (float, str)
        Where a text stands, in units of the axis, and the text; lines are parted by a line break.
    **settings
        Of ``altair.Axis``.

    Returns
    -------
    altair.Axis
    """
    values, texts = [place for place, _ in places], [text.split("\n") for _, text in places]
    return alt.Axis(
        values=values, labelExpr=f"{json.dumps(texts)}[indexof({json.dumps(values)}, datum.value)]", **settings
    )


def printable(value: Any) -> Any:
    """Return texts, in lists and mappings too, without signs that no page can show or that turn what follows."""
    if isinstance(value, str):
        return value.translate(_UNSEEN)
    if isinstance(value, Mapping):
        return {printable(name): printable(one) for name, one in value.items()}
    return [printable(one) for one in value] if isinstance(value, list | tuple) else value


def _json(value: Any) -> Markup:
    return htmlsafe_json_dumps(printable(value), allow_nan=False, separators=(",", ":"))


@cache
def chart_library() -> str:
    """Return the script that draws charts, for the version of the grammar that Altair writes."""
    version = ".".join(alt.SCHEMA_VERSION.removeprefix("v").split(".")[:2])
    script = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;", version)
    return f"(() => {{{script}}})();"  # so that its names are its own
