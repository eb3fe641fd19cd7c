"""The mentor that finds the percentile: what it holds back, what it estimates."""

import math

import numpy as np
import pytest
import torch

from noisylabel import MentorMixClassifier, MentorNetClassifier, corrupt
from noisylabel.curricula import SelfPaced
from noisylabel.exceptions import NoisyLabelWarning
from noisylabel.mentors import AutoPercentileMentor, Observation
from noisylabel.mentors._auto import probe_share
from noisylabel.testing import count_reads


def weigh(mentor, seen):
    """As the training step does: ask what is held back, then for the weights."""
    seen.held_back = mentor.held_back(seen.rows, seen.progress)
    return mentor.weigh(seen)


def test_probes_are_left_out_during_burn_in_only():
    mentor = AutoPercentileMentor(SelfPaced(), burn_in=20)
    mentor.check_parameters().start(1000, 3, torch.Generator().manual_seed(0))
    labels = torch.arange(1000) % 3
    logits = 6 * torch.nn.functional.one_hot(labels, 3).float() + torch.rand(1000, 3)
    losses = torch.nn.functional.cross_entropy(logits, labels, reduction="none")
    early = weigh(mentor, Observation(losses, logits, labels, torch.arange(1000), 0.1))
    assert early.mean().item() == pytest.approx(1 - probe_share(1000), abs=0.05)
    assert math.isnan(mentor.noise_rate_)
    late = weigh(mentor, Observation(losses, logits, labels, torch.arange(1000), 0.5))
    assert late.sum() >= 999
    assert mentor.noise_rate_ < 0.03


def test_state_survives():
    first, second = (AutoPercentileMentor(SelfPaced(), burn_in=20) for _ in range(2))
    for seed, mentor in enumerate((first, second)):
        mentor.check_parameters().start(100, 2, torch.Generator().manual_seed(seed))
    labels = torch.arange(100) % 2
    logits = 4 * torch.nn.functional.one_hot(labels, 2).float()
    batch = Observation(torch.linspace(0, 2, 100), logits, labels, torch.arange(100), 0.1)
    weigh(first, batch)
    second.load_state_dict(first.state_dict())
    batch.progress = 0.3
    assert torch.equal(weigh(first, batch), weigh(second, batch))
    assert first.noise_rate_ == second.noise_rate_


def test_the_table_holds_the_probes_only():
    mentor = AutoPercentileMentor(SelfPaced(), burn_in=20)
    mentor.check_parameters().start(1000, 3, torch.Generator().manual_seed(0))
    n_probes = int(mentor.is_probe_.sum())
    assert mentor.proba_.shape == (n_probes + 1, 3)  # one place for all other rows
    assert mentor.place_.dtype == torch.int32
    rows = torch.arange(1000)
    logits = torch.randn(1000, 3, generator=torch.Generator().manual_seed(1))
    for chosen in (rows, rows.flip(0), rows[::2]):
        weigh(mentor, Observation(torch.ones(len(chosen)), logits[chosen], chosen % 3, chosen, 0.1))
    torch.testing.assert_close(mentor.proba_[:-1], logits.softmax(1)[mentor.is_probe_])
    assert torch.equal(mentor.labels_[:-1], (rows % 3)[mentor.is_probe_])


def test_many_rows_of_many_classes_take_no_more_than_64_megabytes():
    mentor = AutoPercentileMentor(SelfPaced(), burn_in=20)
    mentor.check_parameters().start(2_400_000, 1000, torch.Generator().manual_seed(0))
    assert mentor.proba_.nbytes < 66 * 2**20
    assert 16_000 < mentor.is_probe_.sum() < 17_500
    assert mentor.place_.nbytes == 4 * 2_400_000
    mentor.start(50_000, 100, torch.Generator().manual_seed(0))
    assert mentor.is_probe_.float().mean().item() == pytest.approx(0.2, abs=0.01)  # as ever


def test_a_checkpoint_with_a_table_of_all_rows_goes_on():
    first, second = (AutoPercentileMentor(SelfPaced(), burn_in=20) for _ in range(2))
    labels, rows = torch.arange(100) % 2, torch.arange(100)
    logits = 4 * torch.nn.functional.one_hot(labels, 2).float()
    for seed, mentor in enumerate((first, second)):
        mentor.check_parameters().start(100, 2, torch.Generator().manual_seed(seed))
    seen = Observation(torch.linspace(0, 2, 100), logits, labels, rows, 0.1)
    weigh(first, seen)
    state = first.state_dict()
    places = state.pop("place").long()
    old = {"is_probe": first.is_probe_, "proba": state["proba"][places], "labels": state["labels"][places]}
    second.load_state_dict(state | old)
    assert torch.equal(first.is_probe_, second.is_probe_)
    seen.progress = 0.3
    assert torch.equal(weigh(first, seen), weigh(second, seen))
    assert first.noise_rate_ == second.noise_rate_


def test_needs_a_burn_in(blobs):
    for burn_in in (0, 100):
        with pytest.raises(ValueError, match=f"'auto', which watches the burn-in.*but 'burn_in' is {burn_in}"):
            MentorNetClassifier("mentornet_pd", burn_in=burn_in).fit(*blobs)


def test_a_network_that_knows_nothing_is_said_to():
    mentor = AutoPercentileMentor(SelfPaced(), burn_in=20)
    mentor.check_parameters().start(200, 2, torch.Generator().manual_seed(0))
    labels = torch.arange(200) % 2
    seen = Observation(torch.ones(200), torch.zeros(200, 2), labels, torch.arange(200), 0.1)
    weigh(mentor, seen)
    seen.progress = 0.3
    with pytest.warns(NoisyLabelWarning, match="no better than always saying the most common one"):
        weigh(mentor, seen)


@pytest.mark.filterwarnings("ignore:When the burn-in ended")
@pytest.mark.parametrize(("logit", "knows_something"), [(0.05, False), (1.0, True)])
def test_a_network_that_is_hardly_surer_than_chance_has_learned_nothing(logit, knows_something):
    """However high the noise rate, which would leave little to learn, is estimated."""
    mentor = AutoPercentileMentor(SelfPaced(), burn_in=20)
    mentor.check_parameters().start(2000, 10, torch.Generator().manual_seed(0))
    rows = torch.arange(2000)
    logits = logit * torch.randn(2000, 10, generator=torch.Generator().manual_seed(1))  # nothing to do with the labels
    seen = Observation(torch.ones(2000), logits, rows % 10, rows, 0.1)
    weigh(mentor, seen)
    seen.progress = 0.3
    weigh(mentor, seen)
    assert mentor.noise_rate_ > 0.8
    assert (mentor.share_learned_ > 1 / 3) is knows_something
    assert (mentor.share_learned_ == 0) is not knows_something


@pytest.mark.parametrize("kind", [MentorNetClassifier, MentorMixClassifier])
def test_right_10_too_few_rows_are_told_before_training_and_learned_as_they_are(blobs, kind):
    X, y = blobs
    clf = kind("mentornet_pd", ema_decay=0, random_state=0)
    with pytest.warns(NoisyLabelWarning, match="49 rows that count are too few for that: it needs 50. Every row has"):
        clf.fit(X[-49:], y[-49:])
    assert (clf.sample_weight_ == 1).all()  # none is held back, none is doubted
    assert math.isnan(clf.noise_rate_)
    assert clf.score(X[-49:], y[-49:]) > 0.9


def test_right_10_whether_rows_are_enough_is_no_matter_of_chance():
    for seed in range(50):
        mentor = AutoPercentileMentor(SelfPaced())
        mentor.check_parameters().start(50, 2, torch.Generator().manual_seed(seed))
        assert 20 <= mentor.is_probe_.sum() < 40


def test_right_10_rows_of_weight_zero_are_none_of_the_rows(blobs):
    X, y = blobs
    weight = (np.arange(120) % 3 == 0).astype(float)
    with pytest.warns(NoisyLabelWarning, match="40 rows that count are too few"):
        MentorNetClassifier("mentornet_pd", max_epochs=2).fit(X, y, sample_weight=weight)


def test_right_10_too_few_visits_before_the_burn_in_ends_do_not_end_training():
    mentor = AutoPercentileMentor(SelfPaced(), burn_in=20)
    mentor.check_parameters().start(200, 2, torch.Generator().manual_seed(0))
    seen = Observation(torch.ones(8), torch.zeros(8, 2), torch.arange(8) % 2, torch.arange(8), 0.1)
    weigh(mentor, seen)
    seen.progress = 0.3
    with pytest.warns(NoisyLabelWarning, match="only . held-back rows were seen .* Raise 'max_epochs' or 'burn_in'"):
        assert (weigh(mentor, seen) == 1).all()
    other = AutoPercentileMentor(SelfPaced(), burn_in=20)
    other.start(200, 2, torch.Generator().manual_seed(0))
    other.load_state_dict(mentor.state_dict())
    assert (weigh(other, seen) == 1).all()  # without asking again


@pytest.mark.parametrize("rate", [0.2, 0.4, 0.6])
def test_noise_rate_of_digits(digits, rate):
    """Within 0.05 of the truth: the mean over three draws of noise."""
    errors = []
    for seed in range(3):
        noisy, manifest = corrupt(digits.target, "symmetric", rate=rate, random_state=seed)
        clf = MentorNetClassifier("mentornet_pd", max_epochs=50, random_state=seed).fit(digits.data, noisy)
        errors.append(clf.noise_rate_ - manifest.realised_rate)
    assert abs(sum(errors) / 3) < 0.05
    assert max(map(abs, errors)) < 0.09  # one draw has 480 held-back labels: a standard error of 0.02


def test_the_noise_rate_is_estimated_before_the_first_step_after_the_burn_in():
    told, alone = (AutoPercentileMentor(SelfPaced(), burn_in=20) for _ in range(2))
    labels, rows = torch.arange(200) % 2, torch.arange(200)
    logits = 4 * torch.nn.functional.one_hot(labels, 2).float()
    for mentor in (told, alone):
        mentor.check_parameters().start(200, 2, torch.Generator().manual_seed(0))
    stages = []
    for progress in (0.0, 0.1, 0.19, 0.2, 0.5):
        told.advance(progress)
        assert math.isnan(told.noise_rate_) is (progress < 0.2)
        stages.append(told.stage(progress))
        losses = torch.linspace(progress, 2, 200)
        first, second = (Observation(losses, logits, labels, rows, progress) for _ in range(2))
        with count_reads() as reads:
            weights = weigh(told, first)
        assert not reads
        assert torch.equal(weights, weigh(alone, second))
    assert told.noise_rate_ == alone.noise_rate_
    assert stages[0] == stages[1] == stages[2] != stages[3] == stages[4]


def test_a_mentor_that_gave_up_is_in_another_stage_than_before():
    mentor = AutoPercentileMentor(SelfPaced(), burn_in=20)
    mentor.check_parameters().start(200, 2, torch.Generator().manual_seed(0))
    before = mentor.stage(0.1)
    with pytest.warns(NoisyLabelWarning, match="only 0 held-back rows were seen"):
        mentor.advance(0.3)
    assert mentor.held_back(torch.arange(4), 0.3) is None
    assert before != mentor.stage(0.3) is not None
