"""What a person has decided on rows of an audit, as its page saves it."""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from noisylabel._support.files import local_path, reading
from noisylabel._support.spreadsheet import no_formula
from noisylabel.audit._training import Audit
from noisylabel.audit._words import counted, some
from noisylabel.audit.reading import AuditData
from noisylabel.datasets._table import read_table
from noisylabel.exceptions import InvalidDataError, InvalidFileError

KEYS = ("row", "file")
_KINDS = ("change", "keep", "unsure")
_COLUMNS = ("given_label", "decision", "right_label")
_Z = 1.96


@dataclass
class Decisions:
    """Decisions on rows of what was audited.

    Attributes
    ----------
    positions : ndarray of shape (n,)
        Which rows, as positions in ``data.rows``.
    kinds : ndarray of shape (n,)
        ``"change"``, ``"keep"`` or ``"unsure"``.
    right_labels : ndarray of shape (n,)
        As in ``data.noisy_y``; None where the decision is "unsure".
    wrong_probability : ndarray of shape (n,)
        What the audit had said of the rows when they were decided; NaN where it said nothing.
    y_trusted : ndarray of shape (N,)
        The right label of each row of the data, None where nobody knows it: as ``fit`` takes it.
    """

    positions: np.ndarray
    kinds: np.ndarray
    right_labels: np.ndarray
    wrong_probability: np.ndarray
    y_trusted: np.ndarray

    @property
    def is_known(self) -> np.ndarray:
        """Which of the decisions say the right label, (n,)."""
        return self.kinds != "unsure"


def read_decisions(path: str | Path) -> pd.DataFrame:
    r"""Read the decisions that the page of an audit has saved.

    Parameters
    ----------
    path : str or Path
        CSV or JSON; a spreadsheet may have saved it again.

    Returns
    -------
    DataFrame of n rows
        ``row`` (int) or ``file``, ``given_label``, ``decision`` ("change", "keep" or "unsure"), ``right_label``
        (missing if unsure), and ``wrong_probability`` (NaN if the audit had none).

    Raises
    ------
    InvalidFileError
        If it cannot be read or lacks a column.
    InvalidDataError
        If a decision contradicts itself, or two are about one row.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "decisions.csv"
    >>> lines = "row,given_label,decision,right_label", "3,ham,change,spam", "7,spam,unsure,"
    >>> _ = path.write_text("\n".join(lines), encoding="utf-8")
    >>> read_decisions(path)["right_label"].tolist()
    ['spam', None]
    """
    file = local_path("path", path)
    table = _read_json(file) if file.suffix.lower() == ".json" else read_table(file, as_written=[*KEYS, *_COLUMNS])[0]
    key = next((name for name in KEYS if name in table), None)
    missing = [name for name in _COLUMNS if name not in table]
    if key is None or missing:
        raise InvalidFileError(
            f"{file} holds no decisions: it has no column {missing[0] if missing else 'row'!r}. Give the file that the "
            "page of the audit saves."
        )
    texts = table[[key, *_COLUMNS]].astype("string").apply(lambda column: column.str.strip()).fillna("").astype(object)
    probability = pd.to_numeric(table.get("wrong_probability", np.nan), errors="coerce")
    _check_decisions(texts, key, file)
    texts["right_label"] = texts["right_label"].where(texts["decision"] != "keep", texts["given_label"])
    texts["right_label"] = texts["right_label"].where(texts["decision"] != "unsure", None)
    if key == "row":
        texts["row"] = texts["row"].astype(int)
    return texts.assign(wrong_probability=probability)


def _read_json(file: Path) -> pd.DataFrame:
    with reading(file, "file of decisions"):
        return pd.DataFrame(json.loads(file.read_text(encoding="utf-8"))["decisions"], dtype=object)


def _check_decisions(texts: pd.DataFrame, key: str, file: Path) -> None:
    """Refuse decisions that cannot be meant."""
    given, right = texts["given_label"], texts["right_label"]
    what, is_none = texts["decision"], right == ""
    wrong = {
        f"'decision' must be one of {', '.join(map(repr, _KINDS))}": ~what.isin(_KINDS),
        f"{key!r} must be a whole number": ~texts[key].str.fullmatch(r"\d+") if key == "row" else texts[key] == "",
        f"{key!r} must be in one line only": texts[key].duplicated(),
        "'change' needs a 'right_label' that is not the given one": (what == "change") & (is_none | (right == given)),
        "'keep' needs no 'right_label', or the given one": (what == "keep") & ~is_none & (right != given),
        "'unsure' has no 'right_label'": (what == "unsure") & ~is_none,
    }
    for rule, broken in wrong.items():
        if broken.any():
            first = texts[broken.to_numpy(dtype=bool)].iloc[0].tolist()
            raise InvalidDataError(f"{file}: {rule}. Got {first}. Mend that line, or save the decisions again.")


def decisions_on(data: AuditData, path: str | Path) -> Decisions:
    """Read decisions on what an audit has read.

    Parameters
    ----------
    data : AuditData
        What was read.
    path : str or Path
        What the page of its audit has saved; see :func:`read_decisions`.

    Returns
    -------
    Decisions
        ``y_trusted`` is what ``MentorNetClassifier().fit(data.X, data.noisy_y, y_trusted=...)`` takes.

    Raises
    ------
    InvalidDataError
        If a row is not there or has another label than the one decided on, or the right label is none that occurs.
    """
    table = read_decisions(path)
    key = table.columns[0]
    if key not in data.rows or key in data.columns:
        known = next(name for name in KEYS if name in data.rows)
        raise InvalidDataError(f"{path} is about {key}s, which {data.source} has not. It needs a column {known!r}.")
    return located(table, data.rows[key], data.noisy_y)


def located(decisions: pd.DataFrame, keys: Any, labels: Any) -> Decisions:
    """Find the rows of decisions, and make sure that they are those that were decided on.

    Parameters
    ----------
    decisions : DataFrame of n rows
        As :func:`read_decisions` returns it.
    keys : array-like of shape (N,)
        Number or file of each row that there is.
    labels : array-like of shape (N,)
        Its label.

    Returns
    -------
    Decisions

    Raises
    ------
    InvalidDataError
        If a row is not there or has another label than the one decided on, or the right label is none that occurs.
    """
    key = decisions.columns[0]
    labels = np.asarray(labels)
    positions = pd.Index(keys).get_indexer(decisions[key])
    if (positions < 0).any():
        lost = decisions[key][positions < 0].tolist()
        raise InvalidDataError(
            f"Decisions are about {key} {some(lost)}, which {'is' if len(lost) == 1 else 'are'} not there. They belong "
            "to another file, or rows were added or taken out since. Give the decisions of this file."
        )
    names = {no_formula(str(label)): label for label in np.unique(labels).tolist()}
    texts = np.array([no_formula(str(label)) for label in labels[positions].tolist()], dtype=object)
    differs = texts != decisions["given_label"].map(no_formula).to_numpy()
    if differs.any():
        first = decisions[differs].iloc[0]
        raise InvalidDataError(
            f"The decision on {key} {first[key]} is about the label {first['given_label']!r}, but that {key} has "
            f"{texts[differs][0]!r}. The file is another one, or was changed since. Give the decisions of this file."
        )
    kinds = decisions["decision"].to_numpy(str)
    right = np.array([_label(text, names, key) for text in decisions["right_label"]], dtype=object)
    y_trusted = np.full(len(labels), None, dtype=object)
    y_trusted[positions] = right
    return Decisions(positions, kinds, right, decisions["wrong_probability"].to_numpy(float), y_trusted)


def _label(text: Any, names: dict[str, Any], key: str) -> Any:
    if text is None:
        return None
    if no_formula(text) not in names:
        raise InvalidDataError(
            f"A decision gives a {key} the label {text!r}, which no {key} has. Labels are {some(list(names))}. "
            "Write it as there; a new class has to be in the file before it can be given."
        )
    return names[no_formula(text)]


def with_decisions(audit: Audit, decisions: Decisions) -> Audit:
    """Return an audit that learned from decisions with what was decided.

    Rows whose right label is known come last and are not flagged any more; ``decision`` has what was decided. A
    sentence about the decisions is the first caution.

    Parameters
    ----------
    audit : Audit
        Of ``audit_labels`` with the ``y_trusted`` of the decisions.
    decisions : Decisions

    Returns
    -------
    Audit
    """
    issues = audit.issues.copy()
    by_position = dict(zip(decisions.positions.tolist(), decisions.kinds.tolist(), strict=True))
    kinds = pd.Series(issues.index, index=issues.index).map(by_position).fillna("").astype(object)
    is_known = kinds.isin(["change", "keep"])
    issues["is_label_issue"] = issues["is_label_issue"] & ~is_known
    issues.insert(issues.columns.tolist().index("is_label_issue") + 1, "decision", kinds)
    issues = pd.concat([issues[~is_known], issues[is_known]])
    return replace(audit, issues=issues, cautions=[_said(audit, issues, decisions), *audit.cautions])


def _said(audit: Audit, issues: pd.DataFrame, decisions: Decisions) -> str:
    """Say what was decided and how many wrong labels are left."""
    kinds = decisions.kinds.tolist()
    is_open = ~issues["decision"].isin(["change", "keep"])
    rest = float(issues.get("wrong_probability", issues["is_label_issue"])[is_open].sum())
    is_judged = decisions.is_known & ~np.isnan(decisions.wrong_probability)
    if is_judged.any():
        expected, found = decisions.wrong_probability[is_judged].sum(), decisions.kinds[is_judged] == "change"
        left = wrong_labels_left(float(expected), int(found.sum()), rest)
    else:
        low, high = (max(rate * len(issues) - kinds.count("change"), 0) for rate in audit.noise_rate_interval)
        left = rest, min(low, rest), max(high, rest)
    estimate, low, high = (min(round(number), int(is_open.sum())) for number in left)
    return (
        f"{counted(len(kinds), 'row')} decided: {kinds.count('change')} changed, {kinds.count('keep')} kept, "
        f"{kinds.count('unsure')} unsure. About {estimate} wrong labels are left ({low} to {high}), if the audit is "
        "as right about the rest as about these."
    )


def wrong_labels_left(expected: float, found: int, rest: float) -> tuple[float, float, float]:
    """Estimate how many wrong labels are left after some rows were decided.

    The sum of ``wrong_probability`` over the undecided rows, times how many wrong labels were found for each that was
    expected: ``(found + 1) / (expected + 1)``, so that few decisions change little. The interval (95 %) takes the
    number found as a Poisson count of ``expected`` times an unknown factor whose prior is a gamma of shape and rate 1,
    and the number left as such a count of ``rest`` times the same factor; its quantiles are those of a gamma
    of the same mean and variance, by Wilson and Hilferty. Decided rows are
    taken to have the factor of the others; where those are harder to judge, more are left.

    Parameters
    ----------
    expected : float
        Sum of ``wrong_probability`` over the decided rows.
    found : int
        How many of them had a wrong label.
    rest : float
        Sum of ``wrong_probability`` over the others.

    Returns
    -------
    tuple of float
        The estimate, and the lower and upper end.

    Examples
    --------
    >>> [round(number) for number in wrong_labels_left(expected=10, found=5, rest=30)]
    [16, 5, 35]
    """
    mean = rest * (found + 1) / (expected + 1)
    if mean == 0:
        return 0.0, 0.0, 0.0
    shape = 1 / (1 / (found + 1) + 1 / mean)
    low, high = (mean * max(1 - 1 / (9 * shape) + z / (3 * shape**0.5), 0) ** 3 for z in (-_Z, _Z))
    return mean, low, high
