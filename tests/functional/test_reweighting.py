"""Weights from groups, histories, clean gradients and uncertainty."""

import pytest
import torch

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


def test_strict_threshold_drops_ties():
    assert strict_threshold_weights(LOSS, 1.0).tolist() == [1, 1, 1, 0, 0, 0]


def test_soft_mixture():
    expected = torch.tensor([1, 1, 0.914214, 0.5, 0.207107, 0], dtype=torch.double)
    torch.testing.assert_close(soft_mixture_weights(LOSS, lam=2, gamma=1), expected, atol=1e-6, rtol=0)
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
