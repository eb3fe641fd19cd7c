"""The comparison of the defaults: what is learned from, what is kept, and what the report makes of it."""

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier

from benchmarks.cells.store import append, read
from benchmarks.studies import run_study
from benchmarks.studies.defaults._data import GROUPS, _texts, look_alikes, make_split, noises_of
from benchmarks.studies.defaults._methods import METHODS, make_method, methods_of
from benchmarks.studies.defaults._tables import regret
from noisylabel import MentorMixClassifier, MentorNetClassifier
from noisylabel.datasets import get_data_home
from noisylabel.exceptions import InvalidFileError

IRIS = ["--data", "iris", "--noises", "symmetric-0.4", "--seeds", "3"]
TABLES = ["digits", "iris", "wine", "breast_cancer"]


@pytest.fixture
def texts(tmp_path, monkeypatch):
    """200 texts, each of a word of its own and one of its topic, some with a wrong label; and where their file goes."""
    monkeypatch.setenv("NOISYLABEL_DATA", str(tmp_path))
    topics = np.array(["cloud", "web"] * 100)
    table = pd.DataFrame({"summary": [f"a {topic} thing{row}" for row, topic in enumerate(topics)]})
    table["clean_label"] = topics
    table["noisy_label"] = np.where(np.arange(200) % 10 == 0, "web", topics)
    (tmp_path / "text").mkdir()
    _texts.cache_clear()
    yield table, tmp_path / "text" / "summaries.parquet"
    _texts.cache_clear()


@pytest.fixture
def study(tmp_path):
    def call(*arguments):
        run_study("defaults", [*arguments, "--results", str(tmp_path)])
        return read(tmp_path / "defaults.jsonl")

    return call


def test_each_fit_is_a_row_and_is_made_once(study, capsys):
    rows = study(*IRIS, "--methods", "plain_tuned", "forest")
    assert [(row["data"], row["noise"], row["rate"], row["seed"]) for row in rows] == [
        ("iris", "symmetric-0.4", 0.4, 3)
    ] * 2
    assert [row["method"] for row in rows] == ["plain_tuned", "forest"]
    assert all(row["accuracy"] > 0.5 and row["balanced_accuracy"] > 0.5 and row["cpu_s"] > 0 for row in rows)
    assert rows[0]["true_rate"] == rows[1]["true_rate"] == pytest.approx(0.4 * 2 / 3, abs=0.1)
    assert len(rows[0]["true_rate_by_class"]) == 3
    assert rows[0]["environment"]["threads"] == 1
    assert rows[0]["machine"] == {}
    assert "2/2  iris" in capsys.readouterr().out
    assert len(study(*IRIS, "--methods", "plain_tuned", "forest")) == 2
    assert len(study(*IRIS, "--methods", "plain_tuned", "forest", "--again")) == 4


def test_networks_train_where_and_how_it_is_said(study):
    rows = study(*IRIS, "--methods", "plain_tuned", "forest", "--device", "cpu", "--precision", "bf16")
    assert [row["machine"] for row in rows] == [{"device": "cpu", "precision": "bf16"}] * 2
    assert all("error" not in row for row in rows)


def test_without_options_only_what_is_to_tune_is_fitted(study, monkeypatch):
    seen = []
    monkeypatch.setattr("benchmarks.studies.defaults.call_here", lambda measure, fits, jobs: seen.extend(fits) or [])
    monkeypatch.setattr("benchmarks.studies.defaults.noises_of", lambda name: ["clean", "pair-0.3"])
    study("--methods", "plain", "told")
    assert {fit.data for fit in seen} == set(GROUPS["tune"])
    assert [fit.seed for fit in seen] == [0] * 16 + [1] * 16 + [2] * 16  # a stopped run has whole seeds
    assert {fit.noise for fit in seen[:8]} == {"clean"}
    seen.clear()
    study("--sets", "judge", "--methods", "plain")
    assert {(fit.data, fit.seed) for fit in seen} == {(name, seed) for name in GROUPS["judge"] for seed in (10, 11, 12)}


def test_ours_have_labels_and_the_others_do_not_change_with_them(study, capsys, monkeypatch):
    for ours in ("mentornet", "plain"):
        monkeypatch.setitem(METHODS, ours, lambda seed, rate: DummyClassifier())
    pair = [*IRIS, "--methods", "mentornet", "plain"]
    study(*pair, "--label", "old")
    monkeypatch.setitem(METHODS, "mentornet", METHODS["forest"])
    rows = study(*pair, "--label", "new")
    assert [(row["method"], row["label"]) for row in rows] == [
        ("mentornet", "old"), ("plain", "old"), ("mentornet", "new"),
    ]  # fmt: skip
    accuracies = [f"{100 * row['accuracy']:.1f}" for row in rows]
    capsys.readouterr()
    for label, place in (("old", 0), ("new", 2)):
        study("--report", "--label", label)
        assert f"| symmetric-0.4 | 1 | {accuracies[place]} | **{accuracies[1]}** |" in capsys.readouterr().out
    study("--report")
    assert f"| symmetric-0.4 | 1 | {accuracies[2]} |" in capsys.readouterr().out  # the newest
    with pytest.raises(ValueError, match=r"'other': \['new', 'old'\]"):
        study("--report", "--label", "other")


def test_what_fails_is_kept_shown_and_fitted_again(study, capsys, monkeypatch):
    def refuse(seed, rate):
        raise ValueError("no such thing")

    monkeypatch.setitem(METHODS, "plain", refuse)
    with pytest.raises(SystemExit, match="1 of 2 fits failed"):
        study(*IRIS, "--methods", "plain", "forest")
    assert "ValueError: no such thing" in capsys.readouterr().out
    study("--report")
    shown = capsys.readouterr().out
    assert "| iris | symmetric-0.4 | 3 | plain | ValueError: no such thing |" in shown
    assert shown.startswith("2 fits, of which 1 failed.")
    monkeypatch.setitem(METHODS, "plain", lambda seed, rate: DummyClassifier())
    rows = study(*IRIS, "--methods", "plain", "forest")
    assert [row["method"] for row in rows] == ["plain", "forest", "plain"]
    assert rows[0]["error"].startswith("Traceback")
    assert "accuracy" in rows[2]


class Telling(DummyClassifier):
    """Says of the noise what a classifier of ours may say."""

    def fit(self, X, y):
        self.noise_rate_ = 0.25
        self.noise_rate_interval_ = np.array([0.0, 0.9])
        self.noise_rate_by_class_ = np.full(3, 0.5)
        self.noise_matrix_ = np.eye(3, dtype=np.float32)
        self.advice_ = "Check fifty labels."
        return super().fit(X, y)


def test_estimates_stand_beside_the_truth_and_what_is_not_said_is_blank(study, capsys, monkeypatch):
    monkeypatch.setitem(METHODS, "mentornet", lambda seed, rate: Telling())
    monkeypatch.setitem(METHODS, "mentormix", lambda seed, rate: DummyClassifier())
    row, silent = study(*IRIS, "--methods", "mentornet", "mentormix")
    assert row["advice"] == "Check fifty labels."
    assert row["estimated"]["interval"] == [0, 0.9]
    assert row["estimated"]["matrix_error"] == pytest.approx(
        np.mean(row["true_rate_by_class"]), abs=1e-5
    )  # of "all are right"
    assert set(silent["estimated"].values()) == {None}
    study("--report")
    true, off = 100 * row["true_rate"], 100 * np.mean(0.5 - np.array(row["true_rate_by_class"]))
    wrong = 100 * row["estimated"]["matrix_error"]
    shown = capsys.readouterr().out
    start = "| iris | symmetric-0.4 |"
    assert f"{start} mentornet | {true:.1f} | 25.0 | {abs(25 - true):.1f} | {off:.1f} | {wrong:.1f} | 1 of 1 |" in shown
    assert f"{start} mentormix | {true:.1f} |  |  |  |  |  |" in shown


def percent_of(accuracies):
    """Accuracies of one data set and noise: a row a seed, a column a method."""
    return pd.DataFrame({method: pd.Series(values) for method, values in accuracies.items()})


def test_regret_is_to_the_best_mean_of_what_is_told_nothing():
    percent = percent_of(
        {"mentornet": [90, 80], "plain": [91, 85], "elr": [96, 70], "told": [100, 100], "mentormix": [99] * 2}
    )
    assert regret(percent, "mentornet") == pytest.approx(3)  # plain: 88; not told, nor the other of ours
    assert regret(percent, "mentormix") == pytest.approx(-11)
    assert regret(percent, "elr") == pytest.approx(5)
    assert np.isnan(regret(percent, "gce"))


def test_regret_is_of_the_seeds_in_common():
    percent = percent_of({"mentornet": [90, 50], "plain": [91], "elr": [np.nan, 60]})
    assert regret(percent, "mentornet") == pytest.approx(10)
    assert regret(percent.drop(columns="elr"), "mentornet") == pytest.approx(1)


def test_the_report_has_regrets_of_data_sets_and_of_groups(study, tmp_path, capsys):
    fits = [("iris", "clean", 0.9, 0.91), ("wine", "clean", 0.8, 0.9), ("wine", "pair-0.3", 0.9, 0.8)]
    for data, noise, *accuracies in fits:
        for method, accuracy in zip(("mentornet", "plain"), accuracies, strict=True):
            row = {"data": data, "noise": noise, "seed": 0, "method": method, "label": ""}
            append(tmp_path / "defaults.jsonl", row | {"accuracy": accuracy, "cpu_s": 1.0})
    study("--report")
    shown = capsys.readouterr().out
    assert "| iris | 1.00 | 1.00 (iris, clean) | 1.00 |" in shown
    assert "| wine | 0.00 | 10.00 (wine, clean) | 10.00 |" in shown
    assert "| all to judge | 0.33 | 10.00 (wine, clean) | 10.00 |" in shown
    assert "| all to judge | 3.7 (10.0) | 0.0 (0.0) |" in shown  # a win counts as 0


@pytest.mark.parametrize("name", TABLES)
def test_a_split_is_the_same_each_time_and_only_labels_to_train_on_are_noisy(name):
    for noise in noises_of(name):
        one, other = make_split(name, noise, 7), make_split(name, noise, 7)
        np.testing.assert_array_equal(one.X, other.X)
        np.testing.assert_array_equal(one.noisy_y, other.noisy_y)
        assert (one.noisy_y != one.y).any() == (noise != "clean")
        assert len(one.X) == int(0.7 * (len(one.X) + len(one.X_test)))
        matrix = one.manifest.matrix
        if matrix is not None:  # all of them can be learned
            others = np.array(matrix) - np.eye(len(matrix))
            assert (np.diag(matrix) > others.max(axis=1)).all()


def test_noises_that_make_no_sense_are_left_out():
    assert "pair-0.3" in noises_of("iris")
    assert {"pair-0.3", "pair-0.45"}.isdisjoint(noises_of("breast_cancer"))
    assert "symmetric-0.8" in noises_of("breast_cancer")  # six in ten are right: the true class is among the draws
    assert "human_worst" not in noises_of("fashion_mnist")
    assert "human_worst" in noises_of("cifar10")


def test_half_of_the_classes_move_to_the_nearest_other():
    X = np.array([[0.0, 1], [1, 1], [5, 1], [7, 1], [20, 1]])
    assert look_alikes(X, np.array(list("abcde"))).tolist() == [1, 0, 2, 3, 4]
    split = make_split("iris", "asymmetric-0.4", 0)
    np.testing.assert_allclose(np.diag(split.manifest.matrix), [1, 0.6, 1])  # versicolor is mistaken for virginica
    assert split.manifest.matrix[1][2] == pytest.approx(0.4)


def test_ours_come_as_they_are():
    for method, estimator in (("mentornet", MentorNetClassifier), ("mentormix", MentorMixClassifier)):
        assert make_method(method, "iris", 3, 0.2).get_params() == estimator(random_state=3).get_params()
        short = make_method(method, "cifar10_short", 3, 0.2).get_params()
        assert short == estimator(random_state=3, max_epochs=10).get_params()
    told = make_method("told", "iris", 3, 0.2)
    assert (told.loss_percentile, told.percentile_by_class, told.max_epochs) == (0.8, False, 50)
    assert (make_method("plain", "iris", 3, 0).max_epochs, make_method("plain_tuned", "iris", 3, 0).max_epochs) == (
        50,
        10,
    )


def test_trees_are_for_tables():
    assert methods_of("fashion_mnist") == [name for name in METHODS if name != "logistic"]
    assert methods_of("cifar10") == [name for name in METHODS if name not in ("forest", "boosting", "logistic")]
    assert methods_of("cifar10_short") == ["mentornet", "mentormix", "plain"]


def test_texts_are_columns_and_their_own_wrong_labels_are_a_noise(texts):
    table, path = texts
    table.to_parquet(path)
    split = make_split("summaries", "own", 7)
    assert (split.X.shape, split.X.dtype, split.X_test.shape) == ((140, 100), np.float32, (60, 100))
    assert {"own", "clean", "instance-0.4"} < set(noises_of("summaries"))
    assert {"pair-0.3", "human_worst"}.isdisjoint(noises_of("summaries"))  # two topics, and no people
    rows = [np.flatnonzero((_texts().data == row).all(axis=1))[0] for row in split.X]
    assert split.y.tolist() == table["clean_label"][rows].tolist()
    assert split.noisy_y.tolist() == table["noisy_label"][rows].tolist()
    assert split.manifest.realised_rate == np.mean(split.noisy_y != split.y) > 0.05
    assert "own" not in noises_of("iris") + noises_of("cifar10")


def test_logistic_regression_is_for_texts(texts, study):
    table, path = texts
    table.to_parquet(path)
    assert methods_of("summaries") == list(METHODS)
    asked = ["--data", "summaries", "--noises", "own", "--seeds", "3", "--methods", "logistic", "forest"]
    _, row = study(*asked, "--precision", "bf16")  # which is for networks only
    assert (row["method"], row["noise"], row["rate"]) == ("logistic", "own", None)
    assert row["accuracy"] > 0.9
    assert "logistic" not in methods_of("iris")


def test_texts_that_are_missing_or_of_another_form_are_named(texts):
    table, path = texts
    with pytest.raises(InvalidFileError, match=r"no .*summaries\.parquet\. Put short texts in the column 'summary', "):
        make_split("summaries", "clean", 0)
    table.drop(columns="noisy_label").to_parquet(path)
    with pytest.raises(InvalidFileError, match=r"summaries\.parquet must hold .*It has no 'noisy_label'\."):
        make_split("summaries", "clean", 0)


@pytest.mark.data
def test_images_are_the_training_images_and_human_labels_are_theirs():
    split = make_split("cifar10", "human_worst", 10)
    assert split.X.shape == (10_000, 3, 32, 32)
    assert split.manifest.realised_rate == pytest.approx(0.4, abs=0.02)
    assert split.X_test.shape == (10_000, 3, 32, 32)
    assert make_split("cifar10_short", "human_worst", 10).X.shape == (49_000, 3, 32, 32)
    clothes = make_split("fashion_mnist", "asymmetric-0.4", 0)
    assert (clothes.X.shape, clothes.X.dtype) == ((4_000, 784), np.float32)
    assert clothes.manifest.matrix[9][7] == pytest.approx(0.4)  # boots taken for sneakers, as published


@pytest.mark.data
@pytest.mark.parametrize("name", ["letter", "satellite", "spambase", "soybean"])
def test_tables_of_the_data_home_have_their_noises(name):
    if not (get_data_home() / "tables" / f"{name}.parquet").is_file():
        pytest.skip(f"no {name} in the data home")
    split = make_split(name, "asymmetric-0.4", 0)
    assert len(split.X) <= 5_000
    moved = np.diag(split.manifest.matrix) < 1
    assert moved.sum() == len(moved) // 2
