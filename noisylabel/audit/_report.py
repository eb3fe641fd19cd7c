"""The page that shows what an audit found."""

import base64
import io
import math
import re
from collections.abc import Iterable
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import altair as alt
import numpy as np
import pandas as pd

from noisylabel.audit._reading import AuditData
from noisylabel.audit._training import Audit
from noisylabel.datasets._read_image import read_image
from noisylabel.exceptions import InvalidDataError
from noisylabel.pages import chart, write_page

_FEWEST_SHOWN, _MOST_SHOWN = 20, 200
_MOST_COLUMNS = 12
_MOST_CLASSES = 15
_LONGEST_TEXT = 300
_BINS = 20
_THUMBNAIL = 96


def write_audit_page(audit: Audit, path: str | Path) -> Path:
    """Write one HTML page, without anything loaded from elsewhere, that shows the most doubtful labels.

    Parameters
    ----------
    audit : Audit
        What an audit found.
    path : str or Path
        Where to write.

    Returns
    -------
    Path
    """
    summary = audit_summary(audit)
    return write_page(
        path,
        Path(str(files("noisylabel.pages") / "audit.html.jinja")),
        title=f"Label audit of {summary['source']}",
        heads=[{"text": name} for name in summary["columns"]],
        choices={name: _choices(row[name] for row in summary["rows"]) for name in ("given", "suggested")},
        cells=_cells(summary["confusion"], summary["rows"]),
        picture=chart(_draw_histogram(summary["histogram"]), "Numbers of labels over their quality"),
        **summary,
    )


def _choices(labels: Iterable[str]) -> list[tuple[str, str]]:
    """Return what a control offers, "any" first, numbers within labels in their order."""
    in_order = sorted(set(labels), key=lambda text: [part.zfill(20) for part in re.split(r"([0-9]+)", text)])
    return [("", "any"), *((label, label) for label in in_order)]


def _cells(confusion: dict[str, Any], rows: list[dict[str, Any]]) -> list[list[dict[str, str]]]:
    """Return the cells of given against suggested labels: text, class, and a link if their rows are on the page."""
    labels, counts = confusion["labels"], np.array(confusion["counts"])
    most = max(1, int((counts - np.diag(counts.diagonal())).max(initial=0)))
    here = {(row["given"], row["suggested"]) for row in rows if row["flagged"]}

    def cell(i: int, j: int) -> dict[str, str]:
        count = int(counts[i, j])
        if i == j:
            return {"text": f"{count:,}", "class": "same", "link": ""}
        link = "#" + urlencode({"given": labels[i], "suggested": labels[j]}) if (labels[i], labels[j]) in here else ""
        return {"text": f"{count:,}" if count else "", "class": f"shade{_shade(count / most)}", "link": link}

    return [[cell(i, j) for j in range(len(labels))] for i in range(len(labels))]


def _shade(share: float) -> int:
    """Return how dark a cell is, from 0 (nothing) to 5."""
    return math.ceil(5 * share)


def _draw_histogram(histogram: dict[str, Any]) -> alt.LayerChart:
    edges = np.linspace(0, 1, _BINS + 1)
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


def audit_summary(audit: Audit) -> dict[str, Any]:
    """Return what the page shows, as plain values.

    Parameters
    ----------
    audit : Audit
        What an audit found.

    Returns
    -------
    dict
        ``rows`` are the flagged ones, the most doubtful first: at least 20 and at most 200.
    """
    data, issues = audit.data, audit.issues
    flagged = issues[issues["is_label_issue"]]
    shown = issues.head(min(max(_FEWEST_SHOWN, len(flagged)), _MOST_SHOWN))
    columns = data.columns[:_MOST_COLUMNS] if data.kind == "table" else []
    return {
        "source": data.source.name,
        "kind": data.kind,
        "n_rows": len(issues),
        "n_flagged": len(flagged),
        "noise_rate": audit.noise_rate,
        "interval": audit.noise_rate_interval,
        "notes": data.notes,
        "cautions": audit.cautions,
        "settings": audit.settings,
        "columns": columns,
        "n_hidden_columns": len(data.columns) - len(columns) if data.kind == "table" else 0,
        "rows": [
            _row(data, position, row, columns) for position, row in zip(shown.index, _records(shown), strict=True)
        ],
        "confusion": _confusion(issues),
        "classes": _classes(issues),
        "histogram": _histogram(issues),
    }


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [dict(zip(table.columns, values, strict=True)) for values in table.itertuples(index=False, name=None)]


def _row(data: AuditData, position: int, row: dict[str, Any], columns: list[str]) -> dict[str, Any]:
    """Return one row as the page shows it."""
    place = row.get("file", row.get("spreadsheet_row", row.get("row")))
    shown = {
        "place": str(place),
        "given": str(row["given_label"]),
        "suggested": str(row["suggested_label"]),
        "quality": round(float(row["label_quality"]), 4),
        "flagged": bool(row["is_label_issue"]),
        "values": [_text(row[name]) for name in columns],
    }
    return shown if data.kind == "table" else {**shown, "image": _thumbnail(data.picture(position))}


def _text(value: Any) -> str:
    """Return a value of the file as a short text."""
    if pd.api.types.is_scalar(value) and pd.isna(value):
        return ""
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return text if len(text) <= _LONGEST_TEXT else text[:_LONGEST_TEXT] + "…"


def _thumbnail(file: Path) -> str:
    """Return a small JPEG of an image file as a data URL; nothing if it has become unreadable since training."""
    try:
        picture = read_image(file, side=_THUMBNAIL)
    except InvalidDataError:
        return ""
    buffer = io.BytesIO()
    picture.thumbnail((_THUMBNAIL, _THUMBNAIL))
    picture.save(buffer, format="jpeg", quality=80)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()


def _confusion(issues: pd.DataFrame) -> dict[str, Any]:
    """Count rows by given and suggested label, the rows that are not flagged where both are the given one.

    With many classes, those that most flagged rows have or should have.
    """
    given = issues["given_label"]
    suggested = issues["suggested_label"].where(issues["is_label_issue"], given)
    labels = np.unique(given.to_numpy())
    counts = pd.crosstab(given, suggested).reindex(index=labels, columns=labels, fill_value=0).to_numpy()
    off_diagonal = counts - np.diag(counts.diagonal())
    busiest = np.sort(np.argsort(-(off_diagonal.sum(0) + off_diagonal.sum(1)), kind="stable")[:_MOST_CLASSES])
    return {
        "labels": [str(label) for label in labels[busiest]],
        "counts": counts[np.ix_(busiest, busiest)].tolist(),
        "n_hidden": len(labels) - len(busiest),
    }


def _classes(issues: pd.DataFrame) -> list[dict[str, Any]]:
    """Count the rows and the flagged rows of each class, and say what is suggested most often instead."""
    classes = []
    for label, rows in issues.groupby("given_label"):
        flagged = rows.loc[rows["is_label_issue"], "suggested_label"]
        suggestion = "" if flagged.empty else str(flagged.value_counts().index[0])
        classes.append({"label": str(label), "rows": len(rows), "flagged": len(flagged), "suggestion": suggestion})
    return classes


def _histogram(issues: pd.DataFrame) -> dict[str, Any]:
    """Count label qualities in equal bins from 0 to 1, flagged rows apart."""
    flagged = issues["is_label_issue"].to_numpy(bool)
    quality = issues["label_quality"].to_numpy(float)
    return {
        "flagged": np.histogram(quality[flagged], _BINS, (0, 1))[0].tolist(),
        "others": np.histogram(quality[~flagged], _BINS, (0, 1))[0].tolist(),
        "threshold": float(quality[flagged].max()) if flagged.any() else None,
    }
