"""Batches: every row once, in the same order on both paths."""

import numpy as np
import pytest
import torch
from torch.utils.data import TensorDataset

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
