"""Checks of parameters, all with one sentence shape: what is allowed, what came, what to do."""

import difflib
import math
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from numbers import Integral, Real
from typing import Any

import numpy as np

from noisylabel.exceptions import InvalidDataError, InvalidParameterError

_SPOKEN: ContextVar[Mapping[str, str]] = ContextVar("what parameters are called")


def spoken(name: str) -> str:
    """Return what a message calls a parameter: its name in quotes, or what :func:`speaking_of` says.

    Examples
    --------
    >>> spoken("label")
    "'label'"
    """
    return _SPOKEN.get({}).get(name, repr(name))


@contextmanager
def speaking_of(names: Mapping[str, str]) -> Iterator[None]:
    """Let messages speak of options instead of parameters.

    Parameters
    ----------
    names : mapping from parameter to option

    Examples
    --------
    >>> with speaking_of({"label": "--label"}):
    ...     print(spoken("label"), spoken("size"))
    --label 'size'
    """
    token = _SPOKEN.set({**_SPOKEN.get({}), **names})
    try:
        yield
    finally:
        _SPOKEN.reset(token)


def check_number(  # noqa: PLR0913 - a number, its interval, and what to say
    name: str,
    value: Any,
    low: float = -math.inf,
    high: float = math.inf,
    *,
    closed: str = "both",
    hint: str = "",
) -> float:
    """Return ``value`` as a float if it is a real number in the interval.

    Parameters
    ----------
    name : str
        Name of the parameter, for the message.
    value : object
        What the user passed.
    low, high : float
        Bounds of the interval.
    closed : {"both", "left", "right", "neither"}
        Which bounds belong to the interval.
    hint : str
        What to do instead; added to the message.

    Returns
    -------
    float

    Raises
    ------
    InvalidParameterError
        If ``value`` is not a finite number in the interval.
    """
    inside = isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)
    if inside:
        above = value >= low if closed in ("both", "left") else value > low
        below = value <= high if closed in ("both", "right") else value < high
        inside = above and below
    if not inside:
        left = "[" if closed in ("both", "left") and math.isfinite(low) else "("
        right = "]" if closed in ("both", "right") and math.isfinite(high) else ")"
        message = f"{spoken(name)} must be a number in {left}{low:g}, {high:g}{right}. Got {value!r}."
        raise InvalidParameterError(f"{message} {hint}".strip())
    return float(value)


def check_count(name: str, value: Any, low: int = 1) -> int:
    """Return ``value`` as an int if it is a whole number of at least ``low``."""
    if not isinstance(value, Integral) or isinstance(value, bool) or value < low:
        raise InvalidParameterError(f"{spoken(name)} must be an integer of at least {low}. Got {value!r}.")
    return int(value)


def check_no_missing(name: str, labels: Any) -> None:
    """Refuse labels of which some are missing (None, NaN, NaT, pandas' NA, masked): none becomes a class of its own."""
    import pandas as pd

    values = np.atleast_1d(np.asarray(labels, dtype=None if hasattr(labels, "dtype") else object))
    if values.dtype.names is not None:
        raise InvalidDataError(
            f"{name} has the fields {', '.join(values.dtype.names)}. Pass the one that is the label."
        )
    is_missing = pd.isna(values) | np.ma.getmaskarray(labels if np.ma.isMaskedArray(labels) else values)
    if is_missing.any():
        raise InvalidDataError(
            f"{name} has {int(is_missing.sum())} missing labels, the first at position {int(is_missing.argmax())}. "
            "Drop those rows."
        )
    if values.dtype.kind == "U" and values.dtype.itemsize // 4 == _WIDTH_OF_FLOATS and (values == "nan").any():
        raise InvalidDataError(
            f"{name} has the label 'nan', which NumPy makes of a missing value among texts. Drop those rows, or pass "
            f"the labels as a list if it is a class."
        )


_WIDTH_OF_FLOATS = 32  # of the texts in an array that NumPy made of texts and floats


def check_samples(name: str, X: Any) -> np.ndarray:
    """Return samples (N, ...) as an array of numbers, none of which is missing or infinite."""
    if np.ma.isMaskedArray(X) and np.ma.getmaskarray(X).any():
        raise InvalidDataError(f"{name} has masked values. Fill them in, by its method filled().")
    values = np.asarray(X)
    if values.dtype.kind not in "biuf":
        try:
            values = values.astype(float)
        except (TypeError, ValueError) as error:
            raise InvalidDataError(
                f"{name} must hold numbers: {error}. Encode texts, and fill in what is missing."
            ) from error
    is_finite = np.isfinite(values)
    if not is_finite.all():
        where = np.unravel_index(int(is_finite.argmin()), values.shape)
        raise InvalidDataError(
            f"{name} has {int((~is_finite).sum())} missing or infinite values, the first at "
            f"{tuple(int(i) for i in where)}. Fill them in or drop those rows."
        )
    return values


def check_choice(name: str, value: Any, allowed: Iterable[str]) -> str:
    """Return ``value`` if it is one of ``allowed``; otherwise name the nearest match."""
    options = list(allowed)
    if isinstance(value, str) and value in options:
        return value
    near: list[str] = []
    if isinstance(value, str) and value:
        near = [option for option in options if option.startswith(value) or value in option]
        near = near or difflib.get_close_matches(value, options, n=1, cutoff=0.5)
    guess = f" Did you mean {near[0]!r}?" if near else ""
    raise InvalidParameterError(f"{spoken(name)} must be one of {options}. Got {value!r}.{guess}")
