"""Objects of noisylabel's among a classifier's parameters, as data: curricula, losses, augmentations, schedules."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from functools import partial
from inspect import isclass
from typing import Any

from noisylabel._support.describe import PLAIN, plain_value
from noisylabel.curricula import CURRICULA, Curriculum
from noisylabel.exceptions import InvalidFileError
from noisylabel.functional import ImageAugmentation
from noisylabel.losses import LOSSES, Loss
from noisylabel.mentors import MENTORS, Mentor
from noisylabel.schedules import SCHEDULE_PARTS

_CLASSES: dict[str, Callable[..., Any]] = {
    "ImageAugmentation": ImageAugmentation,
    **{kind.__name__: kind for kind in (*LOSSES.values(), *MENTORS.values(), *CURRICULA.values()) if isclass(kind)},
}


def describe_objects(parameters: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return those parameters that are objects of ours made of plain values, each as a dict of plain values."""
    described = {name: _described(value) for name, value in parameters.items()}
    return {name: value for name, value in described.items() if value is not None}


def _described(value: Any) -> dict[str, Any] | None:
    if isinstance(value, partial):
        return _call("partial", value.func, value.args, value.keywords)
    if type(value) is ImageAugmentation:
        return _call("object", type(value), (), asdict(value))
    if isinstance(value, (Loss, Mentor, Curriculum)):
        return _call("object", type(value), (), value.get_params(deep=False))
    return _call("function", value, (), {}) if callable(value) else None


def _call(form: str, made_by: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> dict[str, Any] | None:
    """Return what makes an object; None if it takes code or values that files of data cannot hold."""
    known = _CLASSES if form == "object" else SCHEDULE_PARTS
    name = next((name for name, part in known.items() if part is made_by), None)
    values, named = list(map(_as_data, arguments)), {key: _as_data(value) for key, value in keywords.items()}
    is_data = all(map(_is_data, [*values, *named.values()]))
    return {"form": form, "name": name, "arguments": values, "parameters": named} if name and is_data else None


def _as_data(value: Any) -> Any:
    """Return a plain value, a list of them, or an object as a dict of them; what is none of these as it is."""
    value = list(value) if isinstance(value, tuple) else plain_value(value)
    described = None if _is_data(value) else _described(value)
    return value if described is None else described


def _is_data(value: Any) -> bool:
    if isinstance(value, list):
        return all(isinstance(entry, PLAIN) for entry in value)
    return isinstance(value, PLAIN) or (isinstance(value, dict) and "form" in value)


def _from_data(value: Any) -> Any:
    return rebuild_object(value) if isinstance(value, dict) else value


def rebuild_object(described: Mapping[str, Any]) -> Any:
    """Return the object that :func:`describe_objects` described.

    Raises
    ------
    InvalidFileError
        If this version has nothing of its name.
    """
    form, name = described["form"], described["name"]
    known = _CLASSES if form == "object" else SCHEDULE_PARTS
    if name not in known:
        raise InvalidFileError(f"The file holds a {name!r}, which this version of noisylabel does not have.")
    if form == "function":
        return known[name]
    named = {key: _from_data(value) for key, value in described["parameters"].items()}
    made = partial(known[name], *map(_from_data, described["arguments"]), **named)
    return made() if form == "object" else made
