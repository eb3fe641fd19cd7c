"""The numbers of the page of an audit, as plain values."""

from typing import Any

import numpy as np
import pandas as pd

from noisylabel.audit._training import Audit

BINS = 20
_MOST_CLASSES = 15
_MOST_UNLABELLED = 200


def audit_summary(audit: Audit) -> dict[str, Any]:
    """Return what the page shows besides its rows, as plain values.

    Parameters
    ----------
    audit : Audit
        What an audit found.

    Returns
    -------
    dict
    """
    data, issues = audit.data, audit.issues
    return {
        "source": data.source.name,
        "kind": data.kind,
        "n_rows": len(issues),
        "n_flagged": audit.n_flagged,
        "noise_rate": audit.noise_rate,
        "interval": audit.noise_rate_interval,
        "headline": audit.headline,
        "has_signal": audit.learnable is None or audit.learnable.has_signal,
        "confused": audit.confused,
        "notes": data.notes,
        "cautions": audit.cautions,
        "settings": audit.settings,
        "confusion": _confusion(issues),
        "classes": _classes(audit),
        "histogram": _histogram(issues),
        "unlabelled": _unlabelled(audit),
    }


def place_column(rows: pd.DataFrame, audit: Audit) -> str:
    """Return the name of the column that tells people where a row is."""
    return next(n for n in ("file", "spreadsheet_row", "row") if n in rows and n not in audit.data.columns)


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


def _classes(audit: Audit) -> list[dict[str, Any]]:
    """Return the lines of the table of classes: counts, shares, and what is suggested most often."""
    classes, issues = [], audit.issues
    names = np.unique(audit.data.noisy_y).tolist()
    shares = () if audit.learnable is None else audit.learnable.agreement_by_class
    predicted = dict(zip(names, shares, strict=True)) if len(shares) == len(names) else {}
    for label, rows in issues.groupby("given_label"):
        flagged = rows.loc[rows["is_label_issue"], "suggested_label"]
        suggestion = "" if flagged.empty else str(flagged.value_counts().index[0])
        counts = {"label": str(label), "rows": len(rows), "flagged": len(flagged)}
        share = predicted.get(label)
        known = share is not None and share == share  # NaN: too few rows to try
        found = {"suggestion": suggestion, "predicted": share if known else None}
        classes.append({**counts, **found, "rates": audit.rates_by_class.get(label)})
    return classes


def _unlabelled(audit: Audit) -> dict[str, Any]:
    """Return how many rows have no label, and of the surest ones place, prediction and its probability."""
    rows = audit.unlabelled
    if rows is None:
        return {"n": 0, "rows": []}
    shown = rows.head(_MOST_UNLABELLED)
    texts = (shown[name].astype(str).tolist() for name in (place_column(rows, audit), "suggested_label"))
    return {"n": len(rows), "rows": list(zip(*texts, shown["suggested_probability"].tolist(), strict=True))}


def _histogram(issues: pd.DataFrame) -> dict[str, Any]:
    """Count label qualities in equal bins from 0 to 1, flagged rows apart."""
    flagged = issues["is_label_issue"].to_numpy(bool)
    quality = issues["label_quality"].to_numpy(float)
    return {
        "flagged": np.histogram(quality[flagged], BINS, (0, 1))[0].tolist(),
        "others": np.histogram(quality[~flagged], BINS, (0, 1))[0].tolist(),
        "threshold": float(quality[flagged].max()) if flagged.any() else None,
    }
