"""The rows of an audit as the page holds them: plain lists, a list a column, the most doubtful row first."""

import base64
import hashlib
import io
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd

from noisylabel._support.spreadsheet import no_formula
from noisylabel.audit._training import Audit
from noisylabel.audit._words import counted
from noisylabel.audit.reading import AuditData
from noisylabel.datasets._read_image import read_image
from noisylabel.exceptions import InvalidDataError

MOST_ROWS = 20_000
_MOST_COLUMNS = 40
_MOST_LETTERS = 12_000_000
_LONGEST_TEXTS = (5000, 2000, 1000, 500, 300, 150, 80)
_MOST_IMAGES = 4000
_THUMBNAIL = 128


def page_rows(audit: Audit) -> dict[str, Any]:
    """Return the rows that the page holds, and what of them it leaves out.

    Parameters
    ----------
    audit : Audit
        What an audit found.

    Returns
    -------
    dict
        ``audit``: a hash of rows and given labels, by which a browser finds decisions again. ``decided``: those
        that the audit knows of. ``key``: the name of the
        column that numbers rows in decisions. ``labels``: all labels in the order that people expect, and ``safe``
        the same for spreadsheets. ``rows``: lists of up to 20,000 entries; labels are positions in ``labels``.
        ``columns`` and ``values``: the file's own, as texts, a list a column. ``left_out``: sentences.
    """
    data, issues = audit.data, issues_on_page(audit.issues)
    key = "row" if "row" in issues else "file"
    place = "file" if "file" in issues and data.kind == "images" else "spreadsheet_row"
    labels = in_order({*audit.issues["given_label"].astype(str), *audit.issues["suggested_label"].astype(str)})
    columns = data.columns[:_MOST_COLUMNS]
    values, longest = _values(issues, columns)
    images = _images(data, issues) if data.kind == "images" else []
    return {
        "audit": _hash(audit.issues, [key, "given_label"]),
        "source": data.source.name,
        "key": key,
        "labels": labels,
        "safe": [no_formula(label) for label in labels],
        "rows": {
            "key": issues[key].tolist(),
            "place": issues[place if place in issues else key].astype(str).tolist(),
            **_judgement(issues, {label: code for code, label in enumerate(labels)}),
            "image": images,
        },
        "decided": _decided(issues, key),
        "columns": columns,
        "values": values,
        "left_out": _left_out(audit, len(columns), longest, len(images)),
    }


def issues_on_page(issues: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that the page holds: all that are decided, up to 20,000, and the most doubtful of the others."""
    if len(issues) <= MOST_ROWS or "decision" not in issues:
        return issues.head(MOST_ROWS)
    is_decided = (issues["decision"] != "").to_numpy()
    decided = issues[is_decided].head(MOST_ROWS)
    return pd.concat([issues[~is_decided].head(MOST_ROWS - len(decided)), decided])


def in_order(labels: Iterable[str]) -> list[str]:
    """Return labels in the order of letters, numbers within them in theirs."""
    return sorted(labels, key=lambda text: [part.zfill(20) if part.isdecimal() else part for part in _parts(text)])


def _parts(text: str) -> list[str]:
    return re.split(r"([0-9]+)", text)


def _hash(issues: pd.DataFrame, names: list[str]) -> str:
    """Return a hash of columns that does not depend on the order of the rows."""
    identity = issues[names].astype(str).sort_values(names[0]).to_csv(index=False)
    return hashlib.sha256(identity.encode(errors="replace")).hexdigest()[:16]


def _decided(issues: pd.DataFrame, key: str) -> dict[str, tuple[str, str | None, str]]:
    """Return what was decided before the audit: of a row's number, as text, decision, right label and given label."""
    if "decision" not in issues:
        return {}
    rows = issues[issues["decision"] != ""]
    right = rows["suggested_label"].where(rows["decision"] == "change", rows["given_label"]).astype(str)
    right = right.astype(object).where(rows["decision"] != "unsure", None)
    made = zip(rows["decision"], right, rows["given_label"].astype(str), strict=True)
    return dict(zip(rows[key].astype(str), made, strict=True))


def _judgement(issues: pd.DataFrame, codes: dict[str, int]) -> dict[str, list[Any]]:
    """Return what the audit says of the rows; what it does not say is left out."""
    named = {"given": "given_label", "suggested": "suggested_label", "second": "second_label"}
    numbers = {
        "quality": "label_quality",
        "wrong": "wrong_probability",
        "probability": "suggested_probability",
        "second_probability": "second_probability",
        "loss": "loss",
        "margin": "margin",
    }
    judged: dict[str, list[Any]] = {
        "flagged": issues["is_label_issue"].astype(int).tolist(),
        **{name: [codes.get(str(one), -1) for one in issues[of]] for name, of in named.items() if of in issues},
        **{name: _numbers(issues[of]) for name, of in numbers.items() if of in issues},
    }
    return judged | ({"verdict": issues["verdict"].tolist()} if "verdict" in issues else {})


def _numbers(column: pd.Series) -> list[float | None]:
    return [None if value != value else round(value, 4) for value in column.astype(float).tolist()]


def _values(issues: pd.DataFrame, columns: list[str]) -> tuple[list[list[str]], int]:
    """Return columns as texts, cut so that the page stays small, and the longest text that was left whole."""
    texts = [[_text(value) for value in issues[name]] for name in columns]
    for longest in _LONGEST_TEXTS:
        if sum(min(len(text), longest) for column in texts for text in column) <= _MOST_LETTERS:
            break
    return [[text if len(text) <= longest else f"{text[:longest]}…" for text in column] for column in texts], longest


def _text(value: Any) -> str:
    """Return a value of the file as a text."""
    if pd.api.types.is_scalar(value) and pd.isna(value):
        return ""
    return f"{value:g}" if isinstance(value, float) else str(value)


def _images(data: AuditData, issues: pd.DataFrame) -> list[str]:
    return [_thumbnail(data.picture(position)) for position in issues.index[:_MOST_IMAGES]]


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


def _left_out(audit: Audit, n_columns: int, longest: int, n_images: int) -> list[str]:
    """Say what the file of issues has and the page has not."""
    data, n_rows = audit.data, len(audit.issues)
    noun = "row" if data.kind == "table" else "image"
    said = []
    if n_rows > MOST_ROWS:
        said.append(
            f"This page holds the {MOST_ROWS:,} most doubtful of {n_rows:,} {noun}s; the file of issues has all."
        )
    if len(data.columns) > n_columns:
        n_more = len(data.columns) - n_columns
        said.append(
            f"{counted(n_more, 'more column')} of the file {'is' if n_more == 1 else 'are'} in the file of issues."
        )
    if any((audit.issues[name].astype(str).str.len() > longest).any() for name in data.columns[:n_columns]):
        said.append(f"Texts of more than {longest} letters are cut.")
    if data.kind == "images" and n_images < min(n_rows, MOST_ROWS):
        said.append(f"The {n_images:,} most doubtful images are shown; of the others only the names are here.")
    return said
