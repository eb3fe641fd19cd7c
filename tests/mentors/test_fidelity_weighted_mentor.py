"""The mentor whose teacher is a Gaussian process on the network's features of trusted rows."""

import pickle

import numpy as np
import pytest
import torch
from skorch.callbacks import Callback
from torch import nn
from torch.utils.data import TensorDataset

from noisylabel import MentorMixClassifier, MentorNetClassifier
from noisylabel.exceptions import InvalidDataError, InvalidParameterError
from noisylabel.mentors import FidelityWeightedMentor, Observation, Trainee
from noisylabel.mentors._fidelity_weighted import GaussianTeacher, spread_over_classes


def test_the_papers_confidences_and_targets(monkeypatch):
    """beta 1 and S of 0, .5 and 2 give 1, .606531 and .135335; a trusted row has its right label."""

    def teacher(features):
        return torch.tensor([[0.9, 0.1], [0.5, 0.5], [0.2, 0.8], [0.4, 0.6]]), torch.tensor([0.0, 0.5, 2.0, 0.1])

    monkeypatch.setattr("noisylabel.mentors._fidelity_weighted.GaussianTeacher", lambda *args: teacher)
    mentor = FidelityWeightedMentor(beta=1, burn_in=20).check_parameters()
    mentor.tell(torch.tensor([-1, -1, -1, 0]), None)
    mentor.start(4, 2, torch.Generator())
    labels = torch.tensor([0, 1, 1, 1])
    mentor.meet(Trainee(nn.Linear(3, 2), labels, lambda rows: torch.zeros(len(rows), 3)))
    seen = Observation(torch.ones(4), torch.zeros(4, 2), labels, torch.arange(4), 0.19)
    mentor.advance(0.19)
    assert mentor.weigh(seen).tolist() == [1, 1, 1, 1]
    assert mentor.targets(seen) is None
    mentor.advance(0.2)
    torch.testing.assert_close(mentor.targets(seen).sum(1), torch.tensor([1, 0.606531, 0.135335, 1]))
    weights = mentor.weigh(seen)
    torch.testing.assert_close(weights, torch.tensor([0.9, 0.606531 / 2, 0.135335 * 0.8, 0.0]))
    assert mentor.targets(seen)[3].tolist() == [1, 0]
    assert mentor.metrics()["fidelity"] == pytest.approx((1 + 0.606531 + 0.135335 + 1) / 4, abs=1e-6)


def test_the_teacher_knows_the_neighbourhood_of_trusted_rows():
    centres = torch.tensor([[0.0, 0.0], [6.0, 0.0], [0.0, 6.0]])
    labels = torch.arange(60) % 3
    features = centres[labels] + torch.randn(60, 2, generator=torch.Generator().manual_seed(0))
    teacher = GaussianTeacher(features, labels, 3)
    proba, uncertainty = teacher(centres)
    assert proba.argmax(1).tolist() == [0, 1, 2]
    assert proba.max(1).values.min() > 0.85
    assert uncertainty.max() < 0.1
    proba, uncertainty = teacher(torch.tensor([[500.0, -500.0]]))
    torch.testing.assert_close(proba, torch.full((1, 3), 1 / 3).double(), atol=1e-3, rtol=0)
    assert uncertainty.item() == pytest.approx(1, abs=1e-3)


def test_a_teacher_of_one_row_or_of_equal_ones():
    for features in (torch.ones(1, 4), torch.ones(5, 4)):
        proba, uncertainty = GaussianTeacher(features, torch.ones(len(features), dtype=torch.long), 3)(torch.ones(2, 4))
        assert proba.argmax(1).tolist() == [1, 1]
        assert ((uncertainty >= 0) & (uncertainty <= 1)).all()


def test_many_trusted_rows_are_cut_evenly():
    labels = torch.arange(1000) % 10
    labels[:500] = 0
    chosen = spread_over_classes(labels, 200)
    assert labels[chosen].bincount().tolist() == [20] * 10
    assert len(chosen.unique()) == 200


def test_misuse_is_said(blobs):
    for options, message in (
        ({"beta": -1}, "'beta' must be"),
        ({"n_trusted": 0}, "'n_trusted' must be an integer of at least 1"),
        ({"burn_in": 0.18}, "'burn_in' is a percent of training"),
    ):
        with pytest.raises(InvalidParameterError, match=message):
            FidelityWeightedMentor(**options).check_parameters()
    X, y = blobs
    weight = np.where(np.arange(len(y)) < 60, 1.0, 0.0)
    with pytest.raises(InvalidDataError, match=r"knows the right label of no row.*'fidelity_weighted'"):
        MentorNetClassifier("fidelity_weighted").fit(X, y, sample_weight=weight, y_trusted=np.where(weight == 0, y, -1))


def trusted(y, n=100):
    return np.where(np.arange(len(y)) % (len(y) // n) == 0, y, -1)


def test_a_hundred_trusted_rows_beat_plain_training_where_classes_are_confused(digits):
    other = np.array([0, 7, 3, 8, 4, 6, 6, 7, 8, 4])
    wrong = np.random.default_rng(0).random(len(digits.target)) < 0.45
    confused = np.where(wrong, other[digits.target], digits.target)
    options = {"max_epochs": 25, "random_state": 0}
    plain = MentorNetClassifier("uniform", **options).fit(digits.data, confused)
    clf = MentorNetClassifier("fidelity_weighted", **options)
    clf.fit(digits.data, confused, y_trusted=trusted(digits.target))
    assert clf.score(digits.test_data, digits.test_target) > plain.score(digits.test_data, digits.test_target) + 0.1
    weights, right = clf.sample_weight_, digits.target == confused
    assert weights[~right].mean() < 0.2 < 0.6 < weights[right].mean()
    again = pickle.loads(pickle.dumps(clf))
    assert np.array_equal(again.predict_proba(digits.test_data), clf.predict_proba(digits.test_data))
    assert "table_" not in vars(clf.net_.mentor)
    assert len(clf.label_issues()) == len(digits.data)


class Kill(Callback):
    def __init__(self, epoch):
        self.epoch = epoch

    def on_epoch_end(self, net, **kwargs):
        if len(net.history) == self.epoch:
            raise RuntimeError("killed")


@pytest.mark.parametrize("epoch", [1, 4])
def test_a_stopped_fit_goes_on_without_asking_again(noisy_blobs, tmp_path, monkeypatch, epoch):
    X, y = noisy_blobs
    options = {"max_epochs": 6, "random_state": 0, "batch_size": 24, "validation_fraction": 0.2, "burn_in": 30}
    known = trusted(np.repeat(np.arange(3), 150), 45)
    whole = MentorNetClassifier("fidelity_weighted", **options).fit(X, y, y_trusted=known)
    clf = MentorNetClassifier("fidelity_weighted", checkpoint_dir=tmp_path, callbacks=[Kill(epoch)], **options)
    with pytest.raises(RuntimeError, match="killed"):
        clf.fit(X, y, y_trusted=known)
    if epoch == 4:
        monkeypatch.setattr(FidelityWeightedMentor, "_ask", None)
    clf.set_params(callbacks=None).fit(X, y, y_trusted=known)
    assert np.array_equal(whole.predict_proba(X), clf.predict_proba(X))
    assert np.array_equal(whole.sample_weight_, clf.sample_weight_, equal_nan=True)


def test_mixes_datasets_images_and_weights(blobs, images):
    X, y = blobs
    options = {"max_epochs": 10, "batch_size": 24, "class_weight": "balanced", "validation_fraction": 0.2}
    weight = 1.0 + np.arange(len(y)) % 2
    clf = MentorMixClassifier("fidelity_weighted", **options).fit(X, y, weight, trusted(y, 40))
    assert clf.score(X, y) > 0.9
    data = TensorDataset(torch.as_tensor(X), torch.as_tensor(y))
    assert MentorNetClassifier("fidelity_weighted", **options).fit(data, y_trusted=trusted(y, 40)).score(data) > 0.9
    X, y = images
    clf = MentorNetClassifier("fidelity_weighted", max_epochs=15, batch_size=16)
    assert clf.fit(X, y, y_trusted=trusted(y, 20)).score(X, y) > 0.9


def test_another_loss_is_weighted_by_what_is_believed_of_the_label(noisy_blobs):
    X, y = noisy_blobs
    right = np.repeat(np.arange(3), 150)
    clf = MentorNetClassifier("fidelity_weighted", loss="gce", max_epochs=15, random_state=0)
    clf.fit(X, y, y_trusted=trusted(right, 45))
    assert clf.sample_weight_[y == right].mean() > clf.sample_weight_[y != right].mean() + 0.5
