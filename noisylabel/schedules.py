"""Schedules: progress through training in [0, 1] to a number.

Percent-of-training is the clock of the papers; a schedule never knows how many epochs there are.
"""

import math
from collections.abc import Callable
from functools import partial

import numpy as np

from noisylabel._support.validation import check_choice, check_number
from noisylabel.exceptions import InvalidParameterError

Schedule = Callable[[float], float]


def parse_piecewise(name: str, text: str) -> np.ndarray:
    """Expand the papers' notation ``"value,percent,value,percent,..."`` to 100 numbers, one a percent of training.

    Parameters
    ----------
    name : str
        Name of the parameter, for the message.
    text : str
        For instance ``"0.5,17,0.05,83"``: 0.5 for the first 17 percent, then 0.05 for 83. The percents are whole
        numbers and add up to 100.

    Returns
    -------
    ndarray of shape (100,)

    Raises
    ------
    InvalidParameterError
        If the text is malformed or does not cover exactly 100 percent.

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
    """Whole percent of training (0..99) at ``progress`` in [0, 1]: the papers' epoch percentage."""
    return min(int(100 * progress + 1e-9), 99)


def piecewise_schedule(values: np.ndarray) -> Schedule:
    """Schedule that reads a table of 100 numbers at the percent of training."""
    return partial(_look_up, [float(value) for value in values])


def constant_schedule(value: float) -> Schedule:
    """Schedule that is ``value`` throughout."""
    return partial(_constant, value)


def _look_up(table: list[float], progress: float) -> float:
    return table[percent_of_training(progress)]


def _constant(value: float, progress: float) -> float:
    return value


def one_cycle(progress: float, warmup: float = 0.2) -> float:
    """Factor that rises linearly from 0 to 1 over ``warmup`` of training and falls linearly to 0 after it."""
    return progress / warmup if progress < warmup else (1 - progress) / (1 - warmup)


def cosine(progress: float) -> float:
    """Factor that falls from 1 to 0 along half a cosine."""
    return 0.5 * (1 + math.cos(math.pi * progress))


def linear(progress: float) -> float:
    """Factor that falls linearly from 1 to 0."""
    return 1 - progress


def staircase_schedule(factor: float, n_stairs: float) -> Schedule:
    """Schedule that starts at 1 and is multiplied by ``factor`` after each of ``n_stairs`` equal parts of training.

    Parameters
    ----------
    factor : float in (0, 1]
    n_stairs : float
        May be broken: with 17.07 the last part is a short one.

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


def resolve_lr_schedule(schedule: str | Schedule) -> Schedule:
    """Turn a name, a piecewise text of factors or a callable into a schedule of learning-rate factors.

    Raises
    ------
    InvalidParameterError
        If the name is unknown or the text malformed.
    """
    if callable(schedule):
        return schedule
    if isinstance(schedule, str) and "," in schedule:
        return piecewise_schedule(parse_piecewise("lr_schedule", schedule))
    return LR_SCHEDULES[check_choice("lr_schedule", schedule, LR_SCHEDULES)]


def resolve_fraction_schedule(name: str, value: float | str) -> Schedule:
    """Turn a number in [0, 1] or a piecewise text of such numbers into a schedule.

    Raises
    ------
    InvalidParameterError
        If a number is outside the interval or the text is malformed.
    """
    hint = "Give a fraction: 0.7 for 70 %."
    if isinstance(value, str):
        values = parse_piecewise(name, value)
        for entry in np.unique(values):
            check_number(name, float(entry), 0, 1, hint=hint)
        return piecewise_schedule(values)
    return constant_schedule(check_number(name, value, 0, 1, hint=hint))
