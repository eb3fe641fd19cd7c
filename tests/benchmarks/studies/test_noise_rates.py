"""The comparison of noise estimates: what is kept, what the report says, and the estimators of others."""

import numpy as np
import pytest

from benchmarks.cells.store import read
from benchmarks.studies import noise_rates, run_study


@pytest.fixture
def study(tmp_path, monkeypatch):
    monkeypatch.setattr(noise_rates, "noises_of", lambda name: ["clean", "pair-0.3"])
    monkeypatch.setattr(noise_rates, "NETWORKS", {"logistic": noise_rates.NETWORKS["logistic"]})

    def call():
        run_study("noise_rates", ["--data", "iris", "--seeds", "1", "--results", str(tmp_path)])
        return read(tmp_path / "noise_rates.jsonl")

    return call


def test_each_estimate_is_a_row_and_is_made_once(study, capsys):
    clean, pair = study()
    assert (clean["data"], clean["noise"], clean["seed"], clean["network"]) == ("iris", "clean", 10, "logistic")
    assert clean["true_rate"] == 0
    assert clean["accuracy"] > 0.8
    assert clean["found"].keys() == noise_rates.ESTIMATORS.keys()
    assert clean["found"]["evenly spread"]["error_by_class"] is None
    assert clean["covered"]
    assert clean["classes_covered"] == 1
    assert pair["true_rate"] == pytest.approx(0.3, abs=0.1)
    assert pair["low"] <= pair["found"]["ours"]["rate"] <= pair["high"]
    assert "| judge | pair-0.3 | 1 |" in capsys.readouterr().out
    assert len(study()) == 2


@pytest.mark.parametrize("kind", ["ours", "confident joint", "dual-T"])
def test_sure_predictions_give_the_matrix(kind):
    truth = np.repeat(np.arange(3), 4000)
    labels = np.where((truth == 1) & (np.arange(12_000) % 4 == 0), 2, truth)  # a quarter of the middle class
    expected = np.array([[1, 0, 0], [0, 0.75, 0.25], [0, 0, 1]])
    rate, matrix = noise_rates.ESTIMATORS[kind](np.where(np.eye(3)[truth] == 1, 0.98, 0.01), labels)
    assert rate == pytest.approx(1 / 12, abs=0.03)
    np.testing.assert_allclose(matrix, expected, atol=0.05)
