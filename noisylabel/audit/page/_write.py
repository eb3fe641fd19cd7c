"""The page that shows what an audit found."""

import math
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import altair as alt
import numpy as np

from noisylabel.audit._training import Audit
from noisylabel.audit.page._paths import Recorded, page_paths
from noisylabel.audit.page._rows import issues_on_page, page_rows
from noisylabel.audit.page._summary import BINS, audit_summary, place_column
from noisylabel.pages import chart, embedded, write_page

_MOST_PAIRS = 50


def write_audit_page(audit: Audit, path: str | Path, recorded: Recorded | None = None) -> Path:
    """Write one HTML page, without anything loaded from elsewhere, to look at doubtful labels and decide on them.

    Decisions are kept by the browser, and leave it as a file that :func:`read_decisions` reads. The page holds up to
    20,000 rows and says what it leaves out.

    Parameters
    ----------
    audit : Audit
        What an audit found.
    path : str or Path
        Where to write.
    recorded : Recorded, optional
        What training recorded of rows of the data, with :func:`paths_to_record`; shown with each row, and as a
        map of the data.

    Returns
    -------
    Path
    """
    summary, rows = audit_summary(audit), page_rows(audit)
    if recorded is not None:
        codes = {label: code for code, label in enumerate(rows["labels"])}
        rows["paths"] = page_paths(recorded, issues_on_page(audit.issues), codes)
    return write_page(
        path,
        Path(str(files("noisylabel.pages") / "audit.html.jinja")),
        scripts=["audit.js"] if recorded is None else ["audit.js", "explore.js"],
        verdicts=_verdicts(rows["rows"].get("verdict", [])),
        regions=_regions(rows.get("paths")),
        paths_left_out=_paths_left_out(rows),
        title=f"Label audit of {summary['source']}",
        rows=embedded("audit-rows", rows),
        labels=rows["labels"],
        left_out=rows["left_out"],
        duplicates=_duplicates(audit),
        cells=_cells(summary["confusion"]),
        picture=chart(_draw_histogram(summary["histogram"]), "Numbers of labels over their quality"),
        **summary,
    )


def _duplicates(audit: Audit) -> dict[str, Any]:
    """Return the pairs that are almost the same: how many, and of the most alike where the rows are on the page."""
    rows = issues_on_page(audit.issues)
    at = dict(zip(rows.index.tolist(), enumerate(rows[place_column(rows, audit)].astype(str)), strict=True))
    pairs = [
        {
            "a": at[pair.row_a],
            "b": at[pair.row_b],
            "labels": (str(pair.label_a), str(pair.label_b)),
            "similarity": pair.similarity,
        }
        for pair in audit.duplicates.itertuples()
        if pair.row_a in at and pair.row_b in at
    ]
    return {"n_pairs": len(audit.duplicates), "pairs": pairs[:_MOST_PAIRS]}


_VERDICTS = {
    "wrong": "wrong",
    "unclear": "unclear: two labels fit",
    "outlier": "outlier: no label fits",
    "fine": "fine",
}


def _verdicts(given: list[str]) -> list[tuple[str, str]]:
    """Return the verdicts that a control offers, with their numbers of rows."""
    return [(name, f"{words} ({given.count(name):,})") for name, words in _VERDICTS.items() if name in given]


def _regions(paths: dict[str, Any] | None) -> list[tuple[str, str]]:
    """Return the regions of the map that a control offers, with their numbers of rows."""
    if paths is None:
        return []
    return [(name, f"{name} ({paths['region'].count(name):,})") for name in ("easy", "ambiguous", "hard", "wrong")]


def _paths_left_out(rows: dict[str, Any]) -> str:
    """Say how many rows of the page have no path."""
    n_rows, n_held = len(rows["rows"]["key"]), len(rows.get("paths", {}).get("rows", []))
    return f" Drawn at random: {n_held:,} of the {n_rows:,} on this page were recorded." if n_held < n_rows else ""


def _cells(confusion: dict[str, Any]) -> list[list[dict[str, str]]]:
    """Return the cells of given against suggested labels: text, class, and a link to their rows."""
    labels, counts = confusion["labels"], np.array(confusion["counts"])
    most = max(1, int((counts - np.diag(counts.diagonal())).max(initial=0)))

    def cell(i: int, j: int) -> dict[str, str]:
        count = int(counts[i, j])
        if i == j:
            return {"text": f"{count:,}", "class": "same", "link": ""}
        link = "#" + urlencode({"given": labels[i], "suggested": labels[j]}) if count else ""
        return {"text": f"{count:,}" if count else "", "class": f"shade{_shade(count / most)}", "link": link}

    return [[cell(i, j) for j in range(len(labels))] for i in range(len(labels))]


def _shade(share: float) -> int:
    """Return how dark a cell is, from 0 (nothing) to 5."""
    return math.ceil(5 * share)


def _draw_histogram(histogram: dict[str, Any]) -> alt.LayerChart:
    edges = np.linspace(0, 1, BINS + 1)
    bins = [
        {"from": low, "to": high, "kind": words, "n": n}
        for words, counts in (("not flagged", histogram["others"]), ("flagged", histogram["flagged"]))
        for low, high, n in zip(edges[:-1].tolist(), edges[1:].tolist(), counts, strict=True)
    ]
    colours = alt.Scale(domain=["not flagged", "flagged"], range=["var(--calm)", "var(--doubt)"])
    bars = (
        alt.Chart(alt.Data(values=bins), width="container", height=160)
        .mark_bar()
        .encode(
            x=alt.X("from:Q", bin="binned", title="quality", scale=alt.Scale(domain=[0, 1]), axis=alt.Axis(grid=False)),
            x2="to:Q",
            y=alt.Y("n:Q", title="labels"),
            color=alt.Color("kind:N", scale=colours, legend=None),
            tooltip=["kind:N", "n:Q", alt.Tooltip("from:Q", format=".2f"), alt.Tooltip("to:Q", format=".2f")],
        )
    )
    thresholds = [] if histogram["threshold"] is None else [{"at": histogram["threshold"]}]
    dashes = alt.Chart(alt.Data(values=thresholds)).mark_rule(strokeDash=[4, 3], color="var(--ink)", strokeWidth=2)
    return bars + dashes.encode(x="at:Q")
