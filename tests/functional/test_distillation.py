"""Tempering, the distillation loss, filtered predictions and smoothed labels."""

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from noisylabel.exceptions import InvalidParameterError
from noisylabel.functional import distillation_losses, filtered_update, smoothed_targets, temper

TABLE = torch.tensor([[0.7, 0.2, 0.1]], dtype=torch.double)
LOGITS = torch.tensor([[2.0, 1.0, 0.0]], dtype=torch.double)


@pytest.mark.parametrize(
    ("temperature", "expected"),
    [(1, [0.7, 0.2, 0.1]), (2, [0.522879, 0.279491, 0.197630]), (0.5, [0.907407, 0.074074, 0.018519])],
)
def test_tempered_tables(temperature, expected):
    assert temper(TABLE, temperature)[0].tolist() == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("temperature", [0.5, 2, 10])
def test_zeros_stay_zeros(temperature):
    assert temper(torch.tensor([0.5, 0.5, 0.0]), temperature).tolist() == [0.5, 0.5, 0.0]
    assert temper(torch.tensor([0.0, 1.0]), temperature).tolist() == [0.0, 1.0]


def test_tempering_probabilities_is_tempering_logits():
    logits = torch.randn(20, 5, generator=torch.Generator().manual_seed(0), dtype=torch.double)
    torch.testing.assert_close(temper(logits.softmax(1), 3.0), (logits / 3.0).softmax(1))


@pytest.mark.parametrize(("temperature", "expected"), [(1, 0.005787), (2, 0.007551)])
def test_the_loss_by_its_numbers(temperature, expected):
    assert distillation_losses(TABLE, LOGITS, temperature).item() == pytest.approx(expected, abs=1e-6)


def test_without_tempering_the_table_it_would_be_another():
    probability = (LOGITS / 2).softmax(1)
    assert (TABLE * (TABLE / probability).log()).sum().item() == pytest.approx(0.078451, abs=1e-6)
    assert distillation_losses(TABLE, LOGITS, 2).item() / 4 == pytest.approx(0.001888, abs=1e-6)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 4.0])
def test_loss_and_gradient_against_loops(temperature):
    """The loss by its definition in NumPy; the gradient of KL by hand: T (softmax(z / T) - tempered) / B."""
    rng = np.random.default_rng(0)
    z, p = rng.normal(size=(6, 4)), rng.dirichlet(np.ones(4), 6)
    p[0] = [0.5, 0.5, 0, 0]
    total, gradient = 0.0, np.zeros((6, 4))
    for i in range(6):
        powers = [value ** (1 / temperature) for value in p[i]]
        exponentials = [np.exp(value / temperature) for value in z[i]]
        for k in range(4):
            target, mine = powers[k] / sum(powers), exponentials[k] / sum(exponentials)
            total += temperature**2 * target * np.log(target / mine) / 6 if target > 0 else 0
            gradient[i, k] = temperature * (mine - target) / 6
    logits, targets = torch.tensor(z, requires_grad=True), torch.tensor(p, requires_grad=True)
    loss = distillation_losses(targets, logits, temperature).mean()
    loss.backward()
    assert loss.item() == pytest.approx(total)
    np.testing.assert_allclose(logits.grad.numpy(), gradient, atol=1e-12)
    assert targets.grad is None
    assert distillation_losses(targets, logits, temperature).mean().item() == pytest.approx(total)


@pytest.mark.parametrize(
    ("alpha", "expected"),
    [(0.05, [[0.22, 0.485, 0.295], [0.214, 0.46575, 0.32025]]), (0.5, [[0.4, 0.35, 0.25], [0.25, 0.225, 0.525]])],
)
def test_filtered_predictions(alpha, expected):
    visits = torch.tensor([[0.2, 0.5, 0.3], [0.6, 0.2, 0.2], [0.1, 0.1, 0.8]], dtype=torch.double)
    q = filtered_update(torch.full((1, 3), torch.nan, dtype=torch.double), visits[:1], alpha)
    assert torch.equal(q, visits[:1])
    for visit, after in zip(visits[1:], expected, strict=True):
        q = filtered_update(q, visit[None], alpha)
        assert q[0].tolist() == pytest.approx(after, abs=1e-6)
        assert q.sum().item() == pytest.approx(1)


def test_first_and_later_visits_in_one_batch():
    rows = torch.tensor([[torch.nan, torch.nan], [0.5, 0.5]])
    updated = filtered_update(rows, torch.tensor([[0.9, 0.1], [0.9, 0.1]]), 0.25)
    torch.testing.assert_close(updated, torch.tensor([[0.9, 0.1], [0.6, 0.4]]))
    assert rows[0].isnan().all()


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.5, 1.0])
def test_smoothed_labels_are_those_of_torchs_loss(smoothing):
    codes = torch.tensor([3, 0, 1, 3])
    targets = smoothed_targets(codes, 4, smoothing)
    torch.testing.assert_close(targets.sum(1), torch.ones(4))
    logits = torch.randn(4, 4, generator=torch.Generator().manual_seed(0))
    own = -(targets * logits.log_softmax(1)).sum(1)
    torch.testing.assert_close(own, cross_entropy(logits, codes, label_smoothing=smoothing, reduction="none"))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: temper(TABLE, 0), r"'temperature' must be a number in \(0, inf\). Got 0"),
        (lambda: distillation_losses(TABLE, LOGITS, -1), "'temperature' must be a number"),
        (lambda: filtered_update(TABLE, TABLE, 0), r"'alpha' must be a number in \(0, 1\]. Got 0"),
        (lambda: smoothed_targets(torch.tensor([0]), 2, 1.5), r"'smoothing' must be a number in \[0, 1\]"),
    ],
)
def test_bad_input_gets_a_clear_error(call, message):
    with pytest.raises(InvalidParameterError, match=message):
        call()
