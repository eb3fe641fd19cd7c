"""Dates of a table as days since 1970, as people, programs and spreadsheets write them."""

import re
from typing import Any, Self

import pandas as pd
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin

from noisylabel.exceptions import InvalidDataError
from noisylabel.preprocessing._numbers import NO_VALUE

_MONTH = "(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*"
_DATE = re.compile(
    r"\d{1,4}([-/.])\d{1,2}\1\d{1,4}(?!\d)"
    rf"|\d{{1,2}}\.?[ -]{_MONTH}\.?,?[ -]\d{{2,4}}|{_MONTH}\.? \d{{1,2}},? \d{{4}}",
    re.IGNORECASE,
)
_DAY_AND_MONTH = r"^(\d{1,2})([./-])(\d{1,2})[./-](\d{4})(?!\d)"


def are_dates(text: Any) -> bool:
    """Return whether nearly all of some texts are dates, (N,) without missing ones; formats may differ."""
    return bool(text.str.match(_DATE).mean() >= 0.95 and read_days(text, marks_of_days(text)).notna().mean() >= 0.95)


def marks_of_days(column: Any) -> frozenset[str]:
    """Return the separators of dates whose first number is the day: points, and where a first number is above 12."""
    if pd.api.types.is_datetime64_any_dtype(column):
        return frozenset()
    first = column.astype("string").str.strip().str.extract(_DAY_AND_MONTH)
    return frozenset({".", *first[1][first[0].astype("Int64") > 12].dropna()})


def read_days(column: Any, day_first: frozenset[str]) -> Any:
    """Return days since 1970, NaN for what is no date.

    Parameters
    ----------
    column : Series of shape (N,)
        Dates, texts (``2024-12-31``, ``31.12.2024``, ``12/31/2024``, ``31 Dec 2024``, also of several formats, with or
        without a time), or whole numbers such as 20241231.
    day_first : frozenset of str
        See :func:`marks_of_days`.

    Returns
    -------
    Series of float64
    """
    if not pd.api.types.is_datetime64_any_dtype(column):
        column = _read_each_once(_year_first(column, day_first))
    moments = pd.to_datetime(column, utc=True).dt.as_unit("us")  # in nanoseconds, years end at 2262
    return (moments - pd.Timestamp(0, unit="s", tz="UTC").as_unit("us")).dt.total_seconds() / 86_400


def _read_each_once(text: Any) -> Any:
    """Return the moments that texts say; reading one takes long, and dates repeat."""
    codes, different = pd.factorize(text)  # -1 where missing
    moments = pd.Series(pd.to_datetime(pd.Series(different), errors="coerce", utc=True, format="mixed"))
    return moments.reindex(codes).set_axis(text.index)


def _year_first(column: Any, day_first: frozenset[str]) -> Any:
    """Write dates of two numbers and a year as programs do; leave the others as they are."""
    if pd.api.types.is_float_dtype(column):
        column = column.astype("Int64")
    text = column.astype("string").str.strip()
    parts = text.str.extract(_DAY_AND_MONTH)
    is_such = parts[0].notna()
    if not is_such.any():
        return text
    one, other = parts[0].str.zfill(2), parts[2].str.zfill(2)
    swaps = (parts[1].isin(day_first) | (one > "12")) & ~(other > "12")
    month, day = one.mask(swaps, other), other.mask(swaps, one)
    rest = text.str.replace(_DAY_AND_MONTH, "", regex=True)
    return text.mask(is_such, parts[3] + "-" + month + "-" + day + rest)


class DateColumns(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Columns of dates as days since 1970, read as they were written where they were learned."""

    def fit(self, table: Any, y: Any = None) -> Self:
        """Learn in which dates of each column the day comes first."""
        self.day_first_ = {name: marks_of_days(table[name]) for name in table}
        self.n_features_in_ = table.shape[1]
        return self

    def transform(self, table: Any) -> Any:
        """Return the days of a table with the same columns, NaN where there is no date."""
        days = {name: read_days(table[name], marks) for name, marks in self.day_first_.items()}
        for name, read in days.items():
            _refuse_no_dates(table[name], read)
        return pd.DataFrame(days)


def _refuse_no_dates(column: Any, days: Any) -> None:
    """Refuse a column of values none of which is a date."""
    present = column.dropna().astype("string").str.strip()
    present = present[~present.str.lower().isin(NO_VALUE)]
    if len(present) and not days.notna().any():
        raise InvalidDataError(
            f"The column {column.name!r} is one of dates, but none of its {len(present)} values is one, such as "
            f"{present.iloc[0]!r}. Give dates, or make it another kind of column."
        )
