"""The charts of a sweep's page. One trial is marked in all of them when it is pointed at in one."""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
from markupsafe import Markup

from noisylabel.pages import chart, labelled_axis
from sweeps.report.axes import Axis, is_number, labels, placer, round_numbers, short

Trial = Mapping[str, Any]

ROLES = {  # from the last to the first plane: what it means, colour, width of its line, dashes
    "unfinished": ("unfinished", "var(--faint)", 1.3, [4, 3]),
    "failed": ("failed", "var(--bad)", 1.3, [2, 4]),
    "stopped": ("stopped early (fewer epochs)", "var(--faint)", 1.3, [4, 3]),
    "other": ("other finished", "var(--other)", 1.3, []),
    "tie": ("cannot be told from it", "var(--tie)", 1.9, []),
    "best": ("best", "var(--best)", 3.2, []),
}
_STAGES = ["#77aadd", "#ee8866", "#eedd88", "#44bb99", "#ffaabb", "#99ddff", "#bbcc33", "#dddddd"]
_MOST_GROUPS = 12
_COLUMN = 104  # pixels of an axis among parallel ones, at least
_UNMARKED = 0.15
_IS_SHOWN = "marked === null || marked === datum.trial"


def in_drawing_order(trials: Sequence[Trial]) -> list[Trial]:
    """Return trials so that the better ones are drawn over the others."""
    return sorted(trials, key=lambda trial: list(ROLES).index(trial["role"]))


def jitter(at: int) -> float:
    """Return a shift in [-0.5, 0.5) that differs from that of neighbours."""
    return (at * 0.618034) % 1 - 0.5


def _scale(at: int) -> alt.Scale:
    """Return the scale of one property of roles."""
    return alt.Scale(domain=list(ROLES), range=[properties[at] for properties in ROLES.values()])


def _parameters() -> list[alt.Parameter]:
    pointed = alt.selection_point(name="pointed", fields=["trial"], on="pointerover", clear="pointerout", empty=False)
    return [alt.param(name="marked", value=None), pointed]


def with_trials(data: alt.Chart, name: str) -> alt.Chart:
    """Add what is known of the trial of each row."""
    return data.transform_lookup("trial", alt.LookupData(alt.NamedData(name), "trial", ["role", "text"]))


def dots(data: alt.Chart) -> alt.Chart:
    """Return a dot for each trial, hollow for one that was not trained to its end."""
    hollow = "datum.role === 'stopped' || datum.role === 'unfinished'"
    role = alt.Color("role:N", scale=_scale(1), legend=None)
    return (
        data.mark_point(size=70, strokeWidth=1.5)
        .encode(
            stroke=role.copy(),
            fill=alt.condition(hollow, alt.value("var(--card)"), alt.Fill("role:N", scale=_scale(1), legend=None)),
            size=alt.condition("datum.role === 'best'", alt.value(150), alt.value(70)),
            opacity=alt.condition(_IS_SHOWN, alt.value(1), alt.value(_UNMARKED)),
            tooltip="text:N",
        )
        .add_params(*_parameters())
    )


def _lines(data: alt.Chart) -> alt.LayerChart:
    """Draw a line a trial, with a wider unseen one over it, which is easier to point at."""
    of_trial = data.encode(detail="trial:N")
    role: dict[str, Any] = {"scale": _scale(1), "legend": None}
    shown = of_trial.mark_line().encode(
        color=alt.Color("role:N", **role),
        strokeWidth=alt.StrokeWidth("role:O", scale=_scale(2), legend=None),
        strokeDash=alt.StrokeDash("role:N", scale=_scale(3), legend=None),
        opacity=alt.condition(_IS_SHOWN, alt.value(0.85), alt.value(0.07)),
    )
    return shown + of_trial.mark_line(strokeWidth=9, opacity=0, aria=False).encode(tooltip="text:N").add_params(
        *_parameters()
    )


def scored(trials: Sequence[Trial]) -> list[Trial]:
    """Return the trials that have a score to draw."""
    return [trial for trial in in_drawing_order(trials) if trial["score"] is not None and trial["state"] != "failed"]


def score_range(trials: Sequence[Trial]) -> tuple[float, float]:
    """Return between what scores are drawn: those of finished trials, if there are any, with some room."""
    shown = [trial["score"] for trial in trials if trial["rank"] is not None] or [trial["score"] for trial in trials]
    low, high = min(shown), max(shown)
    room = 0.06 * ((high - low) or 0.1)
    return low - room, high + room


def draw_scores(trials: Sequence[Trial], axis: Axis | None, name: str) -> Markup:
    """Draw the score of each trial by a parameter: few values as groups, many as an axis."""
    groups = {trial["params"][axis["name"]] if axis else "all trials" for trial in trials}
    is_grouped = axis is None or (len(groups) <= _MOST_GROUPS and (axis["low"] is None or bool(axis["ticks"])))
    drawing = _grouped(trials, axis, name) if is_grouped else _scattered(trials, axis, name)  # type: ignore[arg-type]
    return chart(drawing, f"Score by {axis['label'] if axis else 'trial'}")


def _grouped(trials: Sequence[Trial], axis: Axis | None, name: str) -> alt.LayerChart:
    """Draw the trials of each value in a row of its own, with the mean of those trained to the end."""
    groups: dict[Any, list[Trial]] = {}
    for trial in trials:
        groups.setdefault(trial["params"][axis["name"]] if axis else "all trials", []).append(trial)
    in_order = sorted(groups.items(), key=lambda item: _place_of_group(*item))
    low, high = score_range(trials)
    rows = [
        {"trial": trial["trial"], "group": at, "score": max(trial["score"], low), "jitter": jitter(index)}
        for at, (_, own) in enumerate(in_order)
        for index, trial in enumerate(own)
    ]
    means = [{"group": at, "mean": mean} for at, (_, own) in enumerate(in_order) if (mean := _mean(own)) is not None]
    score: dict[str, Any] = {"scale": alt.Scale(domain=[low, high], nice=False), "title": "validation score"}
    group = _group_axis([_text_of_group(value, own) for value, own in in_order])
    data = alt.Chart(alt.Data(values=_sorted_as(rows, trials)), width="container", height=56 * len(in_order))
    bars = alt.Chart(alt.Data(values=means)).mark_tick(thickness=2.5, size=42, color="var(--ink)")
    return bars.encode(x=alt.X("mean:Q", **score), y=group, tooltip=alt.Tooltip("mean:Q", format=".3f")) + dots(
        with_trials(data, name)
    ).encode(x=alt.X("score:Q", **score), y=group, yOffset=alt.YOffset("jitter:Q", scale=alt.Scale(domain=[-0.7, 0.7])))


def _group_axis(texts: Sequence[str]) -> alt.Y:
    axis = labelled_axis(
        list(enumerate(texts)),
        labelLimit=170,
        labelPadding=14,
        labelOffset=-14,
        labelColor="var(--ink)",
        grid=True,
        tickBand="extent",
    )
    return alt.Y("group:O", title=None, axis=axis)


def _sorted_as(rows: list[dict[str, Any]], trials: Sequence[Trial]) -> list[dict[str, Any]]:
    """Return rows in the order of their trials."""
    places = {trial["trial"]: at for at, trial in enumerate(trials)}
    return sorted(rows, key=lambda row: places[row["trial"]])


def _mean(trials: Sequence[Trial]) -> float | None:
    """Return the mean score of the trials that were trained to the end."""
    scores = [trial["score"] for trial in trials if trial["rank"] is not None]
    return sum(scores) / len(scores) if scores else None


def _place_of_group(value: Any, trials: Sequence[Trial]) -> tuple[bool, float]:
    """Return where a group stands: names first, the best of them at the top, then numbers."""
    if is_number(value):
        return True, value
    mean = _mean(trials)
    return False, float("inf") if mean is None else -mean


def _text_of_group(value: Any, trials: Sequence[Trial]) -> str:
    n_done = sum(trial["rank"] is not None for trial in trials)
    n_stopped = sum(trial["state"] == "stopped" for trial in trials)
    counted = f"{n_done} done, mean {_mean(trials):.3f}" if n_done else "none done"
    name = short(value).replace("\n", " ")
    return "\n".join([name, counted, *([f"{n_stopped} stopped"] if n_stopped else [])])


def _scattered(trials: Sequence[Trial], axis: Axis, name: str) -> alt.Chart:
    place, (low, high) = placer(axis), score_range(trials)
    rows = [
        {"trial": one["trial"], "at": place(one["params"][axis["name"]]), "score": max(one["score"], low)}
        for one in trials
    ]
    title = axis["label"] + (" (logarithmic)" if axis["log"] else "")
    return dots(with_trials(alt.Chart(alt.Data(values=rows), width="container", height=300), name)).encode(
        x=alt.X(
            "at:Q",
            title=title,
            scale=alt.Scale(domain=[-0.02, 1.02]),
            axis=labelled_axis(labels(axis, 0.1 if axis["names"] else 0.05), grid=False, labelLimit=110),
        ),
        y=alt.Y("score:Q", title="validation score", scale=alt.Scale(domain=[low, high], nice=False)),
    )


def score_axis(trials: Sequence[Trial]) -> Axis:
    """Return the axis of the scores of trials that were trained to the end."""
    scores = [trial["score"] for trial in trials if trial["rank"] is not None]
    low, high = (min(scores), max(scores)) if scores else (None, None)
    missing = len(scores) < len(trials)
    return Axis(name="", label="score", low=low, high=high, log=False, ticks=[], names=[], missing=missing)


def draw_parallel(trials: Sequence[Trial], axes: Sequence[Axis], name: str) -> Markup:
    """Draw a line a trial from parameter to parameter to its score."""
    columns = [*axes, score_axis(trials)]
    rows = [
        {"trial": trial["trial"], "column": at, "at": _on_column(trial, axis, index)}
        for at, axis in enumerate(columns)
        for index, trial in enumerate(in_drawing_order(trials))
    ]
    texts = [
        {"column": at, "at": place, "text": text}
        for at, axis in enumerate(columns)
        for place, text in labels(axis, 0.04)
    ]
    wide = _COLUMN * len(columns)
    x = alt.X(
        "column:Q",
        title=None,
        scale=alt.Scale(domain=[0, len(columns) - 0.4], nice=False),
        axis=labelled_axis(
            [(at, axis["label"].replace("\n", " ")) for at, axis in enumerate(columns)],
            orient="top", labelAlign="left", labelLimit=_COLUMN - 8, labelColor="var(--ink)", labelFontWeight="bold",
            grid=True, gridColor="var(--other)",
        ),
    )  # fmt: skip
    y = alt.Y("at:Q", axis=None, scale=alt.Scale(domain=[-0.01, 1.01]))
    data = alt.Chart(alt.Data(values=rows), width="container" if wide < 1000 else wide, height=330)
    words = alt.Chart(alt.Data(values=texts)).encode(x=x, y=y, text="text:N")
    text = words.mark_text(align="left", dx=5, limit=_COLUMN - 12, aria=False)
    halo = words.mark_text(align="left", dx=5, limit=_COLUMN - 12, aria=False, stroke="var(--card)", strokeWidth=4)
    return chart(_lines(with_trials(data, name).encode(x=x, y=y)) + halo + text, "Parallel coordinates")


def _on_column(trial: Trial, axis: Axis, index: int) -> float:
    """Return where the line of a trial crosses an axis; those at one name stand a little apart."""
    value = trial["params"][axis["name"]] if axis["name"] else trial["score"] if trial["rank"] is not None else None
    return placer(axis)(value) + (0 if is_number(value) else 0.03 * jitter(index))


def draw_curves(trials: Sequence[Trial], curves: Mapping[str, Sequence[Sequence[float]]], name: str) -> Markup:
    """Draw the validation score of each trial after each epoch."""
    shown = [trial for trial in in_drawing_order(trials) if curves.get(trial["trial"])]
    rows = [
        {"trial": trial["trial"], "epoch": epoch, "score": score}
        for trial in shown
        for epoch, score in curves[trial["trial"]]
    ]
    stops = [
        {"trial": trial["trial"], "epoch": curves[trial["trial"]][-1][0], "score": curves[trial["trial"]][-1][1]}
        for trial in shown
        if trial["state"] == "stopped" or len(curves[trial["trial"]]) == 1
    ]
    last = max(row["epoch"] for row in rows)
    epochs = [value for value in round_numbers(1, last, 10) if value == int(value)]
    x = alt.X(
        "epoch:Q",
        axis=alt.Axis(values=epochs, grid=False, format="d"),
        scale=alt.Scale(domain=[min(1, last - 1), last], nice=False),
    )
    y = alt.Y("score:Q", title="validation score", scale=alt.Scale(zero=False))
    lines, ends = (
        with_trials(alt.Chart(alt.Data(values=values), width="container", height=320), name).encode(x=x, y=y)
        for values in (rows, stops)
    )
    dots = ends.mark_point(size=45, color="var(--faint)", fill="var(--card)").encode(
        opacity=alt.condition(_IS_SHOWN, alt.value(1), alt.value(_UNMARKED))
    )
    return chart(_lines(lines) + dots, "Learning curves")


def draw_schedule(schedule: Sequence[Mapping[str, Any]]) -> list[Markup]:
    """Draw what the best member of a population trained with, a chart a parameter: names as bands, numbers as steps."""
    return [chart(_steps(one) if one["is_number"] else _bands(one), f"Schedule of {one['name']}") for one in schedule]


def _percent_axis() -> alt.X:
    axis = alt.Axis(values=[0, 25, 50, 75, 100], labelExpr="datum.value + ' %'", grid=False)
    return alt.X("from:Q", title=None, scale=alt.Scale(domain=[0, 100]), axis=axis)


def _stage_rows(one: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {"name": one["name"], "value": value, "from": start, "to": end, "middle": (start + end) / 2}
        for value, start, end in one["stages"]
    ]


def _bands(one: Mapping[str, Any]) -> alt.LayerChart:
    rows = _stage_rows(one)
    data = alt.Chart(alt.Data(values=rows), width="container", height=46).encode(
        y=alt.Y("name:N", title=None, axis=alt.Axis(**_NAME))
    )
    values = list(dict.fromkeys(row["value"] for row in rows))
    colours = alt.Scale(domain=values, range=[_STAGES[at % len(_STAGES)] for at in range(len(values))])
    bands = data.mark_bar(height=40, cornerRadius=3, stroke="var(--card)").encode(
        x=_percent_axis(),
        x2="to:Q",
        color=alt.Color("value:N", scale=colours, legend=None),
        tooltip=["value:N", "from:Q", "to:Q"],
    )
    wide_enough = data.transform_filter("datum.to - datum.from >= 8")
    return bands + wide_enough.mark_text(color="#16191d", limit=150, aria=False).encode(x="middle:Q", text="value:N")


_NAME: dict[str, Any] = {
    "minExtent": 120,
    "maxExtent": 120,
    "labelLimit": 110,
    "labelColor": "var(--ink)",
    "labelFontWeight": "bold",
    "grid": False,
}


def _steps(one: Mapping[str, Any]) -> alt.LayerChart:
    rows = [{**row, "number": float(row["value"])} for row in _stage_rows(one)]
    numbers = [row["number"] for row in rows]
    low, high = min(numbers), max(numbers)
    room = 0.25 * ((high - low) or 1)
    named = labelled_axis([((low + high) / 2, one["name"].replace("\n", " "))], **_NAME)
    y = alt.Y("number:Q", title=None, axis=named, scale=alt.Scale(domain=[low - room, high + 2 * room], nice=False))
    data = alt.Chart(alt.Data(values=rows), width="container", height=46 if low == high else 90).encode(y=y)
    steps = data.mark_rule(color="var(--best)", strokeWidth=3).encode(
        x=_percent_axis(), x2="to:Q", tooltip=["value:N", "from:Q", "to:Q"]
    )
    return steps + data.mark_text(dy=-9, aria=False).encode(x="middle:Q", text="value:N")
