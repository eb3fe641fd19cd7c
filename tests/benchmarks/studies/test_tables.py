"""The comparison on clean tables: what is trained on what, what is kept, and the report."""

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier

from benchmarks.cells.store import append, read
from benchmarks.studies import run_study, tables
from noisylabel.exceptions import InvalidFileError


class Seen(DummyClassifier):
    """Remembers what it was fitted on."""

    def fit(self, X, y):
        Seen.X, Seen.y = X, y
        return super().fit(X, y)


@pytest.fixture
def dummies(monkeypatch):
    for name in tables.METHODS:
        monkeypatch.setitem(tables.METHODS, name, lambda seed: Seen())


def test_every_row_says_what_was_measured(dummies, tmp_path):
    run_study("tables", ["--tables", "iris", "--seeds", "3", "4", "--results", str(tmp_path)])
    rows = read(tmp_path / "tables.jsonl")
    assert [(row["method"], row["seed"]) for row in rows] == [(m, s) for m in tables.METHODS for s in (3, 4)]
    assert all((row["n_train"], row["n_test"], row["n_columns"], row["noise"]) == (105, 45, 4, 0) for row in rows)
    assert all(row["accuracy"] == pytest.approx(1 / 3) and row["cpu_s"] > 0 for row in rows)


def test_noise_is_on_the_training_labels_alone(dummies, tmp_path):
    arguments = ["--tables", "iris", "--methods", "plain", "--seeds", "0", "--results", str(tmp_path)]
    run_study("tables", arguments)
    clean_X, clean = Seen.X, Seen.y
    run_study("tables", [*arguments, "--noise", "0.4"])
    np.testing.assert_array_equal(Seen.X, clean_X)
    assert 0.2 < (Seen.y != clean).mean() < 0.4


def test_a_table_with_words_becomes_numbers(tmp_path, monkeypatch):
    monkeypatch.setenv("NOISYLABEL_DATA", str(tmp_path))
    tables.load_table.cache_clear()
    with pytest.raises(InvalidFileError, match=r"soybean.parquet"):
        tables.load_table("soybean")
    (tmp_path / "tables").mkdir()
    words = pd.DataFrame({"leaf": ["thin", None, "thick"] * 9})
    words.to_parquet(tmp_path / "tables" / "soybean.parquet")
    with pytest.raises(InvalidFileError, match=r"must hold .*It has no 'label'"):
        tables.load_table("soybean")
    words["label"] = ["ill", "well", "ill"] * 9
    words.to_parquet(tmp_path / "tables" / "soybean.parquet")
    X, y = tables.load_table("soybean")
    tables.load_table.cache_clear()
    assert X.shape == (27, 3)
    assert y.tolist() == words["label"].tolist()


def test_the_report_compares_networks_with_the_better_ensemble(tmp_path, capsys):
    accuracies = {"forest": (0.9, 0.8), "boosting": (0.7, 0.95), "plain": (0.92, 0.93)}
    for method, pair in accuracies.items():
        for table, accuracy in zip(("iris", "wine"), pair, strict=True):
            row = {"table": table, "method": method, "noise": 0.0, "seed": 0, "accuracy": accuracy, "cpu_s": 1.0}
            append(tmp_path / "tables.jsonl", row)
    run_study("tables", ["--report", "--results", str(tmp_path)])
    printed = capsys.readouterr().out
    assert "Accuracy (%) with 0% noise, 1 splits" in printed
    gaps = printed.split("better of forest and boosting")[1].split("Seconds")[0]
    assert [line for line in gaps.splitlines() if line][2:] == ["| wine | -2.0 |", "| iris | 2.0 |", "| mean | 0.0 |"]
