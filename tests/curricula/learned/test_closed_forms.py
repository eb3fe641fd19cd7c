"""MentorNets against the closed forms that they were learned from."""

import pytest
import torch

from noisylabel._support.random import draw_seed
from noisylabel.curricula import CURRICULA, MentorNet, MentorNetwork, list_zoo
from noisylabel.curricula.learned import MentorFeatures, fit_error, grid_features, learn_from_vstar, learn_mentornet
from noisylabel.curricula.learned._grid import grid_targets
from noisylabel.exceptions import InvalidDataError, InvalidParameterError

CLOSED_FORMS = ("baseline", "self_paced", "spcl_linear", "hard_example_mining", "focal_loss", "mentornet_pd")


@pytest.fixture(scope="module")
def grid():
    return grid_features()


def test_grid(grid):
    assert len(grid) == 1_200_000
    assert grid.loss.unique().numel() == 120
    assert grid.loss_diff.unique().tolist() == pytest.approx([(i - 50) / 10 for i in range(100)])
    assert grid.epoch_percent.bincount().tolist() == [12_000] * 100
    assert len(torch.cat([grid.loss, grid.loss_diff, grid.epoch_percent[:, None]], 1).unique(dim=0)) == len(grid)


@pytest.mark.parametrize("name", CLOSED_FORMS)
def test_zoo_on_a_fresh_sample_of_the_grid(grid, name):
    rows = torch.randperm(len(grid), generator=torch.Generator().manual_seed(123))[:200_000]
    mentornet = MentorNet.from_zoo(name)
    found = fit_error(mentornet, grid.take(rows), grid_targets(CURRICULA[name](), grid)[rows])
    assert found["mean_absolute_error"] <= 0.02
    assert found["wrong_side"] <= 0.02
    assert min(found["agreement"].values()) >= 0.97
    assert found["mean_absolute_error"] == pytest.approx(list_zoo()[name]["fit"]["mean_absolute_error"], abs=1e-3)


def test_between_the_grid_points():
    generator = torch.Generator().manual_seed(0)
    loss = 8 * torch.rand(20_000, generator=generator)
    diff = 10 * torch.rand(20_000, generator=generator) - 5
    label = torch.zeros(20_000)
    for name in CLOSED_FORMS:
        for percent in (5, 18, 19, 60, 89, 90, 99):
            learned = MentorNet.from_zoo(name).weights(loss, diff, label, percent)
            wanted = CURRICULA[name]().weights(loss, diff, label, percent)
            assert (learned - wanted).abs().mean() < 0.03, (name, percent)


def test_learn_a_function_of_ones_own():
    def late_only(loss, loss_diff, label, epoch_percent):
        return torch.ones_like(loss) if epoch_percent >= 50 else (-loss).exp()

    learned = learn_from_vstar(late_only, n_samples=20_000, n_steps=1500, random_state=0)
    assert learned.card["name"] == "late_only"
    assert learned.card["fit"]["mean_absolute_error"] < 0.02
    assert learned.card["fit"]["n"] == 4000
    loss = torch.tensor([0.0, 1.0, 3.0])
    torch.testing.assert_close(learned.weights(loss, loss - 1, loss, 20), (-loss).exp(), atol=0.1, rtol=0)
    torch.testing.assert_close(learned.weights(loss, loss - 1, loss, 80), torch.ones(3), atol=0.1, rtol=0)


def test_same_seed_same_network():
    first, second, other = (
        learn_from_vstar("focal", n_samples=1000, n_steps=20, random_state=seed).network.output_kernel
        for seed in (1, 1, 2)
    )
    assert torch.equal(first, second)
    assert not torch.equal(first, other)


@pytest.mark.slow
def test_percents_without_samples_answer_like_the_last_one_that_has_some():
    loss = torch.linspace(0, 3, 300)
    percent = torch.where(torch.arange(300) % 2 == 0, 20, 70)
    features = MentorFeatures.of(loss, loss - 1, torch.zeros(300), percent)
    learned = learn_mentornet(features, (loss < torch.where(percent == 20, 1.0, 2.0)).float(), random_state=0)
    at = {p: learned.weights(loss, loss - 1, loss, p) for p in (0, 20, 69, 70, 99)}
    assert torch.equal(at[0], at[20])
    assert torch.equal(at[69], at[20])
    assert torch.equal(at[99], at[70])
    assert not torch.equal(at[69], at[70])


def test_frozen_epoch_embedding_stays_at_its_start():
    features = MentorFeatures.of(torch.rand(50), torch.rand(50), torch.zeros(50), torch.arange(50) + 50)
    options = {"n_steps": 5, "freeze_epoch_embedding": True}
    frozen = learn_mentornet(features, torch.zeros(50), random_state=0, **options).network.epoch_embedding
    assert torch.equal(frozen, MentorNetwork(generator=torch.Generator().manual_seed(draw_seed(0))).epoch_embedding)


def test_bad_input():
    features = MentorFeatures.of(torch.rand(5), torch.rand(5), torch.zeros(5), torch.zeros(5))
    with pytest.raises(InvalidDataError, match="one weight for each of 5 samples"):
        learn_mentornet(features, torch.ones(4))
    with pytest.raises(InvalidDataError, match=r"weights in \[0, 1\]"):
        learn_mentornet(features, torch.full((5,), 2.0))
    with pytest.raises(InvalidDataError, match="0 samples"):
        learn_mentornet(features.take(torch.tensor([], dtype=torch.long)), torch.ones(0))
    with pytest.raises(InvalidParameterError, match="'n_steps' must be"):
        learn_mentornet(features, torch.ones(5), n_steps=0)
    with pytest.raises(InvalidParameterError, match="all labels of 'features' are 0"):
        learn_mentornet(features, torch.ones(5), use_label=True)
    with pytest.raises(InvalidParameterError, match="'objective' must be one of"):
        learn_mentornet(features, torch.ones(5), objective="l2")
    with pytest.raises(InvalidParameterError, match="must return weights in"):
        learn_from_vstar(lambda loss, loss_diff, label, epoch_percent: loss)
    with pytest.raises(InvalidParameterError, match="at most 1200000"):
        learn_from_vstar("focal", n_samples=2_000_000)
