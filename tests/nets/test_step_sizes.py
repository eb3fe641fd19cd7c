"""How far a step goes: against torch's own optimizers, and what a batch of weight 0 must not do."""

import copy

import pytest
import torch
from torch import nn

from noisylabel.nets import StepSizes
from noisylabel.testing import count_reads

OPTIMIZERS = {
    "sgd": (torch.optim.SGD, {"momentum": 0.9, "nesterov": True}),
    "plain sgd": (torch.optim.SGD, {}),
    "maximize": (torch.optim.SGD, {"maximize": True}),
    "adam": (torch.optim.Adam, {}),
    "adamw": (torch.optim.AdamW, {}),
    "amsgrad": (torch.optim.AdamW, {"amsgrad": True}),
    "adagrad": (torch.optim.Adagrad, {}),
}


def with_gradients(seed=0):
    torch.manual_seed(seed)
    network = nn.Sequential(nn.Linear(4, 3), nn.Linear(3, 2))
    set_gradients(network, seed)
    return network


def set_gradients(network, seed):
    torch.manual_seed(seed)
    for parameter in network.parameters():
        parameter.grad = torch.randn_like(parameter)


@pytest.mark.parametrize("fused", [True, False])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_steps_are_those_of_torch_with_the_decay_scaled(name, fused):
    make, options = OPTIMIZERS[name]
    network, expected = with_gradients(), with_gradients()
    ours = make(network.parameters(), lr=0.1, weight_decay=0.02, fused=fused, **options)
    theirs = make(expected.parameters(), lr=0.1, weight_decay=0.02, **options)
    sizes = StepSizes(ours, lambda progress: 1 - progress)
    assert sizes.on_device == fused
    for progress, weight in ((0.0, 1.0), (0.25, 0.5), (0.5, 0.1)):
        set_gradients(network, seed=1)
        set_gradients(expected, seed=1)
        sizes.advance(progress)
        sizes.step(torch.tensor(weight))
        for group in theirs.param_groups:
            group.update(lr=0.1 * (1 - progress), weight_decay=0.02 * weight)
        theirs.step()
        for own, other in zip(network.parameters(), expected.parameters(), strict=True):
            torch.testing.assert_close(own, other)


@pytest.mark.parametrize("fused", [True, False])
@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("n_before", [0, 2])
def test_a_batch_of_weight_zero_moves_nothing(name, fused, n_before):
    make, options = OPTIMIZERS[name]
    network = with_gradients()
    sizes = StepSizes(
        make(network.parameters(), lr=0.1, weight_decay=0.02, fused=fused, **options), lambda progress: 1.0
    )
    for weight in [1.0] * n_before + [0.0]:
        before = copy.deepcopy(network.state_dict())
        sizes.advance(0.0)
        sizes.step(torch.tensor(weight))
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    sizes.step(torch.tensor(1.0))  # nothing that was not set stands in its memory
    assert all(parameter.isfinite().all() for parameter in network.parameters())
    assert not torch.equal(network[0].weight, before["0.weight"])


def test_only_an_optimizer_that_cannot_leave_out_a_step_needs_a_read():
    for fused in (True, None, False):
        sizes = StepSizes(torch.optim.SGD(with_gradients().parameters(), lr=0.1, fused=fused), lambda progress: 1.0)
        with count_reads() as reads:
            sizes.advance(0.0)
            sizes.step(torch.tensor(1.0))
        assert (reads.total() == 0) == (fused is not False)


def test_the_optimizer_has_its_own_settings_in_the_end_and_in_a_checkpoint():
    optimizer = torch.optim.AdamW(with_gradients().parameters(), lr=0.1, weight_decay=0.02, fused=True)
    sizes = StepSizes(optimizer, lambda progress: 0.5)
    sizes.use_tensors()
    sizes.advance(0.5)
    sizes.step(torch.tensor(0.5))
    saved = sizes.state_dict()
    assert (saved["param_groups"][0]["lr"], saved["param_groups"][0]["weight_decay"]) == (0.1, 0.02)
    sizes.load_state_dict(saved)
    sizes.check()
    sizes.advance(0.5)
    sizes.end()
    assert (optimizer.param_groups[0]["lr"], optimizer.param_groups[0]["weight_decay"]) == (0.05, 0.02)


@pytest.mark.parametrize("fused", [True, False])
def test_settings_of_an_older_checkpoint_are_those_of_the_run(fused):
    """Older files hold the learning rate and the weight decay of their last step."""
    optimizer = torch.optim.SGD(with_gradients().parameters(), lr=0.1, weight_decay=0.02, fused=fused)
    sizes = StepSizes(optimizer, lambda progress: 0.5)
    old = sizes.state_dict()
    old["param_groups"][0].update(lr=1e-6, weight_decay=1e-7)
    sizes.load_state_dict(old)
    sizes.advance(0.5)
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.05)
    assert sizes.base == [(0.1, 0.02)]
    saved = sizes.state_dict()["param_groups"][0]
    assert (saved["lr"], saved["weight_decay"]) == (0.1, 0.02)


def test_sparse_gradients_go_by_number():
    table = nn.Embedding(5, 2, sparse=True)
    sizes = StepSizes(torch.optim.SGD(table.parameters(), lr=0.1), lambda progress: 1.0, has_sparse=True)
    table(torch.tensor([1])).sum().backward()
    sizes.advance(0.0)
    sizes.step(torch.tensor(1.0))
    assert not sizes.on_device
