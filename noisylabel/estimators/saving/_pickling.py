"""What pickle cannot write, said by the name of the parameter."""

import pickle
import sys
from collections.abc import Iterator
from functools import partial
from types import FunctionType
from typing import Any

from sklearn.base import BaseEstimator

_BY_VALUE = {"cloudpickle", "dill", "copy"}  # these write functions by what is in them, or copy them


def check_picklable(estimator: BaseEstimator) -> None:
    """Refuse parameters that are functions or objects without a name to import, when pickle is about to write them.

    Raises
    ------
    PicklingError
        Naming the parameter. Not where cloudpickle, as joblib uses it, or a copy is at work.
    """
    frame = sys._getframe(1)
    while frame.f_back is not None:
        frame = frame.f_back
        if _BY_VALUE & set(frame.f_globals.get("__name__", "").split(".")):
            return
    for name, value in estimator.get_params(deep=False).items():
        for entry in _nameless(value):
            raise pickle.PicklingError(
                f"The parameter {name!r} of {type(estimator).__name__} cannot be pickled: it holds {entry}, which has "
                "no name that another process could import. Define it at the top of a module, or use clf.save(folder)."
            )


def _nameless(value: Any) -> Iterator[str]:
    """Yield what in a value is a lambda, a function inside of another, or an object of a class inside of a function."""
    kind = value if isinstance(value, (FunctionType, type)) else type(value)
    if "<l" in kind.__qualname__:  # <lambda>, <locals>
        yield kind.__qualname__
    if isinstance(value, BaseEstimator):
        value = value.get_params(deep=False)
    if isinstance(value, partial):
        value = [value.func, *value.args, *value.keywords.values()]
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        for entry in value:
            yield from _nameless(entry)
