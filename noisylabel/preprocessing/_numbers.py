"""Numbers of a table as float64, as people, programs and spreadsheets write them."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin

from noisylabel.exceptions import InvalidDataError

NO_VALUE = frozenset(  # instead of a number or a date
    " - -- --- \u2013 \u2014 . .. ... ? n/a na n.a. #n/a nan none nil null unknown missing k.a.".split(" ")
)
_EXACT = 2**53  # whole numbers beyond have more digits than float64
_NO_DATA = 9.2e18  # the largest whole number of 64 bits, and all that programs write for "no data" beyond
_FAR = 1e6
_VANISHING = 1e-100  # the square of what is smaller is soon 0
_NEVER = 1e100  # no column of a table goes up to here; its square overflows soon after
_UNITS = r"[\s$€£¥₹₩₽₺%'\u2019]|(?<![A-Za-z])(?:USD|EUR|GBP|CHF|JPY|CNY|INR|AUD|CAD|SEK|NOK|DKK|PLN|CZK|kr|zł|R(?=\$))"


@dataclass(frozen=True)
class NumberMarks:
    """What points and commas mean in the numbers of one column.

    Attributes
    ----------
    point : str
        What a point becomes: ``"."``, or nothing where it groups thousands.
    comma : str
        What a comma becomes.
    """

    point: str = "."
    comma: str = "."

    @classmethod
    def of(cls, column: Any) -> Self:
        """Return what they mean in a column, which its values together show."""
        if pd.api.types.is_numeric_dtype(column) or pd.api.types.is_timedelta64_dtype(column):
            return cls()
        text = _bare(column)
        if text.str.contains(r"\.\d{3},\d").any() and not text.str.contains(r",.*\.").any():  # 1.234,56
            return cls("", ".")
        groups = text.str.contains(r"\d,\d{3}(?!\d)").any() and not text.str.contains(r",(?!\d{3}(?!\d))").any()
        return cls(".", "" if groups else ".")


def read_numbers(column: Any, marks: NumberMarks | None = None) -> Any:
    """Return the numbers of a column as they stand there, NaN for what is none.

    Parameters
    ----------
    column : Series of shape (N,)
        Numbers, durations (as seconds), or texts: also with signs of currency or percent, spaces, a comma for decimals
        or thousands, a minus behind, or parentheses for one.
    marks : NumberMarks, optional
        What points and commas mean; by default what the column itself shows.

    Returns
    -------
    Series of float64
    """
    if pd.api.types.is_timedelta64_dtype(column):
        return column.dt.total_seconds()
    if pd.api.types.is_numeric_dtype(column):
        return _as_float(column)
    marks = NumberMarks.of(column) if marks is None else marks
    text = _bare(column)
    if marks.point != ".":
        text = text.str.replace(".", marks.point, regex=False)
    text = text.str.replace(",", marks.comma, regex=False)
    return _as_float(pd.to_numeric(text, errors="coerce"))


def is_extreme(numbers: Any) -> Any:
    """Return which numbers can be no data: infinite ones, and those that programs write where there are none.

    Parameters
    ----------
    numbers : Series of float64, shape (N,)

    Returns
    -------
    Series of bool
        Above 1e100 in size, such as -1.8e308; or above 9.2e18, such as 3.4e38 or -2**63, if that is more than a million
        times the median size of those that are not 0.

    Examples
    --------
    >>> is_extreme(pd.Series([1.0, -2.0, 3.0, -1.8e308, 3.4e38, 1e12, np.nan])).tolist()
    [False, False, False, True, True, False, False]
    >>> is_extreme(pd.Series([1e30, 2e30, 3e30])).tolist()
    [False, False, False]
    """
    return numbers.abs() > _largest_data(numbers)


class NumberColumns(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Columns of numbers as float64, read as they were written where they were learned.

    Whole numbers of more digits than float64 has are taken from the smallest one, so that those that differ still do;
    where all are below 1e-100, the largest one is 1. What :func:`is_extreme` is NaN.
    """

    def fit(self, table: Any, y: Any = None) -> Self:
        """Learn how each column is written."""
        self.columns_ = {name: _NumberColumn.of(table[name]) for name in table}
        self.n_features_in_ = table.shape[1]
        return self

    def transform(self, table: Any) -> Any:
        """Return the numbers of a table with the same columns, NaN where there are none."""
        return pd.DataFrame({name: column.read(table[name]) for name, column in self.columns_.items()})


@dataclass(frozen=True)
class _NumberColumn:
    marks: NumberMarks
    largest: float  # what is larger is no data
    first: int = 0
    scale: float = 1.0

    @classmethod
    def of(cls, column: Any) -> "_NumberColumn":
        marks = NumberMarks.of(column)
        numbers = read_numbers(column, marks)
        limit = _largest_data(numbers)
        numbers = numbers.mask(numbers.abs() > limit)
        largest = numbers.abs().max()
        if 0 < largest < _VANISHING:
            return cls(marks, limit, scale=largest)
        if pd.api.types.is_integer_dtype(column) and largest > _EXACT and numbers.notna().all():
            smallest = int(column.min())
            if int(column.max()) - smallest < 2**63:
                return cls(marks, limit, first=smallest)
        return cls(marks, limit)

    def read(self, column: Any) -> Any:
        numbers = read_numbers(column, self.marks)
        _refuse_no_numbers(column, numbers)
        is_none = numbers.abs() > self.largest
        if self.first and pd.api.types.is_integer_dtype(column):
            numbers = _as_float(column.astype(object) - self.first)
        elif self.first:
            numbers = numbers - self.first
        return numbers.mask(is_none) / self.scale


def _refuse_no_numbers(column: Any, numbers: Any) -> None:
    """Refuse a column of values none of which is a number."""
    present = column[column.notna() & numbers.isna()].astype("string").str.strip()
    present = present[~present.str.lower().isin(NO_VALUE)]
    if len(present) and not numbers.notna().any():
        raise InvalidDataError(
            f"The column {column.name!r} is one of numbers, but none of its {len(present)} values is one, such as "
            f"{present.iloc[0]!r}. Give numbers, or make it another kind of column."
        )


def _largest_data(numbers: Any) -> float:
    """Return the size above which numbers of a column can be no data."""
    size = numbers.abs()
    typical = size[(size > 0) & (size <= _NEVER)].median()
    return _NEVER if np.isnan(typical) else min(_NEVER, max(_NO_DATA, _FAR * typical))


def _bare(column: Any) -> Any:
    """Return numbers as texts without units and spaces, with a minus before those that have it otherwise."""
    text = column.astype("string").str.replace(_UNITS, "", regex=True).str.replace("\u2212", "-")
    return text.str.replace(r"^\((.+)\)$", r"-\1", regex=True).str.replace(r"^([\d.,]+)-$", r"-\1", regex=True)


def _as_float(numbers: Any) -> Any:
    return pd.Series(numbers.to_numpy("float64", na_value=np.nan), index=numbers.index, name=numbers.name)
