"""Samples of a stream: batches are made of what comes, shuffled within a buffer."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import default_collate

from noisylabel.distributed import WorkerGroup
from noisylabel.exceptions import InvalidDataError
from noisylabel.nets.data._batch import Batch
from noisylabel.nets.data._row_stream import RowsSeen, RowStream
from noisylabel.nets.data._streamed import StreamedData

_MOST_BYTES, _MOST_ROWS = 2**28, 16_384  # of the buffer

Sample = tuple[int, Any]  # its position among the rows in use, and what the network gets


class IteratedData(StreamedData):
    """A stream of samples with label codes beside it; each pass reads all of it, in its own order.

    Training shuffles within a buffer of up to 16,384 rows or 256 MiB, or of as many rows as the stream's
    ``shuffle_buffer`` says. What asks for a few rows stops reading when it has them.

    Parameters
    ----------
    dataset : RowStream
    codes, sample_weight, device, rows, prepare
        As of :class:`StreamedData`; without codes, as in prediction, it need not be known how many rows there are.
    n_rows : int, optional
        Of the whole stream; as many as codes by default.
    """

    dataset: RowStream

    def __init__(
        self,
        dataset: RowStream,
        codes: np.ndarray | None,
        sample_weight: Tensor | None,
        device: torch.device,
        rows: np.ndarray | None = None,
        prepare: Callable[[Tensor], Tensor] | None = None,
        n_rows: int | None = None,
    ) -> None:
        n_all = n_rows if codes is None or n_rows is not None else len(codes)
        is_part, all_rows = rows is not None, np.arange(n_all or 0)
        super().__init__(dataset, codes, sample_weight, device, all_rows if rows is None else rows, prepare)
        self.n_rows, self.is_part = n_all, is_part

    def _more(self) -> dict[str, Any]:
        """See :meth:`StreamedData._more`."""
        return {"n_rows": self.n_rows}

    def batches(
        self,
        chunks: Iterator[Tensor],
        num_workers: int = 0,
        stream: torch.Generator | None = None,
        prefetch_factor: int | None = None,
        group: WorkerGroup | None = None,
    ) -> Iterator[Batch]:
        """Yield batches of the sizes of the chunks, of rows that come from a buffer in random order.

        Each member of a group reads all of the stream, so that all have the same batches.

        Raises
        ------
        InvalidDataError
            If the stream gives members of a group different orders.
        """
        stream = torch.Generator() if stream is None else stream
        seed = int(torch.randint(2**31 - 1, (), generator=stream))
        samples = self._shuffled(self._samples(seed, num_workers, prefetch_factor), np.random.default_rng(seed))
        for chunk in chunks:
            batch = self._batch([next(samples) for _ in range(len(chunk))])
            if group is not None and not group.agrees(batch.rows):
                raise InvalidDataError(
                    f"The {group.size} workers of 'n_workers' read the rows of the stream in different orders. Its "
                    "order must be the same in each process: draw it from a seed of your own and the epoch."
                )
            yield batch
        next(samples, None)  # to its end, where missing rows are noticed

    def in_its_order(
        self, batch_size: int, num_workers: int = 0, prefetch_factor: int | None = None
    ) -> Iterator[Batch]:
        """Yield the rows as they come."""
        held: list[Sample] = []
        for sample in self._samples(0, num_workers, prefetch_factor):
            held.append(sample)
            if len(held) == batch_size:
                yield self._batch(held)
                held = []
        if held:
            yield self._batch(held)

    def slices(self, batch_size: int, num_workers: int = 0, prefetch_factor: int | None = None) -> Iterator[Batch]:
        """Yield the rows in order, for those that want few of them: all are read before."""
        samples = sorted(self._samples(0, num_workers, prefetch_factor), key=lambda sample: sample[0])
        for start in range(0, len(samples), batch_size):
            yield self._batch(samples[start : start + batch_size])

    def _samples(self, seed: int, num_workers: int, prefetch_factor: int | None) -> Iterator[Sample]:
        """Yield the samples of the rows in use as they come, until all have come."""
        seen = RowsSeen(self.n_rows)
        position_of, n_left = self._positions()
        for item in self.dataset.items(seed, num_workers, prefetch_factor):
            seen.note(item.row)
            position = item.row if position_of is None else int(position_of[item.row])
            if position < 0:
                continue
            yield position, item.sample
            n_left -= 1
            if n_left == 0 and self.is_part:
                return
        seen.end()

    def _positions(self) -> tuple[np.ndarray | None, int]:
        """Return where each row of the stream is among those in use, -1 for others, and how many these are."""
        if not self.is_part or self.n_rows is None:
            return None, -1
        position_of = np.full(self.n_rows, -1)
        position_of[self.rows] = np.arange(len(self.rows))
        return position_of, len(self.rows)

    def _shuffled(self, samples: Iterator[Sample], rng: np.random.Generator) -> Iterator[Sample]:
        """Yield samples in another order: each that comes takes the place of one drawn from the buffer."""
        buffer: list[Sample] = []
        size = 1
        for sample in samples:
            if not buffer:
                size = self._buffer_size(sample[1])
            if len(buffer) < size:
                buffer.append(sample)
                continue
            place = int(rng.integers(size))
            yield buffer[place]
            buffer[place] = sample
        for place in rng.permutation(len(buffer)):
            yield buffer[place]

    def _buffer_size(self, sample: Any) -> int:
        asked = getattr(self.dataset.stream, "shuffle_buffer", None)
        size = getattr(sample, "nbytes", 1)
        return max(1, min(_MOST_ROWS, _MOST_BYTES // max(size, 1)) if asked is None else int(asked))

    def _batch(self, samples: list[Sample]) -> Batch:
        try:
            X = self.prepare(default_collate([sample for _, sample in samples]))
        except RuntimeError as error:
            raise InvalidDataError(f"The stream's samples must all have one shape: {error}.") from error
        positions = torch.tensor([position for position, _ in samples], device=self.device)
        weight = None if self.sample_weight is None else self.sample_weight[positions]
        codes = None if self.codes is None else self.codes[positions]
        return Batch(X.to(self.device), codes, positions, weight)


def sorted_by_row(found: Iterator[tuple[Tensor, Any]]) -> Iterator[tuple[Tensor, Any]]:
    """Return what was found of the batches of a stream in the order of rows, as batches of the same sizes."""
    values, rows = zip(*found, strict=True)
    order = torch.cat(rows).argsort()
    sizes = [len(part) for part in rows]
    return zip(torch.cat(values)[order].split(sizes), torch.cat(rows)[order].split(sizes), strict=True)
