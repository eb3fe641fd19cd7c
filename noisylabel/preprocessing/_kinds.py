"""What a column of a table holds, decided by its name and its values."""

import re
from typing import Any, NamedTuple

import numpy as np

from noisylabel.preprocessing._dates import are_dates
from noisylabel.preprocessing._numbers import NO_VALUE, read_numbers

KINDS = ("number", "date", "category", "text")
LEFT_OUT = {
    "constant": "the same in every row",
    "id": "an id",
    "nested": "holds lists",
    "bytes": "holds bytes that are no text",
}
_NO_VALUES: dict[str, Any] = {"nested": (list, dict, tuple, np.ndarray), "bytes": bytes}
_FEW_VALUES = 50
_FEW_NUMBERS = 10  # beside words for "no value", so few are names of something
_NEARLY_ALL = 0.95
_ID_NAME = re.compile(r"(^|[^a-z])(id|uuid|guid|index|unnamed: \d+)$")
_CODE_NAME = re.compile(r"(^|[^a-z])(id|ids|uuid|guid|code|sku|ean|isbn|zip|zip ?code|post_?code|postal_?code|plz)$")
_CODE = r"[!-~]*\d[!-~]*"
_DIGITS = r"0\d|\+\d{6}"
_MOMENTS = ((9e17, 2.2e18), (9e14, 2.2e15))  # nano- and microseconds since 1970, from 1998 to 2039
_MANY_DIGITS = 1e15


class ColumnKind(NamedTuple):
    """What a column holds, and what showed it.

    Attributes
    ----------
    kind : {"number", "date", "category", "text", "constant", "id", "nested", "bytes"}
        The last four tell nothing about a label.
    why : str
        What showed it, in a few words.
    """

    kind: str
    why: str


def column_kind(name: str, column: Any) -> ColumnKind:
    """Return what a column of a table holds, and why it is taken for that.

    Parameters
    ----------
    name : str
        Its name: a column called ``id`` whose values all differ is one.
    column : Series of shape (N,)
        Its values.

    Returns
    -------
    ColumnKind
        Numbers may be written with a decimal comma, with signs of currency or percent, and with ``-`` or ``unknown``
        where there is none; dates in several formats. Codes (one word with digits, such as ``C-10482``, or digits that
        begin with 0) are categories where they repeat, and ids where nearly every row has one of its own.

    Examples
    --------
    >>> import pandas as pd
    >>> column_kind("price", pd.Series(["1,5", "2,25", "-"] * 30 + [f"{n},75" for n in range(30)])).kind
    'number'
    >>> column_kind("id", pd.Series(range(90)))
    ColumnKind(kind='id', why='called an id, and differs in every row')
    """
    import pandas as pd

    occurring = set(map(type, column)) if pd.api.types.is_object_dtype(column) else set()
    for kind, types in _NO_VALUES.items():
        if any(issubclass(one, types) for one in occurring):
            return ColumnKind(kind, LEFT_OUT[kind])
    present = column.dropna()
    n_distinct = present.nunique()
    if n_distinct + int(len(present) < len(column)) < 2:
        return ColumnKind("constant", LEFT_OUT["constant"])
    if n_distinct == len(present) > 1 and _ID_NAME.search(name.lower()):
        return ColumnKind("id", "called an id, and differs in every row")
    if pd.api.types.is_datetime64_any_dtype(column):
        return ColumnKind("date", "holds dates")
    if pd.api.types.is_bool_dtype(column):
        return ColumnKind("category", "yes or no")
    if n_distinct < 2:
        return ColumnKind("category", "one value or none")
    if pd.api.types.is_any_real_numeric_dtype(column):
        return _kind_of_numbers(name, present, n_distinct)
    if pd.api.types.is_timedelta64_dtype(column):
        return ColumnKind("number", "holds durations")
    return _kind_of_texts(name, present, n_distinct)


def _kind_of_numbers(name: str, present: Any, n_distinct: int) -> ColumnKind:
    """Tell numbers from codes and ids that are written in digits."""
    import pandas as pd

    if not pd.api.types.is_integer_dtype(present):
        return ColumnKind("number", "holds numbers")
    smallest, largest = int(present.min()), int(present.max())
    is_moment = any(low < smallest and largest < high for low, high in _MOMENTS)
    if smallest >= _MANY_DIGITS and not is_moment and n_distinct >= _NEARLY_ALL * len(present):
        return ColumnKind("id", f"numbers of {len(str(largest))} digits that differ in nearly every row")
    if _CODE_NAME.search(name.lower()):
        return _kind_of_codes(present, n_distinct, "called a code")
    return ColumnKind("number", "holds numbers")


def _kind_of_texts(name: str, present: Any, n_distinct: int) -> ColumnKind:
    """Tell what is written as text: numbers, dates, or one of the kinds of strings."""
    text = present.astype("string").str.strip()
    real = text[~text.str.lower().isin(NO_VALUE)]
    if len(real) and (len(real) >= _NEARLY_ALL * len(text) or real.nunique() > _FEW_NUMBERS):
        if real.str.fullmatch(r"\+?\d+").all() and (real.str.match(_DIGITS).any() or (real.str.len() > 15).all()):
            return _kind_of_codes(real, n_distinct, "digits that begin with 0 or +, or too many for a number")
        without = "" if len(real) == len(text) else f", but for {len(text) - len(real)} such as {_odd(text, real)!r}"
        if read_numbers(real).notna().mean() >= _NEARLY_ALL:
            if _CODE_NAME.search(name.lower()) and real.str.fullmatch(r"\d+").all():
                return _kind_of_codes(real, n_distinct, "called a code")
            return ColumnKind("number", f"written as numbers{without}")
        if are_dates(real):
            return ColumnKind("date", f"written as dates{without}")
    return _kind_of_strings(text, n_distinct)


def _odd(text: Any, real: Any) -> str:
    return str(text[~text.index.isin(real.index)].iloc[0])


def _kind_of_codes(present: Any, n_distinct: int, what: str) -> ColumnKind:
    """Return what codes are: categories where they repeat, else ids."""
    if n_distinct > len(present) / 2 and n_distinct > _FEW_VALUES // 2:
        return ColumnKind("id", f"{what}, {n_distinct} different ones in {len(present)} rows")
    return ColumnKind("category", f"{what}, {n_distinct} different ones in {len(present)} rows")


def _kind_of_strings(text: Any, n_distinct: int) -> ColumnKind:
    """Tell categories, sentences, codes and ids apart by how many values differ and how many words they have."""
    n_words = text.str.split().str.len().mean()
    if n_words >= 3 and n_distinct > max(20, len(text) / 20):
        return ColumnKind("text", f"{n_words:.0f} words in a row")
    if n_distinct <= max(_FEW_VALUES, len(text) / 20) and n_distinct < len(text):
        return ColumnKind("category", f"{n_distinct} different values")
    if text.str.fullmatch(r"[!-~]+").all() and n_distinct >= _NEARLY_ALL * len(text):
        return ColumnKind("id", f"one word, {n_distinct} different ones in {len(text)} rows")
    if text.str.fullmatch(_CODE).mean() >= _NEARLY_ALL:
        return _kind_of_codes(text, n_distinct, "codes")
    return ColumnKind("text", f"{n_distinct} different values of a word or two")
