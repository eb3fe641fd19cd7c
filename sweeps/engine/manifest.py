"""The file that says what a sweep is: what it tunes, on which data, and what tells it from other sweeps."""

import inspect
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import sklearn

from noisylabel.exceptions import InvalidFileError
from noisylabel.utils import describe, hash_arrays, plain_value, write_whole

MANIFEST_FILE = "sweep.json"
_NEEDED = ("name", "estimator", "n_valid", "scoring", "n_trials", "scheduler", "drawn_seed", "seconds", "versions")


def describe_object(value: Any) -> str:
    """Return a text that tells objects apart by class and attributes, the same in every process."""
    if isinstance(value, str) or inspect.isroutine(value):
        return describe(value)
    kind = f"{type(value).__module__}.{type(value).__qualname__}"
    attributes = getattr(value, "__dict__", {})
    return (
        f"{kind}({', '.join(f'{k}={describe_object(v)}' for k, v in attributes.items())})"
        if attributes
        else describe(value)
    )


def describe_curriculum(curriculum: Any) -> str:
    """Return a text that stands for the contents of a learned curriculum."""
    return hash_arrays(*curriculum.network.state_dict().values())


def plain(value: Any) -> Any:
    """Return NumPy's numbers as Python's, also in lists and intervals; anything else as it is."""
    if isinstance(value, Mapping):
        return {name: plain(entry) for name, entry in value.items()}
    if isinstance(value, list | tuple):
        return [plain(entry) for entry in value]
    return plain_value(value)


def package_versions() -> dict[str, str]:
    """Return the versions of the packages that a result depends on."""
    import optuna
    import ray
    import torch

    import noisylabel

    packages = {"noisylabel": noisylabel, "ray": ray, "optuna": optuna, "torch": torch, "scikit-learn": sklearn}
    return {name: package.__version__ for name, package in packages.items()}


def write_manifest(folder: Path, manifest: Mapping[str, Any]) -> None:
    """Write the manifest of a sweep into its folder, whole or not at all."""
    text = json.dumps(manifest, indent=1, default=_as_json)
    write_whole(folder / MANIFEST_FILE, text.encode())


def read_manifest(folder: Path) -> dict[str, Any]:
    """Return the manifest of a sweep's folder."""
    path = folder / MANIFEST_FILE
    if not path.exists():
        raise InvalidFileError(
            f"There is no sweep in {folder}: {MANIFEST_FILE} is missing. Give the folder of a sweep."
        )
    try:
        manifest: dict[str, Any] = json.loads(path.read_bytes())
        absent = [name for name in _NEEDED if name not in manifest]
    except (ValueError, TypeError, OSError) as error:
        raise InvalidFileError(f"{path} is damaged: {error}.") from error
    if absent or not isinstance(manifest, dict):
        raise InvalidFileError(f"{path} is damaged: it has no {', '.join(absent) or 'names'}.")
    return manifest


def _as_json(value: Any) -> int | float | str:
    """Return what JSON does not know as a number, if it is one of NumPy's, or as a text."""
    number = plain_value(value)
    return number if isinstance(number, int | float) else str(value)
