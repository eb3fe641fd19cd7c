"""What a space is, and how a user narrows one."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sklearn.base import BaseEstimator

from noisylabel.exceptions import InvalidParameterError
from noisylabel.utils import check_number

if TYPE_CHECKING:
    import optuna

Choice = str | int | float | bool | None


class Space(ABC):
    """What a sweep may try: parameters of an estimator, drawn from an Optuna trial.

    Write a sub-class, in a module, a script or a notebook, and pass an object of it.

    Examples
    --------
    >>> class PercentileAndRate(Space):
    ...     def suggest(self, trial, estimator):
    ...         trial.suggest_float("loss_percentile", 0.5, 0.9)
    ...         trial.suggest_float("lr", 0.0005, 0.01, log=True)
    """

    @abstractmethod
    def suggest(self, trial: "Suggestions", estimator: BaseEstimator) -> None:
        """Draw parameters.

        Parameters
        ----------
        trial : Suggestions
            Has ``suggest_categorical``, ``suggest_float`` and ``suggest_int``, as an Optuna trial; each returns what
            was drawn, so that later ones may depend on it. ``fix`` sets a parameter that what was drawn leaves no
            choice of. The names are those of the estimator's parameters; ``curriculum__gamma`` is the gamma of the
            drawn curriculum, and ``loss__q`` the q of the drawn loss. ``method``, if it is drawn, is a key of
            :data:`sweeps.spaces.METHODS`, and the others are parameters of that classifier.
        estimator : estimator
            What is being tuned: its parameters say, for instance, around which ``lr`` to look.
        """


class Suggestions:
    """An Optuna trial that draws within the limits of the user.

    Parameters
    ----------
    trial : optuna.trial.Trial
        Draws.
    limits : mapping
        By name of a parameter: a list, of which one is drawn; a mapping with ``low``, ``high`` and, if wanted, ``log``
        or ``step``; or one value, which is not tuned.

    Attributes
    ----------
    fixed : dict
        The values that are not drawn: of parameters that were asked for, and of those that were fixed.
    asked : set of str
        The parameters that were asked for.
    choices : dict
        The lists from which was drawn.
    """

    def __init__(self, trial: "optuna.trial.BaseTrial", limits: Mapping[str, Any]) -> None:
        self.trial = trial
        self.limits = limits
        self.fixed: dict[str, Any] = {}
        self.asked: set[str] = set()
        self.choices: dict[str, Sequence[Choice]] = {}

    def suggest_categorical(self, name: str, choices: Sequence[Choice]) -> Any:
        """Return one of the choices, or what the limits have instead."""
        self.asked.add(name)
        if name in self.limits:
            return self._limited(name, self.trial.suggest_float)
        return self._draw_choice(name, choices)

    def suggest_float(self, name: str, low: float, high: float, *, step: float | None = None, log: bool = False) -> Any:
        """Return a number from the interval, or what the limits have instead."""
        self.asked.add(name)
        if name in self.limits:
            return self._limited(name, self.trial.suggest_float)
        return self.trial.suggest_float(name, low, high, step=step, log=log)

    def suggest_int(self, name: str, low: int, high: int, *, step: int = 1, log: bool = False) -> Any:
        """Return a whole number from the interval, or what the limits have instead."""
        self.asked.add(name)
        if name in self.limits:
            return self._limited(name, self.trial.suggest_int)
        return self.trial.suggest_int(name, low, high, step=step, log=log)

    def fix(self, name: str, value: Choice) -> None:
        """Set a parameter to the only value that goes with what was drawn; limits of it are for other draws."""
        self.fixed[name] = value

    def _draw_choice(self, name: str, choices: Sequence[Choice]) -> Any:
        self.choices[name] = choices
        return self.trial.suggest_categorical(name, choices)

    def _limited(self, name: str, draw: Callable[..., Any]) -> Any:
        limit = self.limits[name]
        if isinstance(limit, Mapping):
            options = dict(limit)
            return draw(name, options.pop("low"), options.pop("high"), **options)
        if isinstance(limit, (list, tuple)):
            return self._draw_choice(name, limit)
        self.fixed[name] = limit
        return limit


def check_limits(limits: Mapping[str, Any]) -> None:
    """Refuse limits that cannot be drawn from.

    Raises
    ------
    InvalidParameterError
        Naming the limit.
    """
    for name, limit in limits.items():
        check_limit(f"limits[{name!r}]", limit)


def check_limit(name: str, limit: Any) -> Any:
    """Return a limit if it can be drawn from.

    Parameters
    ----------
    name : str
        What a message calls it.
    limit : object
        See :class:`Suggestions`.

    Raises
    ------
    InvalidParameterError
    """
    if isinstance(limit, Mapping):
        _check_interval(name, limit)
        return limit
    values = list(limit) if isinstance(limit, list | tuple) else [limit]
    if not values or not all(isinstance(value, str | int | float | bool | None) for value in values):
        raise InvalidParameterError(
            f"{name} must be a number, text, boolean or None, or a list of them, of which one is drawn. "
            f"Got {limit!r}. Of a curriculum, give the name, and its parameter as 'curriculum__gamma'."
        )
    return limit


def _check_interval(name: str, limit: Mapping[str, Any]) -> None:
    unknown = set(limit) - {"low", "high", "log", "step"}
    if unknown or not {"low", "high"} <= set(limit):
        raise InvalidParameterError(
            f"{name} must have 'low' and 'high', and may have 'log' or 'step'. Got {dict(limit)!r}."
        )
    low = check_number(f"{name}['low']", limit["low"])
    check_number(f"{name}['high']", limit["high"], low, hint="It is at least 'low'.")
    if limit.get("log") and (low <= 0 or limit.get("step") is not None):
        raise InvalidParameterError(f"{name} with 'log' must have a 'low' above 0 and no 'step'. Got {dict(limit)!r}.")
