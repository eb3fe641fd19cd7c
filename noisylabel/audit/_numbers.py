"""Numbers and dates of a table as float64, as people, programs and spreadsheets write them."""

from typing import Any

import numpy as np
import pandas as pd

_EXACT = 2**53  # whole numbers beyond have more digits than float64
_NO_DATA = 9.2e18  # the largest whole number of 64 bits, and all that programs write for "no data" beyond
_FAR = 1e6
_VANISHING = 1e-100  # the square of what is smaller is soon 0
_NEVER = 1e100  # no column of a table goes up to here; its square overflows soon after


def as_numbers(column: Any) -> Any:
    """Return the numbers of a column, NaN for what is none and for what :func:`is_extreme`.

    Parameters
    ----------
    column : Series of shape (N,)
        Numbers, durations (as seconds), or texts: also with signs of currency or percent, spaces, a comma for decimals
        or thousands, a minus behind, or parentheses for one. Whole numbers of more digits than float64 has are taken
        from the smallest one, so that those that differ still do; where all are below 1e-100, the largest one is 1.

    Returns
    -------
    Series of float64
    """
    numbers = read_numbers(column)
    numbers = numbers.mask(is_extreme(numbers))
    largest = numbers.abs().max()
    if 0 < largest < _VANISHING:
        return numbers / largest
    if not pd.api.types.is_integer_dtype(column) or not largest > _EXACT:
        return numbers
    smallest = column[numbers.notna()].min()
    if int(column.max()) - int(smallest) < 2**63 and numbers.notna().all():
        return _as_float(column - smallest)
    return numbers


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
    size = numbers.abs()
    typical = size[(size > 0) & (size <= _NEVER)].median()
    return (size > _NEVER) | ((size > _NO_DATA) & (size > _FAR * typical))


def read_numbers(column: Any) -> Any:
    """Return the numbers of a column as they stand there; see :func:`as_numbers`."""
    if pd.api.types.is_timedelta64_dtype(column):
        return column.dt.total_seconds()
    if pd.api.types.is_numeric_dtype(column):
        return _as_float(column)
    text = column.astype("string").str.replace(r"[\s$€£¥₹₩₽₺%'\u2019]", "", regex=True).str.replace("\u2212", "-")
    text = text.str.replace(r"^\((.+)\)$", r"-\1", regex=True).str.replace(r"^([\d.,]+)-$", r"-\1", regex=True)
    if text.str.contains(r"\.\d{3},\d").any() and not text.str.contains(r",.*\.").any():  # 1.234,56
        text = text.str.replace(".", "", regex=False).str.replace(",", ".", regex=False)
    groups_thousands = text.str.contains(r"\d,\d{3}(?!\d)").any() and not text.str.contains(r",(?!\d{3}(?!\d))").any()
    text = text.str.replace(",", "" if groups_thousands else ".", regex=False)
    return _as_float(pd.to_numeric(text, errors="coerce"))


def as_days(column: Any) -> Any:
    """Read dates as days since 1970; the day comes first if points separate, or a first number is above 12."""
    if not pd.api.types.is_datetime64_any_dtype(column):
        text = column.astype("string").str.strip()
        first = text.str.extract(r"^(\d{1,2})([./-])\d{1,2}[./-]")
        day_first = bool((first[1] == ".").any() or (first[0].astype("Int64") > 12).any())
        column = pd.to_datetime(text, errors="coerce", utc=True, format="mixed", dayfirst=day_first)
    moments = pd.to_datetime(column, utc=True).dt.as_unit("us")  # in nanoseconds, years end at 2262
    return (moments - pd.Timestamp(0, unit="s", tz="UTC").as_unit("us")).dt.total_seconds() / 86_400


def _as_float(numbers: Any) -> Any:
    return pd.Series(numbers.to_numpy("float64", na_value=np.nan), index=numbers.index, name=numbers.name)
