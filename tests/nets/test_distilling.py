"""The distillation step: what it computes, and whom it asks."""

import copy

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import one_hot

from noisylabel.curricula import Uniform
from noisylabel.exceptions import InvalidDataError
from noisylabel.mentors import PercentileMentor
from noisylabel.nets import (
    Batch,
    DistillingNet,
    LabelTargets,
    NetworkTargets,
    SampleRecord,
    TableTargets,
    TensorData,
    TrainingBatches,
    train_net,
)

X = torch.randn(30, 4, generator=torch.Generator().manual_seed(0))
CODES = torch.arange(30) % 3
TABLE = torch.rand(30, 3, generator=torch.Generator().manual_seed(1)).softmax(1)


def make_net(module, targets, temperature=1.0, n_samples=30, max_epochs=1):
    mentor = PercentileMentor(Uniform())
    mentor.check_parameters().start(n_samples, 3, torch.Generator())
    return DistillingNet(
        module, targets=targets, temperature=temperature, mentor=mentor, record=SampleRecord(n_samples, 3, "cpu"),
        lr_schedule=lambda progress: 1.0, optimizer=torch.optim.SGD, lr=0.1, batch_size=10, max_epochs=max_epochs,
        train_split=None, iterator_train=TrainingBatches, iterator_train__generator=torch.Generator().manual_seed(0),
        callbacks__print_log=None, verbose=0,
    ).initialize()  # fmt: skip


def gradient_of(net, weight=None):
    net.notify("on_train_begin", X=TensorData(X, CODES), y=None)
    rows = torch.tensor([4, 0, 17, 29])
    batch = Batch(X[rows], CODES[rows], rows, weight)
    step = net.train_step_single(batch)
    return step, net.module_.weight.grad.clone(), rows


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("weight", [None, torch.tensor([1.0, 0.0, 2.0, 3.0])])
def test_the_step_against_plain_torch(temperature, weight):
    module = nn.Linear(4, 3)
    own = copy.deepcopy(module)
    step, gradient, rows = gradient_of(make_net(module, TableTargets(TABLE), temperature), weight)

    counts = torch.ones(4) if weight is None else weight
    targets = (TABLE[rows].log() / temperature).softmax(1)
    log_proba = (own(X[rows]) / temperature).log_softmax(1)
    losses = temperature**2 * (targets * (targets.log() - log_proba)).sum(1)
    loss = (counts * losses).sum() / counts.sum()
    loss.backward()
    torch.testing.assert_close(step["loss"], loss)
    torch.testing.assert_close(gradient, own.weight.grad)
    assert step.keys() == {"loss", "y_pred", "mean_weight", "losses", "weights"}
    assert step["mean_weight"] == 1
    given = -own(X[rows]).log_softmax(1)[torch.arange(4), CODES[rows]]
    torch.testing.assert_close(step["losses"], given.detach())  # against the given labels, as recorders expect


def test_a_table_that_is_right_teaches():
    right = (X[:, 0] > 0).long()
    table = 0.9 * one_hot(right, 3) + 0.1 / 3
    net = make_net(nn.Linear(4, 3), TableTargets(table), max_epochs=200)
    data = TensorData(X, CODES)  # the given labels say nothing about X
    train_net(net, data)
    assert (torch.tensor(net.predict_proba(TensorData(X)).argmax(1)) == right).float().mean() > 0.9
    net.record.flush()
    assert (net.record.column("n_visits") == 200).all()


def test_rows_never_seen_are_refused_before_the_first_step():
    table = TABLE.clone()
    table[[7, 9]] = torch.nan
    net = make_net(nn.Linear(4, 3), TableTargets(table))
    with pytest.raises(InvalidDataError, match="in 2 rows, the first at position 7: rows that the teacher never saw"):
        net.notify("on_train_begin", X=TensorData(X, CODES), y=None)
    net = make_net(nn.Linear(4, 3), TableTargets(TABLE[:29]))
    with pytest.raises(InvalidDataError, match="each of the 30 training rows. It has 29"):
        net.notify("on_train_begin", X=TensorData(X, CODES), y=None)


def test_a_teacher_network_is_asked_in_evaluation_mode_and_left_alone():
    teacher = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 3)).train()
    teacher(X)  # statistics that differ from a batch's
    before = copy.deepcopy(teacher.state_dict())
    expected = copy.deepcopy(teacher).eval()(X[:5] + 1).softmax(1)
    targets = NetworkTargets(teacher)
    targets.start(30, torch.device("cpu"))
    said = targets.of(Batch(X[:5] + 1, CODES[:5], torch.arange(5)))  # the batch as it comes, not the rows' samples
    torch.testing.assert_close(said, expected.detach())
    assert not said.requires_grad
    gradient_of(make_net(nn.Linear(4, 3), targets))
    assert all(torch.equal(value, before[name]) for name, value in teacher.state_dict().items())
    assert all(parameter.grad is None for parameter in teacher.parameters())


def test_label_targets():
    batch = Batch(X[:3], CODES[:3], torch.arange(3))
    assert torch.equal(LabelTargets(3).of(batch), torch.eye(3))
    assert LabelTargets(3, 0.3).of(batch)[0].tolist() == pytest.approx([0.8, 0.1, 0.1])


def test_one_hot_targets_are_cross_entropy():
    module = nn.Linear(4, 3)
    own = copy.deepcopy(module)
    _, gradient, rows = gradient_of(make_net(module, LabelTargets(3)))
    nn.functional.cross_entropy(own(X[rows]), CODES[rows]).backward()
    torch.testing.assert_close(gradient, own.weight.grad)


def test_after_training_no_table_is_left():
    net = make_net(nn.Linear(4, 3), TableTargets(TABLE))
    data = TensorData(X, CODES)
    train_net(net, data)
    net.forget_training()
    assert net.targets is None
    assert np.isfinite(net.predict_proba(TensorData(X))).all()
