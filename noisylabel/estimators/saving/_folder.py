"""A fitted classifier as a folder of data: JSON for what it is, safetensors for the numbers."""

import hashlib
import json
import math
import re
import warnings
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.lib.recfunctions import structured_to_unstructured, unstructured_to_structured
from safetensors.torch import load, save
from torch import Tensor

from noisylabel._support.describe import plain_value
from noisylabel._support.files import local_path, reading, write_whole
from noisylabel.estimators.inputs._format import SampleFormat
from noisylabel.estimators.saving._checkpoints import how_to_predict, unkept_parameters
from noisylabel.exceptions import InvalidFileError, InvalidParameterError, NoisyLabelWarning
from noisylabel.functional import Learnability
from noisylabel.issues import packed_type
from noisylabel.nets import CHECKPOINT_FILE, SampleRecord, plain_network

CARD_FILE = "classifier.json"
FORMAT = "noisylabel-classifier"
VERSION = 1  # one more whenever earlier versions could not read what is in the folder
_WEIGHTS = re.compile(r"weights-[0-9a-f]{16}\.safetensors")
# what a fit has found: numbers and texts, and arrays
_FITTED = ("n_iter_", "best_epoch_", "noise_rate_", "noise_rate_interval_", "advice_", "interrupted_")
_OF_THE_NOISE = ("noise_matrix_", "noise_matrix_interval_", "noise_rate_by_class_", "noise_rate_by_class_interval_")


def save_classifier(clf: Any, folder: Any) -> None:
    """Write a fitted classifier; see its method."""
    path = local_path("folder", folder)
    if not type(clf).__module__.startswith("noisylabel."):
        raise InvalidParameterError(
            f"save writes data and no code, and {type(clf).__name__} is a class of your own. Pickle it, or save a "
            "classifier of noisylabel's."
        )
    _check_ours(path)
    if unkept := unkept_parameters(clf):
        warnings.warn(
            f"save writes data and no code, so the folder does not hold {', '.join(map(repr, unkept))}: after load "
            "they are the defaults. Predictions do not change; set_params gives them back before a new fit.",
            NoisyLabelWarning,
            stacklevel=3,
        )
    data = save(_tensors(clf))
    digest = hashlib.sha256(data).hexdigest()
    name = f"weights-{digest[:16]}.safetensors"
    card = json.loads(json.dumps(_card(clf) | {"weights": {"file": name, "sha256": digest}}, allow_nan=False))
    write_whole(path / name, data)  # the card says which weights count
    write_whole(path / CARD_FILE, json.dumps(card | {"checksum": _checksum(card)}, indent=1).encode())
    for earlier in path.iterdir():
        if _WEIGHTS.fullmatch(earlier.name) and earlier.name != name:
            earlier.unlink()


def _checksum(card: dict[str, Any]) -> str:
    """Return what tells a card from one that was changed, whatever its layout."""
    content = {name: value for name, value in card.items() if name != "checksum"}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _check_ours(folder: Path) -> None:
    """Refuse a folder with files that ``save`` has not written."""
    if folder.is_file():
        raise InvalidParameterError(f"'folder' {str(folder)!r} is a file. Give the name of a folder.")
    names = [entry.name for entry in folder.iterdir()] if folder.is_dir() else []
    others = [name for name in names if not (name == CARD_FILE or _WEIGHTS.fullmatch(name))]
    if CARD_FILE in names and not others:
        with reading(folder / CARD_FILE, "card of a saved classifier", "Save into another folder."):
            if json.loads((folder / CARD_FILE).read_text("utf-8"))["format"] != FORMAT:
                raise ValueError("another format")
    if others:
        raise InvalidParameterError(
            f"'folder' {str(folder)!r} holds files that are not of a saved classifier, such as {others[0]!r}. Give a "
            "new or an empty folder."
        )


def _card(clf: Any) -> dict[str, Any]:
    history = getattr(clf, "history_", None)
    record = getattr(clf, "record_", None)
    return {
        "format": FORMAT,
        "version": VERSION,
        "made_with": f"noisylabel {version('noisylabel')}",
        **how_to_predict(clf, clf.classes_, SampleFormat.of(clf)),
        "feature_names": list(getattr(clf, "feature_names_in_", [])),
        "fitted": {name: _or_none(getattr(clf, name)) for name in _FITTED if getattr(clf, name, None) is not None},
        "history": None if history is None else {name: _numbers(history[name]) for name in history},
        "filter_alpha": None if record is None else record.filter_alpha,
        "learnability": _of_learnability(getattr(clf, "learnability_", None)),
    }


def _of_learnability(found: Learnability | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return vars(found) | {"agreement_by_class": [_or_none(value) for value in found.agreement_by_class]}


def _numbers(column: pd.Series) -> list[Any]:
    """Return a column as JSON has it: None for NaN, which JSON does not know."""
    return [_or_none(value) for value in column.tolist()]


def _or_none(value: Any) -> Any:
    value = plain_value(value)
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _tensors(clf: Any) -> dict[str, Tensor]:
    """Return all numbers by name, each with memory of its own."""
    module = plain_network(clf.net_.module_)
    tensors = {f"network.{name}": value for name, value in module.state_dict().items()}
    strange = [name for name, value in tensors.items() if not isinstance(value, Tensor)]
    if strange:
        raise InvalidParameterError(
            f"The student keeps more than tensors ({strange[0]!r}), which save cannot write. Pickle the classifier."
        )
    if hasattr(clf, "record_"):
        saved = clf.record_.state_dict()
        tensors |= {f"record.{name}": value for name, value in saved.items() if value is not None}
        tensors["codes"] = torch.as_tensor(clf._codes)
        if clf._has_say is not None:
            tensors["has_say"] = torch.as_tensor(clf._has_say)
        if clf._right_codes is not None:
            tensors["right_codes"] = torch.as_tensor(clf._right_codes)
        if clf._judged is not None:
            tensors["judged"] = torch.as_tensor(structured_to_unstructured(clf._judged, dtype=np.float32))
    tensors |= {f"fitted.{name}": torch.as_tensor(getattr(clf, name)) for name in _OF_THE_NOISE if hasattr(clf, name)}
    return {name: value.detach().cpu().contiguous().clone() for name, value in tensors.items()}


def read_folder(folder: Any) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Return the card and the tensors of a folder that :func:`save_classifier` wrote.

    Raises
    ------
    InvalidFileError
        With the path, if something is missing, damaged, or of a later version.
    """
    path = local_path("folder", folder)
    if not (path / CARD_FILE).is_file():
        hint = "It is a checkpoint_dir: use load_checkpoint." if (path / CHECKPOINT_FILE).exists() else ""
        raise InvalidFileError(f"There is no saved classifier in {str(path)!r}. {hint}".strip())
    hint = "Copy the whole folder again, or save it again."
    with reading(path / CARD_FILE, "card of a saved classifier", hint):
        card = json.loads((path / CARD_FILE).read_text("utf-8"))
        if card["format"] != FORMAT or not isinstance(card["version"], int):
            raise ValueError(f"the format is {card['format']!r}")
    if card["version"] > VERSION:
        raise InvalidFileError(
            f"{path / CARD_FILE} was written by {card.get('made_with')}, in version {card['version']} of the format, "
            f"and this version of noisylabel reads {VERSION}. Install that one."
        )
    with reading(path / CARD_FILE, "card of a saved classifier", hint):
        if card["checksum"] != _checksum(card):
            raise ValueError("the checksum differs")
        name = _WEIGHTS.fullmatch(card["weights"]["file"])[0]  # type: ignore[index]  # no path to elsewhere
    with reading(path / name, "file of the classifier's weights", hint):
        data = (path / name).read_bytes()
        if hashlib.sha256(data).hexdigest() != card["weights"]["sha256"]:
            raise ValueError("the checksum differs")
        return card, load(data)


def restore_results(clf: Any, card: dict[str, Any], tensors: dict[str, Tensor]) -> None:
    """Give a loaded classifier what ``fit`` found beside the network."""
    fitted = {name: value for name, value in card["fitted"].items() if name in _FITTED}
    vars(clf).update({name: math.nan if value is None else value for name, value in fitted.items()})
    if "noise_rate_interval_" in fitted:
        clf.noise_rate_interval_ = tuple(fitted["noise_rate_interval_"])
    arrays = {name: tensors[f"fitted.{name}"].numpy() for name in _OF_THE_NOISE if f"fitted.{name}" in tensors}
    vars(clf).update(arrays)
    if (known := card.get("learnability")) is not None:
        by_class = tuple(math.nan if value is None else value for value in known["agreement_by_class"])
        clf.learnability_ = Learnability(**known | {"agreement_by_class": by_class})
    if card["history"] is not None:
        clf.history_ = pd.DataFrame(card["history"])
    if "codes" not in tensors:
        return
    table = tensors["record.table"]
    clf.record_ = SampleRecord(len(table), len(clf.classes_), "cpu", card["filter_alpha"])
    clf.record_.load_state_dict({"table": table, "proba": tensors.get("record.proba")})
    clf._codes = tensors["codes"].numpy()
    clf._has_say = tensors["has_say"].numpy() if "has_say" in tensors else None
    clf._right_codes = tensors["right_codes"].numpy() if "right_codes" in tensors else None
    clf._judged = None
    if "judged" in tensors:
        clf._judged = unstructured_to_structured(tensors["judged"].numpy(), packed_type(len(clf.classes_)))
