"""Where values lie on an axis from 0 to 1: missing ones first, then numbers, then names."""

import math
from collections.abc import Callable, Sequence
from typing import Any, TypedDict

from matplotlib.ticker import MaxNLocator

_ROOM_FOR_NUMBERS = 4  # times that of a name
_MISSING = "—"


class Axis(TypedDict):
    """A parameter's values: numbers between ``low`` and ``high`` (None without numbers), ``names`` apart."""

    name: str
    label: str
    low: float | None
    high: float | None
    log: bool
    ticks: list[float]  # all numbers, if they are few
    names: list[str]
    missing: bool


def placer(axis: Axis) -> Callable[[Any], float]:
    """Return the function that says where a value lies: a number, a name, or None for missing."""
    slots: list[tuple[str, Any, int]] = [("missing", None, 1)] if axis["missing"] else []
    slots += [] if axis["low"] is None else [("numbers", None, _ROOM_FOR_NUMBERS)]
    slots += [("name", name, 1) for name in axis["names"]]
    total = sum(size for *_, size in slots)
    margin = 0.5 / total if len(slots) > 1 else 0
    places, ends, before = {}, (0.0, 1.0), 0
    for kind, value, size in slots:
        if kind == "numbers":
            ends = before / total + margin, (before + size) / total - margin
        else:
            places[value] = (before + size / 2) / total
        before += size
    return lambda value: _between(axis, value, ends) if is_number(value) else places[value]


def _between(axis: Axis, value: float, ends: tuple[float, float]) -> float:
    """Return where a number lies between two ends."""
    scaled = math.log10 if axis["log"] else float
    low, high = scaled(axis["low"]), scaled(axis["high"])  # type: ignore[arg-type]
    share = 0.5 if low == high else (scaled(value) - low) / (high - low)
    return ends[0] + share * (ends[1] - ends[0])


def labels(axis: Axis, room: float) -> list[tuple[float, str]]:
    """Return places and words of an axis, none nearer to another than ``room``."""
    place = placer(axis)
    kept: list[tuple[float, str]] = []
    for value in [*([None] if axis["missing"] else []), *_numbers(axis), *axis["names"]]:
        at = place(value)
        if all(abs(at - other) >= room for other, _ in kept):
            kept.append((at, short(value)))
    return kept


def _numbers(axis: Axis) -> list[float]:
    """Return the numbers that are written at an axis."""
    low, high = axis["low"], axis["high"]
    if low is None or high is None:
        return []
    if axis["ticks"]:
        return axis["ticks"]
    return _powers(low, high) if axis["log"] else round_numbers(low, high, 5)


def round_numbers(low: float, high: float, most: int) -> list[float]:
    """Return round numbers between two."""
    found = MaxNLocator(most, steps=[1, 2, 5, 10]).tick_values(low, high) if low < high else [low]
    return [float(value) for value in found if low <= value <= high]


def _powers(low: float, high: float) -> list[float]:
    """Return powers of ten between two numbers, if they are few also three times those, or else the two."""
    powers = [10.0**exponent for exponent in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)]

    def inside(factors: Sequence[int]) -> list[float]:
        return [factor * power for power in powers for factor in factors if low <= factor * power <= high]

    return next(
        (found for factors, few in (((1,), 2), ((1, 3), 1)) if len(found := inside(factors)) > few), [low, high]
    )


def is_number(value: Any) -> bool:
    """Return whether a value lies among the numbers of an axis."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def short(value: Any) -> str:
    """Return a value as a short text; three digits of a number, a dash for None."""
    if value is None:
        return _MISSING
    return f"{value:.3g}" if is_number(value) else str(value)
