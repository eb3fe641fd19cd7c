"""Batches of a Dataset's samples, loaded here or by worker processes that stay from pass to pass."""

import random
from collections.abc import Generator, Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, default_collate

from noisylabel._support.random import private_host_streams, torch_turn
from noisylabel.exceptions import InvalidDataError

_HOLDERS = (Tensor, np.ndarray, np.generic)  # of one label


class Request(NamedTuple):
    """A batch to load.

    Attributes
    ----------
    seed : int
        Of what the Dataset draws from the global streams meanwhile.
    rows : ndarray of shape (B,)
    labels : ndarray of shape (B,) or None
        The labels that the samples must come with; None if nobody needs to look.
    """

    seed: int
    rows: np.ndarray
    labels: np.ndarray | None = None


class Samples(Dataset):
    """A Dataset as one of batches; all that worker processes need.

    Parameters
    ----------
    dataset : Dataset
        Yields samples, or pairs whose first entry is the sample.
    """

    def __init__(self, dataset: Dataset) -> None:
        self.dataset = dataset

    def __getitem__(self, request: Request) -> Any:
        """Load a batch in a worker process: what is drawn depends on the batch, not on who loads it."""
        random.seed(request.seed)
        np.random.seed(request.seed)  # noqa: NPY002 - users' code draws from it
        torch.default_generator.manual_seed(request.seed)
        return self.load(request)

    def load(self, request: Request) -> Any:
        """Return the samples of a batch as one tensor (B, ...).

        Raises
        ------
        InvalidDataError
            If they differ in shape, or come with other labels than the request says.
        """
        rows = request.rows.tolist()
        items = [self.dataset[row] for row in rows]
        if request.labels is not None:
            check_labels(items, rows, request.labels)
        samples = [item[0] if isinstance(item, (tuple, list)) else item for item in items]
        try:
            return default_collate(samples)
        except RuntimeError as error:
            shapes = sorted({tuple(np.shape(sample)) for sample in samples})
            raise InvalidDataError(
                f"The Dataset's samples must all have one shape. Got {', '.join(map(str, shapes))}: {error}."
            ) from error


def check_labels(items: list[Any], rows: list[int], labels: np.ndarray) -> None:
    """Refuse samples that come with another label than the Dataset offers for their row.

    Parameters
    ----------
    items : list of (sample, label)
    rows : list of int
    labels : ndarray of shape (B,)
        What the Dataset offers.

    Raises
    ------
    InvalidDataError
        Naming the first such row.
    """
    found = [item[1].item() if isinstance(item[1], _HOLDERS) else item[1] for item in items]
    wanted = labels.tolist()
    if found == wanted:
        return
    first = next(i for i, label in enumerate(found) if label != wanted[i])
    raise InvalidDataError(
        f"Row {rows[first]} of the Dataset comes with the label {found[first]!r}, but the Dataset's list of labels "
        f"(targets, labels, a column) says {wanted[first]!r}. Pass the labels that you mean as y, or correct the list."
    )


def load_here(samples: Samples, requests: Iterable[Request]) -> Iterator[Any]:
    """Load batches in this thread, one when it is asked for.

    The Dataset may draw from the global streams, so other threads of this process wait while it loads. What it draws of
    torch's is part of the stream that the whole run draws from.
    """
    for request in requests:
        with torch_turn(), private_host_streams(request.seed):
            X = samples.load(request)
        yield X


class Workers:
    """Processes that load batches ahead, pass after pass, until they are closed.

    Parameters
    ----------
    samples : Samples
    n : int
        How many.
    ahead : int, optional
        Batches that each of them loads ahead; torch's default if None.
    pin : bool, default=False
        Put batches where a GPU copies them from while it works.

    Attributes
    ----------
    is_busy : bool
        Whether they are in the middle of a pass.
    """

    def __init__(self, samples: Samples, n: int, ahead: int | None = None, pin: bool = False) -> None:
        self.is_busy = False
        self._requests = _Requests()
        self._loader: DataLoader[Any] = DataLoader(
            samples,
            batch_size=None,
            sampler=self._requests,
            collate_fn=_as_it_is,
            num_workers=n,
            prefetch_factor=ahead,
            persistent_workers=True,
            pin_memory=pin,
            generator=torch.Generator(),  # torch would draw a seed from the global stream
        )

    def load(self, requests: Iterable[Request]) -> Generator[Any, None, None]:
        """Yield a batch for each request, in order."""
        self.is_busy = True
        self._requests.of_this_pass = requests
        try:
            yield from self._loader
        finally:
            self.is_busy = False

    def close(self) -> None:
        """End the processes now, in the middle of a pass too; an error's traceback would keep them alive."""
        iterator, self._loader._iterator = self._loader._iterator, None
        if iterator is not None:
            iterator._shutdown_workers()  # type: ignore[attr-defined]


class _Requests(torch.utils.data.Sampler[Any]):
    """What to load in the pass that begins."""

    of_this_pass: Iterable[Request] = ()

    def __iter__(self) -> Iterator[Any]:
        return iter(self.of_this_pass)


def _as_it_is(batch: Any) -> Any:
    return batch
