"""An audit: train on the labels as they are, then say which of them are probably wrong."""

import warnings
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from sklearn.exceptions import ConvergenceWarning

from noisylabel._support.progress import stop_if_interrupted
from noisylabel._support.random import numpy_generator
from noisylabel.audit._findings import confused_classes, headline
from noisylabel.audit._neighbours import find_duplicates
from noisylabel.audit._unlabelled import predict_unlabelled
from noisylabel.audit.reading import PLACE_COLUMNS, RESULT_COLUMNS, AuditData
from noisylabel.functional import Learnability
from noisylabel.issues import estimate_issue_rate

_GIVEN_UP = 0.5
_CERTAIN = 0.95
_DRAWS = 50
_MOST_DRAWN = 5000  # of more rows, fewer are drawn and the deviation is scaled down


@dataclass
class Audit:
    """What an audit found.

    Attributes
    ----------
    data : AuditData
        What was read.
    issues : DataFrame of N rows
        All rows, the most doubtful first: where each is in the file, the label it has and the one suggested,
        ``label_quality`` from 0 (doubtful) to 1, ``is_label_issue``, what training saw of it, and the file's own
        columns. The index is the position in ``data.rows``.
    noise_rate : float in [0, 1]
        Estimated share of wrong labels.
    noise_rate_interval : pair of float in [0, 1]
        The classifier's ``noise_rate_interval_``; else, as of few rows, that of :func:`noise_rate_interval`.
    settings : dict of str
        How it was trained, for people to read.
    cautions : list of str
        Reasons to doubt the result, as sentences.
    learnable : Learnability or None
        How well networks predict labels that they have not learned; None if there were too few rows to try.
    duplicates : DataFrame
        See :func:`find_duplicates`.
    confused : list of (str, str, float)
        Pairs of classes that are taken for each other, with the share of their rows for which that is so; see
        :func:`confused_classes`.
    unlabelled : DataFrame of M rows or None
        The rows without a label, the surest prediction first: ``suggested_label`` and ``suggested_probability``.
    rates_by_class : dict
        From a class to the estimated share of its rows that have another label, and the two ends of its interval. Empty
        if nothing tells the labels, or too few rows do.
    """

    data: AuditData
    issues: pd.DataFrame
    noise_rate: float
    noise_rate_interval: tuple[float, float]
    settings: dict[str, str]
    cautions: list[str]
    learnable: Learnability | None = None
    duplicates: pd.DataFrame = field(default_factory=pd.DataFrame)
    confused: list[tuple[str, str, float]] = field(default_factory=list)
    unlabelled: pd.DataFrame | None = None
    rates_by_class: dict[Any, tuple[float, float, float]] = field(default_factory=dict)

    @property
    def headline(self) -> str:
        """What was found, in a sentence or two."""
        return headline(self.noise_rate, self.noise_rate_interval, self.learnable)

    def expected_wrong(self, n: int) -> float:
        """Return how many of the first n rows of the ranking are wrong, by their probabilities; NaN of no signal."""
        if self.learnable is not None and not self.learnable.has_signal:
            return float("nan")
        return float(self.issues["wrong_probability"].head(n).sum())

    @property
    def n_flagged(self) -> int:
        """Number of rows whose label is probably wrong."""
        return int(self.issues["is_label_issue"].sum())


def audit_labels(data: AuditData, clf: Any, precision: float | None = None, y_trusted: Any = None) -> Audit:
    """Train on the labels as they are and collect which of them are probably wrong.

    Parameters
    ----------
    data : AuditData
        What was read.
    clf : classifier with ``label_issues``
        Such as :func:`default_auditor` returns; it is fitted.
    precision : float in [0, 1], optional
        Flag as many rows as keep the expected share of wrong labels among them at least so high, instead of as many as
        are estimated wrong.
    y_trusted : array-like of shape (N,), optional
        The right label of each row where it is known, None elsewhere; see :func:`decisions_on`.

    Returns
    -------
    Audit

    Examples
    --------
    >>> import tempfile
    >>> from sklearn.datasets import load_wine
    >>> from noisylabel.audit import audit_labels, default_auditor, read_audit_table, save_label_issues
    >>> folder = tempfile.mkdtemp()
    >>> table = load_wine(as_frame=True).frame
    >>> table.loc[[3, 100], "target"] = 2  # two mistakes
    >>> table.to_csv(f"{folder}/wine.csv", index=False)
    >>> data = read_audit_table(f"{folder}/wine.csv", label="target")
    >>> audit = audit_labels(data, default_auditor(data.kind, len(data.X)).set_params(verbose=0))
    >>> sorted(audit.issues["row"].head(2).tolist())
    [3, 100]
    >>> save_label_issues(audit, f"{folder}/issues.csv").name
    'issues.csv'
    """
    agreement = data.rows.get("annotator_agreement")
    known = {"sample_weight": None if agreement is None else agreement.to_numpy(), "y_trusted": y_trusted}
    stop_if_interrupted(clf.fit(data.X, data.noisy_y, **{k: v for k, v in known.items() if v is not None}))
    found = clf.label_issues() if precision is None else clf.label_issues(precision=precision)
    learnable = getattr(clf, "learnability_", None)
    found = _flagged_as_known(found, clf, precision, y_trusted)
    noise_rate = float(found.attrs["noise_rate"])
    result = found[[name for name in RESULT_COLUMNS if name in found]]
    position = found["row"].to_numpy()
    result.index = pd.Index(position)
    rows = data.rows.iloc[position]
    places = [name for name in PLACE_COLUMNS if name in data.rows]
    issues = pd.concat([rows[places], result, rows[data.columns]], axis=1)
    interval = getattr(clf, "noise_rate_interval_", None) or noise_rate_interval(
        noise_rate, issues["loss"].to_numpy(), issues["margin"].to_numpy()
    )
    interval = min(interval[0], noise_rate), max(interval[1], noise_rate)
    said = _settings(clf, data), _classes_given_up(issues)
    pairs = find_duplicates(data.X, data.noisy_y), confused_classes(issues)
    more = predict_unlabelled(data, clf), _rates_by_class(clf)
    return Audit(data, issues, noise_rate, interval, *said, learnable, *pairs, *more)


def _rates_by_class(clf: Any) -> dict[Any, tuple[float, float, float]]:
    """Return the estimated noise rate of each class and its bounds, as far as there is an estimate."""
    learnable = getattr(clf, "learnability_", None)
    if learnable is None or not learnable.has_signal:
        return {}
    rates = zip(clf.noise_rate_by_class_.tolist(), *clf.noise_rate_by_class_interval_.tolist(), strict=True)
    return dict(zip(clf.classes_.tolist(), rates, strict=True))


def _flagged_as_known(found: pd.DataFrame, clf: Any, precision: float | None, y_trusted: Any) -> pd.DataFrame:
    """Return the issues with fewer labels called wrong, if it is not certain that any are.

    None where the samples do not tell the labels. Where the lower bound of the share of wrong labels is 0, what looks
    wrong may be what the samples do not tell: only those that are wrong with 95 % (unless a precision is asked for).
    Rows whose right label is given stay as they are.
    """
    learnable = getattr(clf, "learnability_", None)
    if learnable is None or (learnable.has_signal and (precision is not None or clf.noise_rate_interval_[0] > 0)):
        return found
    is_sure = (found["wrong_probability"] >= _CERTAIN) & learnable.has_signal
    if y_trusted is not None:
        is_sure |= pd.notna(np.asarray(y_trusted, dtype=object)[found["row"]])
    keeps = found["is_label_issue"] & is_sure
    verdicts = found["verdict"].where(keeps | ~found["is_label_issue"], "unclear")
    suggested = found["suggested_label"].where(keeps, found["given_label"])
    fewer = found.assign(is_label_issue=keeps, verdict=verdicts, suggested_label=suggested)
    fewer.attrs["noise_rate"] = found.attrs["noise_rate"]
    return fewer


def noise_rate_interval(
    rate: float, mean_losses: np.ndarray, mean_margins: np.ndarray, random_state: Any = 0
) -> tuple[float, float]:
    """Return the 95 % bootstrap interval of the estimated share of wrong labels.

    The estimate is made again from rows drawn with replacement; 1.96 of the standard deviations found lie on either
    side. It says how much the estimate depends on which rows happen to be there. What the network thinks of each row
    stays as it is, so the network's own mistakes are not in it.

    Parameters
    ----------
    rate : float in [0, 1]
        The estimate, made from all rows.
    mean_losses, mean_margins : ndarray of shape (N,)
        What it was made from, as :func:`noisylabel.issues.estimate_issue_rate` takes it.
    random_state : int, RandomState, Generator or None, default=0
        Seed of the draws.

    Returns
    -------
    tuple of float
        Lower and upper end, in [0, 1].

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> is_wrong = np.arange(1000) < 300
    >>> losses = np.exp(np.where(is_wrong, 1, -2) + rng.normal(size=1000) / 2)
    >>> margins = np.where(is_wrong, -3, 3) + rng.normal(size=1000)
    >>> low, high = noise_rate_interval(estimate_issue_rate(losses, margins), losses, margins)
    >>> bool(0.25 < low < 0.3 < high < 0.35)
    True
    """
    rng = numpy_generator(random_state)
    n_rows, n_drawn = len(mean_losses), min(len(mean_losses), _MOST_DRAWN)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        draws = [rng.integers(n_rows, size=n_drawn) for _ in range(_DRAWS)]
        rates = [estimate_issue_rate(mean_losses[rows], mean_margins[rows]) for rows in draws]
    half = 1.96 * float(np.std(rates)) * (n_drawn / n_rows) ** 0.5
    return max(rate - half, 0.0), min(rate + half, 1.0)


def _classes_given_up(issues: pd.DataFrame) -> list[str]:
    """Name the classes most of whose labels are flagged: more likely the network failed than the labels."""
    share = issues.groupby("given_label")["is_label_issue"].mean()
    names = [str(label) for label in share.index[share > _GIVEN_UP]]
    if not names:
        return []
    return [
        f"More than half of the labels {', '.join(map(repr, names))} are flagged. Either most of them are wrong, or "
        "the network did not learn the class, which then looks wrong as a whole. Look at some of its rows first. A "
        "class of few rows needs more rows or more epochs."
    ]


def _settings(clf: Any, data: AuditData) -> dict[str, str]:
    """Say how it was trained: the classifier and its parameters that are not the default."""
    from importlib.metadata import version

    default = type(clf)().get_params()
    changed = {
        name: value
        for name, value in clf.get_params().items()
        if name != "verbose" and not np.array_equal(value, default.get(name))
    }
    return {
        "Method": type(clf).__name__,
        "Parameters": ", ".join(f"{name}={value!r}" for name, value in changed.items()),
        "Epochs": str(clf.n_iter_),
        "Samples": f"{len(data.X)} of shape {tuple(data.X.shape[1:])}",
        "noisylabel": version("noisylabel"),
    }
