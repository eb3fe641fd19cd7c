"""Weighting functions against the numbers computed by hand from their formulas."""

import math

import pytest
import torch

from noisylabel import functional as F

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
