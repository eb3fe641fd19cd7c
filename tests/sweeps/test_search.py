"""Real sweeps with Ray: small trials on small data."""

import json
import os
import random
import signal
import threading
import time
import warnings

import numpy as np
import pandas as pd
import pytest
import torch
from filelock import FileLock
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.metrics import f1_score, make_scorer, recall_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import get_tags
from torch import nn
from torch.utils.data import Dataset, IterableDataset

from noisylabel import FilterKDClassifier, MentorMixClassifier, MentorNetClassifier
from noisylabel.exceptions import InvalidDataError, InvalidParameterError, NoisyLabelError, NoisyLabelWarning
from sweeps import CurriculumSearch, Space
from sweeps.engine.manifest import describe_object, read_manifest, write_manifest
from sweeps.engine.session import prepare_ray, ray_session
from sweeps.spaces import METHODS, MentorNetSpace
from sweeps.trial.draws import configure

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture(scope="module", autouse=True)
def _ray():
    """One Ray for all tests of this file."""
    prepare_ray()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with ray_session(n_cpus=2):
            yield


@pytest.fixture
def noisy_blobs(blobs):
    X, y = blobs
    rng = np.random.default_rng(1)
    names = np.array(["ant", "bee", "cow"])
    noisy = np.where(rng.random(len(y)) < 0.2, rng.integers(0, 3, len(y)), y)
    return pd.DataFrame(X, columns=list("abcde")), names[noisy], names[y]


def search(estimator=None, **parameters):
    estimator = MentorNetClassifier(max_epochs=9, random_state=0) if estimator is None else estimator
    defaults = {"n_trials": 3, "random_state": 0, "verbose": 0, "limits": {"loss_percentile": [0.6, 0.8]}}
    return CurriculumSearch(estimator, **(defaults | parameters))


def test_a_sweep_is_a_classifier(noisy_blobs, tmp_path):
    X, noisy_y, y = noisy_blobs
    pipeline = make_pipeline(StandardScaler().set_output(transform="pandas"), search(out=tmp_path / "sweep"))
    pipeline.fit(X, noisy_y, curriculumsearch__test_data=(X, y))
    found = pipeline[-1]
    assert pipeline.score(X, y) > 0.8
    assert set(pipeline.predict(X)) == {"ant", "bee", "cow"}
    assert found.classes_.tolist() == ["ant", "bee", "cow"]
    assert found.feature_names_in_.tolist() == list("abcde")
    assert found.predict_proba(X).shape == (120, 3)
    assert len(found.label_issues()) == 120
    assert found.results_["rank"].tolist()[0] == 1
    assert len(found.results_) == 3
    done = found.results_[found.results_["state"] == "done"]
    assert found.best_score_ == done["score"].max()
    assert (done["epochs"] == 9).all()
    assert set(found.results_["epochs"]) <= set(range(1, 10))
    assert (tmp_path / "sweep" / "log.jsonl").exists()
    assert not (tmp_path / "sweep" / ".writable").exists()
    # what was chosen, trained again on all rows by hand, is the same
    again = clone(found.estimator).set_params(**found.best_params_).fit(pipeline[0].transform(X), noisy_y)
    assert np.array_equal(again.predict_proba(pipeline[0].transform(X)), pipeline.predict_proba(X))


def test_the_first_trial_is_the_estimator_as_it_is(digits):
    X, noisy_y = digits.data[:400], digits.noisy[:400]
    estimator = MentorNetClassifier(max_epochs=6, random_state=0)
    found = search(estimator, limits={}, n_trials=1).fit(X, noisy_y)
    assert found.best_params_["curriculum"] == "auto"
    alone = clone(estimator).fit(X, noisy_y)
    assert found.best_estimator_.get_params() == estimator.get_params()
    assert np.array_equal(found.predict_proba(X), alone.predict_proba(X))
    assert found.best_estimator_.advice_ == alone.advice_
    score, data = found.best_score_, found.run_trials(X, noisy_y).data
    assert score == clone(estimator).fit(data["X"], data["y"]).score(data["X_valid"], data["y_valid"])


def test_the_score_is_of_the_held_out_rows(noisy_blobs):
    X, noisy_y, y = noisy_blobs
    found = search(n_trials=1, refit=False)
    before = random.getstate(), np.random.get_state()[1].copy()
    sweep = found.run_trials(X, noisy_y, test_data=(X, y))
    assert random.getstate() == before[0]  # global streams are left as they were
    assert np.array_equal(np.random.get_state()[1], before[1])
    data, trial = sweep.data, found.sweep_.trials.iloc[0]
    clf = configure(sweep.setup.estimator, trial["params"]).fit(data["X"], data["y"])
    right = clf.predict(data["X_valid"]) == data["y_valid"]
    assert trial["score"] == right.mean()
    assert trial["test_score"] == (found.classes_[clf.predict(X.to_numpy(np.float32))] == y).mean()
    assert trial["right"] == np.packbits(right).tobytes()
    assert len(data["X_valid"]) == 24
    assert found.sweep_.curves["epoch"].tolist() == list(range(1, 10))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("estimator", "space"),
    [
        (MentorMixClassifier(max_epochs=9), "mentormix"),
        (FilterKDClassifier(max_epochs=4, teacher_epochs=5), "filterkd"),
    ],
)
def test_other_methods(estimator, space, noisy_blobs):
    X, noisy_y, y = noisy_blobs
    found = search(estimator, space=space, limits={"curriculum": ["self_paced"]} if space == "mentormix" else {},
                   scheduler="none", searcher="random", n_trials=2)  # fmt: skip
    found.fit(X, noisy_y)
    assert found.results_["state"].tolist() == ["done", "done"]
    assert isinstance(found.best_estimator_, type(estimator))
    curves = dict(list(found.sweep_.curves.groupby("trial")))
    for name, params in zip(found.results_["trial"], found.results_["params"], strict=True):
        curve = curves[name]
        two_stages = params.get("teacher") not in ("label_smoothing", None)
        assert curve["epoch"].tolist() == list(range(1, 10 if two_stages or space == "mentormix" else 5))


@pytest.mark.slow
def test_the_best_estimator_is_of_the_method_that_was_found(noisy_blobs):
    X, noisy_y, _ = noisy_blobs
    limits = {"method": ["mentormix", "filterkd"], "curriculum": "self_paced", "teacher": "label_smoothing"}
    found = search(MentorNetClassifier(max_epochs=4, random_state=3), space="methods", limits=limits, n_trials=2,
                   searcher="random", scheduler="none").fit(X, noisy_y)  # fmt: skip
    assert set(found.results_["param_method"]) <= {"mentormix", "filterkd"}
    assert found.sweep_.manifest["estimator"] == "One of filterkd, mentormix"
    best = dict(found.best_params_)
    assert type(found.best_estimator_) is METHODS[best.pop("method")]
    assert (found.best_estimator_.max_epochs, found.best_estimator_.random_state) == (4, 3)
    again = METHODS[found.best_params_["method"]](max_epochs=4, random_state=3).set_params(**best).fit(X, noisy_y)
    assert np.array_equal(again.predict_proba(X), found.predict_proba(X))


def test_trusted_rows_compare_the_trials_and_train_none(noisy_blobs):
    X, noisy_y, y = noisy_blobs
    known = np.arange(120) % 3 == 0
    found = search(n_trials=1, scoring="balanced_accuracy")
    sweep = found.run_trials(X, noisy_y, y_trusted=np.where(known, y, None))
    assert len(sweep.data["X_valid"]) == known.sum()
    assert np.array_equal(sweep.data["X_valid"], X[known].to_numpy(np.float32))
    assert found.classes_[sweep.data["y_valid"]].tolist() == y[known].tolist()
    assert len(sweep.data["X"]) == 80
    assert found.sweep_.manifest["validation"] == "trusted"


class RaisesForLargeRates(Space):
    def suggest(self, trial, estimator):
        trial.suggest_categorical("lr", (0.001, 0.002, 50.0))


class Fragile(nn.Module):
    """A student that raises once it is trained with too large a learning rate."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(5, 3)

    def forward(self, X):
        if self.layer.weight.abs().max() > 2:
            raise ValueError("the weights </script> exploded")
        return self.layer(X)


@pytest.mark.slow
def test_a_trial_that_raises_is_one_failed_trial(noisy_blobs, tmp_path):
    X, noisy_y, _ = noisy_blobs
    estimator = MentorNetClassifier("uniform", student=Fragile, max_epochs=5, random_state=0)
    found = search(estimator, space=RaisesForLargeRates(), limits=None, n_trials=6, searcher="random", scheduler="none")
    found.fit(X, noisy_y)
    failed = found.results_[found.results_["state"] == "failed"]
    assert 1 <= len(failed) < 6
    assert set(failed["param_lr"]) == {50.0}
    assert set(failed["error"]) == {"ValueError: the weights </script> exploded"}
    assert (found.results_["state"] == "done").sum() == 6 - len(failed)
    assert [t.state.name for t in found.sweep_.study.trials].count("FAIL") == len(failed)


@pytest.mark.slow
def test_when_all_fail_the_message_says_why(noisy_blobs):
    X, noisy_y, _ = noisy_blobs
    estimator = MentorNetClassifier("uniform", student=Fragile, max_epochs=5, random_state=0)
    found = search(estimator, space=RaisesForLargeRates(), limits={"lr": [50.0]}, n_trials=2)
    with pytest.raises(NoisyLabelError, match="the weights </script> exploded"):
        found.fit(X, noisy_y)


def not_a_number(estimator, X, y):
    return np.nan


class Fading:
    """A scorer that soon has nothing to say."""

    n_calls = 0

    def __call__(self, estimator, X, y):
        Fading.n_calls += 1
        return np.nan if Fading.n_calls > 1 else 0.5


@pytest.mark.slow
def test_a_score_that_is_no_number_is_a_failed_trial(noisy_blobs):
    X, noisy_y, _ = noisy_blobs
    found = search(n_trials=1, scoring=Fading(), refit=False)
    found.run_trials(X, noisy_y)
    assert found.sweep_.trials["state"].tolist() == ["failed"]
    assert found.sweep_.trials["epochs"].tolist() == [1]
    assert "score of epoch 2 is nan" in found.sweep_.trials["error"][0]


@pytest.mark.slow
def test_scores_are_of_labels_and_not_of_codes(noisy_blobs):
    X, noisy_y, _ = noisy_blobs
    rows, labels = noisy_y != "cow", np.where(noisy_y == "ant", 1, 2)
    found = search(n_trials=1, scoring="f1", refit=False)
    sweep = found.run_trials(X[rows], labels[rows])
    clf = configure(sweep.setup.estimator, found.sweep_.trials["params"][0]).fit(sweep.data["X"], sweep.data["y"])
    codes = clf.predict(sweep.data["X_valid"])
    assert found.sweep_.trials["score"][0] == f1_score(sweep.data["y_valid"] + 1, codes + 1, pos_label=1)
    with pytest.raises(NotFittedError, match="refit=False"):
        found.predict(X)


def test_rows_that_must_not_all_be_held_out(noisy_blobs):
    X, noisy_y, y = noisy_blobs
    with pytest.raises(InvalidDataError, match="No row of class 'bee' is left for training"):
        search().fit(X, noisy_y, y_trusted=np.where(noisy_y == "bee", y, None))
    with pytest.warns(NoisyLabelWarning, match="have no label 'bee'"), pytest.raises(InvalidParameterError):
        search(scheduler="no").fit(X, noisy_y, y_trusted=np.where((y != "bee") & (np.arange(120) % 2 == 0), y, None))


@pytest.mark.slow
def test_the_population_finds_a_schedule_that_can_be_replayed(noisy_blobs):
    X, noisy_y, _ = noisy_blobs
    estimator = MentorNetClassifier(max_epochs=20, burn_in=10, random_state=0)
    found = search(estimator, scheduler="pbt", n_trials=4, limits=None)
    sweep = found.run_trials(X, noisy_y)
    trials = found.sweep_.trials
    assert trials["state"].tolist() == ["done"] * 4
    schedules = [params for params in trials["params"] if "," in params["curriculum"]]
    assert schedules  # somebody went on from somebody else
    for params, right in zip(trials["params"], trials["right"], strict=True):
        clf = configure(sweep.setup.estimator, params).fit(sweep.data["X"], sweep.data["y"])
        assert np.packbits(clf.predict(sweep.data["X_valid"]) == sweep.data["y_valid"]).tobytes() == right
    found.fit(X, noisy_y)
    assert found.best_params_.keys() == {"curriculum", "loss_percentile"}


@pytest.mark.slow
def test_a_sweep_that_is_done_is_not_run_again(noisy_blobs, tmp_path):
    X, noisy_y, _ = noisy_blobs
    first = search(out=tmp_path, n_trials=2, random_state=None).fit(X, noisy_y)
    written = (tmp_path / "log.jsonl").read_bytes()
    again = search(out=tmp_path, n_trials=2, random_state=None).fit(X, noisy_y)
    assert (tmp_path / "log.jsonl").read_bytes() == written
    assert repr(again.best_params_) == repr(first.best_params_)
    with pytest.raises(InvalidParameterError, match="holds a sweep with other data"):
        search(out=tmp_path, n_trials=2, random_state=None).fit(X + 1, noisy_y)


def test_a_sweep_of_two_objectives_is_extended(noisy_blobs, tmp_path):
    X, noisy_y, _ = noisy_blobs
    given = {"objectives": ("score", "seconds"), "scheduler": "none", "out": tmp_path, "refit": False}
    first = search(**given, n_trials=2).fit(X, noisy_y)
    written = (tmp_path / "log.jsonl").read_bytes()
    longer = search(**given, n_trials=4).fit(X, noisy_y)
    log = (tmp_path / "log.jsonl").read_bytes()
    assert log.startswith(written)
    assert len(longer.results_) == 4
    manifest = longer.sweep_.manifest
    assert (manifest["n_trials"], manifest["extended_from"], manifest["objectives"]) == (4, [2], ["score", "seconds"])
    assert set(first.results_["trial"]) < set(longer.results_["trial"])
    front = longer.pareto_front_
    assert front["score"].iloc[0] == longer.best_score_
    assert front["seconds"].is_monotonic_decreasing
    assert [trial.values for trial in longer.sweep_.study.trials] == longer.sweep_.trials[
        ["score", "seconds"]
    ].to_numpy().tolist()
    assert all("seconds_left" in json.loads(line) for line in log.splitlines() if b'"end"' in line)
    with pytest.raises(InvalidParameterError, match="'n_trials' is 3, and the sweep in 'out' .* has 4. It can be exte"):
        search(**given, n_trials=3).fit(X, noisy_y)
    assert (tmp_path / "log.jsonl").read_bytes() == log


def test_a_population_is_not_extended(noisy_blobs, tmp_path):
    X, noisy_y, _ = noisy_blobs
    given = {"scheduler": "pbt", "limits": None, "out": tmp_path}
    write_manifest(tmp_path, search(**given, n_trials=4)._prepare(X, noisy_y, None, None, tmp_path).manifest)
    with pytest.raises(InvalidParameterError, match="has 4. It cannot change its size, as its members learn from each"):
        search(**given, n_trials=8).fit(X, noisy_y)


MASKED = "masked"


def interrupt_when(log, happened):
    """Press Ctrl-C, so to speak, once a line of the log says what is waited for."""

    def watch():
        while not (log.exists() and happened in log.read_text()):
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=watch, daemon=True).start()


def test_right_15_ctrl_c_ends_a_search_with_the_best_so_far(noisy_blobs, tmp_path):
    X, noisy_y, _ = noisy_blobs
    found = search(out=tmp_path, n_trials=4, scheduler="none", searcher="random")
    interrupt_when(tmp_path / "log.jsonl", '"finished": true')
    with pytest.warns(NoisyLabelWarning, match=r"interrupted when \d of 4 trials had ended. The best of .* Fit again"):
        found.fit(X, noisy_y)
    done = found.results_[found.results_["state"] == "done"]
    assert 1 <= len(done) < 4
    assert found.best_score_ == done["score"].max()
    assert found.predict(X).shape == (120,)


@pytest.mark.slow
def test_right_15_ctrl_c_before_a_trial_has_ended_leaves_no_half_search(noisy_blobs, tmp_path):
    X, noisy_y, _ = noisy_blobs
    found = search(MentorNetClassifier(max_epochs=5000), out=tmp_path, n_trials=2)
    interrupt_when(tmp_path / "log.jsonl", '"start"')
    with pytest.raises(KeyboardInterrupt, match="0 of 2 trials had ended, and none was trained to its end"):
        found.fit(X, noisy_y)
    assert [name for name in vars(found) if name.endswith("_")] == []
    with pytest.raises(NotFittedError):
        found.predict(X)


@pytest.mark.parametrize("missing", [np.nan, None, -1, MASKED, pd.NA, "nan", ""])
def test_right_22_test_labels_that_are_missing_are_refused(noisy_blobs, missing):
    X, noisy_y, y = noisy_blobs
    labels = y.astype(object)
    labels[::4] = missing
    if missing is MASKED:
        labels = np.ma.masked_array(y, mask=np.arange(120) % 4 == 0)
    with pytest.raises(InvalidDataError, match="'test_data' has 30 missing labels, the first at position 0"):
        search().fit(X, noisy_y, test_data=(X, labels))
    with pytest.raises(InvalidDataError, match="'test_data' has the label 'dog', which is none of the 3 classes of y"):
        search().fit(X, noisy_y, test_data=(X, np.where(y == "bee", "dog", y)))


@pytest.mark.parametrize("missing", [np.nan, None, MASKED])
def test_right_22_noisy_labels_that_are_missing_are_refused(noisy_blobs, missing):
    X, noisy_y, _ = noisy_blobs
    labels = noisy_y.astype(object)
    labels[::4] = missing
    if missing is MASKED:
        labels = np.ma.masked_array(noisy_y, mask=np.arange(120) % 4 == 0)
    with pytest.raises(InvalidDataError, match="y has 30 missing labels"):
        search().fit(X, labels)


@pytest.mark.parametrize(
    "names",
    [
        np.array(["2026-01-01", "2026-02-01", "2026-03-01"], dtype="datetime64[D]"),
        np.array(["2026-01-01", "2026-02-01", "2026-03-01"], dtype="datetime64[ns]"),
        np.array([b"ant", b"bee", b"cow"]),
        np.array(["ant", "bee", "cow"], dtype=np.dtypes.StringDType() if np.__version__ >= "2" else str),
        np.array([2**64 - 1, 2**63, 3], dtype=np.uint64),
        np.array([np.int64(3), np.int64(5), np.int64(7)], dtype=object),
    ],
)
def test_right_23_labels_of_any_type_in_a_sweep(names, noisy_blobs, tmp_path):
    X, noisy_y, y = noisy_blobs
    codes, right = np.unique(noisy_y, return_inverse=True)[1], np.unique(y, return_inverse=True)[1]
    found = search(
        out=tmp_path, limits={"loss_percentile": [np.float64(0.6), np.float32(0.75)], "burn_in": np.int64(10)}
    )
    known = [name if row % 3 == 0 else None for row, name in enumerate(names[right])]
    sweep = found._prepare(X, names[codes], known, (X, names[right]), tmp_path)
    assert found.classes_.tolist() == np.unique(names).tolist()
    assert np.array_equal(found.classes_[sweep.data["y_test"]], names[right])
    assert np.array_equal(found.classes_[sweep.data["y_valid"]], names[right][::3])
    write_manifest(tmp_path, sweep.manifest)
    assert read_manifest(tmp_path)["fingerprint"] == sweep.manifest["fingerprint"]


def test_right_22_test_data_are_a_pair(noisy_blobs):
    X, noisy_y, y = noisy_blobs
    with pytest.raises(InvalidDataError, match=r"'test_data' must be a pair \(X, y\). Got DataFrame"):
        search().fit(X, noisy_y, test_data=X)
    with pytest.raises(InvalidDataError, match="'test_data' must have one label for each sample: 120. Got 119"):
        search().fit(X, noisy_y, test_data=(X, y[1:]))


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ({"out": "s3://bucket/x"}, InvalidParameterError, "'out' must be a path on this machine"),
        ({"space": "mentor"}, InvalidParameterError, "'space' must be one of"),
        ({"scheduler": "hyperband"}, InvalidParameterError, "'scheduler' must be one of"),
        ({"searcher": "grid"}, InvalidParameterError, "'searcher' must be one of"),
        ({"objectives": ("seconds", "score")}, InvalidParameterError, "'objectives' must be one of .* the score comes"),
        ({"objectives": ("score", "seconds")}, InvalidParameterError, "it would stop the fast ones. Use"),
        ({"n_trials": 0}, InvalidParameterError, "'n_trials' must be an integer of at least 1"),
        ({"validation_fraction": 0}, InvalidParameterError, "'validation_fraction' must be a number"),
        ({"trackers": ["comet"]}, InvalidParameterError, "'trackers' must be one of"),
        ({"scoring": "acuracy"}, InvalidParameterError, "'scoring' 'acuracy' cannot be used here"),
        ({"scoring": not_a_number}, InvalidParameterError, "gives nan on the held-out rows"),
        ({"estimator": make_pipeline(MentorNetClassifier())}, InvalidParameterError, "put the search at the end"),
        ({"estimator": MentorNetClassifier(checkpoint_dir="a")}, InvalidParameterError, "'checkpoint_dir' of the"),
        ({"estimator": MentorNetClassifier(n_workers=2)}, InvalidParameterError, "'n_workers' of the estimator is 2"),
        ({"space": "plain", "limits": None}, InvalidParameterError, "draws 'max_epochs'"),
        ({"estimator": MentorNetClassifier(lr=-1)}, InvalidParameterError, "'lr' must be a number"),
        ({"resources": {"cpu": 1, "gpu": 1}}, NoisyLabelError, "asks for 1 CPU, 1 GPU, and no machine has as much"),
        ({"scheduler": "pbt", "limits": {"lr": [1]}}, InvalidParameterError, "scheduler='pbt' changes 'curri"),
        ({"scheduler": "pbt", "limits": {"curriculum": ["auto"]}}, InvalidParameterError, "loss only. Got 'auto'"),
        ({"scheduler": "pbt", "space": "filterkd", "estimator": FilterKDClassifier()}, InvalidParameterError,
         "FilterKDClassifier has none"),
    ],
)  # fmt: skip
def test_mistakes_are_said_before_anything_runs(noisy_blobs, tmp_path, parameters, error, message):
    X, noisy_y, _ = noisy_blobs
    with pytest.raises(error, match=message):
        search(**({"out": tmp_path / "sweep"} | parameters)).fit(X, noisy_y)
    assert not (tmp_path / "sweep" / "log.jsonl").exists()


def test_without_an_estimator_the_default_one_is_tuned(noisy_blobs, tmp_path):
    X, noisy_y, _ = noisy_blobs
    sweep = CurriculumSearch(random_state=0)._prepare(X, noisy_y, None, None, tmp_path)
    assert str(sweep.setup.estimator) == str(MentorNetClassifier(random_state=sweep.setup.estimator.random_state))
    assert (sweep.n_trials, sweep.bound.own()["curriculum"]) == (40, "auto")
    assert clone(CurriculumSearch()).estimator is None


def test_a_sparse_table_is_the_dense_one(noisy_blobs, tmp_path):
    X, noisy_y, _ = noisy_blobs
    assert get_tags(CurriculumSearch()).input_tags.sparse
    dense, sparse = (
        search()._prepare(table, noisy_y, None, None, tmp_path).data
        for table in (X.to_numpy(), csr_array(X.to_numpy()))
    )
    assert all(np.array_equal(dense[name], sparse[name]) for name in dense)


def test_data_that_cannot_be_used(noisy_blobs):
    X, noisy_y, y = noisy_blobs
    with pytest.raises(ValueError, match="NaN"):
        search().fit(X.where(X > 0), noisy_y)
    with pytest.raises(InvalidDataError, match="X is a stream, .* Pass a map-style Dataset"):
        search().fit(Stream())
    with pytest.raises(InvalidDataError, match="yields samples without labels"):
        search().fit(Rows(np.array(X, np.float32), None))
    with pytest.raises(InvalidDataError, match="one weight for each of the 120 rows of X. Got shape \\(119,\\)"):
        search().fit(X, noisy_y, np.ones(119))
    with pytest.raises(ValueError, match="Negative values"):
        search().fit(X, noisy_y, sample_weight=-np.ones(120))
    with pytest.raises(InvalidParameterError, match="'scoring' .*not_a_number.* got an unexpected keyword argument"):
        search(scoring=not_a_number).fit(X, noisy_y, np.ones(120))
    with pytest.raises(InvalidParameterError, match="'data_driven' is learned from trusted rows .* Pass 'y_trusted"):
        search(limits={"curriculum": ["data_driven"]}).fit(X, noisy_y)
    few = np.where(np.isin(np.arange(120), [int((y == name).argmax()) for name in np.unique(y)]), y, None)
    with pytest.raises(InvalidDataError, match="'y_trusted' knows 3 rows, no two of one class"):
        search(limits={"curriculum": ["data_driven"]}).fit(X, noisy_y, y_trusted=few)


class Stream(IterableDataset):
    def __iter__(self):
        yield from ((row, torch.zeros(5), row % 2) for row in range(9))


class Rows(Dataset):
    """Samples one by one, with labels or without."""

    def __init__(self, X, y):
        self.X = X
        self.y = y

    def __len__(self):
        return len(self.X)

    def __getitem__(self, row):
        X = torch.as_tensor(self.X[row])
        return X if self.y is None else (X, self.y[row])


@pytest.mark.slow
def test_a_dataset_is_swept_as_the_arrays_are(noisy_blobs, tmp_path):
    X, noisy_y, y = noisy_blobs
    values, limits = np.array(X, np.float32), {"curriculum": ["self_paced"], "loss_percentile": [0.6, 0.8]}
    rows = Rows(values, noisy_y)
    given = {"limits": limits, "n_trials": 2, "searcher": "random", "scheduler": "none"}
    of_rows = search(**given, out=tmp_path / "rows").fit(rows, test_data=(Rows(values, None), y))
    of_arrays = search(**given).fit(values, noisy_y, test_data=(values, y))
    np.testing.assert_allclose(of_rows.results_["score"], of_arrays.results_["score"], atol=0.05)
    assert of_rows.results_["test_score"].notna().all()
    assert of_rows.best_params_ == of_arrays.best_params_
    np.testing.assert_allclose(of_rows.predict_proba(rows), of_arrays.predict_proba(values), atol=1e-3)
    assert of_rows.score(rows, y) == of_rows.score(values, y)
    written = (tmp_path / "rows" / "log.jsonl").read_bytes()
    search(**given, out=tmp_path / "rows", refit=False).fit(rows, test_data=(Rows(values, None), y))
    assert (tmp_path / "rows" / "log.jsonl").read_bytes() == written  # the same Dataset, the same sweep
    with pytest.raises(InvalidParameterError, match="holds a sweep with other data"):
        search(**given, out=tmp_path / "rows").fit(Rows(values + 1, noisy_y), test_data=(Rows(values, None), y))


@pytest.mark.slow
def test_the_weights_of_rows_count_in_trials_scores_and_the_last_training(noisy_blobs, tmp_path):
    X, noisy_y, _ = noisy_blobs
    weight = np.arange(120) % 4.0
    found = search(n_trials=1, scheduler="none", out=tmp_path).fit(X, noisy_y, weight)
    params, proba = found.best_params_, found.predict_proba(X)
    again = configure(found.estimator, params).fit(X, noisy_y, weight)
    assert np.array_equal(proba, again.predict_proba(X))
    sweep = found.run_trials(X, noisy_y, weight)  # which has been run
    data, trial = sweep.data, found.sweep_.trials.iloc[0]
    assert sorted([*data["weight"], *data["weight_valid"]]) == sorted(weight)
    clf = configure(sweep.setup.estimator, trial["params"]).fit(data["X"], data["y"], data["weight"])
    right = clf.predict(data["X_valid"]) == data["y_valid"]
    assert trial["score"] == pytest.approx(np.average(right, weights=data["weight_valid"]))
    assert found.sweep_.curves["score"].iloc[-1] == trial["score"]
    assert trial["right"] is None  # so that nothing is called a tie that is none


@pytest.mark.filterwarnings("ignore:.*hardly tells right labels")
def test_half_of_the_trusted_rows_teach_a_curriculum_and_half_compare(noisy_blobs):
    X, noisy_y, y = noisy_blobs
    trusted = np.where(np.arange(120) % 2 == 0, y, None)
    estimator = MentorNetClassifier(max_epochs=9, random_state=0)
    found = search(estimator, limits={"curriculum": ["data_driven", "self_paced"]}, n_trials=2, searcher="random",
                   scheduler="none")  # fmt: skip
    sweep = found.run_trials(X, noisy_y, y_trusted=trusted)
    assert found.sweep_.trials["state"].tolist() == ["done", "done"]
    assert set(found.sweep_.trials["param_curriculum"]) == {"data_driven", "self_paced"}
    data = sweep.data
    assert len(data["y_valid"]) == 30
    assert (data["y_trusted"] >= 0).sum() == 30
    assert found.sweep_.manifest["validation"] == "trusted"
    taught = found.sweep_.trials.set_index("param_curriculum").loc["data_driven"]
    clf = configure(sweep.setup.estimator, taught["params"]).fit(data["X"], data["y"], y_trusted=data["y_trusted"])
    assert taught["score"] == (clf.predict(data["X_valid"]) == data["y_valid"]).mean()


@pytest.mark.slow
def test_the_curriculum_that_was_found_is_taught_by_all_trusted_rows(noisy_blobs):
    X, noisy_y, y = noisy_blobs
    trusted = np.where(np.arange(120) % 2 == 0, y, None)
    limits = {"curriculum": "data_driven", "loss_percentile": "auto"}
    found = search(limits=limits, n_trials=1).fit(X, noisy_y, y_trusted=trusted)
    again = clone(found.estimator).set_params(**found.best_params_).fit(X, noisy_y, y_trusted=trusted)
    assert np.array_equal(found.predict_proba(X), again.predict_proba(X))


def test_one_sweep_in_a_folder_at_a_time(noisy_blobs, tmp_path):
    X, noisy_y, _ = noisy_blobs
    with FileLock(tmp_path / ".lock"), pytest.raises(InvalidParameterError, match="another process is running the swe"):
        search(out=tmp_path).fit(X, noisy_y)


def test_what_makes_another_sweep(noisy_blobs, tmp_path):
    X, noisy_y, _ = noisy_blobs
    texts = {
        describe_object(value)
        for value in (MentorNetSpace(), Width(1), Width(2), "f1", make_scorer(f1_score), make_scorer(recall_score),
                      make_scorer(f1_score, average="macro"), not_a_number, np.mean)
    }  # fmt: skip
    assert len(texts) == 9
    assert describe_object(Width(1)) == describe_object(Width(1))


class Width(Space):
    def __init__(self, width):
        self.width = width

    def suggest(self, trial, estimator):
        trial.suggest_float("loss_percentile", 0.5, 0.5 + 0.1 * self.width)
