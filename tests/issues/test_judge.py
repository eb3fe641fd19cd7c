"""What each row may be: Bayes' rule by hand, and what it means for a classifier."""

import pickle

import numpy as np
import pytest
import torch
from sklearn.metrics import average_precision_score

from noisylabel import MentorNetClassifier, corrupt, load
from noisylabel.datasets import load_digits
from noisylabel.exceptions import InvalidParameterError
from noisylabel.issues import JUDGED, judge_rows, pack_judged, unpack_judged, wrong_probabilities
from noisylabel.issues._table import _flag, _verdicts

MATRIX = torch.tensor([[0.6, 0.3, 0.1], [0.0, 1.0, 0.0], [0.2, 0.2, 0.6]])


def judged(beliefs, codes, **options):
    columns = judge_rows(torch.tensor(beliefs), MATRIX, torch.tensor(codes), **options)
    return dict(zip(JUDGED, columns.T, strict=True))


@pytest.mark.parametrize("looks", [1.0, 0.7, 2.0])
def test_it_is_bayes_rule(looks):
    beliefs, code = np.array([0.5, 0.3, 0.2]), 1
    by_hand = beliefs**looks * MATRIX[:, code].numpy()
    by_hand /= by_hand.sum()
    found = judged([beliefs.tolist()], [code], looks=looks)
    assert found["wrong_probability"][0] == pytest.approx(1 - by_hand[1], abs=1e-6)
    assert (found["first"][0], found["second"][0]) == (0, 2)
    assert found["first_probability"][0] == pytest.approx(by_hand[0], abs=1e-6)
    assert found["second_probability"][0] == pytest.approx(by_hand[2], abs=1e-6)


def test_a_label_that_no_other_class_gets_is_right_whatever_the_beliefs():
    matrix = torch.tensor([[1.0, 0.0], [0.5, 0.5]])
    found = judge_rows(torch.tensor([[0.99, 0.01]]), matrix, torch.tensor([1]))
    assert found[0, 0] == 0


@pytest.mark.parametrize("n_classes", [2, 10, 300])
def test_packed_it_is_the_same(n_classes):
    beliefs = torch.rand(50, n_classes, generator=torch.Generator().manual_seed(0)).softmax(1)
    noise = 0.7 * torch.eye(n_classes) + 0.3 / n_classes
    found = np.vstack([judge_rows(beliefs, noise, torch.arange(50) % n_classes), np.full((1, 5), np.nan)])
    packed = pack_judged(found.astype(np.float32), n_classes)
    again = unpack_judged(packed, n_classes)
    np.testing.assert_array_equal(again[:, [0, 1, 3]], found[:, [0, 1, 3]])
    np.testing.assert_allclose(again, found, atol=1e-3)
    assert packed.dtype.itemsize == (10 if n_classes < 256 else 12)


def test_of_two_classes_there_is_no_second():
    found = judge_rows(torch.tensor([[0.5, 0.5]]), torch.tensor([[0.9, 0.1], [0.1, 0.9]]), torch.tensor([0]))
    assert np.isnan(found[0, 3:]).all()
    assert found[0, 2] == pytest.approx(found[0, 0]) == pytest.approx(0.1)


def test_a_rate_moves_the_mean_and_keeps_the_order():
    beliefs = torch.rand(200, 3, generator=torch.Generator().manual_seed(0)).softmax(1)
    codes = torch.arange(200) % 3
    before, after = (judge_rows(beliefs, MATRIX, codes, rate=rate)[:, 0] for rate in (None, 0.1))
    assert after.mean() == pytest.approx(0.1, abs=1e-4)
    order = np.argsort(before, kind="stable")
    assert (np.diff(after[order]) >= -1e-6).all()


def test_the_probabilities_of_two_gaussians_have_the_rate_as_mean():
    rng = np.random.default_rng(0)
    losses = np.exp(np.where(np.arange(1000) < 300, 1, -2) + rng.normal(size=1000) / 2)
    for rate in (0.1, 0.3, 0.5):
        found = wrong_probabilities(losses, rate)
        assert found.mean() == pytest.approx(rate, abs=1e-6)
        assert (np.diff(found[np.argsort(losses)]) >= 0).all()
    assert wrong_probabilities(losses, 0.0).max() == 0
    assert wrong_probabilities(np.ones(5), 0.2).tolist() == [0.2] * 5


@pytest.fixture(scope="module")
def found():
    digits = load_digits()
    noisy, _ = corrupt(digits.target, "pair", rate=0.3, random_state=1)
    clf = MentorNetClassifier(random_state=1).fit(digits.data, noisy)
    return clf, noisy, digits.target


def test_noise_that_depends_on_the_class_is_found_with_honest_numbers(found):
    clf, noisy, clean = found
    issues = clf.label_issues()
    wrong = (noisy != clean)[issues["row"]]
    assert average_precision_score(wrong, issues["wrong_probability"]) > 0.97
    assert issues.attrs["noise_rate"] == pytest.approx(wrong.mean(), abs=0.05)
    for n in (50, 100, 300):
        assert issues["wrong_probability"].head(n).sum() == pytest.approx(wrong[:n].sum(), abs=0.1 * n)
    right = issues["suggested_label"].to_numpy() == clean[issues["row"]]
    assert right[wrong & issues["is_label_issue"].to_numpy()].mean() > 0.97
    assert clf.learnability_.has_signal


def test_verdicts_and_suggestions_agree(found):
    issues = found[0].label_issues()
    assert set(issues["verdict"]) <= {"wrong", "unclear", "outlier", "fine"}
    flagged = issues["is_label_issue"]
    assert (issues["verdict"][flagged] != "fine").all()
    assert (issues["suggested_label"][~flagged] == issues["given_label"][~flagged]).all()
    assert (issues["second_label"][flagged] != issues["given_label"][flagged]).all()
    total = issues["suggested_probability"] + issues["second_probability"]
    assert total.between(0, 1 + 1e-6).all()


def test_a_precision_flags_as_many_as_keep_it(found):
    clf, _, _ = found
    counts = []
    for precision in (0.99, 0.9, 0.5):
        issues = clf.label_issues(precision=precision)
        flagged = issues[issues["is_label_issue"]]
        assert flagged["wrong_probability"].mean() >= precision
        counts.append(len(flagged))
    assert counts == sorted(counts)
    with pytest.raises(InvalidParameterError, match="'precision'"):
        clf.label_issues(precision=1.5)


def test_a_saved_classifier_judges_alike(found, tmp_path):
    clf = found[0]
    clf.save(tmp_path / "clf")
    again = load(tmp_path / "clf")
    assert again.label_issues().equals(clf.label_issues())
    assert again.learnability_ == clf.learnability_
    assert pickle.loads(pickle.dumps(clf)).label_issues().equals(clf.label_issues())


def test_verdicts_from_posteriors_made_up():
    judged = np.array(
        [
            [0.9, 1, 0.9, 2, 0.0],  # the other class
            [0.5, 1, 0.5, 2, 0.0],  # one as likely as the other
            [0.66, 1, 0.33, 2, 0.33],  # none of three
            [0.05, 1, 0.05, 2, 0.0],  # the given one
            [np.nan] * 5,  # held out
        ]
    )
    flagged = np.array([True, False, True, False, True])
    assert _verdicts(judged, flagged).tolist() == ["wrong", "unclear", "outlier", "fine", "wrong"]


def test_of_rows_that_are_level_those_of_the_larger_loss_are_flagged():
    wrong, losses = np.array([0.9, 0.9, 0.9, 0.1]), np.array([1.0, 3.0, 2.0, 9.0])
    for n_rows, expected in ((0, []), (1, [1]), (2, [1, 2]), (3, [0, 1, 2])):
        flagged = _flag(wrong, losses, np.ones(4, dtype=bool), n_rows / 4, None)
        assert flagged.nonzero()[0].tolist() == expected
