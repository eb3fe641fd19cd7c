"""Batches that know their row numbers: sliced from tensors, or loaded from a Dataset."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, default_collate

from noisylabel._support.random import private_host_streams, torch_turn
from noisylabel.exceptions import InvalidDataError

Augment = Callable[[Tensor, torch.Generator], Tensor]


class Batch(tuple):
    """A pair (X, y), as skorch expects, that also carries rows and sample weights.

    Attributes
    ----------
    rows : Tensor of shape (B,) or None
        Row numbers among the rows that are trained on; None in prediction.
    sample_weight : Tensor of shape (B,) or None
    """

    rows: Any
    sample_weight: Tensor | None

    def __new__(
        cls, X: Any, y: Tensor | None, rows: Tensor | None = None, sample_weight: Tensor | None = None
    ) -> "Batch":
        """Make the pair and hang the rest on it."""
        batch = super().__new__(cls, (X, y))
        batch.rows = rows
        batch.sample_weight = sample_weight
        return batch


class TensorData(Dataset):
    """Samples in memory, as tensors on the training device; some of them, if ``rows`` says which.

    Parameters
    ----------
    X : Tensor of shape (N, ...)
        All samples.
    codes : Tensor of shape (n,), optional
        Label codes of the samples in use.
    sample_weight : Tensor of shape (n,), optional
    rows : Tensor of shape (n,), optional
        Which rows of ``X`` are in use; all by default. They are looked up batch by batch, never copied as a whole.

    Attributes
    ----------
    all_X : Tensor of shape (N, ...)
        All samples, those out of use too.
    is_part : bool
        Whether ``rows`` says which samples are in use.
    """

    def __init__(
        self, X: Tensor, codes: Tensor | None = None, sample_weight: Tensor | None = None, rows: Tensor | None = None
    ) -> None:
        self.all_X = X
        self.codes = codes
        self.sample_weight = sample_weight
        self.rows = rows
        self.is_part = rows is not None

    def __len__(self) -> int:
        return len(self.all_X if self.rows is None else self.rows)

    def __getitem__(self, position: int) -> tuple[Tensor, Tensor]:
        row = position if self.rows is None else self.rows[position]
        return self.all_X[row], torch.tensor(0) if self.codes is None else self.codes[position]

    def take(self, positions: np.ndarray) -> "TensorData":
        """Return the data of some rows; the samples are shared."""
        chosen = torch.as_tensor(positions, device=self.all_X.device)
        weight = None if self.sample_weight is None else self.sample_weight[chosen]
        codes = None if self.codes is None else self.codes[chosen]
        return TensorData(self.all_X, codes, weight, chosen if self.rows is None else self.rows[chosen])

    def batches(self, chunks: Iterator[Tensor]) -> Iterator[Batch]:
        """Yield a batch for each tensor of positions."""
        for positions in chunks:
            weight = None if self.sample_weight is None else self.sample_weight.index_select(0, positions)
            codes = None if self.codes is None else self.codes.index_select(0, positions)
            rows = positions if self.rows is None else self.rows.index_select(0, positions)
            yield Batch(self.all_X.index_select(0, rows), codes, positions, weight)

    def slices(self, batch_size: int) -> Iterator[Batch]:
        """Yield the samples in use in order, without row numbers; as copies, since a network may write to its input."""
        for start in range(0, len(self), batch_size):
            part = slice(start, start + batch_size)
            X = self.all_X[part].clone() if self.rows is None else self.all_X.index_select(0, self.rows[part])
            yield Batch(X, None if self.codes is None else self.codes[part])


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


def as_float32(X: Tensor) -> Tensor:
    """Return float tensors of any precision as float32, and others, such as uint8 images, as they are."""
    return X.float() if X.is_floating_point() else X


def count_batches(n_samples: int, batch_size: int) -> int:
    """Fewest batches of at most ``batch_size`` that hold all samples.

    An odd number of samples in pairs has a batch of 3 instead of one of 1, which batch normalisation cannot take.

    Examples
    --------
    >>> count_batches(129, 128)
    2
    >>> count_batches(7, 2)
    3
    """
    if batch_size == 2 and n_samples > 1:
        return n_samples // 2
    return -(-n_samples // batch_size)


def balanced_chunks(n_samples: int, batch_size: int, order: Tensor) -> tuple[Tensor, ...]:
    """Split ``order`` into :func:`count_batches` chunks, whose sizes differ by at most one.

    No step sees a small left-over, whose batch statistics and percentile would mean nothing.

    Examples
    --------
    >>> import torch
    >>> [len(chunk) for chunk in balanced_chunks(129, 128, torch.arange(129))]
    [65, 64]
    """
    return torch.tensor_split(order, count_batches(n_samples, batch_size))


class TrainingBatches:
    """Iterate over all rows once, in a new random order each time, in batches of almost equal size.

    Parameters
    ----------
    dataset : TensorData or StreamedData
    batch_size : int
        Largest size of a batch.
    generator : torch.Generator
        Stream for the order; on the CPU, so that every device sees the same order.
    augment : callable, optional
        ``augment(X, generator)`` is applied to each batch, on its device.
    augment_generator : torch.Generator, optional
        Stream for ``augment``, on the training device.
    num_workers : int, default=0
        Processes that load the samples of a StreamedData; 0 loads them here.
    """

    def __init__(
        self,
        dataset: TensorData | StreamedData,
        batch_size: int,
        generator: torch.Generator,
        augment: Augment | None = None,
        augment_generator: torch.Generator | None = None,
        num_workers: int = 0,
    ) -> None:
        self.num_workers = num_workers
        self.dataset = dataset
        self.batch_size = batch_size
        self.generator = generator
        self.augment = augment
        self.augment_generator = augment_generator

    def __len__(self) -> int:
        return count_batches(len(self.dataset), self.batch_size)

    def __iter__(self) -> Iterator[Batch]:
        order = torch.randperm(len(self.dataset), generator=self.generator)
        if isinstance(self.dataset, TensorData):
            order = order.to(self.dataset.all_X.device)
        chunks = iter(balanced_chunks(len(order), self.batch_size, order))
        if isinstance(self.dataset, StreamedData):
            batches = self.dataset.batches(chunks, self.num_workers, self._stream_of_the_epoch())
        else:
            batches = self.dataset.batches(chunks)
        for batch in batches:
            if self.augment is None or self.augment_generator is None:
                yield batch
            else:
                with torch_turn():
                    X = self.augment(batch[0], self.augment_generator)
                yield Batch(X, batch[1], batch.rows, batch.sample_weight)

    def _stream_of_the_epoch(self) -> torch.Generator:
        """Return a stream that differs in each epoch, and is the same again when a run goes on from a checkpoint."""
        return torch.Generator().set_state(self.generator.get_state())


class OrderedBatches:
    """Iterate over all rows in order, for validation and prediction.

    Parameters
    ----------
    dataset : TensorData or StreamedData
    batch_size : int
    num_workers : int, default=0
        As in :class:`TrainingBatches`.
    """

    def __init__(self, dataset: TensorData | StreamedData, batch_size: int, num_workers: int = 0) -> None:
        self.dataset = dataset
        self.batch_size = batch_size
        self.num_workers = num_workers

    def __len__(self) -> int:
        return -(-len(self.dataset) // self.batch_size)

    def __iter__(self) -> Iterator[Batch]:
        if isinstance(self.dataset, StreamedData):
            return self.dataset.slices(self.batch_size, self.num_workers)
        return self.dataset.slices(self.batch_size)


Data = TensorData | StreamedData
