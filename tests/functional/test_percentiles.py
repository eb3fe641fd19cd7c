"""Percentiles and their moving average."""

import numpy as np
import pytest
import torch

from noisylabel.functional import batch_percentile, example_dropout_mask, moving_average, weighted_loss


@pytest.mark.parametrize(("percent", "expected"), [(25, 2.25), (50, 4.5), (70, 6.3), (75, 6.75), (90, 8.1)])
def test_percentile_interpolates(percent, expected):
    losses = torch.arange(10.0)[torch.randperm(10)]
    assert batch_percentile(losses, percent / 100).item() == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("fraction", [0, 0.13, 0.5, 0.7, 0.99, 1])
def test_percentile_agrees_with_numpy(fraction):
    losses = np.random.default_rng(1).exponential(size=127)
    assert batch_percentile(torch.tensor(losses), fraction).item() == pytest.approx(
        np.percentile(losses, 100 * fraction)
    )


@pytest.mark.parametrize("fraction", [0, 0.3, 0.5, 0.77, 1])
def test_weights_of_the_percentile_stand_for_repeated_rows(fraction):
    rng = np.random.default_rng(2)
    losses, counts = rng.exponential(size=40), rng.integers(0, 5, 40)
    weighted = batch_percentile(torch.tensor(losses), fraction, torch.tensor(counts, dtype=torch.double))
    assert weighted.item() == pytest.approx(np.percentile(losses.repeat(counts), 100 * fraction))


def test_tiny_weights_do_not_move_the_percentile():
    losses = torch.arange(10.0)
    assert batch_percentile(losses, 0.7, torch.full((10,), 0.1)).item() == pytest.approx(6.3, abs=1e-5)


@pytest.mark.parametrize(
    ("decay", "start", "expected"),
    [(0.5, 0.0, [1, 1.5, 1.25, 1.125]), (0.9, 0.0, [0.2, 0.38, 0.442, 0.4978]), (0.5, None, [2, 2, 1.5, 1.25])],
)
def test_moving_average_starts_at_its_first_value(decay, start, expected):
    average = None if start is None else torch.tensor(start)
    for value, wanted in zip([2.0, 2.0, 1.0, 1.0], expected, strict=True):
        average = moving_average(average, torch.tensor(value), decay)
        assert average.item() == pytest.approx(wanted, abs=1e-6)


@pytest.mark.parametrize(("rate", "kept"), [(0, 128), (0.05, 121), (0.5, 64), (0.9, 12), (1, 0)])
def test_example_dropout_keeps_an_exact_number(rate, kept):
    assert example_dropout_mask(128, rate, torch.Generator().manual_seed(0)).sum() == kept


def test_weighted_loss_divides_by_the_batch_size():
    losses, weights = torch.tensor([0.2, 1.0, 5.0, 2.0]), torch.tensor([1.0, 0.5, 0.0, 0.25])
    assert weighted_loss(losses, weights).item() == pytest.approx(0.3)


def test_no_gradient_reaches_the_weights():
    losses = torch.ones(3, requires_grad=True)
    weights = torch.ones(3, requires_grad=True)
    weighted_loss(losses, weights).backward()
    assert weights.grad is None
    torch.testing.assert_close(losses.grad, torch.full((3,), 1 / 3))


def test_sample_weights_of_the_loss_stand_for_repeated_rows():
    rng = np.random.default_rng(3)
    losses, weights, counts = rng.exponential(size=20), rng.random(20), rng.integers(0, 4, 20)
    expected = (losses * weights).repeat(counts).mean()
    actual = weighted_loss(torch.tensor(losses), torch.tensor(weights), torch.tensor(counts, dtype=torch.double))
    assert actual.item() == pytest.approx(expected)
