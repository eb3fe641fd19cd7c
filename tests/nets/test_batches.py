"""Batches: every row once, in the same order on both paths."""

import random

import numpy as np
import pytest
import torch
from torch.utils.data import Dataset, TensorDataset

from noisylabel.nets import OrderedBatches, StreamedData, TensorData, TrainingBatches

X, CODES = torch.arange(26.0).reshape(13, 2), torch.arange(13) % 3
WEIGHT = torch.arange(13.0)
CPU = torch.device("cpu")


def both_paths():
    streamed = StreamedData(TensorDataset(X), CODES.numpy(), WEIGHT, CPU)
    return [TensorData(X, CODES, WEIGHT), streamed]


@pytest.mark.parametrize("path", [0, 1])
def test_each_row_once_an_epoch_with_its_own_label_and_weight(path):
    batches = TrainingBatches(both_paths()[path], 4, torch.Generator().manual_seed(0))
    epochs = [list(batches) for _ in range(2)]
    orders = [torch.cat([batch.rows for batch in epoch]).tolist() for epoch in epochs]
    assert all(sorted(order) == list(range(13)) for order in orders)
    assert orders[0] != orders[1]
    for batch in epochs[0]:
        assert torch.equal(batch[0], X[batch.rows])
        assert torch.equal(batch[1], CODES[batch.rows])
        assert torch.equal(batch.sample_weight, WEIGHT[batch.rows])
    assert [len(batch[1]) for batch in epochs[0]] == [4, 3, 3, 3]
    assert len(batches) == 4


def test_both_paths_give_the_same_batches():
    first, second = (list(TrainingBatches(data, 4, torch.Generator().manual_seed(1))) for data in both_paths())
    assert len(first) == 4
    for a, b in zip(first, second, strict=True):
        assert torch.equal(a.rows, b.rows)
        assert torch.equal(a[0], b[0])


def test_worker_processes_give_the_same_batches():
    data = both_paths()[1]
    alone, helped = (
        [*TrainingBatches(data, 4, torch.Generator().manual_seed(1), num_workers=n), *OrderedBatches(data, 5, n)]
        for n in (0, 2)
    )
    assert len(alone) == 4 + 3
    for a, b in zip(alone, helped, strict=True):
        assert torch.equal(a.rows, b.rows)
        assert torch.equal(a[0], b[0])
        assert torch.equal(a[1], b[1])


@pytest.mark.parametrize("path", [0, 1])
def test_taking_rows_keeps_labels_and_weights_beside_them(path):
    data = both_paths()[path].take(np.array([2, 5, 11]))
    (batch,) = OrderedBatches(data, 10)
    assert torch.equal(batch[0], X[[2, 5, 11]])
    assert torch.equal(batch[1], CODES[[2, 5, 11]])
    assert torch.equal(data.sample_weight, WEIGHT[[2, 5, 11]])


def test_no_batch_of_one():
    sizes = [len(batch[1]) for batch in TrainingBatches(TensorData(X, CODES), 6, torch.Generator())]
    assert sizes == [5, 4, 4]


class Draws(Dataset):
    """Samples that are drawn anew each time, from all global streams that code of users draws from."""

    def __len__(self):
        return 8

    def __getitem__(self, row):
        return torch.tensor([row, torch.rand(()).item(), np.random.rand(), random.random()], dtype=torch.float64)


def drawn(seed, n_workers, n_epochs=2, state=None):
    """Return what each epoch drew, in the order of the rows, and the state of the generator after the first."""
    generator = torch.Generator().manual_seed(seed)
    if state is not None:
        generator.set_state(state)
    data = StreamedData(Draws(), None, None, CPU, prepare=lambda X: X)
    batches = TrainingBatches(data, 4, generator, num_workers=n_workers)
    torch.manual_seed(seed)  # the run's own, in which the steps are made
    epochs, states = [], []
    for _ in range(n_epochs):
        X, rows = zip(*((batch[0], batch.rows) for batch in batches), strict=True)
        epochs.append(torch.cat(X)[torch.cat(rows).argsort()][:, 1:])
        states.append(generator.get_state())
    return epochs, states[0]


@pytest.mark.parametrize("n_workers", [0, 2])
def test_right_03_what_a_dataset_draws_follows_from_the_run(n_workers):
    (first, second), after_first = drawn(0, n_workers)
    (other, _), _ = drawn(1, n_workers)
    for column in range(3):
        assert len({*first[:, column].tolist(), *second[:, column].tolist(), *other[:, column].tolist()}) == 24
    (again, also_again), _ = drawn(0, n_workers)
    assert torch.equal(first, again)
    assert torch.equal(second, also_again)
    (resumed,), _ = drawn(0, n_workers, n_epochs=1, state=after_first)
    own = slice(1, None) if n_workers == 0 else slice(None)  # torch's are part of the run's stream, saved beside it
    assert torch.equal(resumed[:, own], second[:, own])


def test_right_03_the_callers_streams_stay_as_they_are():
    random.seed(1)
    np.random.seed(1)
    expected = random.random(), np.random.rand()
    random.seed(1)
    np.random.seed(1)
    data = StreamedData(Draws(), None, None, CPU)
    list(TrainingBatches(data, 4, torch.Generator().manual_seed(0)))
    list(OrderedBatches(data, 4))
    assert (random.random(), np.random.rand()) == expected


@pytest.mark.parametrize("rows", [None, torch.arange(13)])
def test_right_08_ordered_batches_are_copies(rows):
    data = TensorData(X.clone(), CODES, rows=rows)
    for batch in OrderedBatches(data, 4):
        batch[0].zero_()
    assert torch.equal(data.all_X, X)
