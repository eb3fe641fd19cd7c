"""scikit-learn's own checks, and its tools around our estimator."""

import pickle

import joblib
import numpy as np
import pandas as pd
import pytest
import torch
from sklearn import config_context
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import BaggingClassifier, StackingClassifier, VotingClassifier
from sklearn.experimental import enable_halving_search_cv  # noqa: F401 - lets the next line import it
from sklearn.frozen import FrozenEstimator
from sklearn.inspection import permutation_importance
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    ParameterGrid,
    TunedThresholdClassifierCV,
    cross_val_predict,
    cross_val_score,
    cross_validate,
    learning_curve,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from noisylabel import FilterKDClassifier, MentorMixClassifier, MentorNetClassifier
from noisylabel.exceptions import InvalidParameterError, NoisyLabelWarning
from sweeps import MENTORNET_GRID

ROUNDING = {
    f"check_sample_weight_equivalence_on_{kind}_data": "weights are equivalent to repeated rows up to float32 rounding "
    "(about 1e-6, see test_right_09); the check demands 1e-7"
    for kind in ("dense", "sparse")
}


KINDS = [MentorNetClassifier, MentorMixClassifier, FilterKDClassifier]
SETTINGS = [kind() for kind in KINDS]


@pytest.mark.filterwarnings("ignore::noisylabel.exceptions.NoisyLabelWarning")  # few rows, with nothing to learn
@parametrize_with_checks(
    [kind() for kind in KINDS],
    expected_failed_checks=lambda _: ROUNDING,
    xfail_strict=False,
)
def test_sklearn_checks(estimator, check):
    check(estimator)


ONE_BATCH = [
    *(
        MentorNetClassifier(name, loss_percentile=0.7)
        for name in ("uniform", "self_paced", "mentornet_pd", "spcl_linear")
    ),
    MentorNetClassifier(loss_percentile=0.7, percentile_by_class=True, ema_decay=0.99, class_weight="balanced"),
    MentorNetClassifier("uniform", loss="elr", max_epochs=10),
    MentorNetClassifier("active_bias"),
    MentorNetClassifier("spld", loss_percentile=0.7),
    FilterKDClassifier(),
    FilterKDClassifier("label_smoothing", max_epochs=10),
]


@pytest.mark.parametrize("setting", ONE_BATCH)
def test_right_09_weights_stand_for_repeated_rows_in_one_batch(setting):
    """scikit-learn's equivalence check, at the precision that float32 has."""
    rng = np.random.default_rng(0)
    X, y, weight = rng.random((25, 10)), rng.integers(0, 3, 25), rng.integers(0, 5, 25)
    order = rng.permutation(25)
    clf = clone(setting).set_params(random_state=0)
    weighted = clone(clf).fit(X[order], y[order], sample_weight=weight[order])
    repeated = clone(clf).fit(X.repeat(weight, axis=0), y.repeat(weight))
    np.testing.assert_allclose(weighted.predict_proba(X), repeated.predict_proba(X), rtol=1e-4, atol=1e-6)


@pytest.mark.filterwarnings("ignore::noisylabel.exceptions.NoisyLabelWarning")
@pytest.mark.parametrize("options", [{}, {"batch_size": 16}, {"class_weight": "balanced"}])
@pytest.mark.parametrize("kind", KINDS)
def test_right_09_what_rows_of_weight_zero_hold_changes_nothing(kind, options, blobs):
    X, y = blobs
    weight = np.arange(120) % 4 > 0
    other_X, other_y = np.where(weight[:, None], X, 9), np.where(weight, y, 2 - y)
    clf = kind(max_epochs=6, random_state=0, **options)
    expected = clone(clf).fit(X, y, sample_weight=weight).predict_proba(X)
    assert np.array_equal(clone(clf).fit(other_X, other_y, sample_weight=weight).predict_proba(X), expected)


def halving(clf, X, y):
    search = HalvingGridSearchCV(clf, {"lr": [0.001, 0.002]}, cv=2, min_resources=15, error_score="raise")
    return search.fit(X, y).predict(X)


def with_routing(clf, X, y):
    with config_context(enable_metadata_routing=True):
        clf = clone(clf).set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
        weights = {"sample_weight": np.ones(len(y))}
        return cross_validate(clf, X, y, params=weights, cv=2, error_score="raise")["test_score"]


TOOLS = {
    "calibration": lambda clf, X, y: CalibratedClassifierCV(clf, cv=2).fit(X, y).predict_proba(X),
    "frozen": lambda clf, X, y: CalibratedClassifierCV(FrozenEstimator(clf.fit(X, y))).fit(X, y).predict_proba(X),
    "stacking": lambda clf, X, y: StackingClassifier([("a", clf)], cv=2).fit(X, y).predict_proba(X),
    "voting": lambda clf, X, y: VotingClassifier([("a", clf)], voting="soft").fit(X, y).predict_proba(X),
    "one vs rest": lambda clf, X, y: OneVsRestClassifier(clf).fit(X, y).predict_proba(X),
    "bagging": lambda clf, X, y: BaggingClassifier(clf, n_estimators=2).fit(X, y).predict_proba(X),
    "learning curve": lambda clf, X, y: learning_curve(clf, X, y, train_sizes=[0.4, 1.0], cv=2, error_score="raise")[2],
    "halving": halving,
    "importance": lambda clf, X, y: permutation_importance(clf.fit(X, y), X, y, n_repeats=1).importances,
    "threshold": lambda clf, X, y: TunedThresholdClassifierCV(clf, cv=2).fit(X, y == "cat").predict(X),
    "pandas": lambda clf, X, y: (
        make_pipeline(StandardScaler(), clf).set_output(transform="pandas").fit(X, y).predict(X)
    ),
    "log loss": lambda clf, X, y: cross_val_predict(clf, X, y, cv=2, method="predict_log_proba"),
    "routing": with_routing,
    "single row": lambda clf, X, y: clf.fit(X, ["only", *y[1:]]).predict(X),
    "few rows": lambda clf, X, y: clf.fit(X[:20], y[:20]).predict(X),
    "class weight": lambda clf, X, y: clf.set_params(class_weight={"cat": 2}).fit(X, y).predict(X),
}


@pytest.fixture(scope="module")
def frame():
    """Sixty shuffled rows with text labels: a DataFrame, and a Series of categories with an index of its own."""
    rng = np.random.default_rng(0)
    codes = rng.permutation(np.repeat(np.arange(3), 20))
    X = pd.DataFrame(rng.normal(size=(60, 4)) + 4 * codes[:, None], columns=list("abcd"), index=np.arange(60) + 100)
    return X, pd.Series(np.array(["cat", "dog", "eel"])[codes], dtype="category", index=X.index)


@pytest.mark.filterwarnings("ignore::noisylabel.exceptions.NoisyLabelWarning")
@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize("kind", KINDS)
def test_right_10_tools_of_scikit_learn_take_our_defaults_on_small_tables(kind, tool, frame):
    found = TOOLS[tool](kind(max_epochs=3, random_state=0), *frame)
    assert len(found) > 0
    assert not pd.isna(np.ravel(found)).any()


@pytest.mark.filterwarnings("ignore::noisylabel.exceptions.NoisyLabelWarning")  # few epochs
@pytest.mark.parametrize("setting", SETTINGS)
def test_right_14_logarithms_of_probabilities_are_finite_and_in_double_precision(setting, blobs):
    X, y = blobs
    clf = clone(setting).set_params(max_epochs=6, random_state=0).fit(X, y)
    with torch.no_grad():
        clf.net_.module_[-1][-1].weight *= 3000
    log_proba, proba = clf.predict_log_proba(X), clf.predict_proba(X)
    assert log_proba.dtype == proba.dtype == np.float64
    assert log_proba.min() < -1000  # the probability is 0
    assert np.isfinite(log_proba).all()
    np.testing.assert_allclose(np.exp(log_proba), proba, rtol=1e-12)
    np.testing.assert_allclose(proba.sum(1), 1, rtol=0, atol=1e-12)


@pytest.fixture(scope="module")
def rare():
    """Two classes, 1 row in 100 of the second; (X, y, X_test, y_test), the test rows half and half."""
    rng = np.random.default_rng(1)
    y, y_test = (np.arange(2000) % 100 == 0).astype(int), np.arange(1000) % 2
    X, X_test = (rng.normal(size=(len(codes), 8)) + 1.2 * codes[:, None] for codes in (y, y_test))
    return X, y, X_test, y_test


@pytest.mark.filterwarnings("ignore::noisylabel.exceptions.NoisyLabelWarning")  # few epochs
@pytest.mark.parametrize("setting", SETTINGS)
def test_right_31_a_rare_class_is_learned_with_class_weight(setting, rare):
    X, y, X_test, y_test = rare
    clf = clone(setting).set_params(max_epochs=5, random_state=0)
    plain, weighted = (
        balanced_accuracy_score(y_test, clone(clf).set_params(class_weight=w).fit(X, y).predict(X_test))
        for w in (None, "balanced")
    )
    assert plain < 0.65
    assert weighted > plain + 0.15


def test_right_31_the_curriculum_is_fair_to_a_rare_class(rare):
    X, y, _, _ = rare
    clf = MentorNetClassifier(loss_percentile=0.7, max_epochs=10, random_state=0)
    with pytest.warns(NoisyLabelWarning, match=r"1 of 2 classes ended with a mean weight below 0.05: 1 \(20 rows\)"):
        lost = clone(clf).fit(X, y)
    kept = clf.set_params(class_weight="balanced").fit(X, y)
    assert lost.sample_weight_[y == 1].mean() < 0.3
    assert kept.sample_weight_[y == 1].mean() > 0.8


@pytest.mark.filterwarnings("ignore::noisylabel.exceptions.NoisyLabelWarning")  # few epochs
@pytest.mark.parametrize("setting", SETTINGS)
def test_right_31_only_ratios_of_class_weights_matter(setting, blobs):
    X, y = blobs
    y = np.array(["cat", "dog", "eel"])[y]
    clf = clone(setting).set_params(max_epochs=6, random_state=0)
    expected = clone(clf).set_params(class_weight={"cat": 1, "dog": 1, "eel": 4}).fit(X, y).predict_proba(X)
    same = clone(clf).set_params(class_weight={"eel": np.float64(4), "cat": 1.0}).fit(X, y).predict_proba(X)
    assert np.array_equal(same, expected)
    scaled = clone(clf).set_params(class_weight={"cat": 0.1, "dog": 0.1, "eel": 0.4}).fit(X, y).predict_proba(X)
    np.testing.assert_allclose(scaled, expected, atol=1e-4)
    ones = clone(clf).set_params(class_weight="balanced").fit(X, y).predict_proba(X)  # equal classes: nothing changes
    np.testing.assert_allclose(ones, clone(clf).fit(X, y).predict_proba(X), atol=1e-4)


def test_right_31_class_weights_multiply_sample_weights(blobs):
    X, y = blobs
    clf = MentorNetClassifier("uniform", student="mlp", max_epochs=6, standardize=False, random_state=0)
    by_class = clone(clf).set_params(class_weight={0: 1, 1: 3, 2: 0}).fit(X, y)
    by_row = clone(clf).fit(X, y, sample_weight=np.array([1.0, 3.0, 0.0])[y])
    np.testing.assert_allclose(by_class.predict_proba(X), by_row.predict_proba(X), atol=1e-4)


@pytest.mark.parametrize(
    ("class_weight", "message"),
    [
        (
            {"cat": 1, "bird": 2},
            "'class_weight' has the label 'bird', which is none of the 2 classes of y .'cat', 'dog'",
        ),
        ({np.nan: 1}, "'class_weight' has the label nan"),
        ({"cat": 0, "dog": 0}, "'class_weight' is 0 for every class"),
        ({"cat": -1}, "'class_weight' must have a number of at least 0 for each label. Got -1 for 'cat'"),
        ({"cat": np.nan}, "'class_weight' must have a number .* Got nan for 'cat'"),
        ("balance", "'class_weight' must be 'balanced', a dict"),
        ([1, 2], "'class_weight' must be 'balanced', a dict"),
    ],
)
def test_right_31_class_weights_that_cannot_be(class_weight, message):
    with pytest.raises(InvalidParameterError, match=message):
        MentorNetClassifier(class_weight=class_weight).fit([[0.0], [1.0]], ["cat", "dog"])


@pytest.mark.parametrize(
    "names", [np.array(["2026-01-30", "2026-01-31"], dtype="M8[D]"), np.array([b"a", b"b"]), np.array([1.0, 2.0])]
)
def test_right_31_class_weights_of_labels_of_any_type(names):
    clf = MentorNetClassifier(loss_percentile=0.7, class_weight={names[0]: 2}, max_epochs=1)
    clf.fit(np.eye(8), names[np.arange(8) % 2])
    assert clf.predict(np.eye(8)).dtype == names.dtype


def test_right_31_a_fold_may_lack_a_class_of_a_full_dict(blobs):
    X, y = blobs
    weights = {0: 1, 1: 2, 2: 3}
    MentorNetClassifier(class_weight=weights, max_epochs=1).fit(X[y < 2], y[y < 2])


def test_grid_search_over_curricula(digits):
    grid = {"curriculum": ["uniform", "self_paced"], "loss_percentile": [0.6, 0.9]}
    search = GridSearchCV(MentorNetClassifier(max_epochs=25, random_state=0), grid, cv=2, error_score="raise")
    search.fit(digits.data, digits.noisy)
    assert search.best_params_["curriculum"] == "self_paced"
    assert search.score(digits.test_data, digits.test_target) > 0.8


def test_every_point_of_the_shipped_grid_is_allowed_and_another_one():
    points = [MentorNetClassifier(**params) for params in ParameterGrid(MENTORNET_GRID)]
    for point in points:
        point.check_parameters()
    assert len({str(point) for point in points}) == len(points)
    assert str(MentorNetClassifier()) in {str(point) for point in points}


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


@pytest.mark.filterwarnings("ignore:curriculum='auto' needs 20 rows a class")
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
