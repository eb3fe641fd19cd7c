"""The mentor that learns its MentorNet from trusted rows while the student trains."""

import copy

import pytest
import torch

from noisylabel.curricula import DataDriven
from noisylabel.exceptions import InvalidDataError, InvalidParameterError, NoisyLabelWarning
from noisylabel.mentors import DataDrivenMentor, Observation
from noisylabel.testing import count_reads

N = 200
WRONG = torch.arange(N) % 3 == 0


def observe(progress, rows=None):
    """Losses around 0.3 for right labels and 3 for wrong ones."""
    rows = torch.arange(N) if rows is None else rows
    noise = torch.rand(N, generator=torch.Generator().manual_seed(int(1000 * progress)))
    losses = torch.where(WRONG, 3 + noise, 0.3 * noise)[rows]
    return Observation(losses, torch.zeros(len(rows), 2), torch.zeros(len(rows), dtype=torch.long), rows, progress)


def started(update_at=(21, 75), trusted=slice(0, 100), **options):
    mentor = DataDrivenMentor(DataDriven(**options.pop("curriculum", {})), update_at=update_at, **options)
    mentor.check_parameters().start(N, 2, torch.Generator().manual_seed(0))
    is_right = torch.full((N,), torch.nan)
    is_right[trusted] = (~WRONG[trusted]).float()
    mentor.teach(is_right)
    return mentor


@pytest.mark.parametrize("history_length", [1, 5])
def test_uniform_then_learned(history_length):
    mentor = started(curriculum={"history_length": history_length})
    for percent in (0, 10, 20):
        assert (mentor.weigh(observe(percent / 100)) == 1).all()
        assert mentor.learned_ is None
    weights = mentor.weigh(observe(0.21))
    assert weights[100:][WRONG[100:]].mean() < 0.1  # rows that nobody checked
    assert weights[100:][~WRONG[100:]].mean() > 0.9
    first = mentor.learned_
    assert first.history_length == history_length
    source = first.card["learned_from"]
    assert (source["n_right"], source["n_wrong"], source["epoch_percents"]) == (66, 34, [21])
    mentor.weigh(observe(0.74))
    assert mentor.learned_ is first
    mentor.weigh(observe(0.75))
    assert mentor.learned_.card["learned_from"]["epoch_percents"] == [75]
    mentor.weigh(observe(0.99))
    assert mentor.learned_.card["learned_from"]["epoch_percents"] == [75]


def test_a_mentornet_is_learned_before_the_step_and_is_a_stage_of_its_own():
    told, alone = started(), started()
    stages = []
    for percent in (0, 20, 21, 40, 75, 99):
        told.advance(percent / 100)
        stages.append(told.stage(percent / 100))
        with count_reads() as reads:
            weights = told.weigh(observe(percent / 100))
        assert not reads
        assert torch.equal(weights, alone.weigh(observe(percent / 100)))
    burn_in, waiting, first, again, second, last = stages
    assert len({burn_in, waiting, first, second}) == 4
    assert (first, second) == (again, last)


def test_it_learns_from_the_last_visits_before_the_update():
    mentor = started(update_at=(50,), curriculum={"history_length": 1})
    early = observe(0.1)
    mentor.weigh(Observation(early.losses.flip(0), early.logits, early.labels, early.rows, 0.1))  # forgotten
    mentor.weigh(observe(0.4))
    weights = mentor.weigh(observe(0.5))
    assert weights[WRONG].mean() < 0.1 < 0.9 < weights[~WRONG].mean()


def test_skipped_percents_and_long_steps():
    mentor = started(update_at=(5, 21, 40))
    mentor.weigh(observe(0.0))
    mentor.weigh(observe(0.6))  # one update, not three
    assert mentor.learned_.card["learned_from"]["epoch_percents"] == [60]
    assert mentor.pending_ == []


def test_burn_in_that_lasts_longer_than_the_first_update():
    mentor = started(update_at=(10,), burn_in=30)
    mentor.weigh(observe(0.0))
    assert (mentor.weigh(observe(0.2)) == 1).all()
    assert (mentor.weigh(observe(0.3))[WRONG] < 0.5).all()


def test_auto_percentile_is_the_share_of_right_labels():
    mentor = started(loss_percentile="auto")
    assert mentor.noise_rate_ == pytest.approx(0.34)
    assert mentor.percentile_schedule_(0.0) == pytest.approx(0.66)


def test_state_goes_on_bit_for_bit():
    mentor, twin = started(update_at=(30, 60)), started(update_at=(30, 60))
    for progress in (0.0, 0.2, 0.4):
        mentor.weigh(observe(progress))
    twin.load_state_dict(copy.deepcopy(mentor.state_dict()))
    for progress in (0.5, 0.6, 0.9):
        assert torch.equal(mentor.weigh(observe(progress)), twin.weigh(observe(progress)))
    assert mentor.noise_rate_ == twin.noise_rate_


def test_a_state_from_before_the_first_update_forgets_what_was_learned():
    mentor, early = started(update_at=(30,)), started(update_at=(30,))
    early.weigh(observe(0.0))
    state = copy.deepcopy(early.state_dict())
    mentor.weigh(observe(0.0))
    mentor.weigh(observe(0.5))
    mentor.load_state_dict(state)
    assert mentor.learned_ is None
    assert (mentor.weigh(observe(0.2)) == 1).all()


def test_history_is_kept_by_row_in_any_order_of_visits():
    mentor = started(curriculum={"history_length": 3})
    generator = torch.Generator().manual_seed(5)
    expected = {}
    for visit in range(4):
        rows = torch.randperm(N, generator=generator)[:150]
        losses = torch.rand(150, generator=generator)
        zeros = torch.zeros(150, dtype=torch.long)
        mentor.weigh(Observation(losses, torch.zeros(150, 2), zeros, rows, visit / 100))
        for row, loss in zip(rows.tolist(), losses.tolist(), strict=True):
            expected[row] = [*expected.get(row, [loss] * 3), loss][-3:]
    for row, losses in expected.items():
        assert mentor.history_[row, :, 0].tolist() == pytest.approx(losses)


def test_rows_that_say_nothing_are_warned_of():
    mentor = started()
    losses = torch.rand(N, generator=torch.Generator().manual_seed(0))
    seen = observe(0.1)
    mentor.weigh(Observation(losses, seen.logits, seen.labels, seen.rows, 0.1))
    with pytest.warns(NoisyLabelWarning, match="from 100 trusted rows hardly tells right labels"):
        mentor.weigh(observe(0.3))


def test_bad_input():
    for wrong in ((), (75, 21), (0,), (99.5,), (0.21, 0.75), (21, 21), "no", 21, None):
        with pytest.raises(InvalidParameterError, match="'update_at' "):
            started(update_at=wrong)
    with pytest.raises(InvalidParameterError, match="'history_length' must be"):
        started(curriculum={"history_length": 0})
    with pytest.raises(InvalidDataError, match="0 have a trusted label equal to 'y' and 34 another"):
        started(trusted=WRONG & (torch.arange(N) < 100))
    untaught = DataDrivenMentor(DataDriven())
    untaught.check_parameters().start(N, 2, torch.Generator())
    with pytest.raises(InvalidDataError, match="Pass them to fit as y_trusted"):
        untaught.teach(None)
    untaught.weigh(observe(0.0))
    with pytest.raises(InvalidDataError, match="teach must be called"):
        untaught.weigh(observe(0.3))
    with pytest.warns(NoisyLabelWarning, match="none was learned. Raise 'max_epochs'"):
        assert (started().weigh(observe(0.3)) == 1).all()
