"""The charts of the page of results. A method is marked in all of them when it is pointed at in one."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import altair as alt
from markupsafe import Markup

from noisylabel.pages import chart, labelled_axis

_N_COLOURS = 9
_SHADES = ("{}", "color-mix(in oklab, {} 58%, var(--ink))", "color-mix(in oklab, {} 66%, var(--card))")
_DASHES = ([], [7, 3], [2, 3], [9, 3, 2, 3], [4, 2, 1, 2])
_MARKS = (  # outlines between -1 and 1
    "M-.95 0a.95 .95 0 1 0 1.9 0a.95 .95 0 1 0 -1.9 0Z",
    "M-.85 -.85h1.7v1.7h-1.7Z",
    "M0 -1L1 .75H-1Z",
    "M0 -1.1L1.1 0L0 1.1L-1.1 0Z",
    "M0 1L1 -.75H-1Z",
    "M-.35 -1H.35V-.35H1V.35H.35V1H-.35V.35H-1V-.35H-.35Z",
    "M-.95 -.5L-.5 -.95L0 -.45L.5 -.95L.95 -.5L.45 0L.95 .5L.5 .95L0 .45L-.5 .95L-.95 .5L-.45 0Z",
)
_GAP = 14  # between noises without an axis, in percent of the axis
_MANY = 16  # methods
_IS_VALUES = "marked === null || marked === datum.method"
_UNMARKED = 0.13
_VALUES = ("last", "selected", "oracle", "oracle_gap_last", "oracle_gap_selected")


class Style(NamedTuple):
    """How a method is drawn: the colour is its family's, dash and mark tell it from the others of the family."""

    colour: str
    dash: list[int]
    mark: str


def styles(methods: Sequence[Mapping[str, str]], families: Sequence[str]) -> dict[str, Style]:
    """Return how each method is drawn.

    Parameters
    ----------
    methods : sequence of dict
        ``name`` and ``family`` of each.
    families : sequence of str
        All families, in order.
    """
    counts: dict[str, int] = {}
    found = {}
    for method in methods:
        at = counts[method["family"]] = counts.get(method["family"], -1) + 1
        colour = f"var(--c{families.index(method['family']) % _N_COLOURS})"
        shade = _SHADES[at % len(_SHADES)].format(colour)
        found[method["name"]] = Style(shade, _DASHES[at % len(_DASHES)], _MARKS[at % len(_MARKS)])
    return found


def places(noises: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Return where each noise stands: rates of the axis in percent, other noises beside them."""
    rates = {noise["label"]: 100 * noise["rate"] for noise in noises if noise["is_axis"]}
    start = max(rates.values()) + _GAP if rates else 0
    others = [noise["label"] for noise in noises if not noise["is_axis"]]
    return rates | {label: start + _GAP * at for at, label in enumerate(others)}


def chart_rows(profile: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the data of the charts: the rows of a profile, each with its family and its place."""
    at, axis = places(profile["noises"]), {noise["label"]: noise["is_axis"] for noise in profile["noises"]}
    order = {method["name"]: index for index, method in enumerate(profile["methods"])}
    family = {method["name"]: method["family"] for method in profile["methods"]}
    rates = sorted(at[label] for label, is_axis in axis.items() if is_axis)
    nearest = min([_GAP, *(high - low for low, high in pairwise(rates))])
    room = {True: nearest / 3, False: 0.75 * _GAP}

    def place(row: Mapping[str, Any]) -> float:
        width = min(room[axis[row["noise"]]], 1.5 * len(order))
        return at[row["noise"]] + (order[row["method"]] / max(1, len(order) - 1) - 0.5) * width

    kept = ("noise", "method", "n", *(f"{name}{end}" for name in _VALUES for end in ("", "_std")))
    return [
        {name: row[name] for name in kept}
        | {"family": family[row["method"]], "is_axis": axis[row["noise"]], "at": round(place(row), 3)}
        for row in profile["rows"]
    ]


def _together(
    layers: Sequence[alt.Chart], name: str, hidden_families: Sequence[str], height: int, **parameters: str
) -> alt.LayerChart:
    """Return layers of the rows that the controls of the page choose."""
    values = {"hidden_family": list(hidden_families), "hidden_method": [], "marked": None, **parameters}
    return (
        alt.layer(*layers, data=alt.NamedData(name), width="container", height=height)
        .add_params(*(alt.param(name=one, value=value) for one, value in values.items()))
        .transform_filter("indexof(hidden_family, datum.family) < 0 && indexof(hidden_method, datum.method) < 0")
    )


def _pointed() -> alt.Parameter:
    return alt.selection_point(name="pointed", fields=["method"], on="pointerover", clear="pointerout", empty=False)


def _by_method(channel: Any, values: Sequence[Any], drawn: Mapping[str, Style]) -> Any:
    """Return a channel with a value a method."""
    return channel("method:N", scale=alt.Scale(domain=list(drawn), range=list(values)), legend=None)


def _colour(drawn: Mapping[str, Style], channel: Any = alt.Color) -> Any:
    return _by_method(channel, [style.colour for style in drawn.values()], drawn)


def _shape(drawn: Mapping[str, Style]) -> Any:
    return _by_method(alt.Shape, [style.mark for style in drawn.values()], drawn)


def _marked(shown: float = 1) -> Any:
    return alt.condition(_IS_VALUES, alt.value(shown), alt.value(_UNMARKED))


def _spread(mean: str, deviation: str) -> str:
    """Return the expression of a mean with its standard deviation, if there is one."""
    return f"format({mean}, '.1f') + (isValid({deviation}) ? ' ± ' + format({deviation}, '.1f') : '')"


def draw_accuracy(
    profile: Mapping[str, Any], name: str, drawn: Mapping[str, Style], hidden_families: Sequence[str]
) -> Markup:
    """Draw the accuracy of each method against the rate of noise, the noises without an axis beside it."""
    is_many = sum(method["family"] not in hidden_families for method in profile["methods"]) > _MANY
    data = _accuracies().encode(
        x=_noise_axis(profile["noises"]),
        y=alt.Y("value:Q", title="accuracy, %", scale=alt.Scale(zero=False)),
        color=_colour(drawn),
        opacity=_marked(),
    )
    dashes = _by_method(alt.StrokeDash, [style.dash for style in drawn.values()], drawn)
    layers = [
        data.transform_filter("datum.is_axis")
        .mark_line(strokeWidth=1.1 if is_many else 1.7)
        .encode(strokeDash=dashes, opacity=_marked(0.8)),
        data.transform_filter("datum.std > 0").mark_rule(aria=False).encode(y="low:Q", y2="high:Q"),
        data.mark_point(filled=True, size=62, stroke="var(--card)", strokeWidth=0.8)
        .encode(shape=_shape(drawn), tooltip="text:N")
        .add_params(_pointed()),
    ]
    drawing = _together(layers, name, hidden_families, 520 if is_many else 400, metric="last")
    return chart(drawing, "Accuracy against noise")


def _accuracies() -> alt.Chart:
    """Return the rows that have the chosen accuracy, with its spread and a text for where it is pointed at."""
    text = f"datum.method + ', ' + datum.noise + ': ' + {_spread('datum.value', 'datum.std')}"
    return (
        alt.Chart()
        .transform_calculate(value="datum[metric]", std="datum[metric + '_std']")
        .transform_filter("isValid(datum.value)")
        .transform_calculate(
            low="datum.value - datum.std",
            high="datum.value + datum.std",
            text=f"{text} + ' % (n = ' + datum.n + ')'",
        )
    )


def _noise_axis(noises: Sequence[Mapping[str, Any]]) -> alt.X:
    """Return the axis of noises: a text at each, a name above a rate where the noise has no axis of its own."""
    at = places(noises)
    has_axis = any(noise["is_axis"] for noise in noises)
    texts = [(at[noise["label"]], _noise_text(noise)) for noise in noises]
    ends = [min(at.values()) - _GAP / 2, max(at.values()) + _GAP / 2]
    return alt.X(
        "at:Q",
        title="rate of symmetric noise" if has_axis else None,
        scale=alt.Scale(domain=ends, nice=False),
        axis=labelled_axis(texts, grid=True, gridDash=[2, 3], titleAnchor="start", labelOverlap=False),
    )


def _noise_text(noise: Mapping[str, Any]) -> str:
    rate = " ".join(noise["label"].split(" ")[-2:])
    return rate if noise["is_axis"] else f"{noise['noise'].replace('_', ' ')}\n{rate}"


def draw_gaps(
    profile: Mapping[str, Any], name: str, drawn: Mapping[str, Style], hidden_families: Sequence[str], noise: str
) -> Markup:
    """Draw how far the last and the selected epoch of each method are behind the best, under the chosen noise."""
    n_shown = sum(method["family"] not in hidden_families for method in profile["methods"])
    method = alt.Y(
        "method:N",
        title=None,
        sort=alt.EncodingSortField("oracle_gap_last", order="descending"),
        axis=alt.Axis(labelLimit=170, grid=False),
    )
    data = _gaps().encode(y=method, opacity=_marked())
    scale = alt.Scale(zero=True, nice=False, padding=10)
    last = alt.X("oracle_gap_last:Q", title="points behind the best epoch", scale=scale)
    points = data.encode(shape=_shape(drawn), tooltip="text:N")
    open_marks = points.mark_point(size=110, fill="var(--card)", strokeWidth=1.6)
    filled_marks = points.mark_point(size=45, filled=True)
    layers = [
        data.mark_rule(aria=False).encode(x=last, x2="oracle_gap_selected:Q", color=_colour(drawn)),
        open_marks.encode(x="oracle_gap_selected:Q", stroke=_colour(drawn, alt.Stroke)),
        filled_marks.encode(x="oracle_gap_last:Q", color=_colour(drawn)).add_params(_pointed()),
        data.mark_text(align="left", dx=12, aria=False).encode(x="end:Q", text="both:N"),
    ]
    drawing = _together(layers, name, hidden_families, max(120, 22 * n_shown), gap=noise)
    return chart(drawing, "Points behind the best epoch")


def _gaps() -> alt.Chart:
    """Return the rows of the chosen noise, with texts."""
    last, selected = "datum.oracle_gap_last", "datum.oracle_gap_selected"
    text = (
        f"datum.method + ', ' + datum.noise + ': last ' + {_spread(last, last + '_std')} + ', selected ' + "
        f"{_spread(selected, selected + '_std')} + ' points behind (n = ' + datum.n + ')'"
    )
    return (
        alt.Chart()
        .transform_filter(f"datum.noise === gap && isValid({last})")
        .transform_calculate(
            end=f"max({last}, {selected})", both=f"format({last}, '.1f') + ' / ' + format({selected}, '.1f')", text=text
        )
    )
