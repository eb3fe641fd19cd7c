"""Schedules: from progress through training, in [0, 1], to a number.

A schedule does not know how many epochs there are. The papers measure progress in percent of training, 0 to 99.
"""

import math
from collections.abc import Callable
from functools import partial

import numpy as np

from noisylabel._support.validation import check_choice, check_number
from noisylabel.exceptions import InvalidParameterError

Schedule = Callable[[float], float]


def parse_piecewise(name: str, text: str) -> np.ndarray:
    """Expand the papers' notation ``"value,percent,value,percent,..."`` to 100 numbers, one per percent of training.

    Parameters
    ----------
    name : str
        Name of the parameter, for the error message.
    text : str
        For instance ``"0.5,17,0.05,83"``: 0.5 for the first 17 percent, then 0.05 for 83 percent. The percents are
        whole numbers above 0 and add up to 100.

    Returns
    -------
    ndarray of shape (100,)

    Raises
    ------
    InvalidParameterError
        If the text cannot be read or does not cover exactly 100 percent.

    Examples
    --------
    >>> values = parse_piecewise("example_dropout", "0.5,17,0.05,83")
    >>> float(values[16]), float(values[17]), len(values)
    (0.5, 0.05, 100)
    """
    wanted = "Write 'value,percent,value,percent,...' with whole percents that add up to 100: '0.5,17,0.05,83'."
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = [math.nan]
    if not all(math.isfinite(number) for number in numbers):
        raise InvalidParameterError(f"{name!r} got the schedule {text!r}, which is not a list of numbers. {wanted}")
    values, percents = numbers[::2], numbers[1::2]
    if len(values) != len(percents) or not all(p > 0 and p == int(p) for p in percents):
        raise InvalidParameterError(
            f"{name!r} got the schedule {text!r}, which is not made of value,percent pairs. {wanted}"
        )
    if sum(percents) != 100:
        raise InvalidParameterError(
            f"{name!r} got the schedule {text!r}, which covers {sum(percents):g} percent. {wanted}"
        )
    return np.repeat(values, np.array(percents, dtype=int))


def percent_of_training(progress: float) -> int:
    """Return the whole percent of training, which the papers call epoch percentage.

    Parameters
    ----------
    progress : float in [0, 1]

    Returns
    -------
    int in [0, 99]

    Examples
    --------
    >>> [percent_of_training(progress) for progress in (0.0, 0.18, 1.0)]
    [0, 18, 99]
    """
    return min(int(100 * progress + 1e-9), 99)


def piecewise_schedule(values: np.ndarray) -> Schedule:
    """Return a schedule that looks up the percent of training in a table.

    Parameters
    ----------
    values : ndarray of shape (100,)
        One number for each percent of training, as from :func:`parse_piecewise`.

    Returns
    -------
    callable
    """
    return partial(_look_up, [float(value) for value in values])


def constant_schedule(value: float) -> Schedule:
    """Return a schedule that is ``value`` throughout."""
    return partial(_constant, value)


def _look_up(table: list[float], progress: float) -> float:
    return table[percent_of_training(progress)]


def _constant(value: float, progress: float) -> float:
    return value


def one_cycle(progress: float, warmup: float = 0.2) -> float:
    """Rise linearly from 0 to 1 during the first part of training, and fall linearly to 0 in the rest.

    Parameters
    ----------
    progress : float in [0, 1]
    warmup : float in (0, 1), default=0.2
        Share of training in which it rises.

    Returns
    -------
    float in [0, 1]
    """
    return progress / warmup if progress < warmup else (1 - progress) / (1 - warmup)


def cosine(progress: float) -> float:
    """Fall from 1 to 0 along half a cosine, as ``progress`` goes from 0 to 1."""
    return 0.5 * (1 + math.cos(math.pi * progress))


def linear(progress: float) -> float:
    """Fall linearly from 1 to 0, as ``progress`` goes from 0 to 1."""
    return 1 - progress


def staircase_schedule(factor: float, n_stairs: float) -> Schedule:
    """Start at 1, and multiply by ``factor`` after each of ``n_stairs`` equal parts of training.

    Parameters
    ----------
    factor : float in (0, 1]
    n_stairs : float in (0, inf)
        Need not be whole: with 17.07, the last part is shorter than the others.

    Returns
    -------
    callable

    Examples
    --------
    >>> schedule = staircase_schedule(0.9, n_stairs=200_000 / 11_718.75)  # MentorMix, lr 0.1
    >>> round(0.1 * schedule(0.0), 4), round(0.1 * schedule(1.0), 6)
    (0.1, 0.016677)
    """
    return partial(_staircase, factor, n_stairs)


def _staircase(factor: float, n_stairs: float, progress: float) -> float:
    return float(factor ** math.floor(progress * n_stairs))


LR_SCHEDULES: dict[str, Schedule] = {
    "constant": constant_schedule(1.0),
    "cosine": cosine,
    "linear": linear,
    "one_cycle": one_cycle,
}
"""Schedules of the learning rate by name."""

SCHEDULE_PARTS: dict[str, Callable[..., float]] = {
    "constant": _constant,
    "cosine": cosine,
    "linear": linear,
    "one_cycle": one_cycle,
    "piecewise": _look_up,
    "staircase": _staircase,
}
"""What schedules of this module are, or are a ``partial`` of; files keep these names."""


def resolve_lr_schedule(schedule: str | Schedule) -> Schedule:
    """Turn what users write for ``lr_schedule`` into a schedule of factors on the learning rate.

    Parameters
    ----------
    schedule : str or callable
        A name in :data:`LR_SCHEDULES`, factors in the notation of :func:`parse_piecewise`, or a function from progress
        in [0, 1] to a factor.

    Returns
    -------
    callable

    Raises
    ------
    InvalidParameterError
        If the name is unknown or the text cannot be read.
    """
    if callable(schedule):
        return schedule
    if isinstance(schedule, str) and "," in schedule:
        return piecewise_schedule(parse_piecewise("lr_schedule", schedule))
    return LR_SCHEDULES[check_choice("lr_schedule", schedule, LR_SCHEDULES)]


def resolve_fraction_schedule(name: str, value: float | str) -> Schedule:
    """Turn a fraction, or a text of several, into a schedule.

    Parameters
    ----------
    name : str
        Name of the parameter, for the error message.
    value : float in [0, 1] or str
        A text has the notation of :func:`parse_piecewise`, with values in [0, 1].

    Returns
    -------
    callable

    Raises
    ------
    InvalidParameterError
        If a value is outside [0, 1] or the text cannot be read.
    """
    hint = "Give a fraction: 0.7 for 70 %."
    if isinstance(value, str):
        values = parse_piecewise(name, value)
        for entry in np.unique(values):
            check_number(name, float(entry), 0, 1, hint=hint)
        return piecewise_schedule(values)
    return constant_schedule(check_number(name, value, 0, 1, hint=hint))
