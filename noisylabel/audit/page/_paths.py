"""Learning paths of rows on the page: what training thought of each row from time to time."""

import base64
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from noisylabel.callbacks import LearningPaths

MOST_ROWS = 20_000
_RECORDS = 12
_MOST_NUMBERS = 64_000_000  # of 4 bytes
_MOST_CLASSES = 6
_AMBIGUOUS = 0.2
_THOUSANDTHS = 1000
_LEAST = 1e-9


def paths_to_record(n_rows: int, n_classes: int, n_epochs: int) -> LearningPaths:
    """Return a callback that records what the page of an audit shows of training.

    Parameters
    ----------
    n_rows, n_classes : int
        Of the data. Of more than 20,000 rows, and of fewer if the classes are very many, some are drawn.
    n_epochs : int
        Length of training; about twelve records are made.

    Returns
    -------
    LearningPaths
        Training is the same, to the last bit, with it and without.
    """
    most = min(MOST_ROWS, _MOST_NUMBERS // (n_classes * (_RECORDS + 2)))
    rows = np.arange(n_rows)
    if n_rows > most:
        rows = np.sort(np.random.default_rng(0).choice(n_rows, most, replace=False))
    return LearningPaths(rows, every=-(-n_epochs // _RECORDS))


@dataclass
class Recorded:
    """What training recorded: the callback as it was left, and the labels in the order of its probabilities."""

    paths: LearningPaths
    classes: list[str]


def page_paths(recorded: Recorded, issues: pd.DataFrame, codes: dict[str, int]) -> dict[str, Any]:
    """Return the paths of the rows on the page, packed.

    Parameters
    ----------
    recorded : Recorded
        Of rows of the data. A label that decisions have left without rows has the probability 0.
    issues : DataFrame of n rows
        Those on the page; the index is the position in the data.
    codes : dict of str to int
        Of labels, the positions on the page.

    Returns
    -------
    dict
        ``steps``; ``rows``, which rows of the page have paths; and of each of these, in base64: ``loss`` and ``margin``
        (thousandths, a record each), ``classes`` and ``proba`` (the given label, the suggested one and those most
        believed; their probabilities in 255ths); ``mean`` and ``spread`` of the probability of the given label in
        training, in thousandths; and ``region``, see :func:`regions`.
    """
    paths, number = recorded.paths, {label: code for code, label in enumerate(recorded.classes)}
    place = pd.Series(np.arange(len(paths.rows)), index=paths.rows).reindex(issues.index)
    held = np.flatnonzero(place.notna())
    found = np.moveaxis(paths.paths_[:, place.iloc[held].to_numpy(int)], 0, 2)  # (n, C, T)
    found = np.concatenate([found, np.zeros_like(found[:, :1])], 1)  # of labels that training did not know
    chosen = issues.iloc[held]
    labels = [chosen[name].astype(str) for name in ("given_label", "suggested_label")]
    given, suggested = (label.map(number).fillna(len(number)).to_numpy(int) for label in labels)
    of_given = np.take_along_axis(found, given[:, None, None], 1)[:, 0]
    others = found.copy()
    np.put_along_axis(others, given[:, None, None], 0, 1)
    mean, spread = of_given[:, 1:].mean(1), of_given[:, 1:].std(1)  # [0] is the untrained network
    shown = _shown_classes(found[:, :, 1:].mean(2), given, suggested)
    named = np.append([codes[label] for label in recorded.classes], -1)[shown]
    named[:, 0] = labels[0].map(codes)
    margin = np.log(np.maximum(of_given, _LEAST) / np.maximum(others.max(1), _LEAST))
    return {
        "steps": paths.steps_.tolist(),
        "rows": held.tolist(),
        "loss": _packed(-np.log(np.maximum(of_given, _LEAST)) * _THOUSANDTHS, np.int16),
        "margin": _packed(margin * _THOUSANDTHS, np.int16),
        "n_classes": shown.shape[1],
        "classes": _packed(named, np.int16),
        "proba": _packed(np.take_along_axis(found, shown[:, :, None], 1) * 255, np.uint8),
        "mean": _packed(mean * _THOUSANDTHS, np.int16),
        "spread": _packed(spread * _THOUSANDTHS, np.int16),
        "region": regions(mean, spread, _is_wrong(chosen)).tolist(),
    }


def _is_wrong(issues: pd.DataFrame) -> np.ndarray:
    """Return which labels are probably wrong, or were found to be, (n,)."""
    flagged = issues["is_label_issue"].to_numpy(bool)
    return flagged | (issues["decision"] == "change").to_numpy() if "decision" in issues else flagged


def regions(mean: np.ndarray, spread: np.ndarray, is_flagged: np.ndarray) -> np.ndarray:
    """Return where rows lie in the map of the data.

    Parameters
    ----------
    mean, spread : ndarray of shape (n,)
        Mean and standard deviation, over training, of the probability of the given label.
    is_flagged : ndarray of shape (n,)
        Whether the label is probably wrong.

    Returns
    -------
    ndarray of shape (n,)
        "wrong" if it is flagged, else "ambiguous" if the spread is 0.2 or more, else "easy" if the mean is 0.5 or more,
        else "hard".

    Examples
    --------
    >>> flagged = np.array([False, False, False, True])
    >>> regions(np.array([0.9, 0.5, 0.1, 0.1]), np.array([0.1, 0.3, 0.1, 0.1]), flagged).tolist()
    ['easy', 'ambiguous', 'hard', 'wrong']
    """
    return np.select([is_flagged, spread >= _AMBIGUOUS, mean >= 0.5], ["wrong", "ambiguous", "easy"], "hard")


def _shown_classes(believed: np.ndarray, given: np.ndarray, suggested: np.ndarray) -> np.ndarray:
    """Return which classes to show of each row, (n, k): the given label, the suggested one, and those most believed."""
    order = believed.copy()
    np.put_along_axis(order, suggested[:, None], 2, 1)
    np.put_along_axis(order, given[:, None], 3, 1)
    return np.argsort(-order, 1, kind="stable")[:, :_MOST_CLASSES]


def _packed(values: np.ndarray, dtype: Any) -> str:
    """Return rounded numbers as base64, little end first."""
    limits = np.iinfo(dtype)
    whole = np.clip(np.round(values), limits.min, limits.max).astype(np.dtype(dtype).newbyteorder("<"))
    return base64.b64encode(np.ascontiguousarray(whole).tobytes()).decode()
