"""scikit-learn's own checks, and its tools around our estimator."""

import pickle

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from noisylabel import FilterKDClassifier, MentorMixClassifier, MentorNetClassifier
from sweeps import MENTORNET_GRID

ROUNDING = {
    f"check_sample_weight_equivalence_on_{kind}_data": "weights are equivalent to repeated rows up to float32 rounding "
    "(about 1e-6, see test_weights_stand_for_repeated_rows); the check demands 1e-7"
    for kind in ("dense", "sparse")
}


MIX = MentorMixClassifier(loss_percentile=0.7)  # "auto" wants more rows than these checks have


@parametrize_with_checks(
    [MentorNetClassifier(), MIX, FilterKDClassifier()],
    expected_failed_checks=lambda _: ROUNDING,
    xfail_strict=False,
)
def test_sklearn_checks(estimator, check):
    check(estimator)


@pytest.mark.parametrize("curriculum", ["uniform", "self_paced", "mentornet_pd", "spcl_linear"])
def test_weights_stand_for_repeated_rows(curriculum):
    """scikit-learn's equivalence check, at the precision that float32 has."""
    rng = np.random.default_rng(0)
    X, y, weight = rng.random((25, 10)), rng.integers(0, 3, 25), rng.integers(0, 5, 25)
    order = rng.permutation(25)
    clf = MentorNetClassifier(curriculum, random_state=0)
    weighted = clone(clf).fit(X[order], y[order], sample_weight=weight[order])
    repeated = clone(clf).fit(X.repeat(weight, axis=0), y.repeat(weight))
    np.testing.assert_allclose(weighted.predict_proba(X), repeated.predict_proba(X), rtol=1e-4, atol=1e-6)


def test_grid_search_over_curricula(digits):
    grid = {"curriculum": ["uniform", "self_paced"], "loss_percentile": [0.6, 0.9]}
    search = GridSearchCV(MentorNetClassifier(max_epochs=25, random_state=0), grid, cv=2, error_score="raise")
    search.fit(digits.data, digits.noisy)
    assert search.best_params_["curriculum"] == "self_paced"
    assert search.score(digits.test_data, digits.test_target) > 0.8


def test_every_key_of_the_shipped_grid_is_a_parameter():
    assert MENTORNET_GRID.keys() <= MentorNetClassifier().get_params().keys()


def test_pipeline_cross_validation_and_clone(blobs):
    X, y = blobs
    pipeline = make_pipeline(StandardScaler(), MentorNetClassifier(max_epochs=30, random_state=0))
    assert cross_val_score(pipeline, X, y, cv=3, error_score="raise").min() > 0.9
    assert clone(pipeline)[-1].get_params() == pipeline[-1].get_params()


def test_pickle_and_joblib_keep_the_predictions(blobs, tmp_path):
    X, y = blobs
    clf = MentorNetClassifier(loss_percentile="auto", validation_fraction=0.1, random_state=0).fit(X, y)
    wide = MentorNetClassifier(max_epochs=2, burn_in=50, loss_percentile="auto", random_state=0)
    small, large = (len(pickle.dumps(wide.fit(np.tile(X, (n, 20)), np.tile(y, n)))) for n in (5, 50))
    assert large - small < 60 * 45 * len(X)  # no training data inside, 400 bytes a row; only the record and the label
    expected = clf.predict_proba(X)
    assert np.array_equal(pickle.loads(pickle.dumps(clf)).predict_proba(X), expected)
    joblib.dump(clf, tmp_path / "clf.joblib")
    assert np.array_equal(joblib.load(tmp_path / "clf.joblib").predict_proba(X), expected)


@pytest.mark.parametrize(
    "names",
    [
        np.array(["cat", "dog", "eel"]),
        np.array([10, -3, 7]),
        np.array(["b", "a", "c"], dtype=object),
        np.array([2.0, 0.0, 1.0]),
    ],
)
def test_labels_of_any_kind_come_back(blobs, names):
    X, y = blobs
    labels = names[y]
    clf = MentorNetClassifier(max_epochs=30, random_state=0).fit(X, labels)
    assert clf.predict(X).dtype == clf.classes_.dtype
    assert set(clf.classes_) == set(names)
    assert (clf.predict(X) == labels).mean() > 0.95
    assert list(clf.classes_) == sorted(names)


def test_boolean_labels_and_pandas(blobs):
    X, y = blobs
    frame = pd.DataFrame(X, columns=list("abcde"))
    clf = MentorNetClassifier(max_epochs=30, random_state=0).fit(frame, pd.Series(y == 2))
    assert clf.predict(frame).dtype == bool
    assert list(clf.feature_names_in_) == list("abcde")
    assert clf.score(frame, y == 2) > 0.95


def test_a_class_with_a_single_row(blobs):
    X, y = blobs
    keep = np.append(np.flatnonzero(y != 2), np.flatnonzero(y == 2)[:1])
    clf = MentorNetClassifier(max_epochs=10, validation_fraction=0.3, random_state=0).fit(X[keep], y[keep])
    assert list(clf.classes_) == [0, 1, 2]
    assert not np.isnan(clf.sample_weight_[-1])  # the only row of a class is trained on, never held out


def test_no_partial_fit_and_it_says_why():
    assert not hasattr(MentorNetClassifier(), "partial_fit")
    with pytest.raises(AttributeError) as error:
        MentorNetClassifier().partial_fit([[0.0]], [0])
    assert "percent of training" in str(error.value.__cause__)
