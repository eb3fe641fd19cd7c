"""Samples of a torch Dataset: batches are loaded when needed."""

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from noisylabel.distributed import WorkerGroup
from noisylabel.nets.data._batch import Batch, as_float32
from noisylabel.nets.data._loading import Request, Samples, Workers, load_here


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
    labels : ndarray, optional
        Of all rows of ``dataset``: what each sample must come with the first time that training loads it.
    """

    def __init__(
        self,
        dataset: Dataset,
        codes: np.ndarray | None,
        sample_weight: Tensor | None,
        device: torch.device,
        rows: np.ndarray | None = None,
        prepare: Callable[[Tensor], Tensor] | None = None,
        labels: np.ndarray | None = None,
    ) -> None:
        self.prepare = as_float32 if prepare is None else prepare
        self.dataset = dataset
        self.rows = np.arange(len(dataset)) if rows is None else rows  # type: ignore[arg-type]
        self.codes = None if codes is None else torch.as_tensor(codes, device=device)
        self.sample_weight = sample_weight
        self.device = device
        self.is_part = rows is not None
        self.labels = labels
        self._kept: dict[tuple[int, int | None], Workers] | None = None

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, positions: np.ndarray) -> Self:
        """Return the data of some rows, still loaded when needed."""
        chosen = torch.as_tensor(positions, device=self.device)
        weight = None if self.sample_weight is None else self.sample_weight[chosen]
        codes = None if self.codes is None else self.codes[chosen]
        return self._with(codes, weight, self.device, self.rows[positions])

    def relabelled(self, codes: Tensor) -> Self:
        """Return the same samples with other label codes (n,); those that samples come with are still compared."""
        return self._with(codes, self.sample_weight, self.device, self.rows if self.is_part else None)

    def to(self, device: torch.device) -> Self:
        """Return the data, whose batches go to another device."""
        weight = None if self.sample_weight is None else self.sample_weight.to(device)
        return self._with(self.codes, weight, device, self.rows if self.is_part else None)

    def _with(self, codes: Tensor | None, weight: Tensor | None, device: torch.device, rows: np.ndarray | None) -> Self:
        """Return data of the same Dataset with other codes, weights, device and rows in use."""
        known = None if codes is None else codes.cpu().numpy()
        return type(self)(self.dataset, known, weight, device, rows, self.prepare, **self._more())

    def _more(self) -> dict[str, Any]:
        """Return the other arguments of ``__init__``."""
        return {"labels": self.labels}

    def batches(
        self,
        chunks: Iterator[Tensor],
        num_workers: int = 0,
        stream: torch.Generator | None = None,
        prefetch_factor: int | None = None,
        group: WorkerGroup | None = None,
    ) -> Iterator[Batch]:
        """Yield a batch for each tensor of positions, loaded here or by so many processes.

        Each member of a group loads its part, and gets the samples of the others from them.

        What the Dataset draws of NumPy's and Python's global streams follows from ``stream``. So does what it draws of
        torch's in worker processes, however many; without any, that is part of the stream of the whole run.
        """
        asked: deque[Tensor] = deque()
        requests = self._requests(chunks, torch.Generator() if stream is None else stream, asked, group)
        carry = _carrier(self.device)
        with self._loaded(requests, num_workers, prefetch_factor) as loaded:
            for X in loaded:
                X, rows = carry(self.prepare(X), asked.popleft())
                if group is not None:
                    X = group.gathered(X, len(rows))
                weight = None if self.sample_weight is None else self.sample_weight[rows]
                codes = None if self.codes is None else self.codes[rows]
                yield Batch(X, codes, rows, weight)
        self.labels = None  # each row has been looked at

    def slices(self, batch_size: int, num_workers: int = 0, prefetch_factor: int | None = None) -> Iterator[Batch]:
        """Yield the rows in order."""
        chunks = iter(torch.arange(len(self)).split(batch_size))
        yield from self.batches(chunks, num_workers, prefetch_factor=prefetch_factor)

    @contextmanager
    def keeping_workers(self) -> Iterator[None]:
        """Keep worker processes from pass to pass inside a ``with`` block; they end with it, whatever happens."""
        self._kept = {}
        try:
            yield
        finally:
            kept, self._kept = self._kept, None
            for workers in kept.values():
                workers.close()

    def _requests(
        self, chunks: Iterator[Tensor], stream: torch.Generator, asked: deque[Tensor], group: WorkerGroup | None
    ) -> Iterator[Request]:
        """Yield what to load, and note the positions that have been asked for."""
        torch.empty((), dtype=torch.int64).random_(
            generator=stream
        )  # which torch's loader draws, so batches' seeds stay
        for positions in chunks:
            rows = self.rows[positions.numpy()]
            seed = int(torch.randint(2**31 - 1, (), generator=stream))
            asked.append(positions)
            if group is not None:
                rows, seed = rows[group.part(len(rows))], seed + group.rank
            yield Request(seed, rows, None if self.labels is None else self.labels[rows])

    @contextmanager
    def _loaded(
        self, requests: Iterator[Request], num_workers: int, prefetch_factor: int | None
    ) -> Iterator[Iterator[Any]]:
        """Give the loaded batches of a pass, and end the processes that nobody keeps."""
        if num_workers == 0:
            yield load_here(Samples(self.dataset), requests)
            return
        workers, is_kept = self._workers(num_workers, prefetch_factor)
        try:
            with closing(workers.load(requests)) as loaded:
                yield loaded
        finally:
            if not is_kept:
                workers.close()

    def _workers(self, num_workers: int, prefetch_factor: int | None) -> tuple[Workers, bool]:
        """Return processes that have nothing to do, and whether they are kept after this pass."""
        key = (num_workers, prefetch_factor)
        kept = None if self._kept is None else self._kept.get(key)
        if kept is not None and not kept.is_busy:
            return kept, True
        new = Workers(Samples(self.dataset), num_workers, prefetch_factor, pin=self.device.type == "cuda")
        if self._kept is None or kept is not None:
            return new, False
        self._kept[key] = new
        return new, True


@contextmanager
def keeping_workers(*data: Any) -> Iterator[None]:
    """Keep the worker processes of those data that have any; see :meth:`StreamedData.keeping_workers`."""
    with ExitStack() as stack:
        for part in data:
            if isinstance(part, StreamedData):
                stack.enter_context(part.keeping_workers())
        yield


def _carrier(device: torch.device) -> Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """Return what brings a batch and its row numbers to a device.

    A GPU copies them in a stream of its own, while it works on the step before.
    """
    if device.type != "cuda":
        return lambda X, rows: (X.to(device), rows.to(device))
    beside = torch.cuda.Stream(device)

    def carry(X: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
        with torch.cuda.stream(beside):
            copies = [tensor.pin_memory().to(device, non_blocking=True) for tensor in (X, rows)]
        now = torch.cuda.current_stream(device)
        now.wait_stream(beside)
        for copy in copies:
            copy.record_stream(now)  # its memory is free only when the step is done with it
        return copies[0], copies[1]

    return carry
