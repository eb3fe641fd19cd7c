"""MentorNets on disk: safetensors for the numbers, a JSON card for what they mean."""

import hashlib
import json
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import safetensors
from safetensors.torch import load, save
from torch import Tensor

from noisylabel._support.files import local_path, write_whole
from noisylabel._support.validation import check_choice
from noisylabel.curricula.learned._network import MentorNetwork
from noisylabel.exceptions import InvalidFileError

FORMAT = "noisylabel-mentornet-1"
ZOO = Path(__file__).parent / "zoo"
CheckCard = Callable[[Any, Path], None]
_LARGEST_FILE = 50_000_000
_LIMITS = {"history_length": 1000, "n_labels": 100_000}


def save_network(network: MentorNetwork, card: dict[str, Any], path: str | Path) -> Path:
    """Write a network and its card; see :meth:`MentorNet.save`."""
    full_card = {**card, "format": FORMAT, "network": network.config()}
    return write_pair(network.state_dict(), full_card, path, _check_card)


def write_pair(tensors: Mapping[str, Tensor], card: dict[str, Any], path: str | Path, check: CheckCard) -> Path:
    """Write tensors, and beside them the card, which also gets a name, their checksum and our version."""
    path = local_path("path", path)
    path = path if path.suffix == ".safetensors" else path.with_name(path.name + ".safetensors")
    data = save({name: value.detach().cpu().contiguous() for name, value in tensors.items()})
    made = {"sha256": hashlib.sha256(data).hexdigest(), "made_with": f"noisylabel {version('noisylabel')}"}
    full_card = {"name": path.stem, **card, **made}
    check(full_card, path.with_suffix(".json"))
    text = json.dumps(full_card, indent=2, allow_nan=False) + "\n"
    write_whole(path, data)
    write_whole(path.with_suffix(".json"), text.encode())
    return path


def load_network(path: str | Path) -> tuple[MentorNetwork, dict[str, Any]]:
    """Read a network and its card; see :meth:`MentorNet.load`."""
    state, card = read_pair(path, "MentorNet", _check_card, _wanted_tensors)
    network = MentorNetwork(**card["network"])
    network.load_state_dict(state)
    return network.requires_grad_(False).eval(), card


def _wanted_tensors(card: dict[str, Any]) -> dict[str, Tensor]:
    return MentorNetwork(**card["network"]).state_dict()


def read_pair(
    path: str | Path, kind: str, check: CheckCard, wanted: Callable[[dict[str, Any]], dict[str, Tensor]]
) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read tensors and their card.

    Parameters
    ----------
    path : str or Path
        Of the tensors.
    kind : str
        What the two files are, such as ``"MentorNet"``.
    check : callable
        Says, of a card and its path, which entry is wrong.
    wanted : callable
        From the card to tensors of the names, shapes and types that the file must have.
    """
    path = local_path("path", path)
    data = _read(path, kind, "file")
    card = _read_card(path.with_suffix(".json"), kind, check)
    try:
        state = load(data)
    except (safetensors.SafetensorError, ValueError, KeyError) as error:
        raise InvalidFileError(
            f"{path} is not a safetensors file, or was cut off ({error}). Nothing of it was run. Copy it again from "
            "its source."
        ) from error
    _check_tensors(path, state, kind, wanted(card))
    if hashlib.sha256(data).hexdigest() != card["sha256"]:
        raise InvalidFileError(
            f"The card {path.with_suffix('.json').name} belongs to another file than {path}: their checksums differ. "
            "Copy both files again from the same place."
        )
    return state, card


def _read(path: Path, kind: str, what: str) -> bytes:
    if not path.is_file():
        what = what if what == "card" else f"{kind} {what}"
        raise InvalidFileError(f"There is no {what} {path}. A {kind} is two files: NAME.safetensors and NAME.json.")
    if path.stat().st_size > _LARGEST_FILE:
        raise InvalidFileError(f"{path} has {path.stat().st_size:,} bytes, far more than any {kind}.")
    return path.read_bytes()


def read_card(path: Path) -> dict[str, Any]:
    """Read the card of a MentorNet and check its format, network and checksum.

    Raises
    ------
    InvalidFileError
        Saying which entry is wrong.
    """
    return _read_card(path, "MentorNet", _check_card)


def _read_card(path: Path, kind: str, check: CheckCard) -> dict[str, Any]:
    try:
        card: dict[str, Any] = json.loads(_read(path, kind, "card"))
    except (ValueError, RecursionError) as error:  # not JSON, not text, or a number of thousands of digits
        raise InvalidFileError(f"The card {path} is not JSON ({error}).") from error
    check(card, path)
    return card


def check_format(card: Any, path: Path, form: str) -> None:
    """Say if a card is of another format, or has no checksum."""
    if not isinstance(card, dict) or card.get("format") != form:
        found = card.get("format") if isinstance(card, dict) else type(card).__name__
        raise InvalidFileError(f"The card {path} must have 'format' {form!r}. Got {found!r}.")
    if not isinstance(card.get("sha256"), str):
        raise InvalidFileError(f"The card {path} has no 'sha256' of its safetensors file.")


def _check_card(card: Any, path: Path) -> None:
    """Say which entry of a MentorNet's card is wrong."""
    check_format(card, path, FORMAT)
    for entry, kind in (("name", str), ("learned_from", dict), ("fit", dict)):
        if not isinstance(card.get(entry, kind()), kind):
            raise InvalidFileError(f"The card {path}: {entry!r} must be a {kind.__name__}. Got {card[entry]!r}.")
    if not _is_config(card.get("network")):
        raise InvalidFileError(
            f"The card {path} must have 'network' with history_length, n_labels (whole numbers of at least 1) and "
            f"use_label (true or false). Got {card.get('network')!r}."
        )


def _is_config(config: Any) -> bool:
    if not isinstance(config, dict) or set(config) != {*_LIMITS, "use_label"} or type(config["use_label"]) is not bool:
        return False
    return all(type(config[key]) is int and 1 <= config[key] <= limit for key, limit in _LIMITS.items())


def _check_tensors(path: Path, state: dict[str, Any], kind: str, wanted: dict[str, Tensor]) -> None:
    """Say which tensor is missing, unknown, or has another shape or type than the card's network."""
    if state.keys() != wanted.keys():
        raise InvalidFileError(
            f"{path} is no {kind}: it must hold the tensors {sorted(wanted)}. Got {sorted(state)[:20]}."
        )
    for name, value in state.items():
        if value.shape != wanted[name].shape or value.dtype != wanted[name].dtype:
            raise InvalidFileError(
                f"{path}: tensor {name!r} must be {wanted[name].dtype} of shape {tuple(wanted[name].shape)} for the "
                f"network of its card. Got {value.dtype} of shape {tuple(value.shape)}."
            )
        if not bool(value.isfinite().all()):
            raise InvalidFileError(f"{path}: tensor {name!r} holds NaN or infinity.")


def list_zoo() -> dict[str, dict[str, Any]]:
    """Return the cards of the MentorNets that come with the package, by name.

    Returns
    -------
    dict from str to dict
        Each with ``name``, ``learned_from``, ``fit`` and more; see :meth:`MentorNet.save`.

    Examples
    --------
    >>> "mentornet_dd" in list_zoo()
    True
    """
    return {path.stem: read_card(path) for path in sorted(ZOO.glob("*.json"))}


def zoo_path(name: str) -> Path:
    """Return where the safetensors file of a zoo name lies."""
    return ZOO / f"{check_choice('name', name, sorted(path.stem for path in ZOO.glob('*.json')))}.safetensors"
