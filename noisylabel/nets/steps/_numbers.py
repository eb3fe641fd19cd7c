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
        self._names: tuple[str, ...] = ()
        self._parts: list[tuple[tuple[str, ...], Tensor]] = []

    def note(self, size: int, numbers: dict[str, Tensor]) -> None:
        """Remember the size of a batch and tensors of shape ()."""
        names = tuple(numbers)
        if len(self._pending) == _PENDING or names != self._names:
            self._gather()
            self._names = names
        self._sizes.append(size)
        self._pending.append(tuple(numbers.values()))

    def _gather(self) -> None:
        """Put those that wait into one tensor, (names, steps)."""
        if self._pending:
            rows = [torch.stack(numbers) for numbers in zip(*self._pending, strict=True)]
            self._parts.append((self._names, torch.stack(rows)))
            self._pending.clear()

    def take(self) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Return the sizes and the numbers by name, each (steps,), NaN where a step had none; and start anew."""
        self._gather()
        sizes, parts = np.array(self._sizes), self._parts
        self._sizes, self._parts = [], []
        lengths = [table.shape[1] for _, table in parts]
        flat = torch.cat([table.flatten() for _, table in parts]).cpu().numpy().astype(float)  # the one read
        numbers: dict[str, np.ndarray] = {}
        start = 0
        for (names, table), stop in zip(parts, np.cumsum(lengths), strict=True):
            for name, values in zip(names, flat[start : start + table.numel()].reshape(table.shape), strict=True):
                column = numbers.setdefault(name, np.full(len(sizes), np.nan))
                column[stop - table.shape[1] : stop] = values
            start += table.numel()
        return sizes, numbers
