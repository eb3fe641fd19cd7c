"""Weighting functions against the numbers computed by hand from their formulas."""

import math

import pytest
import torch

from noisylabel import functional as F
from noisylabel.functional import (
    alignment_weights,
    diversity_weights,
    fidelity_weights,
    prediction_variance_weights,
    soft_mixture_weights,
    strict_threshold_weights,
    threshold_closeness_weights,
)

LOSS = torch.tensor([0, 0.1, 0.5, 1, 2, 4], dtype=torch.double)
DIFF = LOSS - 1

EXPECTED = {
    "uniform": (F.uniform_weights(LOSS), [1, 1, 1, 1, 1, 1]),
    "self_paced": (F.self_paced_weights(DIFF), [1, 1, 1, 1, 0, 0]),
    "hard": (F.hard_example_mining_weights(DIFF), [0, 0, 0, 1, 1, 1]),
    "focal 2": (F.focal_weights(LOSS, 2), [0, 0.009056, 0.154818, 0.399576, 0.747645, 0.963704]),
    "focal 1": (F.focal_weights(LOSS, 1), [0, 0.095163, 0.393469, 0.632121, 0.864665, 0.981684]),
    "linear 1": (F.spcl_linear_weights(DIFF, 1), [1, 1, 1, 1, 0, 0]),
    "linear 2": (F.spcl_linear_weights(DIFF, 2), [1, 1, 1, 1, 0.5, 0]),
    "original linear": (F.spcl_polynomial_weights(LOSS, 4, t=2), [1, 0.975, 0.875, 0.75, 0.5, 0]),
    "log": (F.spcl_logarithmic_weights(LOSS, 0.8), [1, 0.748070, 0.221615, 0, 0, 0]),
    "mixture": (F.spcl_mixture_weights(LOSS, 2, 0.5), [1, 1, 1, 0.333333, 0, 0]),
    "polynomial 3": (F.spcl_polynomial_weights(LOSS, 4, t=3), [1, 0.987421, 0.935414, 0.866025, 0.707107, 0]),
    "polynomial 1.5": (F.spcl_polynomial_weights(LOSS, 4, t=1.5), [1, 0.950625, 0.765625, 0.5625, 0.25, 0]),
    "huber": (F.huber_weights(LOSS), [1, 1, 1, 1, 0.707107, 0.5]),
    "cauchy": (F.cauchy_weights(LOSS), [1, 0.909091, 0.666667, 0.5, 0.333333, 0.2]),
    "l1_l2": (F.l1_l2_weights(LOSS), [1, 0.953463, 0.816497, 0.707107, 0.577350, 0.447214]),
    "welsch": (F.welsch_weights(LOSS), [1, 0.904837, 0.606531, 0.367879, 0.135335, 0.018316]),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_weights_match_the_formula(name):
    actual, expected = EXPECTED[name]
    torch.testing.assert_close(actual, torch.tensor(expected, dtype=torch.double), atol=1e-6, rtol=0)


@pytest.mark.parametrize(
    ("percent", "gamma", "expected"),
    [(0, 1, [1, 1, 1, 1]), (18, 1, [1, 1, 1, 1]), (19, 1, [1, 1, 0, 0]), (50, 1, [1, 1, 0, 0]), (89, 1, [1, 1, 0, 0]),
     (90, 1, [1, 1, 0.6, 0]), (99, 1, [1, 1, 0.6, 0]), (90, 2, [1, 1, 0.8, 0.25])],
)  # fmt: skip
def test_mentornet_pd_has_three_stages(percent, gamma, expected):
    diff = torch.tensor([-0.5, 0, 0.4, 1.5])
    torch.testing.assert_close(
        F.mentornet_pd_weights(diff, percent, gamma), torch.tensor(expected, dtype=torch.float32)
    )
    # the clock may also come as a tensor, one entry a sample
    clock = torch.full((4,), float(percent))
    torch.testing.assert_close(F.mentornet_pd_weights(diff, clock, gamma), torch.tensor(expected, dtype=torch.float32))


@pytest.mark.parametrize("lam", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("name", ["huber", "cauchy", "l1_l2", "welsch"])
def test_implicit_weights_are_the_derivative_of_their_loss(name, lam):
    loss = torch.linspace(0.01, 6, 300, dtype=torch.double)
    transform, weights = getattr(F, f"{name}_loss_transform"), getattr(F, f"{name}_weights")
    step = 1e-6
    slope = (transform(loss + step, lam) - transform(loss - step, lam)) / (2 * step)
    torch.testing.assert_close(weights(loss, lam), slope, atol=1e-6, rtol=0)


def test_self_paced_family_minimises_its_objective():
    """v* of the two-parameter family minimises v l + 0.5 lam2 v^2 - (lam1 + lam2) v over a fine grid of v."""
    grid = torch.linspace(0, 1, 2001, dtype=torch.double)
    lam1, lam2 = 1.0, 2.0
    objective = grid * LOSS[:, None] + 0.5 * lam2 * grid**2 - (lam1 + lam2) * grid
    torch.testing.assert_close(F.spcl_linear_weights(LOSS - lam1, lam2), grid[objective.argmin(1)], atol=1e-3, rtol=0)


@pytest.mark.parametrize(
    ("call", "name"),
    [(lambda: F.focal_weights(LOSS, -1), "gamma"), (lambda: F.spcl_linear_weights(DIFF, 0), "gamma"),
     (lambda: F.spcl_polynomial_weights(LOSS, 1, t=1), "'t'"), (lambda: F.cauchy_weights(LOSS, math.nan), "lam")],
)  # fmt: skip
def test_parameters_out_of_range_are_refused(call, name):
    with pytest.raises(ValueError, match=name):
        call()


REWEIGHTED_LOSS = torch.tensor([0, 0.1, 0.5, 1, 2, 4], dtype=torch.double)


def test_strict_threshold_drops_ties():
    assert strict_threshold_weights(REWEIGHTED_LOSS, 1.0).tolist() == [1, 1, 1, 0, 0, 0]


def test_soft_mixture():
    expected = torch.tensor([1, 1, 0.914214, 0.5, 0.207107, 0], dtype=torch.double)
    torch.testing.assert_close(soft_mixture_weights(REWEIGHTED_LOSS, lam=2, gamma=1), expected, atol=1e-6, rtol=0)
    edges = torch.tensor([4 / 9, 4], dtype=torch.double)
    torch.testing.assert_close(soft_mixture_weights(edges, 2, 1), torch.tensor([1, 0], dtype=torch.double))


def test_diversity_prefers_another_group_to_an_easier_sample():
    loss = torch.tensor([0.05, 0.12, 0.12, 0.4, 0.2, 0.18, 0.17, 0.35, 0.15])
    groups = torch.tensor([4, 4, 4, 4, 4, 4, 1, 1, 1])
    assert diversity_weights(loss, groups, 0.03, 0.2).tolist() == [1, 0, 0, 0, 0, 0, 0, 0, 1]
    shuffled = torch.tensor([8, 3, 0, 7, 5, 1, 6, 2, 4])
    again = diversity_weights(loss[shuffled], groups[shuffled], 0.03, 0.2)
    assert again.tolist() == diversity_weights(loss, groups, 0.03, 0.2)[shuffled].tolist()


def test_diversity_thresholds_by_rank():
    for rank, threshold in enumerate([0.23, 0.112843, 0.093567], start=1):
        loss = torch.full((rank,), threshold - 1e-5)
        assert diversity_weights(loss, torch.zeros(rank), 0.03, 0.2)[-1] == 1
        assert diversity_weights(loss + 2e-5, torch.zeros(rank), 0.03, 0.2)[-1] == 0


def test_prediction_variance():
    history = torch.tensor([0.2, 0.6, 0.4], dtype=torch.double)
    variance = history.var(correction=0)
    assert variance.item() == pytest.approx(0.0266667, abs=1e-6)
    assert (variance + variance**2 / 2).sqrt().item() == pytest.approx(0.164384, abs=1e-6)
    weights = prediction_variance_weights(torch.stack([variance, torch.zeros_like(variance)]), 3)
    assert weights.tolist() == pytest.approx([1.5, 0.5])


def test_threshold_closeness():
    assert threshold_closeness_weights(torch.tensor([0.4, 0.9])).tolist() == pytest.approx(
        [1.227273, 0.772727], abs=1e-6
    )


def test_alignment_agrees_with_the_second_derivative():
    """The alignments, taken by differentiating the clean loss through one step, as the paper does."""
    x, y = torch.tensor([1.0, 1, 2]), torch.tensor([1.0, -1, 0.5])
    clean_x, clean_y = torch.tensor([1.0, 2]), torch.tensor([1.0, 2])
    w = torch.tensor(0.0, requires_grad=True)
    epsilon = torch.zeros(3, requires_grad=True)
    loss = (epsilon * 0.5 * (w * x - y) ** 2).sum()
    stepped = w - torch.autograd.grad(loss, w, create_graph=True)[0]
    clean_loss = (0.5 * (stepped * clean_x - clean_y) ** 2).mean()
    alignment = -torch.autograd.grad(clean_loss, epsilon)[0]
    assert alignment.tolist() == [2.5, -2.5, 2.5]
    assert alignment_weights(alignment).tolist() == [0.5, 0, 0.5]
    assert alignment_weights(-torch.ones(3)).tolist() == [0, 0, 0]


def test_fidelity():
    expected = [1, 0.606531, 0.135335]
    assert fidelity_weights(torch.tensor([0, 0.5, 2.0])).tolist() == pytest.approx(expected, abs=1e-6)
