"""The minute of CIFAR-10: recipe by goal, what is said and what is kept."""

from types import SimpleNamespace

import numpy as np
import pytest

from benchmarks.cells.store import read
from benchmarks.studies import minute, run_study
from noisylabel.estimators import RECIPES
from noisylabel.students import Speed


@pytest.fixture
def small(monkeypatch, tmp_path):
    """A CIFAR-10 of 60 images and 40 to test, recipes with a tiny network, results elsewhere."""
    rng = np.random.default_rng(0)
    images, labels = rng.integers(0, 256, (100, 3, 8, 8)).astype(np.uint8), np.arange(100) % 10
    data = SimpleNamespace(data=images[:60], target=labels[:60], test_data=images[60:], test_target=labels[60:])
    monkeypatch.setattr(minute, "fetch_cifar10", lambda: data)
    monkeypatch.setattr(minute, "_N_IMAGES", 60)
    for name in RECIPES:
        monkeypatch.setitem(RECIPES[name], "student", Speed((4, 8), norm_lr=64))
        monkeypatch.setitem(RECIPES[name], "augment", "shift_alternate")
        monkeypatch.setitem(RECIPES[name], "precision", "fp32")
    return tmp_path


def test_a_training_of_all_images_is_kept(small, capsys):
    run_study(
        "minute", ["--rows", "60", "--epochs", "2", "--seeds", "0", "1", "--batch-size", "32", "--results", str(small)]
    )
    rows = read(small / "minute.jsonl")
    assert [(row["goal"], row["seed"]) for row in rows] == [("94", 0), ("94", 1), ("96", 0), ("96", 1)]
    assert all(row["was_decoded"] and row["load_s"] >= 0 for row in rows)  # no file came with the made images
    assert all(row["epochs"] == 2 and len(row["train_loss"]) == 2 for row in rows)
    assert all(0 <= row[name] <= 1 for row in rows for name in ("accuracy", "accuracy_flipped"))
    assert all(row[name] > 0 for row in rows for name in ("fit_s", "predict_s", "predict_s_flipped"))
    printed = capsys.readouterr().out
    assert printed.startswith("load_s ")
    assert printed.count("| 96 |") == 2


def test_a_proof_on_some_images_is_not(small, capsys):
    run_study(
        "minute", ["--rows", "30", "--epochs", "1", "--goals", "94", "--preset", "speed_s", "--results", str(small)]
    )
    assert not (small / "minute.jsonl").exists()
    assert "accuracy_flipped" in capsys.readouterr().out


def test_the_learning_rate_follows_the_batch():
    options = SimpleNamespace(preset=None, epochs=None, batch_size=512, device="cpu", compile=False)
    clf = minute._classifier("96", options, 0)
    assert clf.lr == pytest.approx(RECIPES["speed_l"]["lr"] / 2)
    assert clf.net_params == {"optimizer__momentum": 0.85}
