"""One page that shows all results: plots of accuracy against noise, oracle gaps, a table, and published numbers."""

import math
from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.report.charts import chart_rows, draw_accuracy, draw_gaps, styles
from benchmarks.report.summary import page_summary
from noisylabel.pages import dataset, write_page

_TITLE = "Accuracy under label noise"
_METRICS = {"last": "last epoch", "selected": "selected on noisy labels", "oracle": "best epoch (oracle)"}
_TABLE: list[dict[str, Any]] = [
    {"text": "Method", "key": "method"},
    {"text": "Family", "key": "family"},
    {"text": "Noise", "key": "noise"},
    {"text": "n", "key": "n", "count": True},
    {"text": "Last", "key": "last", "count": True, "down": True},
    {"text": "Selected", "key": "selected", "count": True, "down": True},
    {"text": "Oracle", "key": "oracle", "count": True, "down": True},
    {"text": "Last behind", "key": "oracle_gap_last", "count": True},
    {"text": "Selected behind", "key": "oracle_gap_selected", "count": True},
    {"text": "ECE", "key": "ece", "count": True},
    {"text": "AP", "key": "detection_ap", "count": True, "down": True},
    {"text": "Seconds", "key": "seconds", "count": True},
]
_VERDICT = {"text": "Against plain training", "key": "verdict"}


def write_report(results: list[dict[str, Any]], verdicts: pd.DataFrame, path: Path) -> None:
    """Write the page.

    Parameters
    ----------
    results : list of dict
        What to show.
    verdicts : DataFrame
        From :func:`benchmarks.report.regimes.regimes`.
    path : Path
        Where to write.
    """
    summary = page_summary(results, verdicts)
    panels = [_panel(profile, summary, f"rows-{at}") for at, profile in enumerate(summary["profiles"], start=1)]
    sets = [(name, name.replace("_", " ")) for name in summary["published"]]
    template = Path(__file__).with_name("page.html.jinja")
    write_page(path, template, title=_TITLE, panels=panels, titles=_METRICS, published_choices=sets, **summary)


def _panel(profile: dict[str, Any], summary: dict[str, Any], name: str) -> dict[str, Any]:
    """Return what a profile's part of the page shows beside its own entries: charts, columns and published numbers."""
    families, hidden = summary["families"], summary["collapsed"]
    drawn = styles(profile["methods"], families)
    counts = Counter(row["noise"] for row in profile["rows"])
    fullest = max((noise["label"] for noise in profile["noises"]), key=lambda label: counts[label])
    members = {family: [one["name"] for one in profile["methods"] if one["family"] == family] for family in families}
    verdicts: dict[str, list[str]] = {}
    for row in profile["rows"]:
        if row["verdict"] and row["verdict"][0] == summary["badge"]:
            verdicts.setdefault(row["method"], []).append(row["noise"])
    return {
        **profile,
        "data": dataset(name, chart_rows(profile)),
        "accuracy": draw_accuracy(profile, name, drawn, hidden),
        "gaps": draw_gaps(profile, name, drawn, hidden, fullest),
        "styles": drawn,
        "family": {one["name"]: one["family"] for one in profile["methods"]},
        "members": {family: names for family, names in members.items() if names},
        "columns": [*_TABLE, *([_VERDICT] if profile["has_verdict"] else [])],
        "noise_at": {noise["label"]: at for at, noise in enumerate(profile["noises"])},
        "choices": [(noise["label"], noise["label"]) for noise in profile["noises"]],
        "fullest": fullest,
        "verdicts": verdicts,
        "published": _beside_ours(summary["published"].get(profile["dataset"]), profile),
    }


def _beside_ours(table: dict[str, Any] | None, profile: dict[str, Any]) -> dict[str, Any] | None:
    """Return published numbers with the last accuracy of our own runs of the same method under the same noise."""
    if table is None:
        return None
    own = {(row["method"], row["noise"]): row["last"] for row in profile["rows"]}

    def ours(row: dict[str, Any], column: dict[str, Any]) -> float | None:
        labels = [noise["label"] for noise in profile["noises"] if _is_of(noise, column)]
        found = [own[method, label] for method in row["ours"] for label in labels if (method, label) in own]
        return found[0] if found and column["label"] in row["values"] else None

    rows = [{**row, "beside": {one["label"]: ours(row, one) for one in table["columns"]}} for row in table["rows"]]
    return {**table, "rows": rows}


def _is_of(noise: dict[str, Any], column: dict[str, Any]) -> bool:
    """Return whether a noise is that of a column; one without a rate stands for all rates."""
    return noise["noise"] == column["noise"] and (column["rate"] is None or math.isclose(noise["rate"], column["rate"]))
