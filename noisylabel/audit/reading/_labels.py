"""The labels of a file, as an audit takes them: whole numbers or texts, and classes to learn."""

import unicodedata
from typing import Any

import numpy as np
import pandas as pd

from noisylabel._support.validation import spoken
from noisylabel.audit._words import counted, some
from noisylabel.datasets._table import parse_labels
from noisylabel.exceptions import InvalidDataError

FEW_ROWS = 100
RARE = 5  # a class of fewer rows can hardly be learned


def read_labels(columns: pd.DataFrame, group: bool, notes: list[str]) -> tuple[pd.Series, pd.Series | None]:
    """Return the labels that one or several annotators gave; note what is odd about them.

    Parameters
    ----------
    columns : DataFrame of N rows
        As written in the file, a column an annotator.
    group : bool
        Whether labels that differ only in case and spaces become the one of them that most rows have.
    notes : list of str
        Gets sentences.

    Returns
    -------
    labels : Series of shape (N,)
        Whole numbers or texts; of several annotators the label that most gave, of the first of them if two are as many.
        Missing where nobody gave one.
    agreement : Series of float, shape (N,), or None
        Of several annotators: which share of those that labelled the row gave that label.
    """
    written: Any = columns.iloc[:, 0] if columns.shape[1] == 1 else columns.stack(future_stack=True)
    labels = _tidy(parse_labels(written), written, group, notes)
    if columns.shape[1] == 1:
        return labels, None
    return _majority(labels.unstack()[list(columns.columns)], notes)


def _tidy(labels: pd.Series, written: pd.Series, group: bool, notes: list[str]) -> pd.Series:
    """Say which labels have spaces around them or differ only in case and spaces; group these on request."""
    texts = written[labels.notna()].astype(str)
    spaced = texts[texts != texts.str.strip()]
    if len(spaced):
        notes.append(f"{counted(len(spaced), 'label')} read without spaces around, such as {spaced.iloc[0]!r}.")
    counts = labels.value_counts().to_dict()
    usual: dict[str, object] = {}
    for label in counts:  # the most frequent first
        usual.setdefault(_key(label), label)
    same = {label: usual[_key(label)] for label in counts if usual[_key(label)] != label}
    if not same:
        return labels
    pairs = some([f"{label!r} ({counts[label]}) and {other!r} ({counts[other]})" for label, other in same.items()])
    if not group:
        notes.append(
            f"Labels that differ only in case or spaces are classes of their own: {pairs}. {spoken('group_labels')} "
            "makes one of each."
        )
        return labels
    notes.append(f"Labels that differ only in case or spaces were taken for one, the second: {pairs}.")
    return labels.map(lambda label: same.get(label, label), na_action="ignore")


def _key(label: object) -> str:
    return " ".join(unicodedata.normalize("NFKC", str(label)).casefold().split())


def _majority(labels: pd.DataFrame, notes: list[str]) -> tuple[pd.Series, pd.Series]:
    """Return the label that most annotators gave each row, and the share of them that did."""
    classes = [label for label in dict.fromkeys(labels.to_numpy().ravel()) if not pd.isna(label)]
    codes = labels.apply(lambda column: column.map({label: code for code, label in enumerate(classes)}))
    votes = np.stack([(codes == code).sum(axis=1).to_numpy() for code in range(len(classes))], axis=1)
    most = votes.max(axis=1, keepdims=True)
    among = codes.where(np.take_along_axis(votes, codes.fillna(0).to_numpy(int), 1) == most)
    first = among.bfill(axis=1).iloc[:, 0]
    agreement = pd.Series(most[:, 0] / np.maximum(votes.sum(axis=1), 1), index=labels.index)
    n_split = int((agreement[first.notna()] < 1).sum())
    said = f"The labels are those that most of {labels.shape[1]} annotators gave."
    notes.append(f"{said} They disagree in {counted(n_split, 'row')}.")
    majority = pd.Series([None if code != code else classes[int(code)] for code in first], labels.index, dtype=object)
    return majority, agreement


def check_labels(labels: pd.Series, notes: list[str]) -> np.ndarray:
    """Return the labels as an array if they are classes to learn; note what is odd about them.

    Parameters
    ----------
    labels : Series of shape (N,)
        None of them missing.
    notes : list of str
        Gets a sentence for classes of few rows, and for few rows.

    Returns
    -------
    ndarray of shape (N,)
        int64 or str.

    Raises
    ------
    InvalidDataError
        If there is one class only, or the values look like measured numbers, names, ids or free text.
    """
    n_rows, counts = len(labels), labels.value_counts()
    if len(counts) == 1:
        raise InvalidDataError(
            f"All {n_rows} rows have the label {counts.index[0]!r}. An audit compares classes: it needs two or more."
        )
    numbers = pd.to_numeric(labels, errors="coerce")
    is_measured = bool(numbers.notna().all() and (numbers % 1 != 0).any() and len(counts) > 20)
    if is_measured or len(counts) > n_rows / 2:
        what = "measured numbers" if numbers.notna().all() else "names, ids or free text"
        raise InvalidDataError(
            f"The labels have {len(counts)} different values in {n_rows} rows, such as {counts.index[0]!r}. They look "
            f"like {what}, and not like classes. Choose another column, or group them into classes."
        )
    single = [str(label) for label, count in counts.items() if count == 1]
    rare = [f"{label} ({count})" for label, count in counts.items() if 1 < count < RARE]
    if single:
        notes.append(f"{counted(len(single), 'class', 'classes')} with a single row: {some(single)}.")
    if rare:
        notes.append(f"{counted(len(rare), 'class', 'classes')} with fewer than {RARE} rows: {some(rare)}.")
    if n_rows < FEW_ROWS:
        notes.append(f"Only {n_rows} rows: with fewer than {FEW_ROWS} the result means little.")
    return np.array(labels.tolist())
