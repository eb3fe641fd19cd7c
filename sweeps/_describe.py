"""What tells one sweep from another, as texts that are the same in every process."""

import inspect
from collections.abc import Mapping
from typing import Any

import sklearn

from noisylabel.utils import describe, hash_arrays, plain_value


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
