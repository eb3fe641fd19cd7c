"""The mentor that knows which labels become which."""

import pytest
import torch

from noisylabel.exceptions import InvalidParameterError
from noisylabel.functional import NoiseEstimate, estimate_noise, unmix
from noisylabel.mentors import LabelPosteriorMentor, Observation

N = 600
TRUTH = torch.arange(N) % 3
LABELS = torch.where(torch.arange(N) % 5 < 2, (TRUTH + 1) % 3, TRUTH)  # two in five are wrong


def predictions(certainty=4.0, seed=0):
    logits = certainty * torch.nn.functional.one_hot(TRUTH, 3) + torch.rand(
        N, 3, generator=torch.Generator().manual_seed(seed)
    )
    return logits.softmax(1)


def told(labels=LABELS, counts=None, burn_in=20, proba=None):
    mentor = LabelPosteriorMentor(burn_in=burn_in).check_parameters()
    mentor.listen(predictions() if proba is None else proba, labels, counts)
    mentor.start(N, 3, torch.Generator())
    return mentor


def observation(rows, progress, logits=None, labels=LABELS):
    logits = torch.zeros(len(rows), 3) if logits is None else logits
    return Observation(torch.ones(len(rows)), logits, labels[rows], rows, progress)


def test_targets_are_posteriors_by_hand():
    mentor = told()
    mentor.matrix_ = torch.tensor([[0.6, 0.4, 0.0], [0.0, 0.6, 0.4], [0.4, 0.0, 0.6]])
    mentor.beliefs_[:2] = torch.tensor([[0.5, 0.5, 0.0], [0.25, 0.25, 0.5]])
    labels = torch.zeros(N, dtype=torch.long)
    labels[:2] = 1
    seen = observation(torch.arange(2), 0.0, labels=labels)
    mentor.advance(0.0)  # one look: 0.5 * 0.4 against 0.5 * 0.6, then 0.25 * 0.4 against 0.25 * 0.6
    torch.testing.assert_close(mentor.weigh(seen), torch.tensor([0.6, 0.6]))
    torch.testing.assert_close(mentor.targets(seen), torch.tensor([[0.4, 0.6, 0.0]] * 2))


def test_beliefs_come_to_count_as_three_looks():
    mentor, rows = told(burn_in=100), torch.arange(N)
    wrong = LABELS != TRUTH
    weights = []
    for progress in (0.0, 0.25, 0.5, 0.9):
        mentor.advance(progress)
        weights.append(mentor.weigh(observation(rows, progress)))
    assert float(mentor.looks_) == 3
    assert weights[0][wrong].mean() > weights[1][wrong].mean() > weights[2][wrong].mean()
    torch.testing.assert_close(weights[2], weights[3])
    assert weights[2][wrong].mean() < 0.05 < 0.9 < weights[2][~wrong].mean()


def test_some_of_many_rows_are_looked_at_whatever_their_order(monkeypatch):
    monkeypatch.setattr("noisylabel.mentors._listening._MOST_ROWS", 200)  # every third row is of one class
    some = told()
    assert some.beliefs_.shape == (N, 3)
    assert some.noise_.class_prior.min() > 0.2
    torch.testing.assert_close(some.noise_.rate_by_class, told().noise_.rate_by_class, atol=0.1, rtol=0)
    assert some.metrics()["noise_rate"] == some.noise_.rate


def test_targets_sum_to_one_and_know_the_truth():
    mentor, rows = told(), torch.arange(N)
    mentor.advance(0.6)
    weights = mentor.weigh(observation(rows, 0.1))
    targets = mentor.targets(observation(rows, 0.1))
    torch.testing.assert_close(targets.sum(1), torch.ones(N))
    assert (targets.argmax(1) == TRUTH).float().mean() > 0.95
    torch.testing.assert_close(weights, targets[rows, LABELS])


def test_beliefs_stay_during_the_burn_in_and_then_follow_the_network():
    mentor, rows = told(), torch.arange(30)
    torch.testing.assert_close(mentor.beliefs_, unmix(predictions(), mentor.matrix_))
    before = mentor.beliefs_.clone()
    logits = torch.tensor([0.0, 5.0, 0.0]).repeat(30, 1)
    mentor.weigh(observation(rows, 0.19, logits))
    assert torch.equal(mentor.beliefs_, before)
    mentor.weigh(observation(rows, 0.2, logits))
    torch.testing.assert_close(mentor.beliefs_[:30], 0.7 * before[:30] + 0.3 * logits.softmax(1))
    assert torch.equal(mentor.beliefs_[30:], before[30:])
    assert mentor.stage(0.19) != mentor.stage(0.2)


def test_without_a_sign_of_noise_it_is_idle():
    for mentor in (told(TRUTH), LabelPosteriorMentor()):
        mentor.start(N, 3, torch.Generator())
        seen = observation(torch.arange(N), 0.5, labels=TRUTH)
        mentor.advance(0.5)
        assert mentor.is_idle
        assert (mentor.weigh(seen) == 1).all()
        assert mentor.targets(seen) is None
    assert told(TRUTH).noise_.rate_interval[0] == 0
    assert not told().is_idle


def test_what_few_rows_cannot_tell_is_assumed_and_spread_evenly():
    generator = torch.Generator().manual_seed(0)
    proba = (0.3 * torch.randn(3 * N, 3, generator=generator)).softmax(1)  # by chance, as after hardly any training
    labels = torch.randint(3, (3 * N,), generator=generator)
    few, many = told(labels[:N], proba=proba[:N]), told(labels, proba=proba)
    low, high = few.noise_.rate_interval
    assert low == 0
    assert high > 2 / 3  # so that labels drawn by chance are the bound
    assert few.assumed_rate_ == pytest.approx(1 / 3)
    torch.testing.assert_close(few.matrix_.diagonal(), torch.full((3,), 2 / 3))
    assert few.matrix_[0, 1] == few.matrix_[2, 0] == pytest.approx(1 / 6)
    assert not few.is_idle
    assert many.noise_.rate_interval[1] > 0.4
    assert many.assumed_rate_ is None
    assert many.is_idle
    assert told().assumed_rate_ is told(TRUTH).assumed_rate_ is None
    again = LabelPosteriorMentor()
    again.start(N, 3, generator)
    again.load_state_dict(few.state_dict())
    assert again.assumed_rate_ == few.assumed_rate_


def test_what_it_knows_is_the_estimate():
    expected, found = estimate_noise(predictions(), LABELS), told().noise_
    assert (found.rate, found.rate_interval) == (expected.rate, expected.rate_interval)
    assert torch.equal(found.matrix, expected.matrix)
    assert abs(found.rate - 0.4) < 0.03


def test_rows_without_weight_have_no_say():
    counts = torch.arange(N) < 500
    changed = torch.where(counts, LABELS, 0)
    proba = torch.where(counts[:, None], predictions(), 1 / 3)
    one, other = told(LABELS, counts), told(changed, counts, proba=proba)
    assert one.noise_.rate == other.noise_.rate
    assert torch.equal(one.matrix_, other.matrix_)
    assert torch.equal(one.beliefs_[:500], other.beliefs_[:500])
    assert len(one.beliefs_) == N


@pytest.mark.parametrize("labels", [LABELS, TRUTH])
def test_state_goes_on_bit_for_bit(labels):
    first, rows = told(labels), torch.arange(N)
    logits = torch.randn(N, 3, generator=torch.Generator().manual_seed(1))
    first.weigh(observation(rows, 0.3, logits, labels))
    second = LabelPosteriorMentor(burn_in=20)
    second.start(N, 3, torch.Generator())
    second.load_state_dict(first.state_dict())
    assert isinstance(second.noise_, NoiseEstimate)
    assert second.noise_.rate_interval == first.noise_.rate_interval
    assert second.is_idle == first.is_idle
    for mentor in (first, second):
        mentor.advance(0.4)
    seen = observation(rows, 0.4, -logits, labels)
    assert torch.equal(first.weigh(seen), second.weigh(seen))
    if not first.is_idle:
        assert torch.equal(first.targets(seen), second.targets(seen))
        assert torch.equal(first.beliefs_, second.beliefs_)


def test_a_state_is_a_copy():
    first = told()
    second = LabelPosteriorMentor(burn_in=0)
    second.start(N, 3, torch.Generator())
    second.load_state_dict(first.state_dict())
    before = first.beliefs_.clone()
    second.weigh(observation(torch.arange(N), 0.5))
    assert torch.equal(first.beliefs_, before)


@pytest.mark.parametrize(
    ("burn_in", "message"), [(-1, "'burn_in' must be a number"), (101, "must be a number"), (0.18, "18 for 18 %")]
)
def test_bad_burn_in(burn_in, message):
    with pytest.raises(InvalidParameterError, match=message):
        LabelPosteriorMentor(burn_in=burn_in).check_parameters()
