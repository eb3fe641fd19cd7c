"""Percentiles and their moving average."""

import numpy as np
import pytest
import torch

from noisylabel.functional import (
    batch_percentile,
    class_percentiles,
    example_dropout_mask,
    moving_average,
    weighted_loss,
)


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


def tracked_class_percentiles(fraction, batches, decay=0.5):
    thresholds = None
    for losses, labels in batches:
        losses, labels = torch.tensor(losses, dtype=torch.float32), torch.tensor(labels)
        if thresholds is None:
            thresholds = batch_percentile(losses, fraction).repeat(int(labels.max()) + 1)
        thresholds = class_percentiles(thresholds, losses, labels, fraction, decay)
    return thresholds.numpy()


@pytest.mark.parametrize("fraction", [0.3, 0.7, 0.9])
def test_class_percentiles_find_those_of_each_class(fraction):
    """Easy and hard classes, a common and a rare one: the tracked numbers are the quantiles of the distributions."""
    rng = np.random.default_rng(0)
    scales, shares = np.array([0.2, 1.0, 3.0, 1.0]), np.array([0.4, 0.3, 0.2, 0.1])
    batches = []
    for _ in range(600):
        labels = rng.choice(4, 128, p=shares)
        batches.append((rng.uniform(0, scales[labels]), labels))
    late = [tracked_class_percentiles(fraction, batches[:n]) for n in range(400, 600, 20)]
    np.testing.assert_allclose(np.mean(late, axis=0), fraction * scales, atol=0.05 * scales.max())


def test_one_class_moves_like_the_moving_average():
    """From a wrong start, the half-life is that of the average of batch percentiles, up to the shape of the losses."""
    rng = np.random.default_rng(1)
    by_class, average = torch.tensor([0.8]), torch.tensor(0.8)
    for _ in range(4):
        losses = torch.tensor(rng.uniform(0, 1, 5000), dtype=torch.float32)
        by_class = class_percentiles(by_class, losses, torch.zeros(5000, dtype=torch.long), 0.5, 0.5)
        average = moving_average(average, batch_percentile(losses, 0.5), 0.5)
    assert average.item() == pytest.approx(0.5 + 0.3 / 16, abs=0.01)
    assert 0.5 < by_class.item() < 0.55


def test_absent_classes_stay_and_weights_stand_for_repeated_rows():
    rng = np.random.default_rng(2)
    losses, labels, counts = torch.tensor(rng.exponential(size=40)), torch.arange(40) % 3, torch.arange(40) % 4
    start = torch.full((5,), 0.7, dtype=torch.double)
    repeated = class_percentiles(start, losses.repeat_interleave(counts), labels.repeat_interleave(counts), 0.6, 0.5)
    torch.testing.assert_close(class_percentiles(start, losses, labels, 0.6, 0.5, counts.double()), repeated)
    assert repeated[3:].tolist() == [0.7, 0.7]
    assert torch.equal(class_percentiles(start, losses, labels, 0.6, 0.5, torch.zeros(40)), start)
    assert not torch.isclose(repeated[:3], start[:3]).any()


def test_they_fall_as_slowly_as_the_docstring_says():
    percentiles, labels, n_batches = torch.ones(10), torch.arange(120) % 10, 0
    while percentiles.max() > 0.1:
        percentiles = class_percentiles(percentiles, torch.full((120,), 0.01), labels, 0.8, 0.5)
        n_batches += 1
    assert n_batches == pytest.approx(115, abs=1)
