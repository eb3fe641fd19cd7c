"""What the steps of an epoch showed, kept on the device and read once."""

import numpy as np
import torch
from torch import Tensor

_PENDING = 1024


class EpochNumbers:
    """Collect a few numbers of each step without reading them.

    Examples
    --------
    >>> numbers = EpochNumbers()
    >>> numbers.note(2, {"loss": torch.tensor(0.5)})
    >>> numbers.note(3, {"loss": torch.tensor(1.5)})
    >>> sizes, columns = numbers.take()
    >>> sizes, columns["loss"]
    (array([2, 3]), array([0.5, 1.5]))
    """

    def __init__(self) -> None:
        self._sizes: list[int] = []
        self._pending: list[tuple[Tensor, ...]] = []
        self._parts: list[Tensor] = []
        self._names: tuple[str, ...] = ()

    def note(self, size: int, numbers: dict[str, Tensor]) -> None:
        """Remember the size of a batch and tensors of shape (), the same names at each step of an epoch."""
        self._sizes.append(size)
        self._names = tuple(numbers)
        self._pending.append(tuple(numbers.values()))
        if len(self._pending) == _PENDING:
            self._gather()

    def _gather(self) -> None:
        """Put those that wait into one tensor, (steps, names)."""
        if self._pending:
            flat = torch.stack([number for step in self._pending for number in step])
            self._parts.append(flat.view(len(self._pending), -1))
            self._pending.clear()

    def take(self) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Return the sizes and the numbers by name, each (steps,), by one read; and start anew."""
        self._gather()
        table = torch.cat(self._parts).double().cpu().numpy().T if self._parts else np.empty((len(self._names), 0))
        sizes = np.array(self._sizes)
        self._sizes, self._parts = [], []
        return sizes, dict(zip(self._names, table, strict=True))
