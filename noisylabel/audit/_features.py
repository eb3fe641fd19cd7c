"""Columns of any table as numbers that a network can learn from."""

import re
from typing import Any

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from noisylabel.audit._numbers import as_days, as_numbers, is_extreme, read_numbers
from noisylabel.audit._words import some
from noisylabel.exceptions import InvalidDataError

LEFT_OUT = {
    "constant": "the same in every row",
    "id": "differs in every row, as an id does",
    "nested": "holds lists",
    "bytes": "holds bytes that are no text",
}
WORDS = {
    "number": "Read as numbers",
    "date": "Read as dates",
    "category": "Read as categories",
    "text": "Read as texts",
    **{kind: f"Not used ({reason})" for kind, reason in LEFT_OUT.items()},
}
_NO_VALUES: dict[str, Any] = {"nested": (list, dict, tuple, np.ndarray), "bytes": bytes}
_MISSING = "(missing)"
_FEW_VALUES = 50
_MOST_CATEGORIES = 100
_TEXT_DIMENSIONS = 100
_TEXT_BUCKETS = 2**15
_ID_NAME = re.compile(r"(^|[^a-z])(id|uuid|guid|index|unnamed: \d+)$")
_DATE = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}")


def column_kind(name: str, column: Any) -> str:
    """Return what a column of a table holds.

    Parameters
    ----------
    name : str
        Its name: a column called ``id`` whose values all differ is one.
    column : Series of shape (N,)
        Its values.

    Returns
    -------
    {"number", "category", "date", "text", "constant", "id", "nested", "bytes"}
        Numbers may be written with a decimal comma, or with a currency or percent sign. The last four tell nothing
        about a label and are left out.

    Examples
    --------
    >>> import pandas as pd
    >>> column_kind("price", pd.Series(["1,5", "2,25", "9"] * 30)), column_kind("id", pd.Series(range(90)))
    ('number', 'id')
    """
    import pandas as pd

    occurring = set(map(type, column)) if pd.api.types.is_object_dtype(column) else set()
    for kind, types in _NO_VALUES.items():
        if any(issubclass(one, types) for one in occurring):
            return kind
    present = column.dropna()
    n_distinct = present.nunique()
    if n_distinct + int(len(present) < len(column)) < 2:
        return "constant"
    all_differ = n_distinct == len(present) and len(present) > 1
    if all_differ and _ID_NAME.search(name.lower()):
        return "id"
    if pd.api.types.is_datetime64_any_dtype(column):
        return "date"
    if pd.api.types.is_bool_dtype(column) or n_distinct < 2:
        return "category"
    if pd.api.types.is_any_real_numeric_dtype(column) or pd.api.types.is_timedelta64_dtype(column):
        return "number"
    return _kind_of_texts(present, n_distinct, all_differ)


def _kind_of_texts(present: Any, n_distinct: int, all_differ: bool) -> str:
    """Tell what is written as text: numbers, dates, or one of the kinds of strings."""
    text = present.astype("string").str.strip()
    if read_numbers(text).notna().mean() >= 0.95:
        return "number"
    if text.str.match(_DATE).all() and as_days(text).notna().mean() >= 0.95:
        return "date"
    return _kind_of_strings(text, n_distinct, all_differ)


def _kind_of_strings(text: Any, n_distinct: int, all_differ: bool) -> str:
    """Tell categories, sentences and ids apart by how many values differ and how many words they have."""
    n_words = text.str.split().str.len().mean()
    if n_words >= 3 and n_distinct > max(20, len(text) / 20):
        return "text"
    if all_differ and bool(text.str.fullmatch(r"[!-~]+").all()):
        return "id"
    return "category" if n_distinct <= max(_FEW_VALUES, len(text) / 20) else "text"


def encode_table(table: Any, random_state: int = 0) -> tuple[np.ndarray, list[str]]:
    """Return the columns of any table as numbers to learn from, and what was made of them.

    Parameters
    ----------
    table : DataFrame of N rows
        Without the labels.
    random_state : int, default=0
        As for :func:`table_features`.

    Returns
    -------
    X : ndarray, float32 of shape (N, D)
        See :func:`table_features`.
    notes : list of str
        Which columns were read as what, which are not used, and which have numbers that are no data, as sentences.

    Raises
    ------
    InvalidDataError
        If no column is left to learn from, or two have one name.

    Examples
    --------
    >>> import pandas as pd
    >>> X, notes = encode_table(pd.DataFrame({"size": [1.0, None, 3.0] * 9, "colour": ["red", "green", "green"] * 9}))
    >>> X.shape, notes
    ((27, 4), ['Read as numbers: size.', 'Read as categories: colour.'])
    """
    if not table.columns.is_unique:
        name = table.columns[table.columns.duplicated()][0]
        raise InvalidDataError(f"The table has several columns called {name!r}. Give each a name of its own.")
    kinds = {name: column_kind(str(name), table[name]) for name in table.columns}
    X = table_features(table, kinds, random_state)
    by_kind = {what: [name for name in kinds if kinds[name] == kind] for kind, what in WORDS.items()}
    notes = [f"{what}: {some(names)}." for what, names in by_kind.items() if names]
    return X, notes + _extremes(table[[name for name in kinds if kinds[name] == "number"]])


def _extremes(numbers: Any) -> list[str]:
    """Say which columns have numbers that were taken as missing since no table has such ones."""
    found = []
    for name in numbers.columns:
        values = read_numbers(numbers[name])
        extreme = values[is_extreme(values)]
        if len(extreme):
            found.append(f"{name} ({len(extreme)}, such as {extreme.iloc[0]:g})")
    return [f"Numbers too large to be data, taken as missing: {some(found)}."] if found else []


def table_features(table: Any, kinds: dict[str, str], random_state: int = 0) -> np.ndarray:
    """Return the columns of a table as float32 numbers.

    Numbers and dates (as days): missing ones, infinite ones and those that stand for "no data" (such as -1.8e308) take
    the median and set a flag, then zero mean and unit variance.
    Categories: a column of 0 and 1 for each, rare ones (below 1 in 200 rows, or fewer than 3) together. Texts: words
    and pairs of words hashed, TF-IDF, then the 100 leading singular vectors, or a tenth of the rows if that is less;
    short texts by their groups of 2 to 4 letters.

    Parameters
    ----------
    table : DataFrame of N rows
        All columns.
    kinds : dict from column name to kind
        As :func:`column_kind` returns them.
    random_state : int, default=0
        Seed of the singular value decomposition.

    Returns
    -------
    ndarray of shape (N, D)

    Raises
    ------
    InvalidDataError
        If no column is left to learn from.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"size": [1.0, None, 3.0] * 9, "colour": ["red", "green", "green"] * 9})
    >>> table_features(table, {"size": "number", "colour": "category"}).shape
    (27, 4)
    """
    names = {kind: [name for name in table.columns if kinds[name] == kind] for kind in ("number", "date", "category")}
    texts = [name for name in table.columns if kinds[name] == "text"]
    if not texts and not any(names.values()):
        raise InvalidDataError(
            "No column is left to learn from: " + ", ".join(f"{k!r} {LEFT_OUT[kinds[k]]}" for k in kinds) + "."
            if kinds
            else "The table has no column besides the labels."
        )
    numbers = [SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True), StandardScaler()]
    rarest = max(3, len(table) // 200)
    categories = OneHotEncoder(min_frequency=rarest, max_categories=_MOST_CATEGORIES, sparse_output=False)
    parts = [
        ("numbers", make_pipeline(FunctionTransformer(_each(as_numbers)), *numbers), names["number"]),
        ("dates", make_pipeline(FunctionTransformer(_each(as_days)), *numbers), names["date"]),
        ("categories", make_pipeline(FunctionTransformer(_each(_as_names)), categories), names["category"]),
        *((f"text {name}", _text_encoder(table[name], random_state), name) for name in texts),
    ]
    columns = ColumnTransformer([part for part in parts if part[2]], sparse_threshold=0)
    features: np.ndarray = columns.fit_transform(table)
    return np.ascontiguousarray(features, dtype=np.float32)


def _each(convert: Any) -> Any:
    """Return a function that converts each column of a table."""
    return lambda table: table.apply(convert)


def _as_names(column: Any) -> Any:
    return column.astype("string").str.strip().fillna(_MISSING).astype(object)


def _text_encoder(column: Any, random_state: int) -> Any:
    """Return the steps from one column of texts to a few dense numbers."""
    from sklearn.decomposition import TruncatedSVD

    has_words = column.dropna().astype("string").str.split().str.len().mean() >= 3
    pieces = {"ngram_range": (1, 2)} if has_words else {"analyzer": "char_wb", "ngram_range": (2, 4)}
    n_dimensions = max(2, min(_TEXT_DIMENSIONS, len(column) // 10))
    return make_pipeline(
        FunctionTransformer(lambda text: text.astype("string").fillna("").astype(object)),
        HashingVectorizer(n_features=_TEXT_BUCKETS, alternate_sign=False, **pieces),
        TfidfTransformer(sublinear_tf=True),
        TruncatedSVD(n_dimensions, random_state=random_state),
        FunctionTransformer(lambda dense: dense * n_dimensions**0.5),
    )
