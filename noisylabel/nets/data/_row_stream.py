"""Samples that come one after the other, each with its row number."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from numbers import Integral
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset

from noisylabel._support.random import private_host_streams, private_torch_stream, torch_turn
from noisylabel.exceptions import InvalidDataError

_AT_A_TIME = 32  # items that are read in one turn, or sent by a worker process at once
ROW_NAME, LABEL_NAMES = "row", ("label", "labels")
_ADVICE = (
    "Let it yield (row, sample) or (row, sample, label), or dicts with 'row', a column of samples and 'label': "
    "row is the number of the sample, an int from 0 to N - 1, the same in each pass. Number the samples when the "
    "shards are written, or pass a map-style Dataset, with __len__ and __getitem__."
)


class Item(NamedTuple):
    """A sample with its row number; its label is ``NO_LABEL`` if it has none."""

    row: int
    sample: Any
    label: Any


NO_LABEL = object()


class RowStream(IterableDataset):
    """A Dataset that can only be read in its own order, whose samples come with row numbers.

    Parameters
    ----------
    stream : IterableDataset, or iterable
        Yields (row, sample), (row, sample, label) or dicts. Each row from 0 to N - 1 comes once in a pass. If it has a
        method ``set_epoch``, that gets another number before each pass of training.

    Raises
    ------
    InvalidDataError
        If the first item has no row number, or there is none.
    """

    def __init__(self, stream: Any) -> None:
        self.stream = stream
        if not self.first(1):
            raise InvalidDataError(f"The {type(stream).__name__} is empty: it yields no samples.")

    def __iter__(self) -> Iterator[Any]:
        return iter(self.stream)

    def first(self, n: int) -> list[Item]:
        """Return the first items, at most n."""
        with private_torch_stream(0, torch.device("cpu")):
            return list(islice(self.items(0, 0), n))

    def items(self, seed: int, num_workers: int, prefetch_factor: int | None = None) -> Iterator[Item]:
        """Make a pass, in this thread or by worker processes, each of which must yield a share of the rows.

        What the Dataset draws of the global streams follows from ``seed``.
        """
        if hasattr(self.stream, "set_epoch"):
            self.stream.set_epoch(seed)
        parts = self._read_here(seed) if num_workers == 0 else self._read_by(seed, num_workers, prefetch_factor)
        for part in parts:
            for item in part:
                yield self._as_item(item)

    def _read_here(self, seed: int) -> Iterator[list[Any]]:
        source, number = iter(self.stream), 0
        while True:
            number += 1
            with torch_turn(), private_host_streams((seed + number) % 2**31):
                part = list(islice(source, _AT_A_TIME))
            if not part:
                return
            yield part

    def _read_by(self, seed: int, num_workers: int, prefetch_factor: int | None) -> Iterator[list[Any]]:
        return iter(
            DataLoader(
                self,
                batch_size=_AT_A_TIME,
                collate_fn=list,
                num_workers=num_workers,
                prefetch_factor=prefetch_factor,
                generator=torch.Generator().manual_seed(seed),
            )
        )

    def _as_item(self, item: Any) -> Item:
        if isinstance(item, Mapping) and ROW_NAME in item:
            values = [name for name in item if name != ROW_NAME and name not in LABEL_NAMES]
            label = next((item[name] for name in LABEL_NAMES if name in item), NO_LABEL)
            row, sample = item[ROW_NAME], item[values[0]] if len(values) == 1 else None
        elif isinstance(item, Sequence) and not isinstance(item, str) and len(item) in (2, 3):
            row, sample, label = (*item, NO_LABEL)[:3]
        else:
            row, sample, label = None, None, NO_LABEL
        number = row.item() if isinstance(row, Tensor | np.ndarray) and row.size and row.ndim == 0 else row
        if sample is None or not isinstance(number, Integral) or isinstance(number, bool):
            kind = type(self.stream).__name__
            raise InvalidDataError(f"The {kind} has no row numbers to remember samples by. {_ADVICE}")
        return Item(int(number), sample, label)


class RowsSeen:
    """Which rows came in a pass, each of which must come once.

    Parameters
    ----------
    n_rows : int or None
        None if it is not known how many there are.
    """

    def __init__(self, n_rows: int | None) -> None:
        self.n_rows = n_rows
        self.n_seen = 0
        self._is_seen = np.zeros(1024 if n_rows is None else n_rows, dtype=bool)

    def note(self, row: int) -> None:
        """Remember a row.

        Raises
        ------
        InvalidDataError
            If it is none of the rows, or came before.
        """
        if row < 0 or (self.n_rows is not None and row >= self.n_rows):
            last = "" if self.n_rows is None else f" to {self.n_rows - 1}"
            raise InvalidDataError(
                f"The stream yields row {row}, and rows are from 0{last}. Number them from 0, without gaps."
            )
        if row >= len(self._is_seen):
            self._is_seen = np.concatenate([self._is_seen, np.zeros(max(row, len(self._is_seen)), dtype=bool)])
        if self._is_seen[row]:
            raise InvalidDataError(
                f"The stream yields row {row} twice in one pass. Each must come once: give samples numbers of their "
                "own, and let each of several worker processes yield a share (torch.utils.data.get_worker_info)."
            )
        self._is_seen[row] = True
        self.n_seen += 1

    def end(self) -> int:
        """Return how many rows came in the whole pass.

        Raises
        ------
        InvalidDataError
            If one did not come.
        """
        n_rows = int(np.flatnonzero(self._is_seen)[-1]) + 1 if self.n_rows is None else self.n_rows
        missing = np.flatnonzero(~self._is_seen[:n_rows])
        if missing.size:
            raise InvalidDataError(
                f"The stream ended, and {missing.size} of {n_rows} rows did not come, the first row {missing[0]}. "
                "Every pass must yield each row from 0 once, and 'y' have one label for each."
            )
        return n_rows
