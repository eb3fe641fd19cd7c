"""Published numbers: from papers and other people's code, with what they say of their protocol."""

import json
from collections import Counter
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from noisylabel.exceptions import InvalidFileError

REFERENCES = Path(__file__).parents[1] / "reference.json"
PROTOCOL = ("epoch", "network", "symmetric", "backbone")


@dataclass(frozen=True)
class Reference:
    """One published accuracy.

    Attributes
    ----------
    dataset : str
    noise : str
        As ours: ``"symmetric"``, ``"human_worst"``, ...; ``"web"`` for labels as they were found.
    rate : float or None
        Nominal rate, as published; None where there is none.
    method : str
    accuracy : float
        On the test set, in percent.
    source : tuple of str
        Where it stands; more than one if several say the same.
    url : str
        Address of the first source that has one, else "".
    second_hand : bool
        Whether only other people's notes on a paper have been read.
    epoch : str
        Whether the best epoch on the test set counts, or the last.
    network : str
        Single network or an ensemble.
    symmetric : str
        Whether a label that is flipped may keep its true class.
    backbone : str
    verified : bool
        False where the number must be checked before it is quoted.
    ours : str or None
        Key of ``benchmarks.methods.METHODS`` of the same method.
    note : str
    """

    dataset: str
    noise: str
    rate: float | None
    method: str
    accuracy: float
    source: tuple[str, ...]
    url: str
    second_hand: bool
    epoch: str
    network: str
    symmetric: str
    backbone: str
    verified: bool
    ours: str | None
    note: str


_RESOLVED = {"url", "second_hand", *PROTOCOL}  # not in an entry under these names
FIELDS = [one.name for one in fields(Reference) if one.name not in _RESOLVED] + ["protocol"]


def load_references(path: Path = REFERENCES) -> list[Reference]:
    """Return all published numbers of a file, in its order.

    Raises
    ------
    InvalidFileError
        If an entry is not complete, has a value that cannot be, or stands there twice; the message names it.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        sources, entries = content["sources"], content["entries"]
    except (ValueError, KeyError, TypeError) as error:
        raise InvalidFileError(f"{path.name} must be JSON with 'sources' and 'entries'. Got {error!r}.") from error
    found = [_reference(f"{path.name}, entry {at}", entry, sources) for at, entry in enumerate(entries, start=1)]
    twice = [one for one, n in Counter(replace(one, accuracy=0.0) for one in found).items() if n > 1]
    if twice:
        one = twice[0]
        raise InvalidFileError(
            f"{path.name} has {one.method} on {one.dataset}, {one.noise} {one.rate}, of the same source and protocol "
            "more than once. Keep one, or say in 'note' what is different."
        )
    return found


def _reference(place: str, entry: dict[str, Any], sources: dict[str, dict[str, Any]]) -> Reference:
    if not isinstance(entry, dict) or set(entry) != set(FIELDS):
        raise InvalidFileError(f"{place} must have exactly {', '.join(FIELDS)}. Got {entry!r}.")
    place = f"{place} ({entry['method']} on {entry['dataset']})"
    for name, is_right, allowed in _CHECKS:
        if not is_right(entry[name]):
            raise InvalidFileError(f"{place}: {name!r} must be {allowed}. Got {entry[name]!r}.")
    unknown = [letter for letter in entry["source"] if letter not in sources]
    if unknown:
        raise InvalidFileError(f"{place}: 'source' must name keys of 'sources'. Got {unknown[0]!r}.")
    cited = [sources[letter] for letter in entry["source"]]
    return Reference(
        **{name: entry[name] for name in FIELDS if name not in ("source", "protocol")},
        **entry["protocol"],
        source=tuple(one["text"] for one in cited),
        url=next((one["url"] for one in cited if one["url"]), ""),
        second_hand=all(one["second_hand"] for one in cited),
    )


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and value != ""


def _is_number(value: Any, low: float, high: float) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and low < value <= high


def _is_protocol(value: Any) -> bool:
    return isinstance(value, dict) and set(value) == set(PROTOCOL) and all(map(_is_text, value.values()))


_CHECKS = [
    *((name, _is_text, "a text") for name in ("dataset", "noise", "method")),
    ("rate", lambda value: value is None or _is_number(value, 0, 1), "a number in (0, 1], or null"),
    ("accuracy", lambda value: _is_number(value, 0, 100), "a number in (0, 100]"),
    ("source", lambda value: isinstance(value, list) and len(value) > 0 and all(map(_is_text, value)), "letters"),
    ("protocol", _is_protocol, f"texts for {', '.join(PROTOCOL)}"),
    ("verified", lambda value: isinstance(value, bool), "true or false"),
    ("ours", lambda value: value is None or _is_text(value), "a method's name, or null"),
    ("note", lambda value: isinstance(value, str), "a text"),
]
