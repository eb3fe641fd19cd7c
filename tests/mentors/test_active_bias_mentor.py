"""The mentor that weighs rows by how unsure the network has been of their labels."""

import pickle

import numpy as np
import pytest
import torch
from sklearn.model_selection import GridSearchCV
from torch.utils.data import TensorDataset

import noisylabel
from noisylabel import MentorMixClassifier, MentorNetClassifier
from noisylabel.exceptions import InvalidParameterError
from noisylabel.mentors import ActiveBiasMentor, Observation


def observation(proba, rows=None, progress=0.5, weight=None):
    proba = torch.as_tensor(proba, dtype=torch.float32)
    rows = torch.arange(len(proba)) if rows is None else torch.as_tensor(rows)
    labels = torch.zeros(len(proba), dtype=torch.long)
    return Observation(-proba.log(), torch.zeros(len(proba), 2), labels, rows, progress, weight)


def started(n=2, **options):
    mentor = ActiveBiasMentor(**{"burn_in": 18, **options}).check_parameters()
    mentor.start(n, 2, torch.Generator())
    return mentor


def weigh_after(mentor, *visits, **options):
    """Weights at one more visit after those that all rows had."""
    for proba in visits:
        mentor.weigh(observation(proba))
    return mentor.weigh(observation(visits[-1], **options))


def test_variance_by_hand():
    weights = weigh_after(started(), [0.2, 0.7], [0.6, 0.7], [0.4, 0.7])
    torch.testing.assert_close(weights, torch.tensor([1.5, 0.5]))
    # the square of the variance is divided, not the variance, as in sqrt(var * (1 + 1 / (n - 1)));
    # s = 0.164384 of the first row and, of (.5, .7, .6), sqrt(.0066667 + .0066667**2 / 2) = 0.081786 of the second
    weights = weigh_after(started(), [0.2, 0.5], [0.6, 0.7], [0.4, 0.6])
    scores = torch.tensor([0.164384, 0.081786])
    torch.testing.assert_close(weights, (scores + scores.mean()) / (2 * scores.mean()), atol=1e-5, rtol=0)


def test_closeness_by_hand():
    weights = weigh_after(started(form="closeness"), [0.3, 0.9], [0.5, 0.9])
    torch.testing.assert_close(weights, torch.tensor([1.227273, 0.772727]))


def test_the_history_is_that_of_all_visits_also_long_ones():
    mentor, visits = started(n=5), np.random.default_rng(0).random((400, 5)).astype(np.float32)
    for proba in visits:
        mentor.weigh(observation(proba, progress=0.01))
    n_visits, mean, squares = mentor.history_.T
    assert (n_visits == 400).all()
    np.testing.assert_allclose(mean, visits.mean(0), atol=1e-5)
    np.testing.assert_allclose(squares / n_visits, visits.var(0), atol=1e-5)


@pytest.mark.parametrize("form", ["variance", "closeness"])
def test_weights_have_mean_one_from_the_first_visit_on(form):
    mentor = started(n=4, form=form)
    for seed in range(5):
        weights = mentor.weigh(observation(np.random.default_rng(seed).random(4)))
        assert weights.mean() == pytest.approx(1, abs=1e-5)
        assert (weights == 1).all() == (seed < (2 if form == "variance" else 1))


def test_it_counts_the_visits_of_each_row_and_learns_during_the_burn_in():
    mentor = started(n=3)
    for rows in ([0, 1], [1, 2], [1, 0]):
        assert (mentor.weigh(observation([0.3, 0.6], rows, progress=0.17)) == 1).all()
    assert mentor.history_[:, 0].tolist() == [2, 3, 1]
    weights = mentor.weigh(observation([0.5, 0.5, 0.5], progress=0.18))
    assert weights[2] == weights.min()  # seen once
    assert mentor.stage(0.17) != mentor.stage(0.18)


def test_a_weight_of_two_is_a_row_twice():
    visits = torch.tensor([[0.2, 0.5, 0.9], [0.6, 0.7, 0.8], [0.4, 0.6, 0.1]])
    weight, rows = torch.tensor([2.0, 1, 0]), torch.tensor([0, 0, 1])
    weighted = weigh_after(started(n=3), *visits, weight=weight)
    repeated = weigh_after(started(n=3), *visits[:, rows])
    torch.testing.assert_close(weighted[rows], repeated)
    assert torch.isfinite(weigh_after(started(n=3), *visits, weight=torch.zeros(3))).all()


@pytest.mark.parametrize(("name", "value"), [("form", "spread"), ("burn_in", 0.5), ("burn_in", 101)])
def test_what_it_cannot_take_is_refused(name, value):
    with pytest.raises(InvalidParameterError, match=name):
        ActiveBiasMentor(**{name: value}).check_parameters()


def test_example_dropout_is_refused_as_it_drops_nothing():
    with pytest.raises(InvalidParameterError, match="example_dropout"):
        MentorNetClassifier("active_bias", example_dropout=0.5).check_parameters()


@pytest.fixture(scope="module")
def fitted(digits):
    return MentorNetClassifier("active_bias", random_state=0).fit(digits.data, digits.target)


def test_rows_that_the_network_was_unsure_of_count_more(digits, fitted):
    weights, unsure = fitted.sample_weight_, fitted.record_.column("proba_mean").numpy() < 0.9
    assert 10 < unsure.sum() < 600
    assert weights[unsure].mean() > 1.05 * weights[~unsure].mean()
    assert fitted.score(digits.test_data, digits.test_target) > 0.93
    utilization = fitted.history_["data_utilization"]
    assert utilization.to_numpy() == pytest.approx(1, abs=1e-4)
    assert fitted.curriculum_ is None


def test_wrong_labels_get_more_weight_as_they_are_learned_by_heart(digits):
    """As the documentation says: it is made for right labels."""
    clf = MentorNetClassifier("active_bias", random_state=0).fit(digits.data, digits.noisy)
    is_right = digits.noisy == digits.target
    assert clf.sample_weight_[~is_right].mean() > clf.sample_weight_[is_right].mean()


def test_a_fitted_classifier_is_saved_and_keeps_nothing_of_training(digits, fitted, tmp_path):
    fitted.save(tmp_path / "clf")
    for again in (noisylabel.load(tmp_path / "clf"), pickle.loads(pickle.dumps(fitted))):
        assert np.array_equal(again.predict_proba(digits.test_data), fitted.predict_proba(digits.test_data))
    assert not hasattr(fitted.net_.mentor, "history_")
    assert len(fitted.label_issues()) == len(digits.data)


def test_it_works_with_mixes_weights_held_out_rows_and_datasets(noisy_blobs):
    X, y = noisy_blobs
    options = {"max_epochs": 6, "random_state": 0}
    mix = MentorMixClassifier(ActiveBiasMentor(form="closeness"), mix_ratio="soft", **options)
    mix.fit(X, y, sample_weight=np.arange(len(y)) % 3)
    assert np.isfinite(mix.predict_proba(X)).all()
    clf = MentorNetClassifier("active_bias", validation_fraction=0.2, class_weight="balanced", **options).fit(X, y)
    assert np.isnan(clf.sample_weight_).sum() == 90
    streamed = MentorNetClassifier("active_bias", **options).fit(TensorDataset(torch.tensor(X), torch.tensor(y)))
    in_memory = MentorNetClassifier("active_bias", **options).fit(X, y)
    assert np.allclose(streamed.predict_proba(X), in_memory.predict_proba(X), atol=1e-5)


def test_a_grid_search_takes_names_and_objects(blobs):
    grid = {"curriculum": ["active_bias", ActiveBiasMentor(form="closeness"), "uniform"]}
    search = GridSearchCV(MentorNetClassifier(max_epochs=4, random_state=0), grid, cv=2, error_score="raise")
    assert search.fit(*blobs).best_score_ > 0.3
