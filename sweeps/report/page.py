"""The page that shows what a sweep found."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from noisylabel.exceptions import InvalidDataError
from noisylabel.pages import dataset, write_page
from sweeps.report.axes import Axis, short
from sweeps.report.charts import (
    ROLES,
    draw_curves,
    draw_parallel,
    draw_schedule,
    draw_scores,
    score_range,
    scored,
)
from sweeps.report.front import draw_front
from sweeps.report.summary import report_summary
from sweeps.report.tables import SweepResults

_FIRST_BY = ("method", "curriculum")
_COLUMNS: list[dict[str, Any]] = [
    {"text": "Rank", "key": "rank", "count": True},
    {"text": "Trial", "key": "trial"},
    {"text": "State", "key": "state"},
    {"text": "Validation", "key": "score", "count": True, "down": True},
    {"text": "Test", "key": "test_score", "count": True, "down": True},
    {"text": "Epochs", "key": "epochs", "count": True},
    {"text": "Seconds", "key": "seconds", "count": True},
]


def write_report(results: SweepResults | Sequence[SweepResults], path: str | Path) -> Path:
    """Write one HTML page, without anything loaded from elsewhere, that shows what one or more sweeps found.

    Parameters
    ----------
    results : SweepResults or sequence of SweepResults
        With several, such as one for each noise rate, the page starts with the best configuration of each.
    path : str or Path
        Where to write.

    Returns
    -------
    Path

    Raises
    ------
    InvalidDataError
        If there is no sweep to show.
    """
    sweeps = [results] if isinstance(results, SweepResults) else list(results)
    if not sweeps:
        raise InvalidDataError("write_report got no sweep. Pass the SweepResults of one or a list of several.")
    summary = report_summary(sweeps)
    pictures = [_pictures(sweep, f"trials-{number}") for number, sweep in enumerate(summary["sweeps"], start=1)]
    template = Path(__file__).with_name("report.html.jinja")
    roles = [(role, words) for role, (words, *_) in reversed(ROLES.items())]
    return write_page(path, template, **summary, pictures=pictures, roles=roles, short=short)


def _pictures(sweep: dict[str, Any], name: str) -> dict[str, Any]:
    """Return the charts of a sweep, what stands beside them, and its trials as the data of all of them."""
    trials, axes, curves = sweep["trials"], sweep["axes"], sweep["curves"]
    shown = scored(trials)
    by = sorted(axes, key=lambda axis: _FIRST_BY.index(axis["name"]) if axis["name"] in _FIRST_BY else len(_FIRST_BY))
    scores = [(axis["name"] if axis else "", draw_scores(shown, axis, name)) for axis in by or [None]] if shown else []
    ended = [trial for trial in trials if trial["state"] != "unfinished"]
    low = score_range(shown)[0] if shown else 0
    return {
        "trials": dataset(name, [{"trial": one["trial"], "role": one["role"], "text": _text(one)} for one in trials]),
        "schedule": draw_schedule(sweep["schedule"]),
        "front": draw_front(trials, [row["trial"] for row in sweep["front"]], name) if sweep["front"] else "",
        "choices": [(axis["name"], axis["label"]) for axis in by],
        "scores": scores,
        "scored": shown,
        "is_below": any(trial["rank"] is None and trial["score"] < low for trial in shown),
        "parallel": draw_parallel(ended, axes, name) if ended and axes else "",
        "ended": ended,
        "curves": draw_curves(trials, curves, name) if any(curves.values()) else "",
        "with_curve": [trial for trial in trials if curves.get(trial["trial"])],
        "columns": [*_COLUMNS, *_columns_of(axes), {"text": "Message", "key": "error"}],
    }


def _columns_of(axes: list[Axis]) -> list[dict[str, Any]]:
    return [{"text": axis["label"], "key": f"param {axis['name']}"} for axis in axes]


def _text(trial: dict[str, Any]) -> str:
    """Say what a trial is, for where it is pointed at."""
    shown = "no score" if trial["score"] is None else f"{trial['score']:.3f}"
    left = "" if trial["state"] == "done" else f" ({trial['state']} after {trial['epochs']} epochs)"
    return f"{trial['trial']}: {shown}{left}" + (f". {trial['words']}" if trial["words"] else "")
