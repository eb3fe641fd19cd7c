"""Many small pictures from files' bytes to pixels, on all cores."""

import io
import multiprocessing
import sys
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager

import numpy as np
from joblib import cpu_count

from noisylabel.datasets._read_image import read_image

_WORTH_A_PROCESS = 2_000  # pictures
_CHUNKS_EACH = 4  # of a process, so that none waits long for the slowest


def decode_pictures(pictures: Sequence[bytes], name: str) -> np.ndarray:
    """Return the pixels of pictures of one size, uint8 (N, 3, H, W).

    Reading small pictures is mostly Python, which threads cannot share; so processes take a part each, where they can
    be forked. Nothing else of this process is used in them.

    Parameters
    ----------
    pictures : sequence of bytes, length N
        Image files, at least one.
    name : str
        What to call their file in an error, which adds the row.

    Raises
    ------
    InvalidDataError
        If one cannot be read as an image; the message names its row.
    ValueError
        If they are of several sizes.
    MemoryError
        If a process was killed.
    """
    n_workers = _n_workers(len(pictures))
    size = -(-len(pictures) // (n_workers * _CHUNKS_EACH))
    starts = range(0, len(pictures), size)
    chunks = [pictures[start : start + size] for start in starts]
    names = [name] * len(chunks)
    if n_workers == 1:
        return np.concatenate(list(map(_decode_chunk, chunks, starts, names)))
    with _forked(n_workers, name) as processes:
        return np.concatenate(list(processes.map(_decode_chunk, chunks, starts, names)))


@contextmanager
def _forked(n_workers: int, name: str) -> Iterator[ProcessPoolExecutor]:
    """Yield copies of this process that decode; the death of one is no fault of the file."""
    with warnings.catch_warnings(), ProcessPoolExecutor(n_workers, multiprocessing.get_context("fork")) as processes:
        # Python 3.12 warns of any fork beside threads: it fears locks that these would never give back in the copy
        warnings.filterwarnings("ignore", ".*multi-threaded, use of fork", DeprecationWarning)
        try:
            yield processes
        except BrokenProcessPool as error:
            raise MemoryError(
                f"A process that decoded images of {name} was killed, as the system does where memory runs out."
            ) from error


def _n_workers(n_pictures: int) -> int:
    """Return how many processes are worth it: one for each core that this process may use, none beside few pictures."""
    if sys.platform != "linux" or multiprocessing.current_process().daemon:  # a daemon may not have any
        return 1
    return max(1, min(cpu_count(), n_pictures // _WORTH_A_PROCESS))


def _decode_chunk(pictures: Sequence[bytes], start: int, name: str) -> np.ndarray:
    """Return the pixels of some pictures, of which the first is in row ``start``."""
    rows = [
        np.asarray(read_image(io.BytesIO(picture), name=f"{name}, row {row}"))
        for row, picture in enumerate(pictures, start)
    ]
    return np.ascontiguousarray(np.stack(rows).transpose(0, 3, 1, 2))
