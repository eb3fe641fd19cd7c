"""Texts that tell values apart, the same in every process."""

import dis
import hashlib
import sys
from collections.abc import Callable, Iterator, Mapping, MutableMapping, MutableSequence, MutableSet
from functools import partial
from logging import Logger
from pathlib import Path
from random import Random
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np
import torch
from sklearn.base import BaseEstimator
from torch import Tensor, nn

PLAIN = (str, int, float, bool, type(None))
_UNKNOWN = "of unknown state"
_CODES = (CodeType, MethodType, ModuleType, FunctionType, type)
_LOADS = ("LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS")
_CHANGING = (
    MutableMapping, MutableSequence, MutableSet, Iterator, Random, np.random.Generator, np.random.RandomState,
    torch.Generator,
)  # fmt: skip
_OF_MODULES = frozenset(vars(nn.Module()))  # what torch keeps of each layer
_METHODS = (FunctionType, staticmethod, classmethod, property)


def plain_value(value: Any) -> Any:
    """Return a NumPy scalar as the Python value that it stands for, and anything else as it is."""
    return value.item() if isinstance(value, np.generic) else value


def describe(value: Any) -> str:
    """Return a text that tells a value from others, the same in every process, as ``repr`` is not.

    Functions and classes of the user's own are told apart by their code, what they refer to and their defaults; those
    of installed packages by their names; networks by their weights, layers and options; other objects by their
    attributes. What nothing is known of is called ``of unknown state``; see :func:`is_known`.

    What may change while a function is used does not tell it from others: loggers, variables of a module that the
    function sets itself, and lists, dicts, sets and random generators there. Constants belong into tuples.
    """
    return _describe(value, {})


def is_known(description: str) -> bool:
    """Whether equal descriptions mean equal values."""
    return _UNKNOWN not in description


def _describe(value: Any, seen: dict[int, tuple[Any, str]]) -> str:
    """Describe a value inside of others; ``seen`` has those met before, with their descriptions, by their ids."""
    value = plain_value(value)
    if isinstance(value, (*PLAIN, Path, torch.device)):
        return repr(str(value) if isinstance(value, (Path, torch.device)) else value)
    if id(value) not in seen:
        seen[id(value)] = value, "itself"  # until it is known
        seen[id(value)] = value, _describe_whole(value, partial(_describe, seen=seen))
    return seen[id(value)][1]


def _describe_whole(value: Any, within: Callable[[Any], str]) -> str:
    """Describe what is not plain, what is inside of it by ``within``."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key!r}: {within(value[key])}" for key in value) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(within(entry) for entry in value) + "]"
    if isinstance(value, partial):
        return f"partial({within(value.func)}, {within(value.args)}, {within(value.keywords)})"
    return _describe_code(value, within) if isinstance(value, _CODES) else _describe_data(value, within)


def _describe_data(value: Any, within: Callable[[Any], str]) -> str:
    """Describe what is neither plain, nor a container, nor code."""
    if isinstance(value, np.ma.MaskedArray):
        return f"masked {within([value.data, np.ma.getmaskarray(value)])}"
    if isinstance(value, np.ndarray) and value.dtype == object:
        return f"array of {within(value.tolist())}"
    if isinstance(value, (np.ndarray, Tensor)):
        return f"array with hash {hash_arrays(value)}"
    if hasattr(value, "to_numpy") and not isinstance(value, type):  # a table or column
        names = [getattr(value, name, None) for name in ("columns", "index", "name")]
        return f"{type(value).__name__} of {within([value.to_numpy(), *names])}"
    return _describe_object(value, within)


def _describe_code(value: Any, within: Callable[[Any], str]) -> str:
    """Describe a function or class: by name and, if it is of the user's own, by what it is made of."""
    if isinstance(value, CodeType):
        return _digest(value.co_code.hex(), within([*value.co_consts, *value.co_names]))
    if isinstance(value, MethodType):
        return f"{within(value.__func__)} of {within(value.__self__)}"
    if isinstance(value, ModuleType):
        return value.__name__
    name = f"{value.__module__}.{value.__qualname__}"
    cells = [_content(cell) for cell in getattr(value, "__closure__", None) or ()]
    if _is_installed(value.__module__):
        return f"{name} of {within(cells)}" if cells and "<locals>" in name else name  # made by another function
    if isinstance(value, type):
        parts = [[key, part] for key, part in vars(value).items() if isinstance(part, _METHODS) or _is_own(key, part)]
        return f"{name} with code {_digest(within([*value.__bases__, *parts]))}"
    loaded, stored = _global_names(value.__code__)
    used = [_lasting(value.__globals__[name]) for name in sorted(loaded - stored) if name in value.__globals__]
    made_of = [value.__code__, value.__defaults__, value.__kwdefaults__, cells, used]
    return f"{name} with code {_digest(within(made_of))}"


def _describe_object(value: Any, within: Callable[[Any], str]) -> str:
    kind = type(value).__qualname__ if _is_installed(type(value).__module__) else within(type(value))
    if isinstance(value, nn.Module):
        weights = [*value.state_dict().values(), *(b for _, b in value.named_buffers())]
        learns = [parameter.requires_grad for parameter in value.parameters()]
        layers = {name: [type(layer), _options(layer)] for name, layer in value.named_modules()}
        return f"{kind} with weights {hash_arrays(*weights)} and layers {_digest(within([learns, layers]))}"
    if isinstance(value, BaseEstimator):
        return f"{kind}({within(value.get_params(deep=False))})"
    if isinstance(value, (property, staticmethod, classmethod)):
        return within([getattr(value, name, None) for name in ("fget", "fset", "__func__")])
    if isinstance(value, (set, frozenset)):
        return f"{kind} of {sorted(map(within, value))}"
    if isinstance(value, Logger):
        return f"logger {value.name!r}"
    if getattr(value, "__dict__", None):
        return f"{kind} with {within(vars(value))}"
    return _describe_by_parts(value, kind, within)


def _describe_by_parts(value: Any, kind: str, within: Callable[[Any], str]) -> str:
    """Describe an object without attributes: as it shows itself or, since few show all, by its parts."""
    shown = repr(value)
    is_shown = " at 0x" not in shown
    if is_shown and type(value).__module__ == "builtins":
        return shown
    try:
        made = value.__reduce_ex__(2)
    except TypeError:
        made = ""
    if isinstance(made, tuple):
        return f"{kind} made of {within(list(made[1:3]))}"
    return shown if is_shown else f"{kind} {_UNKNOWN}"


def _options(layer: nn.Module) -> dict[str, Any]:
    """Return a layer's attributes beside its tensors and layers, and its hooks."""
    return {name: entry for name, entry in vars(layer).items() if name not in _OF_MODULES} | {
        name: list(entry.values()) for name, entry in vars(layer).items() if name.endswith("_hooks") and entry
    }


def _global_names(code: CodeType) -> tuple[set[str], set[str]]:
    """Return the names of its module that a function and those inside it look up, and those that they set."""
    loaded, stored = set(), set()
    for step in dis.get_instructions(code):
        if step.opname in _LOADS:
            loaded.add(step.argval)
        elif step.opname in ("STORE_GLOBAL", "DELETE_GLOBAL"):
            stored.add(step.argval)
        elif isinstance(step.argval, CodeType):
            inner = _global_names(step.argval)
            loaded, stored = loaded | inner[0], stored | inner[1]
    return loaded, stored


def _lasting(value: Any) -> Any:
    """Return what stands for a variable of a module: of what is changed in place its type."""
    return type(value) if isinstance(value, _CHANGING) else value


def _content(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # a variable that has no value yet
        return None


def _is_own(name: str, part: Any) -> bool:
    """Whether an attribute of a class was written by its author, and is not one that Python adds."""
    return not name.startswith(("__", "_abc")) and type(part).__name__ not in ("getset_descriptor", "member_descriptor")


def _is_installed(module: str | None) -> bool:
    """Whether a module is Python's, ours or of an installed package: its name and version then say what is in it."""
    package = (module or "").partition(".")[0]
    if package in sys.stdlib_module_names and package != "__main__":
        return True
    file = getattr(sys.modules.get(module or ""), "__file__", None) or ""
    return package == "noisylabel" or "site-packages" in file or "dist-packages" in file


def _digest(*texts: str) -> str:
    return hashlib.sha256("\n".join(texts).encode(errors="replace")).hexdigest()[:16]


def hash_arrays(*arrays: Any) -> str:
    """Return a text that stands for the contents of arrays or tensors, their shapes and types."""
    digest = hashlib.sha256()
    for array in arrays:
        if isinstance(array, Tensor):
            array = array.detach().cpu().to_dense().contiguous()
            array = array.view(torch.int16) if array.dtype == torch.bfloat16 else array  # NumPy has no such type
        values = np.asarray(array, order="C")
        digest.update(f"{values.dtype}{values.shape}".encode())
        digest.update(values.reshape(-1).view(np.uint8).data if values.dtype != object else values.tobytes())
    return digest.hexdigest()[:16]
