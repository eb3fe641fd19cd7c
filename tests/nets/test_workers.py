"""Worker processes of a Dataset: they stay from epoch to epoch, draw what the run says, and end with the fit."""

import multiprocessing
import os
import random

import numpy as np
import pytest
import torch
from skorch.callbacks import Callback
from torch.utils.data import Dataset

from noisylabel import FilterKDClassifier, MentorMixClassifier, MentorNetClassifier
from noisylabel.exceptions import NoisyLabelWarning
from noisylabel.nets import OrderedBatches, StreamedData, TrainingBatches
from noisylabel.nets.data import keeping_workers
from noisylabel.students import MLP

CPU = torch.device("cpu")
Y = np.arange(64) % 3
TRAIN, VALID = "iterator_train__num_workers", "iterator_valid__num_workers"
SETTINGS = {"student": MLP((8,)), "max_epochs": 3, "batch_size": 16, "random_state": 0, "standardize": False}


class Pids(Dataset):
    """Samples that say which process loaded them, and what it drew."""

    def __init__(self, fails_at=None):
        self.fails_at = fails_at

    def __len__(self):
        return 64

    def __getitem__(self, row):
        if row == self.fails_at and multiprocessing.parent_process() is not None:
            raise ValueError("this sample is broken")
        drawn = torch.rand(()).item(), np.random.rand(), random.random()
        return torch.tensor([float(os.getpid()), *drawn], dtype=torch.float64), int(Y[row])


def data():
    return StreamedData(Pids(), Y, None, CPU, prepare=lambda X: X)


def epochs(data, n_workers, n_epochs=3, seed=0):
    """Return what was loaded in each epoch, (64, 4), in the order of the rows."""
    batches = TrainingBatches(data, 16, torch.Generator().manual_seed(seed), num_workers=n_workers)
    found = []
    for _ in range(n_epochs):
        loaded = list(batches)
        order = torch.cat([batch.rows for batch in loaded]).argsort()
        found.append(torch.cat([batch[0] for batch in loaded])[order])
    return found


OTHERS = set()  # processes of other tests


@pytest.fixture(autouse=True)
def _only_own_children():
    OTHERS.clear()
    OTHERS.update(children())


def children():
    return {child.pid for child in multiprocessing.active_children()} - OTHERS


def test_workers_stay_from_epoch_to_epoch_and_end_with_the_block():
    streamed, before = data(), children()
    with keeping_workers(streamed, None):
        pids = [set(epoch[:, 0].int().tolist()) for epoch in epochs(streamed, 2)]
        assert pids[0] == pids[1] == pids[2] == children() - before
        assert len(pids[0]) == 2
    assert children() == before
    assert len({pid for epoch in epochs(streamed, 2) for pid in epoch[:, 0].int().tolist()}) == 6  # nobody keeps them
    assert children() == before


def test_what_is_drawn_does_not_depend_on_who_loads_it():
    kept, streamed = data(), data()
    with keeping_workers(kept):
        two = torch.stack(epochs(kept, 2))[..., 1:]
    one, none = (torch.stack(epochs(streamed, n))[..., 1:] for n in (1, 0))
    assert torch.equal(two, one)
    assert torch.equal(two[..., 1:], none[..., 1:])  # NumPy's and Python's; torch's are part of the run's stream
    assert two.unique().numel() == two.numel()  # no epoch repeats another
    assert not torch.isin(torch.stack(epochs(streamed, 2, seed=1))[..., 1:], two).any()


def test_other_passes_in_the_middle_of_one():
    streamed = data()
    with keeping_workers(streamed):
        outer = iter(TrainingBatches(streamed, 16, torch.Generator(), num_workers=1))
        first = next(outer)
        inner = list(OrderedBatches(streamed, 16, num_workers=1))
        rest = list(outer)
        assert len(inner) == 4
        assert sorted(torch.cat([batch.rows for batch in [first, *rest]]).tolist()) == list(range(64))
        given_up = iter(TrainingBatches(streamed, 8, torch.Generator(), num_workers=1))
        next(given_up)
        given_up.close()
        assert [batch.rows.tolist() for batch in OrderedBatches(streamed, 32, num_workers=1)] == [
            list(range(32)),
            list(range(32, 64)),
        ]
    assert not children()


class At(Callback):
    """Raises an error in an epoch, at a step if so wanted."""

    def __init__(self, error, epoch, in_step):
        self.error, self.epoch, self.in_step = error, epoch, in_step

    def on_batch_end(self, net, training=False, **kwargs):
        self._raise(net, training and self.in_step)

    def on_epoch_end(self, net, **kwargs):
        self._raise(net, not self.in_step)

    def _raise(self, net, is_time):
        if is_time and len(net.history) == self.epoch:
            raise self.error


class Rows(Dataset):
    """Plain samples; one of them may be broken for worker processes."""

    def __init__(self, fails_at=None):
        self.fails_at = fails_at
        self.X = torch.as_tensor(np.random.default_rng(0).normal(size=(64, 4)) + Y[:, None]).float()

    def __len__(self):
        return 64

    def __getitem__(self, row):
        if row == self.fails_at and multiprocessing.parent_process() is not None:
            raise ValueError("this sample is broken")
        return self.X[row], int(Y[row])


@pytest.mark.filterwarnings("ignore:curriculum='auto' needs 20 rows a class")  # 48
@pytest.mark.parametrize("in_step", [True, False])
def test_workers_end_with_a_fit_that_fails(in_step):
    net_params = {TRAIN: 2, VALID: 1}
    clf = MentorNetClassifier(
        **SETTINGS, validation_fraction=0.25, net_params=net_params, callbacks=[At(RuntimeError("no"), 2, in_step)]
    )
    with pytest.raises(RuntimeError, match="no") as caught:
        clf.fit(Rows())
    assert not children()  # while the traceback is there
    assert caught.traceback


def test_workers_end_where_one_of_them_fails():
    clf = MentorNetClassifier(**SETTINGS, net_params={TRAIN: 2})
    with pytest.raises(ValueError, match="this sample is broken") as caught:
        clf.fit(Rows(fails_at=13), Y)
    assert not children()
    assert caught.traceback


@pytest.mark.filterwarnings("ignore:curriculum='auto' needs 20 rows a class")  # 48
@pytest.mark.parametrize("in_step", [True, False])
def test_workers_end_with_an_interrupt_and_the_network_so_far_predicts(in_step):
    clf = MentorNetClassifier(
        **SETTINGS,
        validation_fraction=0.25,
        net_params={TRAIN: 1, VALID: 1},
        callbacks=[At(KeyboardInterrupt(), 2, in_step)],
    )
    with pytest.warns(NoisyLabelWarning, match="interrupted"):
        clf.fit(Rows())
    assert clf.interrupted_
    assert not children()
    assert clf.predict(Rows()).shape == (64,)
    assert not children()


@pytest.mark.filterwarnings("ignore:curriculum='auto' needs 20 rows a class")  # 48
@pytest.mark.parametrize("kind", [MentorNetClassifier, MentorMixClassifier, FilterKDClassifier])
def test_workers_give_the_same_fit_with_held_out_rows(kind):
    settings = SETTINGS | {"validation_fraction": 0.25}
    if kind is MentorMixClassifier:
        settings["loss_percentile"] = 0.7
    workers = {TRAIN: 2, VALID: 1, "iterator_train__prefetch_factor": 3}
    alone, helped = (kind(**settings, net_params=more).fit(Rows()) for more in ({}, workers))
    assert np.array_equal(helped.predict_proba(Rows()), alone.predict_proba(Rows()))
    assert not children()
