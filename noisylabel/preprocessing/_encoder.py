"""The transformer from any table to numbers."""

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from sklearn.utils.validation import _check_feature_names_in, check_array, check_is_fitted, validate_data

from noisylabel._support.validation import check_choice, spoken
from noisylabel.exceptions import InvalidDataError, InvalidParameterError
from noisylabel.preprocessing._dates import DateColumns
from noisylabel.preprocessing._kinds import KINDS, LEFT_OUT, ColumnKind, column_kind
from noisylabel.preprocessing._numbers import NumberColumns, is_extreme, read_numbers
from noisylabel.preprocessing._texts import TextColumn

_MISSING = "(missing)"
_MOST_CATEGORIES = 100


class TableEncoder(TransformerMixin, BaseEstimator):
    """Columns of any DataFrame as float32 numbers to learn from: numbers, dates, categories and texts.

    What each column holds is decided by its name and values (:func:`column_kind`) or said in ``kinds``. Constant
    columns and ids are left out.

    Numbers and dates (as days): missing ones, infinite ones and those that stand for "no data" (such as -1.8e308) take
    the median and set a flag, then zero mean and unit variance. Categories: a column of 0 and 1 for each, rare ones
    (below 1 in 200 rows, or fewer than 3) and ones not seen in ``fit`` together. Texts: words and pairs of words
    hashed, TF-IDF, then the 100 leading singular vectors, or a tenth of the rows if that is less; short texts by their
    groups of 2 to 4 letters.

    Parameters
    ----------
    kinds : dict from column name to {"number", "date", "category", "text"}, optional
        What columns hold, where it is not to be decided by their values.
    text_model : path, optional
        Folder of a sentence-transformers model on this machine, whose embeddings stand for texts instead.
    random_state : int or RandomState, default=0
        Seed of the singular value decomposition.

    Attributes
    ----------
    kinds_ : dict from column name to ColumnKind
        What each column was taken for, and why.
    extremes_ : dict from column name to (int, float)
        How many numbers of a column can be no data, and one of them.
    feature_sources_ : ndarray of object, shape (D,)
        The column of the table that each number comes from.
    n_features_in_ : int
    feature_names_in_ : ndarray of str
        Of a DataFrame whose names are all texts.

    Raises
    ------
    InvalidDataError
        If no column is left to learn from, two have one name, or a column of numbers or dates holds none.
    InvalidParameterError
        If ``kinds`` names no column, or no kind.

    See Also
    --------
    noisylabel.MentorNetClassifier : What may stand behind it in a pipeline, with ``standardize=False``.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"size": [1.0, None, 3.0] * 9, "colour": ["red", "green", "green"] * 9})
    >>> encoder = TableEncoder().fit(table)
    >>> encoder.get_feature_names_out().tolist()
    ['size', 'size_is_missing', 'colour_green', 'colour_red']
    >>> encoder.kinds_["colour"]
    ColumnKind(kind='category', why='2 different values')
    >>> encoder.transform(pd.DataFrame({"size": ["2"], "colour": ["blue"]})).astype(float).round(3).tolist()
    [[0.0, -0.707, 0.0, 0.0]]
    """

    def __init__(self, kinds: Any = None, *, text_model: Any = None, random_state: Any = 0) -> None:
        self.kinds = kinds
        self.text_model = text_model
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn the columns of a table.

        Parameters
        ----------
        X : DataFrame or array of shape (N, C)
        y : ignored

        Returns
        -------
        TableEncoder
        """
        self.fit_transform(X)
        return self

    def fit_transform(self, X: Any, y: Any = None, **_: Any) -> np.ndarray:
        """Learn the columns of a table and return its numbers.

        Parameters
        ----------
        X : DataFrame or array of shape (N, C)
        y : ignored

        Returns
        -------
        ndarray, float32 of shape (N, D)
        """
        table = _as_table(self, X, reset=True)
        self.kinds_ = _decide(table, self.kinds or {})
        names = {kind: [name for name in table if self.kinds_[name].kind == kind] for kind in KINDS}
        if not any(names.values()):
            _refuse_no_columns(table, self.kinds_)
        self._columns = ColumnTransformer(self._parts(names, len(table)), sparse_threshold=0)
        features = self._columns.fit_transform(table)
        self.extremes_ = _extremes(table[names["number"]])
        self.feature_sources_, self._names_out = _describe(self._columns)
        return np.ascontiguousarray(features, dtype=np.float32)

    def transform(self, X: Any) -> np.ndarray:
        """Return the numbers of a table with the columns of ``fit``.

        Parameters
        ----------
        X : DataFrame or array of shape (N, C)

        Returns
        -------
        ndarray, float32 of shape (N, D)
        """
        check_is_fitted(self)
        return np.ascontiguousarray(self._columns.transform(_as_table(self, X, reset=False)), dtype=np.float32)

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Return a name for each number: that of the column, with the category, ``is_missing`` or a number behind it.

        Parameters
        ----------
        input_features : array of str, optional
            Has to be the names of ``fit``, if there are any.

        Returns
        -------
        ndarray of str, shape (D,)
        """
        check_is_fitted(self)
        _check_feature_names_in(self, input_features)
        return np.array(self._names_out, dtype=object)

    def _parts(self, names: dict[str, list[Any]], n_rows: int) -> list[Any]:
        """Return the parts of the ColumnTransformer."""
        filled = [SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True), StandardScaler()]
        categories = OneHotEncoder(
            min_frequency=max(3, n_rows // 200),
            max_categories=_MOST_CATEGORIES,
            sparse_output=False,
            handle_unknown="infrequent_if_exist",
        )
        named = FunctionTransformer(_as_names, feature_names_out="one-to-one")
        parts = [
            ("number", make_pipeline(NumberColumns(), *filled), names["number"]),
            ("date", make_pipeline(DateColumns(), *filled), names["date"]),
            ("category", make_pipeline(named, categories), names["category"]),
            *((f"text {name}", TextColumn(self.text_model, self.random_state), name) for name in names["text"]),
        ]
        return [part for part in parts if part[2] != []]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = tags.input_tags.string = tags.input_tags.categorical = True
        tags.transformer_tags.preserves_dtype = []
        return tags


def _as_table(encoder: TableEncoder, X: Any, *, reset: bool) -> Any:
    """Return a DataFrame of one column or more and one row or more, whose names are those of ``fit``."""
    import pandas as pd

    if isinstance(X, pd.DataFrame):
        if not X.columns.is_unique:
            name = X.columns[X.columns.duplicated()][0]
            raise InvalidDataError(f"The table has several columns called {name!r}. Give each a name of its own.")
        validate_data(encoder, X, reset=reset, skip_check_array=True)
        return X
    values = check_array(X, dtype=None, ensure_all_finite=False, estimator=encoder)
    validate_data(encoder, values, reset=reset, skip_check_array=True)
    return pd.DataFrame(values, columns=[f"x{number}" for number in range(values.shape[1])]).infer_objects()


def _decide(table: Any, said: dict[Any, str]) -> dict[Any, ColumnKind]:
    """Return what each column is taken for."""
    for name, kind in said.items():
        if name not in table.columns:
            raise InvalidParameterError(
                f"{spoken('kinds')} names the column {name!r}. The table has {list(table.columns)}."
            )
        check_choice("kinds", kind, KINDS)
    return {
        name: ColumnKind(said[name], "as you said") if name in said else column_kind(str(name), table[name])
        for name in table.columns
    }


def _refuse_no_columns(table: Any, kinds: dict[Any, ColumnKind]) -> None:
    if not kinds:
        raise InvalidDataError("The table has no column besides the labels.")
    n_samples = f" (n_samples = {len(table)})" if len(table) < 2 else ""
    raise InvalidDataError(
        "No column is left to learn from: "
        + ", ".join(f"{name!r} {_why_not(kind)}" for name, kind in kinds.items())
        + f"{n_samples}."
    )


def _why_not(found: ColumnKind) -> str:
    return f"is an id ({found.why})" if found.kind == "id" else LEFT_OUT[found.kind]


def _extremes(numbers: Any) -> dict[Any, tuple[int, float]]:
    """Return which columns have numbers that were taken as missing since no table has such ones."""
    found = {}
    for name in numbers.columns:
        values = read_numbers(numbers[name])
        extreme = values[is_extreme(values)]
        if len(extreme):
            found[name] = (len(extreme), float(extreme.iloc[0]))
    return found


def _describe(columns: Any) -> tuple[np.ndarray, list[str]]:
    """Return the source and the name of each number that a fitted ColumnTransformer returns."""
    sources: list[Any] = []
    names: list[str] = []
    for part, steps, given in columns.transformers_:
        if part in ("number", "date"):
            flagged = [given[at] for at in steps[1].indicator_.features_]
            sources += [*given, *flagged]
            names += [*map(str, given), *(f"{name}_is_missing" for name in flagged)]
        elif part == "category":
            sources += [name for name, n in zip(given, _n_columns(steps[1]), strict=True) for _ in range(n)]
            names += steps[1].get_feature_names_out([str(name) for name in given]).tolist()
        elif part != "remainder":
            own = steps.get_feature_names_out([str(given)])
            sources += [given] * len(own)
            names += own.tolist()
    return np.array([*sources, None], dtype=object)[:-1], names


def _n_columns(encoder: OneHotEncoder) -> list[int]:
    """Return how many columns each variable becomes."""
    rare = encoder.infrequent_categories_
    return [
        len(known) if few is None else len(known) - len(few) + 1
        for known, few in zip(encoder.categories_, rare, strict=True)
    ]


def _as_names(table: Any) -> Any:
    """Return the categories of a table as texts, the missing ones too."""
    return table.apply(lambda column: column.astype("string").str.strip().fillna(_MISSING).astype(object))
