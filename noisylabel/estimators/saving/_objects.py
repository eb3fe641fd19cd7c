"""Objects of noisylabel's among a classifier's parameters, as data: losses, augmentations and schedules."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from functools import partial
from typing import Any

from noisylabel._support.describe import PLAIN, plain_value
from noisylabel.exceptions import InvalidFileError
from noisylabel.functional import ImageAugmentation
from noisylabel.losses import LOSSES, Loss
from noisylabel.schedules import SCHEDULE_PARTS

_CLASSES: dict[str, Callable[..., Any]] = {
    "ImageAugmentation": ImageAugmentation,
    **{kind.__name__: kind for kind in LOSSES.values()},
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
    if isinstance(value, Loss):
        return _call("object", type(value), (), value.get_params(deep=False))
    return _call("function", value, (), {}) if callable(value) else None


def _call(form: str, made_by: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> dict[str, Any] | None:
    """Return what makes an object; None if it takes code or values that files of data cannot hold."""
    known = _CLASSES if form == "object" else SCHEDULE_PARTS
    name = next((name for name, part in known.items() if part is made_by), None)
    values = [plain_value(value) for value in arguments]
    named = {key: plain_value(value) for key, value in keywords.items()}
    is_plain = all(map(_is_plain, [*values, *named.values()]))
    return {"form": form, "name": name, "arguments": values, "parameters": named} if name and is_plain else None


def _is_plain(value: Any) -> bool:
    return isinstance(value, PLAIN) or (isinstance(value, list) and all(isinstance(entry, PLAIN) for entry in value))


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
    made = partial(known[name], *described["arguments"], **described["parameters"])
    return made() if form == "object" else made
