"""Shared fixtures."""

import numpy as np
import pytest
import torch
from hypothesis import settings

from noisylabel import corrupt
from noisylabel._support import random as streams
from noisylabel.datasets import get_data_home, load_digits

# Properties draw the same examples in every run, and remember none.
settings.register_profile("same_every_time", derandomize=True, max_examples=40, deadline=None, database=None)
settings.load_profile("same_every_time")


@pytest.fixture(autouse=True, scope="session")
def _one_thread():
    torch.set_num_threads(1)  # two test processes share two cores


@pytest.fixture(autouse=True)
def _same_fresh_seeds(monkeypatch):
    """Let ``random_state=None`` draw the same seeds in every run of a test, one after the other."""
    rng = np.random.default_rng(0)
    monkeypatch.setattr(streams, "fresh_seed", lambda: int(rng.integers(2**31 - 1)))


@pytest.fixture(scope="session")
def digits():
    """Digits, with 40 % symmetric noise on the training labels (true class included)."""
    data = load_digits()
    data.noisy, data.manifest = corrupt(data.target, "symmetric", rate=0.4, random_state=0)
    return data


@pytest.fixture
def blobs():
    """Three well separated classes in five dimensions, as (X, y)."""
    rng = np.random.default_rng(0)
    y = np.repeat(np.arange(3), 40)
    return (rng.normal(size=(120, 5)) + 4 * y[:, None]).astype(np.float32), y


@pytest.fixture
def noisy_blobs():
    """The same classes with 150 rows each and 40 % symmetric noise, enough to see that it is there, as (X, noisy_y)."""
    rng = np.random.default_rng(0)
    y = np.repeat(np.arange(3), 150)
    X = (rng.normal(size=(450, 5)) + 4 * y[:, None]).astype(np.float32)
    return X, corrupt(y, "symmetric", rate=0.4, random_state=0)[0]


@pytest.fixture
def images():
    """Small images of two classes, bright and dark, as uint8 (X, y)."""
    rng = np.random.default_rng(0)
    y = np.arange(60) % 2
    return (rng.integers(0, 100, (60, 3, 12, 12)) + 120 * y[:, None, None, None]).astype(np.uint8), y


def pytest_collection_modifyitems(config, items):
    """Leave tests of real images to machines that hold them; what is marked ``data`` says which."""
    if (get_data_home() / "cifar10").is_dir():
        return
    absent = pytest.mark.skip(reason=f"no CIFAR-10 in the data home {get_data_home()}; set NOISYLABEL_DATA")
    for item in items:
        if "data" in item.keywords:
            item.add_marker(absent)
