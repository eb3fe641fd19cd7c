"""Percentiles and moving averages are what NumPy says, whatever the numbers."""

import numpy as np
import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st

from noisylabel.functional import batch_percentile, class_percentiles, moving_average

LOSSES = st.lists(st.floats(0, 1000), min_size=1, max_size=40)
FRACTIONS = st.floats(0, 1)
DECAYS = st.floats(0, 1, exclude_max=True)


def percentile(losses, fraction, weight=None):
    weight = None if weight is None else torch.tensor(weight, dtype=torch.double)
    return batch_percentile(torch.tensor(losses, dtype=torch.double), fraction, weight).item()


@st.composite
def losses_and_counts(draw):
    losses = draw(LOSSES)
    counts = draw(st.lists(st.integers(0, 4), min_size=len(losses), max_size=len(losses)).filter(any))
    return losses, counts


@given(LOSSES, FRACTIONS)
def test_numpy_gives_the_same_percentile(losses, fraction):
    assert percentile(losses, fraction) == pytest.approx(np.percentile(losses, 100 * fraction), rel=1e-9, abs=1e-9)


@given(LOSSES, FRACTIONS, st.randoms(use_true_random=False))
def test_the_order_of_a_batch_means_nothing(losses, fraction, random):
    shuffled = random.sample(losses, len(losses))
    assert percentile(shuffled, fraction) == percentile(losses, fraction)


@given(LOSSES, FRACTIONS, FRACTIONS)
def test_a_higher_fraction_gives_no_lower_percentile(losses, one, other):
    low, high = sorted((one, other))
    assert min(losses) <= percentile(losses, low) <= percentile(losses, high) + 1e-9
    assert percentile(losses, high) <= max(losses)


@given(losses_and_counts(), FRACTIONS)
def test_a_row_that_counts_twice_is_two_rows(drawn, fraction):
    losses, counts = drawn
    expected = np.percentile(np.repeat(losses, counts), 100 * fraction)
    assert percentile(losses, fraction, counts) == pytest.approx(expected, rel=1e-9, abs=1e-9)


@given(losses_and_counts(), FRACTIONS, st.floats(0, 1000))
def test_a_row_that_does_not_count_may_have_any_loss(drawn, fraction, loss):
    losses, counts = drawn
    changed = [old if count else loss for old, count in zip(losses, counts, strict=True)]
    assert percentile(changed, fraction, counts) == percentile(losses, fraction, counts)


@given(LOSSES, FRACTIONS, st.floats(1e-6, 1), st.sampled_from([torch.float32, torch.float64]))
@example([0.0, 1.0, 2.0], 0.5, 0.78, torch.float64)  # a sum that rounding moves over the rank
@example([0.0, 0.0, 0.0, 0.0, 1.0], 1.0, 0.49454129760749066, torch.float32)
def test_equal_weights_of_at_most_one_are_no_weights(losses, fraction, weight, dtype):
    losses = torch.tensor(losses, dtype=dtype)
    expected = batch_percentile(losses, fraction).item()
    weighted = batch_percentile(losses, fraction, torch.full((len(losses),), weight, dtype=dtype)).item()
    assert weighted == pytest.approx(expected, rel=1e-4, abs=1e-2)


@given(st.lists(st.floats(-100, 100), min_size=1, max_size=20), DECAYS)
def test_a_moving_average_is_the_weighted_sum_of_its_values(values, decay):
    average = None
    for value in values:
        average = moving_average(average, torch.tensor(value, dtype=torch.double), decay)
    powers = decay ** np.arange(len(values) - 1, -1, -1.0)
    shares = np.r_[powers[0], (1 - decay) * powers[1:]]
    assert average.item() == pytest.approx(float(shares @ np.array(values)), rel=1e-9, abs=1e-9)
    assert min(values) - 1e-9 <= average.item() <= max(values) + 1e-9


@st.composite
def labelled_batches(draw):
    """A batch of losses and labels of some of four classes, and the classes' percentiles before it."""
    size = draw(st.integers(1, 30))
    losses = draw(st.lists(st.floats(0, 100), min_size=size, max_size=size))
    labels = draw(st.lists(st.integers(0, 3), min_size=size, max_size=size))
    before = draw(st.lists(st.floats(1e-4, 100), min_size=4, max_size=4))
    return torch.tensor(before, dtype=torch.double), torch.tensor(losses, dtype=torch.double), torch.tensor(labels)


@given(labelled_batches(), FRACTIONS, DECAYS)
def test_class_percentiles_are_what_a_loop_over_samples_gives(drawn, fraction, decay):
    before, losses, labels = drawn
    expected = np.log(before.numpy())
    for loss, label in zip(losses.tolist(), labels.tolist(), strict=True):
        pull = fraction - 1 if loss <= before[label] else fraction
        expected[label] += 2 * (1 - decay) / len(losses) * pull
    after = class_percentiles(before, losses, labels, fraction, decay)
    np.testing.assert_allclose(after.numpy(), np.maximum(np.exp(expected), 1e-4), rtol=1e-9)


@given(labelled_batches(), FRACTIONS, DECAYS)
def test_a_class_without_samples_keeps_its_percentile(drawn, fraction, decay):
    before, losses, labels = drawn
    after = class_percentiles(before, losses, labels, fraction, decay)
    absent = ~torch.isin(torch.arange(4), labels)
    assert torch.equal(after[absent], before[absent])


@given(labelled_batches(), FRACTIONS, DECAYS, st.randoms(use_true_random=False))
def test_the_order_of_a_batch_means_nothing_by_class(drawn, fraction, decay, random):
    before, losses, labels = drawn
    order = torch.tensor(random.sample(range(len(losses)), len(losses)))
    shuffled = class_percentiles(before, losses[order], labels[order], fraction, decay)
    torch.testing.assert_close(shuffled, class_percentiles(before, losses, labels, fraction, decay))
