"""Words for counts and lists of names."""

from collections.abc import Sequence
from typing import Any


def counted(count: int, singular: str, plural: str | None = None) -> str:
    """Return a number with its noun."""
    return f"{count} {singular if count == 1 else plural or singular + 's'}"


def some(names: Sequence[Any], most: int = 8) -> str:
    """Return the first names and how many more there are."""
    shown = ", ".join(str(name) for name in names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"
