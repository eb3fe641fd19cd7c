"""``noisylabel evaluate``: after a training, and beside one."""

import re
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from noisylabel import MentorNetClassifier
from noisylabel.cli import main
from noisylabel.inspection import evaluate_checkpoint, watch_checkpoints

TRAINING = """
import sys, torch
torch.set_num_threads(1)
from noisylabel import MentorMixClassifier, corrupt
from noisylabel.datasets import load_digits
digits = load_digits()
noisy, _ = corrupt(digits.target, "symmetric", rate=0.4, random_state=0)
MentorMixClassifier(max_epochs=250, random_state=0, checkpoint_dir=sys.argv[1]).fit(digits.data, noisy)
"""


def small_linear(sample_shape, n_classes):
    """Return a network of the user's own."""
    return torch.nn.Linear(sample_shape[0], n_classes)


def evaluate(*arguments):
    return main(["evaluate", *map(str, arguments)])


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Folder of a finished training on a table with text labels."""
    folder = tmp_path_factory.mktemp("run")
    rng = np.random.default_rng(0)
    y = np.repeat(["a", "b", "c"], 40)
    X = pd.DataFrame((rng.normal(size=(120, 5)) + 4 * np.repeat(np.arange(3), 40)[:, None]), columns=list("pqrst"))
    clf = MentorNetClassifier("uniform", max_epochs=30, random_state=0, checkpoint_dir=folder).fit(X, y)
    return folder, clf, X, y


def test_it_follows_a_training_to_its_end(tmp_path, capsys):
    with subprocess.Popen([sys.executable, "-c", TRAINING, tmp_path]) as training:
        assert evaluate(tmp_path, "--data", "digits", "--watch", "--every", 0.02, "--timeout", 120) == 0
        assert training.wait() == 0
    table = pd.read_csv(tmp_path / "evaluation.csv")
    assert len(table) > 3
    assert table["epoch"].is_monotonic_increasing
    assert table["epoch"].iloc[-1] == 250
    assert table["accuracy"].iloc[-1] > 0.85
    assert table["loss"].notna().all()
    assert len(capsys.readouterr().out.splitlines()) == 1 + len(table)
    with Image.open(tmp_path / "evaluation.png") as image:
        assert image.width > 300


def test_tables_and_arrays(trained, tmp_path, capsys):
    folder, clf, X, y = trained
    X.assign(kind=y).to_csv(tmp_path / "table.csv", index=False)
    np.savez(tmp_path / "arrays.npz", X=X.to_numpy(), y=y)
    accuracy = f"{clf.score(X, y):.4f}"
    assert evaluate(folder, "--data", tmp_path / "table.csv", "--label", "kind") == 0
    with pytest.warns(UserWarning, match="fitted with feature names"):
        assert evaluate(folder, "--data", tmp_path / "arrays.npz", "--watch") == 0
    assert capsys.readouterr().out.count(f"   30    {accuracy}") == 2


def test_folders_of_images(tmp_path, capsys):
    rng = np.random.default_rng(0)
    y = np.arange(40) % 2
    X = (rng.integers(0, 100, (40, 3, 8, 8)) + 120 * y[:, None, None, None]).astype(np.uint8)
    for i, image in enumerate(X):
        path = tmp_path / "images" / ("bright" if y[i] else "dark")
        path.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image.transpose(1, 2, 0)).save(path / f"{i}.png")
    names = np.where(y == 1, "bright", "dark")
    MentorNetClassifier("uniform", max_epochs=100, random_state=0, checkpoint_dir=tmp_path / "run").fit(X, names)
    assert evaluate(tmp_path / "run", "--data", tmp_path / "images") == 0
    assert "1.0000" in capsys.readouterr().out


def test_networks_of_the_users_own(blobs, tmp_path, capsys, monkeypatch):
    X, y = blobs
    MentorNetClassifier("uniform", student=small_linear, max_epochs=5, checkpoint_dir=tmp_path).fit(X, y)
    np.savez(tmp_path / "arrays.npz", X=X, y=y)
    data = ("--data", tmp_path / "arrays.npz")
    assert evaluate(tmp_path, *data) == 2
    assert "Pass the same as 'student'" in capsys.readouterr().err
    (tmp_path / "mine.py").write_text("from torch import nn\ndef net(shape, n): return nn.Linear(shape[0], n)\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    assert evaluate(tmp_path, *data, "--student", "mine:net") == 0
    assert evaluate(tmp_path, *data, "--student", "mine:absent") == 2
    assert "--student must be package.module:name. Got 'mine:absent'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("nothing.csv", "There is no file nothing.csv"),
        ("nothing", "--data must be one of .* a .csv, .parquet or .npz file or a folder of images. Got 'nothing'"),
    ],
)
def test_bad_data_are_said(trained, capsys, data, message):
    assert evaluate(trained[0], "--data", data, "--label", "kind") == 2
    assert re.search(message, capsys.readouterr().err)


def test_a_table_needs_its_column_of_labels(trained, capsys):
    assert evaluate(trained[0], "--data", "table.csv") == 2
    assert "say with --label which column holds the labels" in capsys.readouterr().err


def test_what_cannot_be_evaluated_is_an_error(trained, tmp_path):
    folder, _, X, _ = trained
    with pytest.raises(ValueError, match="No label in the data, such as 'z', is one that was trained on, such as 'a'"):
        evaluate_checkpoint(folder, X, np.full(120, "z"))
    with pytest.raises(ValueError, match="There is no checkpoint in"):
        evaluate_checkpoint(tmp_path, X, np.full(120, "a"))
    with pytest.raises(ValueError, match=r"No new checkpoint in .* for 0.1 seconds. Is the training still running\?"):
        next(watch_checkpoints(tmp_path, X, np.full(120, "a"), every=0.02, timeout=0.1))
