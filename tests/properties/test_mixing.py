"""Mixing ratios, partners and mixes, whatever the weights."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from noisylabel.functional import (
    draw_beta,
    draw_partners,
    expected_calibration_error,
    mix,
    mixing_ratios,
    partner_probabilities,
    weighted_loss,
)

KINDS = st.sampled_from(["hard", "soft"])


@st.composite
def batches(draw):
    """Draws and weights of one batch."""
    size = draw(st.integers(1, 20))
    numbers = st.lists(st.floats(0, 1) | st.sampled_from([0.0, 0.5, 1.0]), min_size=size, max_size=size)
    return torch.tensor(draw(numbers), dtype=torch.double), torch.tensor(draw(numbers), dtype=torch.double)


@given(batches(), KINDS)
def test_a_ratio_lies_between_the_two_sides_of_its_draw(drawn, kind):
    draws, weights = drawn
    ratios = mixing_ratios(draws, weights, kind)
    assert (ratios >= torch.minimum(draws, 1 - draws) - 1e-12).all()
    assert (ratios <= torch.maximum(draws, 1 - draws) + 1e-12).all()


@given(batches(), KINDS)
def test_the_sides_of_a_draw_may_be_swapped(drawn, kind):
    draws, weights = drawn
    torch.testing.assert_close(mixing_ratios(1 - draws, weights, kind), mixing_ratios(draws, weights, kind))


@given(batches())
def test_hard_ratios_are_what_a_loop_over_samples_gives(drawn):
    draws, weights = drawn
    expected = [
        max(draw, 1 - draw) if weight >= 0.5 else min(draw, 1 - draw)
        for draw, weight in zip(draws.tolist(), weights.tolist(), strict=True)
    ]
    np.testing.assert_allclose(mixing_ratios(draws, weights).numpy(), expected, atol=1e-12)


@given(batches())
def test_soft_and_hard_ratios_agree_where_weights_are_0_or_1(drawn):
    draws, weights = drawn
    sure = weights.round()
    torch.testing.assert_close(mixing_ratios(draws, sure, "soft"), mixing_ratios(draws, sure, "hard"))


@given(batches())
def test_partners_are_drawn_by_the_exponential_of_the_weight(drawn):
    _, weights = drawn
    expected = np.exp(weights.numpy()) / np.exp(weights.numpy()).sum()
    np.testing.assert_allclose(partner_probabilities(weights).numpy(), expected, atol=1e-12)


@given(batches(), st.data())
def test_a_row_that_does_not_count_is_nobodys_partner(drawn, data):
    _, weights = drawn
    size = len(weights)
    counts = torch.tensor(data.draw(st.lists(st.integers(0, 3), min_size=size, max_size=size).filter(any))).double()
    partners = draw_partners(weights, torch.Generator().manual_seed(0), counts)
    assert partners.shape == (size,)
    assert (counts[partners] > 0).all()
    assert partner_probabilities(weights, counts).sum().item() == pytest.approx(1)


@given(st.integers(1, 500), st.floats(1e-3, 100))
def test_beta_draws_are_shares(n, alpha):
    draws = draw_beta(n, alpha, torch.Generator().manual_seed(0))
    assert draws.shape == (n,)
    assert ((draws >= 0) & (draws <= 1)).all()


@given(batches(), st.integers(0, 2**32 - 1))
def test_a_mix_is_what_a_loop_over_samples_gives(drawn, seed):
    ratios, _ = drawn
    rng = np.random.default_rng(seed)
    values, partners = rng.normal(size=(len(ratios), 3, 2)), rng.integers(0, len(ratios), len(ratios))
    expected = [
        ratio * values[row] + (1 - ratio) * values[partner]
        for row, (ratio, partner) in enumerate(zip(ratios.tolist(), partners, strict=True))
    ]
    mixed = mix(torch.tensor(values), torch.tensor(partners), ratios)
    np.testing.assert_allclose(mixed.numpy(), expected, atol=1e-12)


@given(batches(), st.integers(0, 2**32 - 1))
def test_a_mix_of_probabilities_is_probabilities(drawn, seed):
    ratios, _ = drawn
    rng = np.random.default_rng(seed)
    proba, partners = rng.dirichlet(np.ones(4), len(ratios)), rng.integers(0, len(ratios), len(ratios))
    mixed = mix(torch.tensor(proba), torch.tensor(partners), ratios)
    assert (mixed >= 0).all()
    torch.testing.assert_close(mixed.sum(1), torch.ones(len(ratios), dtype=torch.double))


SEEDS = st.integers(0, 2**32 - 1)


@st.composite
def weighed_batches(draw):
    """Losses, weights and counts of one batch, not all counts 0."""
    size = draw(st.integers(1, 20))
    losses = draw(st.lists(st.floats(0, 100), min_size=size, max_size=size))
    weights = draw(st.lists(st.floats(0, 1), min_size=size, max_size=size))
    counts = draw(st.lists(st.integers(0, 4), min_size=size, max_size=size).filter(any))
    return [torch.tensor(numbers, dtype=torch.double) for numbers in (losses, weights, counts)]


@given(weighed_batches())
def test_the_weighted_loss_is_a_mean_over_the_batch(drawn):
    losses, weights, _ = drawn
    expected = sum(a * b for a, b in zip(losses.tolist(), weights.tolist(), strict=True)) / len(losses)
    assert weighted_loss(losses, weights).item() == pytest.approx(expected, abs=1e-12)


@given(weighed_batches())
def test_a_row_that_counts_twice_is_two_rows(drawn):
    losses, weights, counts = drawn
    times = counts.long()
    expected = weighted_loss(losses.repeat_interleave(times), weights.repeat_interleave(times))
    assert weighted_loss(losses, weights, counts).item() == pytest.approx(expected.item(), abs=1e-12)


@given(weighed_batches(), st.floats(1e-3, 1e3))
def test_the_unit_of_the_counts_means_nothing(drawn, unit):
    losses, weights, counts = drawn
    expected = weighted_loss(losses, weights, counts).item()
    assert weighted_loss(losses, weights, unit * counts).item() == pytest.approx(expected, abs=1e-9)


@given(weighed_batches())
def test_each_loss_has_its_weights_share_of_the_gradient(drawn):
    losses, weights, counts = drawn
    losses.requires_grad_()
    weighted_loss(losses, weights, counts).backward()
    torch.testing.assert_close(losses.grad, weights * counts / counts.sum())


@st.composite
def predictions(draw):
    """Probabilities (N, C), with many confidences that are the edge of a bin, and labels."""
    rng = np.random.default_rng(draw(SEEDS))
    n_samples, n_classes = draw(st.integers(1, 30)), draw(st.integers(2, 5))
    proba = rng.dirichlet(np.full(n_classes, draw(st.sampled_from([0.1, 1.0]))), n_samples)
    on_edge = rng.random(n_samples) < 0.5
    proba[on_edge, 0] = rng.integers(n_classes, 21, on_edge.sum()) / 20
    proba[on_edge, 1:] = ((1 - proba[on_edge, 0]) / (n_classes - 1))[:, None]
    return proba, rng.integers(0, n_classes, n_samples)


@given(predictions(), st.integers(1, 20))
def test_the_calibration_error_is_what_a_loop_over_bins_gives(drawn, n_bins):
    proba, labels = drawn
    confidence, right = proba.max(axis=1), proba.argmax(axis=1) == labels
    expected = 0.0
    for k in range(n_bins):
        inside = (confidence > (k / n_bins if k else -1)) & (confidence <= ((k + 1) / n_bins if k + 1 < n_bins else 2))
        if inside.any():
            expected += inside.mean() * abs(confidence[inside].mean() - right[inside].mean())
    error = expected_calibration_error(torch.tensor(proba), torch.tensor(labels), n_bins)
    assert error.item() == pytest.approx(expected, abs=1e-9)
    assert 0 <= error <= 1


@given(predictions(), st.integers(1, 20), SEEDS)
def test_the_calibration_error_knows_no_order(drawn, n_bins, seed):
    proba, labels = (torch.tensor(values) for values in drawn)
    order = torch.tensor(np.random.default_rng(seed).permutation(len(labels)))
    expected = expected_calibration_error(proba, labels, n_bins).item()
    assert expected_calibration_error(proba[order], labels[order], n_bins).item() == pytest.approx(expected)


@given(predictions(), st.integers(1, 20))
def test_sure_and_right_is_calibrated_sure_and_wrong_is_not(drawn, n_bins):
    proba, labels = drawn
    n_classes = proba.shape[1]
    labels = torch.tensor(labels)
    sure = torch.eye(n_classes, dtype=torch.double)
    assert expected_calibration_error(sure[labels], labels, n_bins) == 0
    assert expected_calibration_error(sure[(labels + 1) % n_classes], labels, n_bins) == 1
