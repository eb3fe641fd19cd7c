"""Mixing, against the numbers of the papers' formulas and an independent computation."""

import numpy as np
import pytest
import torch
from scipy import stats

from noisylabel.functional import draw_beta, draw_partners, ema_decay, mix, mixing_ratios, partner_probabilities
from noisylabel.functional.augment import shift_and_flip
from noisylabel.schedules import staircase_schedule


def stream(seed=0):
    return torch.Generator().manual_seed(seed)


def test_partner_probabilities_are_the_flat_softmax():
    expected = [0.365529, 0.365529, 0.134471, 0.134471]
    torch.testing.assert_close(
        partner_probabilities(torch.tensor([1.0, 1, 0, 0])), torch.tensor(expected), atol=1e-6, rtol=0
    )


@pytest.mark.parametrize(("share", "expected"), [(0.8, 0.916), (0.6, 0.803), (0.5, 0.731), (0.4, 0.644), (0.2, 0.405)])
def test_how_often_a_believed_sample_is_the_partner(share, expected):
    weights = (torch.arange(1000) < 1000 * share).float()
    assert float(partner_probabilities(weights)[weights == 1].sum()) == pytest.approx(expected, abs=5e-4)
    drawn = torch.cat([draw_partners(weights, stream(seed)) for seed in range(50)])
    assert float(weights[drawn].mean()) == pytest.approx(expected, abs=4 * (expected * (1 - expected) / 50_000) ** 0.5)


def test_rows_that_do_not_count_are_no_partners():
    counts = torch.tensor([2.0, 1.0, 0.0, 1.0])
    torch.testing.assert_close(partner_probabilities(torch.ones(4), counts), torch.tensor([0.5, 0.25, 0.0, 0.25]))
    drawn = torch.cat([draw_partners(torch.tensor([0.0, 1, 1, 1]), stream(seed), counts) for seed in range(100)])
    assert not (drawn == 2).any()


@pytest.mark.parametrize(("alpha", "mean_of_larger"), [(2, 0.6875), (4, 0.6367), (8, 0.5982), (32, 0.5497)])
def test_draws_follow_the_beta_distribution(alpha, mean_of_larger):
    draws = draw_beta(200_000, alpha, stream())
    assert float(torch.maximum(draws, 1 - draws).mean()) == pytest.approx(mean_of_larger, abs=1e-3)
    assert stats.kstest(draws[:20_000].numpy(), stats.beta(alpha, alpha).cdf).pvalue > 0.01


def test_tiny_alphas_give_numbers():
    draws = draw_beta(10_000, 0.01, stream())
    assert ((draws >= 0) & (draws <= 1)).all()
    assert (draws == 0.5).float().mean() < 0.01  # nearly all are 0 or 1


def test_the_larger_share_goes_to_whom_the_curriculum_believes():
    draws = torch.full((5,), 0.3)
    weights = torch.tensor([1.0, 0.5, 0.49, 0.0, 0.4])
    torch.testing.assert_close(mixing_ratios(draws, weights), torch.tensor([0.7, 0.7, 0.3, 0.3, 0.3]))
    torch.testing.assert_close(mixing_ratios(draws, weights, "soft"), torch.tensor([0.7, 0.5, 0.496, 0.3, 0.46]))
    binary = torch.tensor([1.0, 0, 1, 0, 1])
    torch.testing.assert_close(mixing_ratios(draws, binary), mixing_ratios(1 - draws, binary, "soft"))


def test_mixes_and_their_labels():
    values, partners = torch.tensor([[1.0, 0.0], [0.0, 2.0]]), torch.tensor([1, 1])
    believed, doubted = (
        mix(values, partners, mixing_ratios(torch.full((2,), 0.3), torch.full((2,), v)))[0] for v in (1.0, 0.0)
    )
    torch.testing.assert_close(believed, torch.tensor([0.7, 0.6]))
    torch.testing.assert_close(doubted, torch.tensor([0.3, 1.4]))
    labels = torch.nn.functional.one_hot(torch.arange(50) % 7).float()
    mixed = mix(labels, torch.randint(50, (50,)), torch.rand(50))
    torch.testing.assert_close(mixed.sum(1), torch.ones(50))
    images = torch.rand(4, 3, 5, 5).to(memory_format=torch.channels_last)
    one = mix(images, torch.tensor([3, 2, 1, 0]), torch.tensor([0.2, 1.0, 0.0, 0.5]))
    torch.testing.assert_close(one[0], 0.2 * images[0] + 0.8 * images[3])
    assert torch.equal(one[1], images[1])
    assert torch.equal(one[2], images[1])


def test_decay_and_learning_rate_of_the_release():
    assert [round(ema_decay(step), 6) for step in (0, 10, 1000, 89_989, 10**6)] == [0.1, 0.55, 0.991089, 0.9999, 0.9999]
    schedule = staircase_schedule(0.9, n_stairs=200_000 / 11_718.75)
    assert 0.1 * schedule(1.0) == pytest.approx(0.016677, abs=5e-7)
    drops = np.unique([schedule(step / 200_000) for step in range(0, 200_001, 500)])
    assert len(drops) == 18


def test_every_result_is_a_shifted_mirrored_original():
    """Each output equals the reflect-padded image cut at some offset, mirrored or not."""
    images = torch.randint(0, 256, (40, 3, 6, 7), dtype=torch.uint8)
    results = shift_and_flip(images, torch.Generator().manual_seed(0), max_shift=2)
    assert results.shape == images.shape
    assert results.dtype == torch.uint8
    seen = set()
    for image, result in zip(images.numpy(), results.numpy(), strict=True):
        padded = np.pad(image, ((0, 0), (2, 2), (2, 2)), mode="reflect")
        matches = {
            (top, left, flipped)
            for top in range(5)
            for left in range(5)
            for flipped in (False, True)
            if np.array_equal(padded[:, top : top + 6, left : left + 7][:, :, :: -1 if flipped else 1], result)
        }
        assert matches
        seen |= matches
    assert len(seen) > 20  # offsets and mirroring differ from image to image


def test_same_generator_same_result():
    images = torch.rand(5, 1, 8, 8)
    first, second = (shift_and_flip(images, torch.Generator().manual_seed(3)) for _ in range(2))
    assert torch.equal(first, second)
