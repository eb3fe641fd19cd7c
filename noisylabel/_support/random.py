"""Random numbers are passed in: private streams, and global ones left as they were found."""

import os
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.random import get_bit_generator, set_bit_generator  # type: ignore[attr-defined]
from sklearn.utils import check_random_state
from torch import Tensor


def draw_seed(random_state: Any) -> int:
    """Return a seed in [0, 2**31) from an int, a RandomState, a Generator or None.

    ``None`` takes fresh entropy from the operating system instead of NumPy's global stream, which
    therefore stays untouched.
    """
    if random_state is None:
        return fresh_seed()
    if isinstance(random_state, np.random.Generator):
        return int(random_state.integers(2**31 - 1))
    return int(check_random_state(random_state).randint(2**31 - 1))


def fresh_seed() -> int:
    """Return a seed that nobody chose."""
    return int(np.random.default_rng().integers(2**31 - 1))


def numpy_generator(random_state: Any) -> np.random.Generator:
    """Return a NumPy Generator seeded from ``random_state`` (a Generator is used as it is)."""
    if isinstance(random_state, np.random.Generator):
        return random_state
    return np.random.default_rng(draw_seed(random_state))


class _Turns:
    """Whose numbers torch's default generators give; there is one of each for all threads of a process.

    Only one thread has its turn at a time. A thread that waits is next, however soon the other wants another turn: it
    holds the gate. Whose stream was in the generators last stays there, so that a thread alone pays nothing for it.
    """

    def __init__(self) -> None:
        self.gate, self.lock = threading.Lock(), threading.RLock()
        self.inside: TorchStream | None = None  # whose numbers the generators give; None: the caller's own
        self.found: dict[torch.device, Tensor] = {}  # the caller's states, while there are others inside
        self.of_thread = _OfThread()

    def swap_in(self, stream: "TorchStream | None") -> None:
        """Let the generators give the numbers of a stream, None for the caller's own."""
        if stream is self.inside:
            return
        if self.inside is not None:
            self.inside.states = {device: _state(device) for device in self.inside.states}
        if stream is None:
            for device, state in self.found.items():
                _set_state(device, state)
            self.found.clear()
        else:
            for device, state in stream.states.items():
                self.found.setdefault(device, _state(device))
                _set_state(device, state)
        self.inside = stream

    def renew(self) -> None:
        """Forget, in a process that was forked, the threads that are not there."""
        self.gate, self.lock = threading.Lock(), threading.RLock()
        if self.of_thread.depth:
            self.lock.acquire()


class _OfThread(threading.local):
    """The streams of a thread, the innermost last, and how deep it is in turns."""

    def __init__(self) -> None:
        self.streams: list[TorchStream] = []
        self.depth = 0


class TorchStream:
    """Where torch's default generators stand for one run: the CPU's, and that of its device."""

    def __init__(self, seed: int, device: torch.device) -> None:
        devices = [torch.device("cpu"), *([_with_index(device)] if device.type == "cuda" else [])]
        self.states = {device: torch.Generator(device).manual_seed(seed).get_state() for device in devices}


_spare: list[np.random.MT19937] = []  # making one takes longer than using it
_turns = _Turns()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_turns.renew)


def _with_index(device: torch.device) -> torch.device:
    """Return a GPU by its number: "cuda" and "cuda:0" have one generator, and must have one key."""
    return torch.device(device.type, torch.cuda.current_device()) if device.index is None else device


def _state(device: torch.device) -> Tensor:
    return torch.get_rng_state() if device.type == "cpu" else torch.cuda.get_rng_state(device)


def _set_state(device: torch.device, state: Tensor) -> None:
    if device.type == "cpu":
        torch.set_rng_state(state)
    else:
        torch.cuda.set_rng_state(state, device)


@contextmanager
def private_torch_stream(seed: int, device: torch.device) -> Iterator[None]:
    """Give this thread torch streams of its own, from ``seed``, on the CPU and ``device``.

    They hold inside :func:`torch_turn`: whatever draws from torch's default generators belongs there.
    """
    own = _turns.of_thread
    own.streams.append(TorchStream(seed, device))
    try:
        yield
    finally:
        own.streams.pop()
        with torch_turn():  # what was there before comes back
            pass


@contextmanager
def torch_turn() -> Iterator[None]:
    """Draw from torch's default generators undisturbed by other threads: from the private stream of this one, if any.

    Short, a step or a batch: the others wait for it. Never around a ``yield``. Code that draws from the generators in
    another thread without a turn is the one thing that this cannot keep out.
    """
    own = _turns.of_thread
    if own.depth == 0:
        with _turns.gate:
            _turns.lock.acquire()
    own.depth += 1
    before = _turns.inside
    try:
        _turns.swap_in(own.streams[-1] if own.streams else None)
        yield
    finally:
        own.depth -= 1
        if own.depth:
            _turns.swap_in(before)
        else:
            _turns.lock.release()


@contextmanager
def user_code() -> Iterator[None]:
    """Run code that is not ours, such as a callback, without keeping other threads waiting: it may wait for them.

    It begins with this thread's private stream, if any, in torch's generators, and goes on with it as long as no other
    thread takes a turn.
    """
    own = _turns.of_thread
    with torch_turn():
        pass
    depth, own.depth = own.depth, 0
    if depth:
        _turns.lock.release()
    try:
        yield
    finally:
        if depth:
            with _turns.gate:
                _turns.lock.acquire()
            own.depth = depth
            _turns.swap_in(own.streams[-1] if own.streams else None)


@contextmanager
def private_host_streams(seed: int) -> Iterator[None]:
    """Run a block under its own seed of the global streams of Python and NumPy, which come back after it.

    NumPy's generator is exchanged, since copying 624 numbers back costs as much as loading a sample. The exchange
    forgets the second of a pair of normal numbers, so that with one in store the whole state is set again.
    """
    pythons, numpys = random.getstate(), np.random.get_state(legacy=False)  # noqa: NPY002 - users' code draws from it
    found, own = get_bit_generator(), _spare.pop() if _spare else np.random.MT19937(0)
    set_bit_generator(own)
    random.seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002
    try:
        yield
    finally:
        random.setstate(pythons)
        set_bit_generator(found)
        _spare.append(own)
        if numpys["has_gauss"]:
            np.random.set_state(numpys)  # noqa: NPY002


@contextmanager
def private_streams(seed: int) -> Iterator[None]:
    """Run a block that draws on the host, as Datasets do, under its own seed of all global streams of the host."""
    with private_torch_stream(seed, torch.device("cpu")), torch_turn(), private_host_streams(seed):
        yield
