"""Mixing ratios, partners and mixes, whatever the weights."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from noisylabel.functional import draw_beta, draw_partners, mix, mixing_ratios, partner_probabilities

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
