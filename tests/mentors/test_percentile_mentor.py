"""The standard mentor: order of events, burn-in, drop-out, state."""

import numpy as np
import pytest
import torch

from noisylabel.curricula import CallableCurriculum, MentorNetPD, SelfPaced
from noisylabel.mentors import Observation, PercentileMentor


def observe(losses, progress, rows=None):
    losses = torch.as_tensor(losses, dtype=torch.float32)
    rows = torch.arange(len(losses)) if rows is None else rows
    return Observation(losses, torch.zeros(len(losses), 2), torch.zeros(len(losses), dtype=torch.long), rows, progress)


def started(mentor, n_samples=128):
    mentor.check_parameters().start(n_samples, 2, torch.Generator().manual_seed(0))
    return mentor


def test_difference_uses_the_updated_average():
    seen = []

    def spy(loss, loss_diff, label, epoch_percent):
        seen.append(loss_diff)
        return torch.ones_like(loss)

    mentor = started(PercentileMentor(CallableCurriculum(spy), loss_percentile=1, percentile_decay=0.5, burn_in=0))
    for top in (2.0, 2.0, 1.0, 1.0):
        mentor.weigh(observe([0.0, top], 0.5))
    averages = [-diff[0].item() for diff in seen]
    assert averages == pytest.approx([2, 2, 1.5, 1.25])


@pytest.mark.parametrize("burn_in", [0, 1, 2, 10, 18, 20])
def test_burn_in_lasts_as_many_percent_as_it_says(burn_in):
    mentor = started(PercentileMentor(SelfPaced(), loss_percentile=0, percentile_decay=0.5, burn_in=burn_in))
    all_one = [bool((mentor.weigh(observe([0.0, 1.0], percent / 100)) == 1).all()) for percent in range(100)]
    assert sum(all_one) == burn_in


def test_burn_in_ends_exactly_where_the_pd_curriculum_would_start():
    mentor = started(PercentileMentor(MentorNetPD(), loss_percentile=0, burn_in=0))
    assert mentor.weigh(observe([0.0, 1.0], 0.18)).tolist() == [1, 1]
    assert mentor.weigh(observe([0.0, 1.0], 0.19)).tolist() == [1, 0]


@pytest.mark.parametrize(("percent", "kept"), [(0, 64), (16, 64), (17, 121), (99, 121)])
def test_dropout_follows_its_schedule_also_during_burn_in(percent, kept):
    mentor = started(PercentileMentor(SelfPaced(), loss_percentile=1, burn_in=18, example_dropout="0.5,17,0.05,83"))
    weights = mentor.weigh(observe(torch.ones(128), percent / 100))
    assert weights.sum() == kept
    assert set(weights.tolist()) == {0.0, 1.0}  # what is kept is not rescaled


def test_fixed_epoch_freezes_only_the_curriculums_clock():
    percents = []
    curriculum = CallableCurriculum(
        lambda loss, diff, label, percent: percents.append(percent) or torch.ones_like(loss)
    )
    mentor = PercentileMentor(curriculum, burn_in=18, example_dropout="0,95,1,5", fixed_epoch_after_burn_in=True)
    started(mentor)
    assert mentor.weigh(observe([1.0, 2.0], 0.5)).sum() == 2
    assert mentor.weigh(observe([1.0, 2.0], 0.97)).sum() == 0  # the schedule still sees the real percent
    assert percents == [18, 18]


def test_percentile_may_follow_a_schedule():
    mentor = started(PercentileMentor(SelfPaced(), loss_percentile="1,50,0,50", percentile_decay=0, burn_in=0))
    assert mentor.weigh(observe([1.0, 2.0], 0.49)).tolist() == [1, 1]
    assert mentor.weigh(observe([1.0, 2.0], 0.5)).tolist() == [1, 0]


def test_state_goes_on_where_it_was():
    first = started(PercentileMentor(SelfPaced(), burn_in=0, example_dropout=0.5))
    first.weigh(observe([1.0, 2.0, 3.0, 4.0], 0.5))
    second = started(PercentileMentor(SelfPaced(), burn_in=0, example_dropout=0.5))
    second.load_state_dict(first.state_dict())
    batch = observe([2.0, 2.0, 5.0, 1.0], 0.6)
    assert torch.equal(first.weigh(batch), second.weigh(batch))
    assert first.metrics() == second.metrics()


def test_weights_carry_no_gradient():
    mentor = started(PercentileMentor(MentorNetPD(), burn_in=0))
    losses = torch.ones(4, requires_grad=True)
    seen = Observation(losses, torch.zeros(4, 2), torch.zeros(4, dtype=torch.long), torch.arange(4), 0.95)
    assert not mentor.weigh(seen).requires_grad


@pytest.mark.parametrize(
    ("parameters", "message"),
    [({"loss_percentile": -0.1}, "loss_percentile"), ({"loss_percentile": 70}, "0.7 for 70 %"),
     ({"percentile_decay": 1}, "percentile_decay"), ({"burn_in": 101}, "burn_in"),
     ({"example_dropout": "0.5,17"}, "add up to 100"), ({"example_dropout": 1.5}, "example_dropout")],
)  # fmt: skip
def test_bad_parameters_are_named(parameters, message):
    with pytest.raises(ValueError, match=message):
        started(PercentileMentor(SelfPaced(), **parameters))


def test_by_class_a_hard_class_keeps_its_share():
    """Class 1 has losses ten times as high: one percentile drops it whole, one a class keeps half of it."""
    rng = np.random.default_rng(0)
    labels = torch.arange(128) % 2
    kept = {}
    for by_class in (False, True):
        mentor = PercentileMentor(SelfPaced(), loss_percentile=0.5, percentile_by_class=by_class, burn_in=0)
        started(mentor)
        for _ in range(100):
            losses = torch.tensor(rng.uniform(0.5, 1, 128), dtype=torch.float32) * (1 + 9 * labels)
            weights = mentor.weigh(Observation(losses, torch.zeros(128, 2), labels, torch.arange(128), 0.5))
        kept[by_class] = [weights[labels == c].mean().item() for c in (0, 1)]
    assert kept[False] == [1.0, 0.0]
    assert kept[True] == pytest.approx([0.5, 0.5], abs=0.15)
    assert mentor.threshold_.tolist() == pytest.approx([0.75, 7.5], rel=0.1)
    assert mentor.metrics()["loss_threshold"] == pytest.approx(mentor.threshold_.mean().item())
