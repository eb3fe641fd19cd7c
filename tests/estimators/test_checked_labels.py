"""Rows whose right label is known are learned with it, whatever the curriculum."""

import pickle

import numpy as np
import pytest
import torch
from sklearn.metrics import average_precision_score
from torch.utils.data import TensorDataset

import noisylabel
from noisylabel import MentorMixClassifier, MentorNetClassifier, corrupt

pytestmark = pytest.mark.filterwarnings("ignore:Labels of .* classes ended")
N_CHECKED = 150


@pytest.fixture(scope="module")
def confused(digits):
    """Digits of which 40 % of some classes are called another one."""
    return corrupt(digits.target, "asymmetric_cifar10", rate=0.4, random_state=1)[0]


@pytest.fixture(scope="module")
def audited(digits, confused):
    return MentorNetClassifier(random_state=1).fit(digits.data, confused)


@pytest.fixture(scope="module")
def checked(digits, audited):
    """The right labels of the rows that look worst, as somebody would check them; -1 elsewhere."""
    rows = audited.label_issues()["row"].to_numpy()[:N_CHECKED]
    return np.where(np.isin(np.arange(len(digits.target)), rows), digits.target, -1)


@pytest.fixture(scope="module")
def taught(digits, confused, checked):
    return MentorNetClassifier(random_state=1).fit(digits.data, confused, y_trusted=checked)


def rest(clf, is_open):
    """What a classifier says of the rows that nobody has checked."""
    return clf.label_issues(sort=False)["wrong_probability"].to_numpy()[is_open]


def test_the_default_learns_from_them(digits, confused, checked, audited, taught):
    is_wrong, is_open = confused != digits.target, checked < 0
    before, after = (average_precision_score(is_wrong[is_open], rest(clf, is_open)) for clf in (audited, taught))
    assert after > before + 0.1
    assert taught.score(digits.test_data, digits.test_target) > audited.score(digits.test_data, digits.test_target)


def test_the_estimate_of_the_rate_does_not_follow_where_somebody_looked(digits, confused, checked, audited, taught):
    assert taught.noise_rate_ == audited.noise_rate_
    is_open, right = checked < 0, np.where(checked < 0, confused, checked)
    n_left = (confused != digits.target)[is_open].sum()
    assert rest(taught, is_open).sum() == pytest.approx(n_left, rel=0.15)
    corrected = MentorNetClassifier(random_state=1).fit(digits.data, right)
    assert corrected.noise_rate_ < 0.05 < 0.2 < taught.noise_rate_  # why they are not just written into y


def test_what_is_known_of_a_row_is_said_of_it(digits, confused, checked, taught):
    issues = taught.label_issues(sort=False)[checked >= 0]
    given, right = confused[checked >= 0], checked[checked >= 0]
    assert (issues["suggested_label"] == right).all()
    assert (issues["suggested_probability"] == 1).all()
    assert (issues["wrong_probability"] == (given != right)).all()
    assert (issues["label_quality"] == (given == right)).all()
    assert (issues["is_label_issue"] == (given != right)).all()
    assert (issues["verdict"] == np.where(given != right, "wrong", "fine")).all()
    assert (taught.sample_weight_[checked >= 0] == 1).all()


def test_it_is_kept(digits, checked, taught, tmp_path):
    taught.save(tmp_path / "saved")
    for again in (noisylabel.load(tmp_path / "saved"), pickle.loads(pickle.dumps(taught))):
        assert again.label_issues().equals(taught.label_issues())


def test_plain_training_is_that_of_the_right_labels(digits, confused, checked):
    clf = MentorNetClassifier("uniform", max_epochs=3, random_state=0)
    told = clf.fit(digits.data, confused, y_trusted=checked).predict_proba(digits.test_data)
    right = np.where(checked < 0, confused, checked)
    assert np.array_equal(told, clf.fit(digits.data, right).predict_proba(digits.test_data))


@pytest.mark.parametrize("cls", [MentorNetClassifier, MentorMixClassifier])
def test_a_percentile_puts_none_of_them_aside(digits, confused, checked, cls):
    clf = cls("self_paced", loss_percentile=0.3, max_epochs=8, random_state=0)
    weights = clf.fit(digits.data, confused, y_trusted=checked).sample_weight_
    assert (weights[checked >= 0] == 1).all()
    assert weights[checked < 0].mean() < 0.7


def test_a_dataset_and_a_run_that_goes_on_give_the_same(digits, confused, checked, tmp_path):
    clf = MentorNetClassifier(max_epochs=4, standardize=False, random_state=0)
    X = digits.data.astype(np.float32)
    expected = clf.fit(X, confused, y_trusted=checked).predict_proba(digits.test_data)
    streamed = clf.fit(TensorDataset(torch.as_tensor(X)), confused, y_trusted=checked)
    assert streamed.predict_proba(digits.test_data) == pytest.approx(expected, abs=1e-4)
    clf.set_params(checkpoint_dir=tmp_path).fit(X, confused, y_trusted=checked)
    again = clf.fit(X, confused, y_trusted=checked)  # from its checkpoint
    assert np.array_equal(again.predict_proba(digits.test_data), expected)
    with pytest.raises(noisylabel.exceptions.InvalidParameterError, match="other data: y_trusted was"):
        clf.fit(X, confused)


def test_few_rows_too(digits, confused):
    """Of too few rows the noise is not found out, and the labels are judged by their losses."""
    rows = slice(0, 100)
    right = np.where(np.arange(100) < 30, digits.target[rows], -1)
    clf = MentorNetClassifier("mentornet_pd", loss_percentile=0.8, max_epochs=5, random_state=0)
    issues = clf.fit(digits.data[rows], confused[rows], y_trusted=right).label_issues(sort=False)
    is_wrong = confused[:30] != right[:30]
    assert is_wrong.any()
    assert (issues["is_label_issue"][:30] == is_wrong).all()
    assert (issues["suggested_label"][:30] == right[:30]).all()
