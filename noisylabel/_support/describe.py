"""Texts that tell values apart, the same in every process."""

import hashlib
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.base import BaseEstimator
from torch import Tensor, nn

PLAIN = (str, int, float, bool, type(None))


def plain_value(value: Any) -> Any:
    """Return a NumPy scalar as the Python value that it stands for, and anything else as it is."""
    return value.item() if isinstance(value, np.generic) else value


def describe(value: Any) -> str:
    """Return a text that says the same in every process, as ``repr`` does not for functions and networks."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key!r}: {describe(value[key])}" for key in value) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(describe(entry) for entry in value) + "]"
    value = plain_value(value)
    if isinstance(value, (*PLAIN, Path, torch.device)):
        return repr(str(value) if isinstance(value, (Path, torch.device)) else value)
    if isinstance(value, partial):
        return f"partial({describe(value.func)}, {describe(value.args)}, {describe(value.keywords)})"
    if isinstance(value, (np.ndarray, Tensor)):
        return f"array with hash {hash_arrays(value)}"
    if isinstance(value, nn.Module):
        return f"{type(value).__qualname__} with weights {hash_arrays(*value.state_dict().values())}"
    if isinstance(value, BaseEstimator):
        return f"{type(value).__qualname__}({describe(value.get_params(deep=False))})"
    name = value if hasattr(value, "__qualname__") else type(value)
    return f"{name.__module__}.{name.__qualname__}"


def hash_arrays(*arrays: Any) -> str:
    """Return a text that stands for the contents of arrays or tensors, their shapes and types."""
    digest = hashlib.sha256()
    for array in arrays:
        values = array.detach().cpu().contiguous().numpy() if isinstance(array, Tensor) else np.ascontiguousarray(array)
        digest.update(f"{values.dtype}{values.shape}".encode())
        digest.update(values.reshape(-1).view(np.uint8).data if values.dtype != object else values.tobytes())
    return digest.hexdigest()[:16]
