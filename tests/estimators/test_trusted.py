"""Trusted labels in fit, and learned curricula in training."""

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn import config_context
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from noisylabel import MentorNetClassifier, corrupt
from noisylabel._support.trusted import trusted_codes
from noisylabel.curricula import CURRICULA, DataDriven, MentorNet
from noisylabel.exceptions import InvalidDataError, InvalidParameterError, NoisyLabelWarning

N_TRAIN = 1200


def trusted(data, n=300):
    return np.where(np.arange(N_TRAIN) % (N_TRAIN // n) == 0, data.target, -1)


def fitted(data, y_trusted, **options):
    clf = MentorNetClassifier(**{"curriculum": "data_driven", "random_state": 0, **options})
    return clf.fit(data.data, data.noisy, y_trusted=y_trusted)


@pytest.fixture(scope="module")
def learned(digits):
    return fitted(digits, trusted(digits))


def score(clf, data):
    return clf.score(data.test_data, data.test_target)


def test_it_beats_plain_training_and_finds_wrong_labels_among_unchecked_rows(digits, learned):
    plain = MentorNetClassifier("uniform", random_state=0).fit(digits.data, digits.noisy)
    assert score(learned, digits) > score(plain, digits) + 0.1
    right, unchecked = digits.noisy == digits.target, trusted(digits) < 0
    weights = learned.sample_weight_
    assert weights[unchecked & right].mean() > 0.9
    assert weights[unchecked & ~right].mean() < 0.3
    assert learned.noise_rate_ == pytest.approx((~right[~unchecked]).mean())
    assert isinstance(learned.curriculum_, MentorNet)


def test_same_seed_same_result(digits, learned):
    again = fitted(digits, trusted(digits))
    assert np.array_equal(again.predict_proba(digits.data), learned.predict_proba(digits.data))


def test_trusted_labels_only_teach_the_curriculum(digits):
    """Until the first update, training is as without them."""
    with pytest.warns(NoisyLabelWarning, match="ended before"):
        data_driven = fitted(digits, trusted(digits), max_epochs=4, update_at=(99,))
    plain = fitted(digits, None, max_epochs=4, curriculum="uniform")
    assert np.array_equal(data_driven.predict_proba(digits.data), plain.predict_proba(digits.data))


def test_transfer_to_data_with_other_classes(digits, learned, tmp_path):
    path = learned.curriculum_.save(tmp_path / "from_digits.safetensors")
    X, y = load_breast_cancer(return_X_y=True)
    noisy, _ = corrupt(y, "symmetric", rate=0.6, random_state=0)
    options = {"loss_percentile": 0.7, "random_state": 0}
    transferred = MentorNetClassifier(path, **options).fit(X[:400], noisy[:400])
    right = noisy[:400] == y[:400]
    assert transferred.sample_weight_[right].mean() > transferred.sample_weight_[~right].mean() + 0.3
    plain = MentorNetClassifier("uniform", **options).fit(X[:400], noisy[:400])
    assert transferred.score(X[400:], y[400:]) > plain.score(X[400:], y[400:])


@pytest.mark.filterwarnings("ignore:Labels of .* of 100 classes ended")  # there is nothing to learn
def test_a_hundred_classes(learned):
    rng = np.random.default_rng(0)
    y = np.arange(400) % 100
    X = rng.integers(0, 255, (400, 3, 8, 8)).astype(np.uint8)
    for curriculum in ("mentornet_dd", learned.curriculum_, "zoo:mentornet_pd"):
        clf = MentorNetClassifier(curriculum, loss_percentile=0.7, max_epochs=3, random_state=0).fit(X, y)
        assert clf.predict_proba(X).shape == (400, 100)
        assert 0 <= clf.sample_weight_.min() < clf.sample_weight_.max() <= 1  # it tells samples apart


@pytest.mark.parametrize(
    "name",
    [
        "mentornet_pd",
        *(pytest.param(name, marks=pytest.mark.slow) for name in ("self_paced", "focal_loss", "spcl_linear")),
    ],
)
def test_a_learned_closed_form_trains_like_the_closed_form(digits, name):
    scores = [
        score(fitted(digits, None, curriculum=curriculum, loss_percentile=0.6), digits)
        for curriculum in (CURRICULA[name](), f"zoo:{name}")
    ]
    assert scores[1] == pytest.approx(scores[0], abs=0.05)


def test_mentornet_dd_beats_plain_training_on_other_data(digits):
    plain, dd = (fitted(digits, None, curriculum=name, loss_percentile=0.6) for name in ("uniform", "mentornet_dd"))
    assert score(dd, digits) > score(plain, digits) + 0.05


@pytest.mark.slow
def test_sequence_option_sees_the_samples_own_past(digits):
    clf = fitted(digits, trusted(digits), curriculum=DataDriven(history_length=4), max_epochs=20)
    assert clf.curriculum_.history_length == 4
    again = fitted(digits, None, curriculum=clf.curriculum_, max_epochs=20)
    right = digits.noisy == digits.target
    assert again.sample_weight_[right].mean() > again.sample_weight_[~right].mean() + 0.4


def test_held_out_rows_and_weights_and_dataset(digits):
    clf = fitted(digits, trusted(digits), validation_fraction=0.25, max_epochs=8)
    assert clf.curriculum_.card["learned_from"]["n_right"] + clf.curriculum_.card["learned_from"]["n_wrong"] < 300
    X = torch.as_tensor(digits.data, dtype=torch.float32)
    dataset = torch.utils.data.TensorDataset(X, torch.as_tensor(digits.noisy))
    options = {"curriculum": "data_driven", "random_state": 0, "max_epochs": 8}
    streamed = MentorNetClassifier(**options).fit(dataset, y_trusted=trusted(digits))
    assert streamed.noise_rate_ == pytest.approx((digits.noisy != digits.target)[::4].mean())


def test_a_pipeline_and_a_grid_search_pass_trusted_labels_on(digits):
    X, y = digits.data, digits.noisy
    clf = MentorNetClassifier("data_driven", update_at=(21,), max_epochs=5, random_state=0)
    search = GridSearchCV(clf, {"burn_in": [18]}, cv=2).fit(X, y, y_trusted=trusted(digits))
    share = (digits.noisy != digits.target)[::4].mean()  # of the trusted rows
    assert search.best_estimator_.noise_rate_ == pytest.approx(share)
    pipeline = make_pipeline(StandardScaler(), clf)
    pipeline.fit(X, y, mentornetclassifier__y_trusted=trusted(digits))
    assert pipeline[-1].noise_rate_ == pytest.approx(share)


def test_a_grid_over_curricula_that_learn_from_trusted_labels(digits):
    X, right = digits.data[:600], np.array([f"digit {code}" for code in digits.target[:600]])
    given, known = right.copy(), np.array([None] * 600)
    given[::3], known[::2] = np.roll(right, 1)[::3], right[::2]
    curricula = ["learning_to_reweight", "fidelity_weighted"]
    with config_context(enable_metadata_routing=True):
        clf = MentorNetClassifier(max_epochs=12, random_state=0)
        pipeline = make_pipeline(StandardScaler(), clf.set_fit_request(y_trusted=True))
        search = GridSearchCV(pipeline, {"mentornetclassifier__curriculum": curricula}, cv=2, error_score="raise")
        search.fit(X, given, y_trusted=known)
    scores = search.cv_results_["mean_test_score"]
    assert scores.min() > 0.5  # two thirds of the labels are right
    assert search.score(digits.test_data, [f"digit {code}" for code in digits.test_target]) > 0.8


CLASSES = np.array(["cat", "dog"])
CODES = [0, -1, 1, -1]


@pytest.mark.parametrize(
    "y_trusted",
    [
        ["cat", None, "dog", None],
        ["cat", -1, "dog", -1],
        np.array(["cat", -1, "dog", -1]),  # NumPy makes strings of the markers
        ["cat", np.nan, "dog", np.nan],
        pd.Series(["cat", None, "dog", pd.NA]),
        pd.Series(["cat", None, "dog", None], dtype="category"),
        pd.Series(["cat", None, "dog", None], dtype="string"),
        np.ma.array(["cat", "dog", "dog", "dog"], mask=[False, True, False, True]),
        (np.array([True, False, True, False]), ["cat", "dog"]),
        ([True, False, True, False], np.array(["cat", "dog", "dog", "cat"])),
        (pd.Series([True, pd.NA, True, False], dtype="boolean"), ["cat", "dog", "dog", "cat"]),
        (np.ma.array([True, True, True, False], mask=[0, 1, 0, 0]), ["cat", "dog", "dog", "cat"]),
        np.array([(True, "cat"), (False, "cat"), (True, "dog"), (False, "")], dtype=[("known", bool), ("label", "U3")]),
        np.array([("cat", True), ("cat", False), ("dog", True), ("", False)], dtype=[("label", "O"), ("known", bool)]),
    ],
)
def test_what_trusted_labels_may_be(y_trusted):
    assert trusted_codes(y_trusted, 4, CLASSES).tolist() == CODES


@pytest.mark.parametrize(
    ("y_trusted", "classes", "codes"),
    [
        ([3.0, np.nan, 5.0], np.array([3, 5]), [0, -1, 1]),
        (torch.tensor([3, -1, 5]), np.array([3, 5]), [0, -1, 1]),
        (np.array([[3], [-1], [5]]), np.array([3, 5]), [0, -1, 1]),
        ([1, -1, None], np.array([-1, 1]), [1, 0, -1]),  # -1 is a class here
        ((np.array([True, True, True]), [1, -1, 1]), np.array([-1, 1]), [1, 0, 1]),
        ([True, None, False], np.array([False, True]), [1, -1, 0]),
    ],
)
def test_numbers(y_trusted, classes, codes):
    assert trusted_codes(y_trusted, 3, classes).tolist() == codes


@pytest.mark.parametrize(
    ("y_trusted", "message"),
    [
        (["cat", "dog"], "one entry for each row of X .*: 4. Got 2"),
        ([None] * 4, "knows no label"),
        (["cat", "bird", None, None], "has the label 'bird', which is none of the 2 classes .*'cat', 'dog'"),
        ((np.array([1, 0, 1, 0]), ["cat", "dog"]), "boolean mask"),
        ((np.array([True, False]), ["cat", "dog"]), "a mask with one entry for each row of X: 4. Got 2"),
        ((np.array([True, False, True, False]), ["cat"]), "as many labels as the mask has true entries"),
        (np.zeros((4, 2)), r"shape \(N,\)"),
        (np.zeros(4, dtype=[("a", int), ("b", int)]), "structured array, which must have two fields, a boolean mask"),
        (np.zeros(4, dtype=[("known", bool)]), "must have two fields"),
    ],
)
def test_bad_trusted_labels(y_trusted, message):
    with pytest.raises(InvalidDataError, match=message):
        trusted_codes(y_trusted, 4, CLASSES)


def test_a_marker_that_is_a_class_is_asked_about():
    with pytest.raises(InvalidDataError, match="-1 is a class of y.*Write None there"):
        trusted_codes([1, -1, -1], 3, np.array([-1, 1]))


def test_misuse_is_said(digits):
    with pytest.raises(InvalidDataError, match="Pass them to fit as y_trusted"):
        fitted(digits, None)
    with pytest.raises(InvalidParameterError, match="'update_at' must hold percents of training .21 for 21 %"):
        fitted(digits, trusted(digits), update_at=(0.21, 0.75))
    with pytest.warns(NoisyLabelWarning, match="ended before a curriculum was learned"):
        fitted(digits, trusted(digits), max_epochs=1, batch_size=2000)


@pytest.mark.filterwarnings("ignore:Labels of .* classes ended")
def test_rows_of_weight_zero_teach_nothing(digits):
    wrong = digits.noisy != digits.target
    clf = MentorNetClassifier("data_driven", max_epochs=5, random_state=0)
    with pytest.warns(NoisyLabelWarning, match="is right for them"):
        clf.fit(digits.data, digits.noisy, sample_weight=(~wrong).astype(float), y_trusted=trusted(digits))
    with pytest.raises(InvalidDataError, match="0 have a trusted label"):
        clf.fit(digits.data, digits.noisy, sample_weight=np.arange(N_TRAIN) % 4, y_trusted=trusted(digits))
    weight = np.where(np.arange(N_TRAIN) < 600, 1.0, 0.0)
    clf.fit(digits.data, digits.noisy, sample_weight=weight, y_trusted=trusted(digits))
    assert clf.noise_rate_ == pytest.approx(wrong[:600:4].mean())


@pytest.mark.filterwarnings("ignore:Training ended before a curriculum")
def test_right_10_mask_and_labels_in_one_array_are_cut_by_cross_validation(digits):
    X, y = digits.data[:400], digits.noisy[:400]
    both = np.zeros(400, dtype=[("known", bool), ("label", int)])
    both["known"], both["label"] = np.arange(400) % 2 == 0, digits.target[:400]
    clf = MentorNetClassifier("data_driven", update_at=(99,), max_epochs=2, random_state=0)

    def rates(clf, y_trusted):
        options = {"cv": 2, "params": {"y_trusted": y_trusted}, "error_score": "raise", "return_estimator": True}
        return [fitted.noise_rate_ for fitted in cross_validate(clf, X, y, **options)["estimator"]]

    expected = rates(clf, np.where(both["known"], both["label"], -1))
    assert rates(clf, both) == expected
    with config_context(enable_metadata_routing=True):
        assert rates(clone(clf).set_fit_request(y_trusted=True), both) == expected
    search = GridSearchCV(clf, {"max_epochs": [2]}, cv=2, error_score="raise").fit(X, y, y_trusted=both)
    assert search.best_estimator_.noise_rate_ == pytest.approx((y != digits.target[:400])[::2].mean())


@pytest.mark.filterwarnings("ignore:Labels of .* classes ended")
@pytest.mark.parametrize("loss_percentile", [0.7, "auto"])
def test_right_10_trusted_rows_that_are_all_right_do_not_fail_a_fold(digits, loss_percentile):
    all_right = np.where((digits.noisy == digits.target) & (np.arange(N_TRAIN) % 10 == 0), digits.target, -1)
    options = {"loss_percentile": loss_percentile, "max_epochs": 10}
    with pytest.warns(NoisyLabelWarning, match="'y' is right for them: there is nothing to tell apart"):
        clf = fitted(digits, all_right, **options)
    same = fitted(digits, all_right, curriculum="mentornet_pd", **options)
    assert np.array_equal(clf.predict_proba(digits.data), same.predict_proba(digits.data))
    assert clf.noise_rate_ == (same.noise_rate_ if loss_percentile == "auto" else 0)


def test_right_10_trusted_rows_not_visited_before_an_update_do_not_end_training(digits):
    y_trusted = np.full(N_TRAIN, -1)
    right = digits.noisy == digits.target
    rows = [np.flatnonzero(right)[0], np.flatnonzero(~right)[0]]
    y_trusted[rows] = digits.target[rows]
    with pytest.warns(NoisyLabelWarning) as said:
        fitted(digits, y_trusted, max_epochs=1, batch_size=10, update_at=(1,), burn_in=0)
    assert "none was learned. Raise 'max_epochs'" in str(said[0].message)
