"""Finding wrong labels: from data to table."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.cells.catalogue import PROFILES
from benchmarks.cells.store import read
from benchmarks.studies import detection
from noisylabel.exceptions import InvalidDataError


@pytest.fixture
def small(monkeypatch):
    """The smoke profile with 400 rows and few epochs."""
    profile = replace(PROFILES["smoke"], n_train=300, n_valid=100, max_epochs=15)
    monkeypatch.setitem(PROFILES, "smoke", profile)
    monkeypatch.setitem(detection.CELLS, "smoke", (("symmetric", 0.4),))


def test_a_run_goes_from_data_to_table(small, tmp_path):
    path = tmp_path / "detection.jsonl"
    detection.run_detection(["smoke"], [0], path)
    (result,) = read(path)
    assert set(result["detectors"]) == {*detection.DETECTORS, "cleanlab", "cleanlab_tuned"}
    table = detection.detection_table(path).set_index("detector")
    assert (table["AP"] > result["true_rate"] + 0.2).all()
    assert table.loc["cleanlab", "time"] == 1
    assert table.loc["audit", "AP of label_quality"] == table.loc["audit", "AP"]
    detection.run_detection(["smoke"], [0], path)
    assert read(path) == [result]
    shown = detection.detection_markdown(detection.detection_table(path))
    assert "| symmetric 40 % | audit | 1 |" in shown
    ablation = detection.detection_markdown(detection.detection_table(path), ablation=True)
    assert "cleanlab" not in ablation
    assert "| mean_margin |" in ablation


def test_measures_are_those_of_the_flagged_rows_and_scores():
    is_wrong = np.array([True, True, False, False])
    flagged, score = np.array([True, False, True, False]), np.array([0.1, 0.3, 0.2, 0.9])
    found = detection._timed(lambda: ({"score": score}, flagged, 0.25), is_wrong)
    assert (found["precision"], found["recall"], found["noise_rate"]) == (0.5, 0.5, 0.25)
    assert found["average_precision"]["score"] == pytest.approx((1 + 2 / 3) / 2)
    assert found["auroc"]["score"] == 0.75


def test_a_file_that_is_not_there_says_what_to_run(tmp_path):
    with pytest.raises(InvalidDataError, match="benchmarks detection"):
        detection.detection_table(tmp_path / "detection.jsonl")
