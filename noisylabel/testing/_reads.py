"""Count what a training step reads back from its device; on the CPU too, where such a read costs nothing."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import one_hot
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

_ALWAYS = {
    "_local_scalar_dense": "number",
    "allclose": "equal",
    "bincount": "bincount",
    "equal": "equal",
    "masked_select": "mask",
    "nonzero": "nonzero",
    "_unique2": "unique",
    "unique_consecutive": "unique",
    "unique_dim": "unique",
}


@contextmanager
def count_reads() -> Iterator[Counter[str]]:
    """Count the reads from device to host inside a ``with`` block.

    After such a read the host waits until the device has done all that was asked of it so far. On the CPU every tensor
    stands for one on a device, so reads of what would stay on the host anyway count too; copies by ``Tensor.to`` count
    only if they leave an accelerator.

    Yields
    ------
    Counter
        Reads so far by kind; ``.total()`` is their number. ``"number"``: ``item()``, ``bool()``, ``float()``, ``int()``
        and ``if tensor``. ``"copy"``: ``cpu()``, ``tolist()`` and copies to the host. And operations whose result has a
        size that only the data tell: ``"mask"`` (an index or a selection by booleans), ``"nonzero"``, ``"unique"``,
        ``"bincount"``, ``"repeat"`` (``repeat_interleave`` with a tensor of counts). ``"equal"``: ``torch.equal`` and
        ``torch.allclose``.
        ``"draw"``: ``torch.multinomial`` without replacement, which checks its input.

    Examples
    --------
    >>> import torch
    >>> losses = torch.tensor([0.5, 1.5])
    >>> with count_reads() as reads:
    ...     mean = losses.mean().item()
    ...     small = losses[losses < mean]
    >>> dict(reads), reads.total()
    ({'number': 1, 'mask': 1}, 2)
    """
    reads: Counter[str] = Counter()
    with _Calls(reads), _Operations(reads):
        yield reads


class _Calls(TorchFunctionMode):
    """Count calls that on the CPU return without any operation, and leave out what only the CPU reads."""

    def __init__(self, reads: Counter[str]) -> None:
        super().__init__()
        self.reads = reads

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if func in (Tensor.cpu, Tensor.tolist) and args[0].device.type == "cpu":
            self.reads["copy"] += 1
        if func is one_hot and kwargs.get("num_classes", (*args, -1)[1]) > 0:  # elsewhere it trusts its input
            before = self.reads.copy()
            result = func(*args, **kwargs)
            self.reads.clear()
            self.reads.update(before)
            return result
        return func(*args, **kwargs)


class _Operations(TorchDispatchMode):
    """Count operations that read."""

    def __init__(self, reads: Counter[str]) -> None:
        super().__init__()
        self.reads = reads

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kind = _kind_of_read(func, args, kwargs or {})
        if kind is not None:
            self.reads[kind] += 1
        return func(*args, **(kwargs or {}))


def _kind_of_read(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str | None:
    """Return what an operation reads; None if it reads nothing."""
    name = func.overloadpacket.__name__
    if name in _ALWAYS:
        return _ALWAYS[name]
    if name in _SOMETIMES:
        kind, reads = _SOMETIMES[name]
        return kind if reads(args, kwargs) else None
    return None


def _has_mask(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Whether an index holds booleans; storing one number by a mask needs no read."""
    is_one_number = len(args) > 2 and args[2].numel() == 1
    masks = [index for index in args[1] if index is not None and index.dtype in (torch.bool, torch.uint8)]
    return bool(masks) and not is_one_number


def _is_copied_to_the_host(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    source, device = args[0], kwargs.get("device")
    return device is not None and torch.device(device).type == "cpu" and source.device.type != "cpu"


def _is_copied_into_the_host(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    target, source = args[:2]
    return bool(target.device.type == "cpu" and source.device.type != "cpu")


def _draws_without_replacement(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    has_replacement = kwargs.get("replacement", args[2] if len(args) > 2 else False)
    return not has_replacement or args[1] == 1


def _has_no_output_size(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    return kwargs.get("output_size") is None


_SOMETIMES: dict[str, tuple[str, Callable[[tuple[Any, ...], dict[str, Any]], bool]]] = {
    "_to_copy": ("copy", _is_copied_to_the_host),
    "copy_": ("copy", _is_copied_into_the_host),
    "index": ("mask", _has_mask),
    "index_put": ("mask", _has_mask),
    "index_put_": ("mask", _has_mask),
    "_index_put_impl_": ("mask", _has_mask),
    "multinomial": ("draw", _draws_without_replacement),
    "repeat_interleave": ("repeat", _has_no_output_size),
}
