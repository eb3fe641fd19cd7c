"""The order of batches: new in each epoch of training, fixed in validation and prediction."""

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

from noisylabel._support.random import torch_turn
from noisylabel.distributed import current_group
from noisylabel.nets.data import Batch, Data, IteratedData, StreamedData, TensorData

Augment = Callable[..., Tensor]


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
        ``augment(X, generator)`` is applied to each batch, on its device. One with a true attribute ``needs_rows`` is
        called as ``augment(X, generator, rows, epoch)``: row numbers (B,), and how many epochs are done, a tensor of
        shape ().
    augment_generator : torch.Generator, optional
        Stream for ``augment``, on the training device.
    num_workers : int, default=0
        Processes that load the samples of a StreamedData; 0 loads them here.
    prefetch_factor : int, optional
        Batches that each of them loads ahead; torch's default if None.

    Attributes
    ----------
    epoch : Tensor of shape ()
        Epochs done, on the training device; the loop of training keeps it.
    """

    def __init__(
        self,
        dataset: Data,
        batch_size: int,
        generator: torch.Generator,
        augment: Augment | None = None,
        augment_generator: torch.Generator | None = None,
        num_workers: int = 0,
        prefetch_factor: int | None = None,
    ) -> None:
        self.num_workers, self.prefetch_factor = num_workers, prefetch_factor
        self.dataset = dataset
        self.batch_size = batch_size
        self.generator = generator
        self.augment = augment
        self.augment_generator = augment_generator
        device = "cpu" if augment_generator is None else augment_generator.device
        self.epoch = torch.zeros((), dtype=torch.long, device=device)

    def __len__(self) -> int:
        return count_batches(len(self.dataset), self.batch_size)

    def __iter__(self) -> Iterator[Batch]:
        for source in self.sources():
            with torch_turn():
                batch = self.batch_of(source)
            yield batch

    def start_epoch(self, epoch: int) -> None:
        """Let ``augment`` know how many epochs are done."""
        self.epoch.fill_(epoch)

    def sources(self) -> Iterator[Any]:
        """Draw a new order, and yield what :meth:`batch_of` makes a batch of: positions, or a batch as loaded."""
        order = torch.randperm(len(self.dataset), generator=self.generator)
        if isinstance(self.dataset, TensorData):
            order = order.to(self.dataset.all_X.device)
        chunks = iter(balanced_chunks(len(order), self.batch_size, order))
        if isinstance(self.dataset, TensorData):
            return chunks
        loading = self.num_workers, self._stream_of_the_epoch(), self.prefetch_factor
        group = current_group()
        if group is None:
            return self.dataset.batches(chunks, *loading)
        return self.dataset.batches(chunks, *loading, group=group)

    def batch_of(self, source: Any) -> Batch:
        """Return a batch, augmented; by operations on its device alone if the data are in memory."""
        batch = self.dataset.batch_of(source) if isinstance(self.dataset, TensorData) else source
        if self.augment is None or self.augment_generator is None:
            return batch
        if getattr(self.augment, "needs_rows", False):
            X = self.augment(batch[0], self.augment_generator, batch.rows, self.epoch)
        else:
            X = self.augment(batch[0], self.augment_generator)
        return Batch(X, batch[1], batch.rows, batch.sample_weight)

    def _stream_of_the_epoch(self) -> torch.Generator:
        """Return a stream that differs in each epoch, and is the same again when a run goes on from a checkpoint."""
        return torch.Generator().set_state(self.generator.get_state())


class OrderedBatches:
    """Iterate over all rows in order, for validation and prediction; over those of a stream in its own order.

    Parameters
    ----------
    dataset : TensorData or StreamedData
    batch_size : int
    num_workers, prefetch_factor
        As in :class:`TrainingBatches`.
    """

    def __init__(
        self, dataset: Data, batch_size: int, num_workers: int = 0, prefetch_factor: int | None = None
    ) -> None:
        self.dataset = dataset
        self.batch_size = batch_size
        self.num_workers, self.prefetch_factor = num_workers, prefetch_factor

    def __len__(self) -> int:
        return -(-len(self.dataset) // self.batch_size)

    def __iter__(self) -> Iterator[Batch]:
        if isinstance(self.dataset, IteratedData):
            return self.dataset.in_its_order(self.batch_size, self.num_workers, self.prefetch_factor)
        if isinstance(self.dataset, StreamedData):
            return self.dataset.slices(self.batch_size, self.num_workers, self.prefetch_factor)
        return self.dataset.slices(self.batch_size)
