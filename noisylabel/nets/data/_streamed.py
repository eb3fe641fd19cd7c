"""Samples of a torch Dataset: batches are loaded when needed."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, default_collate

from noisylabel._support.random import private_host_streams, torch_turn
from noisylabel.exceptions import InvalidDataError
from noisylabel.nets.data._batch import Batch, as_float32


class StreamedData(Dataset):
    """A user's torch Dataset with label codes beside it; samples are loaded when needed.

    Parameters
    ----------
    dataset : Dataset
        Yields samples, or pairs whose first entry is the sample.
    codes : ndarray of shape (N,), optional
        Label codes; the Dataset's own labels are not looked at again.
    sample_weight : Tensor of shape (N,), optional
    device : torch.device
        Where batches go.
    rows : ndarray, optional
        Which rows of ``dataset`` to use; all by default.
    prepare : callable, optional
        Called with each loaded batch, on the host: returns it in the type that the network gets, or refuses it. By
        default floats become float32.
    """

    def __init__(
        self,
        dataset: Dataset,
        codes: np.ndarray | None,
        sample_weight: Tensor | None,
        device: torch.device,
        rows: np.ndarray | None = None,
        prepare: Callable[[Tensor], Tensor] | None = None,
    ) -> None:
        self.prepare = as_float32 if prepare is None else prepare
        self.dataset = dataset
        self.rows = np.arange(len(dataset)) if rows is None else rows  # type: ignore[arg-type]
        self.codes = None if codes is None else torch.as_tensor(codes, device=device)
        self.sample_weight = sample_weight
        self.device = device
        self.is_part = rows is not None

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, positions: np.ndarray) -> "StreamedData":
        """Return the data of some rows, still loaded when needed."""
        chosen = torch.as_tensor(positions, device=self.device)
        weight = None if self.sample_weight is None else self.sample_weight[chosen]
        codes = None if self.codes is None else self.codes[chosen].cpu().numpy()
        return StreamedData(self.dataset, codes, weight, self.device, self.rows[positions], self.prepare)

    def batches(
        self, chunks: Iterator[Tensor], num_workers: int = 0, stream: torch.Generator | None = None
    ) -> Iterator[Batch]:
        """Yield a batch for each tensor of positions, through a DataLoader with so many processes.

        All that the Dataset draws of torch's, NumPy's and Python's global streams follows from ``stream``; without
        workers, what it draws of torch's is part of the stream that the whole run draws from.
        """
        sampler = (chunk.tolist() for chunk in chunks)  # lists of a million numbers would take a while and 60 MB
        stream = torch.Generator() if stream is None else stream
        loader = DataLoader(
            _Samples(self.dataset, self.rows, None if num_workers else stream),
            batch_sampler=sampler,
            collate_fn=_stack,
            generator=stream,
            num_workers=num_workers,
        )
        for X, positions in loader:
            rows = positions.to(self.device)
            weight = None if self.sample_weight is None else self.sample_weight[rows]
            codes = None if self.codes is None else self.codes[rows]
            yield Batch(self.prepare(X).to(self.device), codes, rows, weight)

    def slices(self, batch_size: int, num_workers: int = 0) -> Iterator[Batch]:
        """Yield the rows in order."""
        yield from self.batches(iter(torch.arange(len(self)).split(batch_size)), num_workers)


class _Samples(Dataset):
    """The samples of some rows, each with its position; all that worker processes need."""

    def __init__(self, dataset: Dataset, rows: np.ndarray, stream: torch.Generator | None = None) -> None:
        self.dataset = dataset
        self.rows = rows
        self.stream = stream

    def __getitem__(self, position: int) -> tuple[Any, int]:
        item = self.dataset[int(self.rows[position])]
        return (item[0] if isinstance(item, (tuple, list)) else item), position

    def __getitems__(self, positions: list[int]) -> list[tuple[Any, int]]:
        """Load a batch; without worker processes, whose streams torch seeds, under seeds of its own.

        The Dataset may draw from the global streams, so other threads of this process wait while it loads a batch here.
        With worker processes they do not.
        """
        if self.stream is None:
            return [self[position] for position in positions]
        seed = int(torch.randint(2**31 - 1, (), generator=self.stream))
        with torch_turn(), private_host_streams(seed):
            return [self[position] for position in positions]


def _stack(items: list[tuple[Any, int]]) -> Any:
    """Return a batch of samples, and their positions."""
    try:
        return default_collate(items)
    except RuntimeError as error:
        shapes = sorted({tuple(np.shape(sample)) for sample, _ in items})
        raise InvalidDataError(
            f"The Dataset's samples must all have one shape. Got {', '.join(map(str, shapes))}: {error}."
        ) from error
