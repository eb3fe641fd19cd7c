"""What parameters allow, as data: a name and a constraint, checked by one loop."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from numbers import Real
from typing import Any, Protocol

from noisylabel._support.validation import check_choice, check_count, check_number, spoken
from noisylabel.exceptions import InvalidParameterError


class Constraint(Protocol):
    """What a parameter allows."""

    def check(self, name: str, value: Any) -> None:
        """Raise an InvalidParameterError if the value is not allowed."""


@dataclass(frozen=True)
class Number:
    """A real number in an interval; see :func:`noisylabel.utils.check_number`."""

    low: float = -math.inf
    high: float = math.inf
    closed: str = "both"
    hint: str = ""

    def check(self, name: str, value: Any) -> None:
        """See :meth:`Constraint.check`."""
        check_number(name, value, self.low, self.high, closed=self.closed, hint=self.hint)


@dataclass(frozen=True)
class Count:
    """A whole number of at least ``low``."""

    low: int = 1

    def check(self, name: str, value: Any) -> None:
        """See :meth:`Constraint.check`."""
        check_count(name, value, self.low)


@dataclass(frozen=True)
class Choice:
    """One of some names."""

    names: Iterable[str]

    def check(self, name: str, value: Any) -> None:
        """See :meth:`Constraint.check`."""
        check_choice(name, value, self.names)


@dataclass(frozen=True)
class NameOr:
    """One of some names, or something that can be called."""

    names: Iterable[str]
    what: str

    def check(self, name: str, value: Any) -> None:
        """See :meth:`Constraint.check`."""
        if isinstance(value, str):
            check_choice(name, value, self.names)
        elif not callable(value):
            raise InvalidParameterError(
                f"{spoken(name)} must be one of {list(self.names)}, or {self.what}. Got {value!r}."
            )


@dataclass(frozen=True)
class Flag:
    """True or False, or one of some names."""

    names: tuple[str, ...] = ()

    def check(self, name: str, value: Any) -> None:
        """See :meth:`Constraint.check`."""
        if value not in (False, True, *self.names):
            allowed = f"True, False or {' or '.join(map(repr, self.names))}" if self.names else "a bool"
            raise InvalidParameterError(f"{spoken(name)} must be {allowed}. Got {value!r}.")


@dataclass(frozen=True)
class ClassWeights:
    """``"balanced"``, or a dict of label to weight."""

    def check(self, name: str, value: Any) -> None:
        """See :meth:`Constraint.check`."""
        if isinstance(value, Mapping):
            for label, weight in value.items():
                if not isinstance(weight, Real) or not 0 <= float(weight) < math.inf:
                    raise InvalidParameterError(
                        f"{spoken(name)} must have a number of at least 0 for each label. Got {weight!r} for {label!r}."
                    )
        elif not (isinstance(value, str) and value == "balanced"):
            raise InvalidParameterError(
                f"{spoken(name)} must be 'balanced', a dict such as {{'cat': 1, 'dog': 5}}, or None. Got {value!r}."
            )


@dataclass(frozen=True)
class OrNone:
    """What another constraint allows, or None."""

    constraint: Constraint

    def check(self, name: str, value: Any) -> None:
        """See :meth:`Constraint.check`."""
        if value is not None:
            self.constraint.check(name, value)


@dataclass(frozen=True)
class ListOf:
    """A list or tuple of ``what``."""

    what: str

    def check(self, name: str, value: Any) -> None:
        """See :meth:`Constraint.check`."""
        if not isinstance(value, (list, tuple)):
            raise InvalidParameterError(f"{spoken(name)} must be a list of {self.what}. Got {value!r}.")


def check_constraints(owner: Any, constraints: Mapping[str, Constraint]) -> None:
    """Check each named attribute of ``owner`` in turn.

    Raises
    ------
    InvalidParameterError
        For the first that is not allowed.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> check_constraints(SimpleNamespace(lr=0.1), {"lr": Number(0, closed="neither")})
    """
    for name, constraint in constraints.items():
        constraint.check(name, getattr(owner, name))
