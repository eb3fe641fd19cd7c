"""The tangent kernel and Proposition 1, against worked numbers, one parameter at a time, and real steps of SGD."""

import copy
import doctest

import pytest
import torch
from torch.nn.functional import cross_entropy

from examples.gallery import ntk
from examples.gallery.ntk import empirical_ntk, predicted_step, softmax_jacobian

X_O, X_U = torch.tensor([1.0, 1.0]).double(), torch.tensor([1.0, -0.5]).double()


def network(seed=0, n_classes=3):
    torch_stream = torch.random.get_rng_state()
    torch.random.manual_seed(seed)
    module = torch.nn.Sequential(torch.nn.Linear(2, 16), torch.nn.Tanh(), torch.nn.Linear(16, n_classes)).double()
    torch.random.set_rng_state(torch_stream)
    return module


def real_step(module, target, lr):
    """Change of the probabilities of x_o by one step of SGD on x_u."""
    module = copy.deepcopy(module)
    before = module(X_O[None])[0].softmax(0)
    cross_entropy(module(X_U[None]), target[None]).backward()
    torch.optim.SGD(module.parameters(), lr=lr).step()
    return (module(X_O[None])[0].softmax(0) - before).detach()


def test_jacobian_of_the_softmax():
    A = softmax_jacobian(torch.tensor([0.7, 0.2, 0.1], dtype=torch.float64))
    values = torch.linalg.eigvalsh(A)
    assert values.tolist() == pytest.approx([0, 0.125597, 0.334403], abs=1e-6)
    assert float(A.trace()) == pytest.approx(0.46, abs=1e-12)
    z = torch.randn(5, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    derivative = torch.autograd.functional.jacobian(lambda logits: logits.softmax(0), z)
    torch.testing.assert_close(softmax_jacobian(z.softmax(0)), derivative)
    assert float(torch.linalg.eigvalsh(softmax_jacobian(z.softmax(0))).min()) >= -1e-7


def test_linear_model_of_zeros():
    module = torch.nn.Linear(2, 3, bias=False).double()
    torch.nn.init.zeros_(module.weight)
    label = torch.tensor([0.0, 1.0, 0.0], dtype=torch.float64)
    expected = [-0.005556, 0.011111, -0.005556]
    assert predicted_step(module, X_O, X_U, label, 0.1).tolist() == pytest.approx(expected, abs=1e-6)
    assert real_step(module, label, 0.1).tolist() == pytest.approx([-0.005601, 0.011202, -0.005601], abs=1e-6)


def test_kernel_by_finite_differences():
    module, eps = network(), 1e-6
    found = empirical_ntk(module, X_O, X_U)
    columns = []
    for x in (X_O, X_U):
        derivative = []
        for parameter in module.parameters():
            flat = parameter.data.view(-1)
            for i in range(len(flat)):
                flat[i] += eps
                above = module(x[None])[0].detach()
                flat[i] -= 2 * eps
                below = module(x[None])[0].detach()
                flat[i] += eps
                derivative.append((above - below) / (2 * eps))
        columns.append(torch.stack(derivative, dim=1))
    torch.testing.assert_close(found, columns[0] @ columns[1].T, rtol=1e-6, atol=1e-7)
    with_itself = empirical_ntk(module, X_O, X_O)
    torch.testing.assert_close(with_itself, with_itself.T)
    assert float(torch.linalg.eigvalsh(with_itself).min()) >= -1e-7


def test_frozen_parameters_do_not_count():
    module = network()
    module[0].requires_grad_(False)
    hidden_o, hidden_u = (module[:2](x[None])[0] for x in (X_O, X_U))
    expected = (hidden_o @ hidden_u + 1) * torch.eye(3, dtype=torch.float64)
    torch.testing.assert_close(empirical_ntk(module, X_O, X_U), expected)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_error_of_the_prediction_falls_as_the_square_of_the_rate(seed):
    module, label = network(seed), torch.tensor([0.1, 0.7, 0.2], dtype=torch.float64)
    errors = []
    for lr in (1e-2, 1e-3, 1e-4):
        step = real_step(module, label, lr)
        predicted = predicted_step(module, X_O, X_U, label, lr)
        errors.append(float((step - predicted).norm()))
        assert errors[-1] < 0.2 * float(step.norm())
    assert errors[0] / errors[1] == pytest.approx(100, rel=0.3)
    assert errors[1] / errors[2] == pytest.approx(100, rel=0.05)


def test_nothing_is_left_behind():
    module = network()
    before = copy.deepcopy(module.state_dict())
    predicted_step(module, X_O, X_U, torch.tensor([0.0, 1.0, 0.0]).double(), 0.1)
    assert all(torch.equal(before[name], value) for name, value in module.state_dict().items())
    assert all(parameter.grad is None for parameter in module.parameters())


def test_examples_in_the_docstrings():
    tried = doctest.testmod(ntk)
    assert tried.attempted > 0
    assert tried.failed == 0
