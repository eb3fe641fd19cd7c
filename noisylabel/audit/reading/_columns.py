"""The columns of a table as numbers, what each was taken for, and which of them an audit is better without."""

from typing import Any

import numpy as np
from sklearn.tree import DecisionTreeClassifier

from noisylabel._support.validation import spoken
from noisylabel.audit._words import some
from noisylabel.preprocessing import LEFT_OUT, ColumnKind

_READ_AS = {
    "number": "Read as numbers",
    "date": "Read as dates",
    "category": "Read as categories",
    "text": "Read as texts",
}
_FEWEST_ROWS = 100
_MOST_ROWS = 3000
_MOST_COLUMNS = 40
_MOST_NUMBERS = 2000
_SCARCE = 600
_TELLS_ALL = 0.99
_RIDGE = 1.0


def column_notes(encoder: Any) -> list[str]:
    """Say what a fitted encoder took each column for and why, and which numbers it took for none."""
    notes = []
    for kind, what in _READ_AS.items():
        for names, why in _by_reason(encoder.kinds_, kind):
            notes.append(f"{what} ({why}): {some(names)}.")
    for kind in LEFT_OUT:
        for names, why in _by_reason(encoder.kinds_, kind):
            notes.append(f"Not used ({'an id: ' if kind == 'id' else ''}{why}): {some(names)}.")
    extremes = [f"{name} ({count}, such as {one:g})" for name, (count, one) in encoder.extremes_.items()]
    return notes + ([f"Numbers too large to be data, taken as missing: {some(extremes)}."] if extremes else [])


def _by_reason(kinds: dict[Any, ColumnKind], kind: str) -> list[tuple[list[Any], str]]:
    """Return the columns of a kind, those of one reason together."""
    reasons = dict.fromkeys(found.why for found in kinds.values() if found.kind == kind)
    return [([name for name, found in kinds.items() if found == (kind, why)], why) for why in reasons]


def column_warnings(X: np.ndarray, y: np.ndarray, encoder: Any) -> list[str]:
    """Name the columns that give the labels away, and those that the others are better without.

    At most 3,000 rows are predicted from others of them: each third from the rest by a tree from one column, or by
    ridge regression from all but one (of the 40 that became the most numbers). What disturbs shows where rows are few:
    halves of 600 rows, or of four times the numbers of a row, predict each other with and without a column.

    Parameters
    ----------
    X : ndarray of shape (N, D)
        What the encoder returned.
    y : ndarray of shape (N,)
    encoder : TableEncoder or Embeddings
        Fitted.

    Returns
    -------
    list of str
        Sentences; none of fewer than 100 rows, or more than 2,000 numbers.
    """
    sources = encoder.feature_sources_
    names, counts = np.unique(sources.astype(str), return_counts=True)
    if len(X) < _FEWEST_ROWS or X.shape[1] > _MOST_NUMBERS or len(names) < 2:
        return []
    rng = np.random.default_rng(0)
    rows = rng.permutation(len(X))[:_MOST_ROWS]
    samples, codes = X[rows].astype(np.float64), np.unique(y[rows], return_inverse=True)[1]
    trial = _Trial(samples, codes, _thirds(len(rows)))
    few = _Trial(samples, codes, _pairs(len(rows), max(_SCARCE, 4 * X.shape[1])))
    usual = few.right(np.ones(len(sources), bool))
    found = []
    for name in names[np.argsort(-counts, kind="stable")][:_MOST_COLUMNS].tolist():
        is_its = sources.astype(str) == name
        rest = trial.right(~is_its)
        is_text = next(kind.kind for key, kind in encoder.kinds_.items() if str(key) == name) == "text"
        alone = trial.right(is_its) if is_text else trial.right_by_tree(is_its)
        found += _gives_away(name, alone, rest) + _spoils(name, usual, few.right(~is_its))
    return found


def _gives_away(name: str, alone: np.ndarray, rest: np.ndarray) -> list[str]:
    if alone.mean() < _TELLS_ALL or alone.mean() < rest.mean() + 2 * (1 - _TELLS_ALL):
        return []
    return [
        f"The column {name!r} alone tells {alone.mean():.1%} of the labels, and all the others {rest.mean():.1%}. If "
        "it was made from the labels, or they from it, it gives them away, wrong ones too, and each looks right: leave "
        f"it out with {spoken('ignore')}."
    ]


def _spoils(name: str, usual: np.ndarray, rest: np.ndarray) -> list[str]:
    gained, lost = int((rest & ~usual).sum()), int((usual & ~rest).sum())
    if gained - lost < max(3 * (gained + lost) ** 0.5, len(usual) / 100):
        return []
    return [
        f"Without the column {name!r} a simple model predicts more of the labels ({rest.mean():.1%}) than with it "
        f"({usual.mean():.1%}): it seems to spoil more than it tells. Try the audit without it "
        f"({spoken('ignore')}), or say what it holds."
    ]


def _thirds(n_rows: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return each third of the rows, behind the others."""
    folds = np.arange(n_rows) % 3
    return [(np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)) for fold in range(3)]


def _pairs(n_rows: int, size: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return the halves of groups of rows of about one size, each behind the other."""
    groups = np.array_split(np.arange(n_rows), max(1, n_rows // size))
    return [(rows[half::2], rows[1 - half :: 2]) for rows in groups for half in (0, 1)]


class _Trial:
    """Predictions of rows from other rows.

    Parameters
    ----------
    X : ndarray of shape (N, D)
    codes : ndarray of int, shape (N,)
    splits : list of pair of ndarray
        Rows to learn from, and rows to predict.
    """

    def __init__(self, X: np.ndarray, codes: np.ndarray, splits: list[tuple[np.ndarray, np.ndarray]]) -> None:
        self.X, self.codes, self.n_classes, self.splits = X, codes, codes.max() + 1, splits
        self.sums = [self._sums(learned) for learned, _ in self.splits]

    def _sums(self, rows: np.ndarray) -> tuple[np.ndarray, ...]:
        X, targets = self.X[rows], np.eye(self.n_classes)[self.codes[rows]]
        centre, usual = X.mean(0), targets.mean(0)
        return centre, usual, (X - centre).T @ (X - centre), (X - centre).T @ (targets - usual)

    def right(self, uses: np.ndarray) -> np.ndarray:
        """Return which rows ridge regression predicts right from some of the columns, bool (N,)."""
        right = np.zeros(len(self.codes), bool)
        for (_, held), (centre, usual, squares, products) in zip(self.splits, self.sums, strict=True):
            weights = np.linalg.solve(squares[np.ix_(uses, uses)] + _RIDGE * np.eye(uses.sum()), products[uses])
            scores = (self.X[held][:, uses] - centre[uses]) @ weights + usual
            right[held] = scores.argmax(1) == self.codes[held]
        return right

    def right_by_tree(self, uses: np.ndarray) -> np.ndarray:
        """Return which rows a small tree predicts right from some of the columns, bool (N,)."""
        n_leaves = max(32, 4 * int(self.n_classes))
        tree = DecisionTreeClassifier(min_samples_leaf=3, max_leaf_nodes=n_leaves, random_state=0)
        right = np.zeros(len(self.codes), bool)
        for learned, held in self.splits:
            tree.fit(self.X[learned][:, uses], self.codes[learned])
            right[held] = tree.predict(self.X[held][:, uses]) == self.codes[held]
        return right
