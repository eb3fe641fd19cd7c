"""Many pictures are decoded by several processes, with the same result."""

import io
import os
import signal
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import get_context

import numpy as np
import pytest
from PIL import Image

from noisylabel.datasets import _decode
from noisylabel.datasets._decode import decode_pictures
from noisylabel.exceptions import InvalidDataError


def picture(pixels):
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="PNG")
    return buffer.getvalue()


@pytest.fixture
def pixels():
    return np.random.default_rng(0).integers(0, 256, (45, 4, 6, 3), dtype=np.uint8)


@pytest.fixture
def three_processes(monkeypatch):
    monkeypatch.setattr(_decode, "cpu_count", lambda: 3)
    monkeypatch.setattr(_decode, "_WORTH_A_PROCESS", 10)


def test_processes_return_the_pixels_in_their_order(pixels, three_processes):
    assert _decode._n_workers(len(pixels)) == 3
    decoded = decode_pictures([picture(one) for one in pixels], "file")
    assert np.array_equal(decoded, pixels.transpose(0, 3, 1, 2))
    assert decoded.flags.c_contiguous


def test_beside_threads_too(pixels, three_processes):
    with ThreadPoolExecutor(2) as threads:
        results = list(threads.map(decode_pictures, [[picture(one) for one in pixels]] * 2, ["file"] * 2))
    assert all(np.array_equal(decoded, pixels.transpose(0, 3, 1, 2)) for decoded in results)


def test_few_pictures_are_no_work_for_processes(monkeypatch):
    monkeypatch.setattr(_decode, "cpu_count", lambda: 16)
    assert [_decode._n_workers(n) for n in (1, 3_999, 4_000, 10_000, 50_000)] == [1, 1, 2, 5, 16]


def test_a_process_names_the_row_that_it_cannot_read(pixels, three_processes):
    pictures = [picture(one) for one in pixels]
    pictures[31] = b"no picture"
    with pytest.raises(InvalidDataError, match="^file, row 31 cannot be read as an image"):
        decode_pictures(pictures, "file")


def test_several_sizes_are_refused(pixels, three_processes):
    pictures = [picture(one) for one in pixels]
    pictures[44] = picture(pixels[44][:1])
    with pytest.raises(ValueError, match="must match exactly|same shape"):
        decode_pictures(pictures, "file")


def _decode_here(pictures):
    return decode_pictures(pictures, "file")


def test_a_daemon_decodes_alone(pixels, three_processes):
    with get_context("fork").Pool(1) as daemons:
        decoded = daemons.apply(_decode_here, ([picture(one) for one in pixels],))
    assert np.array_equal(decoded, pixels.transpose(0, 3, 1, 2))


def test_a_killed_process_is_said_to_be_one(pixels, three_processes, monkeypatch):
    monkeypatch.setattr(_decode, "read_image", lambda *args, **kwargs: os.kill(os.getpid(), signal.SIGKILL))
    with pytest.raises(MemoryError, match="decoded images of file was killed"):
        decode_pictures([picture(one) for one in pixels], "file")
