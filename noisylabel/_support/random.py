"""Random numbers are passed in: private streams, and global ones left as they were found."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from sklearn.utils import check_random_state


def draw_seed(random_state: Any) -> int:
    """Return a seed in [0, 2**31) from an int, a RandomState, a Generator or None.

    ``None`` takes fresh entropy from the operating system instead of NumPy's global stream, which
    therefore stays untouched.
    """
    if random_state is None:
        return int(np.random.default_rng().integers(2**31 - 1))
    if isinstance(random_state, np.random.Generator):
        return int(random_state.integers(2**31 - 1))
    return int(check_random_state(random_state).randint(2**31 - 1))


def numpy_generator(random_state: Any) -> np.random.Generator:
    """Return a NumPy Generator seeded from ``random_state`` (a Generator is used as it is)."""
    if isinstance(random_state, np.random.Generator):
        return random_state
    return np.random.default_rng(draw_seed(random_state))


@contextmanager
def private_torch_stream(seed: int, device: torch.device) -> Iterator[None]:
    """Run a block under its own torch seed; the CPU's and ``device``'s streams come back after it."""
    devices = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        torch.default_generator.manual_seed(seed)  # torch.manual_seed would also seed every accelerator
        if devices:
            with torch.cuda.device(device):
                torch.cuda.manual_seed(seed)
        yield
