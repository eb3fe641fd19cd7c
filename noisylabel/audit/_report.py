"""The page that shows what an audit found."""

import base64
import io
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from noisylabel.audit._auditor import Audit
from noisylabel.audit._data import AuditData
from noisylabel.audit._images import open_picture
from noisylabel.pages._page import write_page

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
    return write_page(path, files("noisylabel.pages").joinpath("audit.html"), audit_summary(audit))


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
    """Return a small JPEG of an image file as a data URL."""
    buffer, picture = io.BytesIO(), open_picture(file, _THUMBNAIL)
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
