"""The mentor that is told the noise before training: which percentile it takes, and that it lets clean labels alone."""

import math

import numpy as np
import pytest
import torch

from noisylabel import MentorMixClassifier, MentorNetClassifier, corrupt
from noisylabel.curricula import SelfPaced
from noisylabel.exceptions import NoisyLabelWarning
from noisylabel.mentors import AutoPercentileMentor, Observation
from noisylabel.testing import count_reads

N_ROWS, N_CLASSES = 2000, 4
TRUTH = torch.arange(N_ROWS) % N_CLASSES


def with_wrong(rates):
    """Labels of which a share of each class is called the next one."""
    draws = torch.rand(N_ROWS, generator=torch.Generator().manual_seed(0))
    return torch.where(draws < torch.tensor(rates)[TRUTH], (TRUTH + 1) % N_CLASSES, TRUTH)


def predictions(sharpness=5.0):
    """What a network says that knows the truth, a little blurred."""
    blur = torch.randn(N_ROWS, N_CLASSES, generator=torch.Generator().manual_seed(1))
    return (sharpness * torch.nn.functional.one_hot(TRUTH, N_CLASSES) + blur).softmax(1)


def told(labels, proba=None, **options):
    mentor = AutoPercentileMentor(SelfPaced(), **({"burn_in": 0} | options)).check_parameters()
    mentor.listen(predictions() if proba is None else proba, labels)
    mentor.start(N_ROWS, N_CLASSES, torch.Generator().manual_seed(0))
    return mentor


def batch(labels, losses=None):
    losses = torch.rand(N_ROWS, generator=torch.Generator().manual_seed(2)) if losses is None else losses
    return Observation(losses, torch.zeros(N_ROWS, N_CLASSES), labels, torch.arange(N_ROWS), 0.5)


def test_the_percentile_is_the_share_of_right_labels():
    labels = with_wrong([0.3, 0.3, 0.3, 0.3])
    mentor = told(labels)
    wrong = float((labels != TRUTH).float().mean())
    assert mentor.noise_rate_ == pytest.approx(wrong, abs=0.02)
    assert mentor.weigh(batch(labels)).mean().item() == pytest.approx(1 - mentor.noise_rate_, abs=0.002)


def test_each_class_has_the_share_of_its_own_labels():
    """Of the labels "1" those of rows of class 0 are wrong, however right the rows of class 1 are labelled."""
    labels = with_wrong([0.4, 0.0, 0.0, 0.2])
    mentor = told(labels, percentile_by_class=True, percentile_decay=0.9)
    right = torch.stack([(TRUTH == labels)[labels == code].float().mean() for code in range(N_CLASSES)])
    torch.testing.assert_close(mentor.fraction_by_class_, right, atol=0.06, rtol=0)  # they differ by 0.29
    seen = batch(labels)
    for _ in range(400):  # until the tracked percentiles stand still
        weights = mentor.weigh(seen)
    kept = torch.stack([weights[labels == code].mean() for code in range(N_CLASSES)])
    torch.testing.assert_close(kept, mentor.fraction_by_class_, atol=0.03, rtol=0)


def test_where_no_noise_is_seen_every_label_is_believed():
    mentor = told(TRUTH)
    assert mentor.is_idle
    assert (mentor.weigh(batch(TRUTH, torch.linspace(0, 9, N_ROWS))) == 1).all()


def test_nobody_has_told():
    mentor = AutoPercentileMentor(SelfPaced()).check_parameters()
    mentor.start(N_ROWS, N_CLASSES, torch.Generator())
    assert mentor.is_idle
    assert math.isnan(mentor.noise_rate_)
    assert (mentor.weigh(batch(TRUTH)) == 1).all()


@pytest.mark.parametrize(("sharpness", "knows_something"), [(0.0, False), (5.0, True)])
def test_networks_that_are_hardly_surer_than_chance_have_learned_nothing(sharpness, knows_something):
    labels = with_wrong([0.3, 0.3, 0.3, 0.3])
    proba = predictions(sharpness) if knows_something else torch.full((N_ROWS, N_CLASSES), 1 / N_CLASSES)
    mentor = told(labels, proba)
    assert (mentor.share_learned_ > 1 / 3) is knows_something
    assert (mentor.share_learned_ == 0) is not knows_something


@pytest.mark.parametrize("by_class", [False, True])
def test_state_goes_on_bit_for_bit(by_class):
    labels = with_wrong([0.3, 0.2, 0.1, 0.0])
    first = told(labels, percentile_by_class=by_class)
    second = AutoPercentileMentor(SelfPaced(), burn_in=0, percentile_by_class=by_class)
    second.start(N_ROWS, N_CLASSES, torch.Generator().manual_seed(5))
    first.weigh(batch(labels))
    second.load_state_dict(first.state_dict())
    for _ in range(3):
        assert torch.equal(first.weigh(batch(labels)), second.weigh(batch(labels)))
    assert first.noise_rate_ == second.noise_rate_
    assert first.share_learned_ == second.share_learned_


def test_a_step_reads_nothing_from_the_device():
    mentor = told(with_wrong([0.3, 0.3, 0.3, 0.3]), percentile_by_class=True)
    seen = batch(TRUTH)
    with count_reads() as reads:
        mentor.weigh(seen)
        mentor.weigh(seen)
    assert not reads


@pytest.mark.parametrize("kind", [MentorNetClassifier, MentorMixClassifier])
def test_right_10_too_few_rows_are_told_before_training_and_learned_as_they_are(blobs, kind):
    X, y = blobs
    clf = kind("mentornet_pd", ema_decay=0, random_state=0)
    with pytest.warns(NoisyLabelWarning, match="loss_percentile='auto' needs 20 rows a class .* there are 30"):
        clf.fit(X[::4], y[::4])
    assert (clf.sample_weight_ == 1).all()
    assert math.isnan(clf.noise_rate_)
    assert clf.score(X[::4], y[::4]) > 0.9


def test_right_10_rows_of_weight_zero_are_none_of_the_rows(blobs):
    X, y = blobs
    weight = (np.arange(120) % 3 == 0).astype(float)
    with pytest.warns(NoisyLabelWarning, match="there are 40"):
        MentorNetClassifier("mentornet_pd", max_epochs=2).fit(X, y, sample_weight=weight)


def test_clean_labels_are_learned_as_plain_training_learns_them(digits):
    plain, named = (MentorNetClassifier(name, max_epochs=10, random_state=0) for name in ("uniform", "self_paced"))
    for clf in (plain, named):
        clf.fit(digits.data, digits.target)
    assert np.array_equal(plain.predict_proba(digits.test_data), named.predict_proba(digits.test_data))
    assert named.advice_.startswith("No sign that labels are wrong: training was the plain one.")


@pytest.mark.parametrize("noise", ["symmetric", "pair"])
def test_wrong_digits_lose_their_weight(digits, noise):
    noisy, manifest = corrupt(digits.target, noise, rate=0.3, random_state=0)
    clf = MentorNetClassifier("mentornet_pd", random_state=0).fit(digits.data, noisy)
    low, high = clf.noise_rate_interval_
    assert low <= manifest.realised_rate <= high
    assert clf.noise_rate_ == pytest.approx(manifest.realised_rate, abs=0.07)
    is_wrong = noisy != digits.target
    assert clf.sample_weight_[is_wrong].mean() < 0.4
    assert clf.sample_weight_[~is_wrong].mean() > 0.85
    assert "The curriculum took that share of the labels for wrong." in clf.advice_
