"""``noisylabel evaluate``: after a training, and beside one."""

import re
import subprocess
import sys
import warnings

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from noisylabel import MentorNetClassifier
from noisylabel.cli import main
from noisylabel.evaluation import evaluate_checkpoint, save_evaluation, watch_checkpoints
from noisylabel.exceptions import InvalidDataError, InvalidFileError

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


@pytest.mark.slow
def test_it_follows_a_training_to_its_end(tmp_path, capsys):
    with subprocess.Popen([sys.executable, "-c", TRAINING, tmp_path]) as training:
        assert evaluate(tmp_path, "--data", "digits", "--watch", "--every", 0.02, "--timeout", 120) == 0
        assert training.wait() == 0
    table = pd.read_csv(tmp_path / "evaluation.csv")
    assert len(table) > 3
    assert table["epoch"].is_monotonic_increasing
    assert table["epoch"].iloc[-1] == 250
    assert table["accuracy"].iloc[-1] > 0.8
    assert table["loss"].notna().all()
    head, *rows, last = capsys.readouterr().out.splitlines()
    assert head == "epoch  accuracy    loss"
    assert [int(row.split()[0]) for row in rows] == table["epoch"].tolist()
    assert last == f"Written: {tmp_path / 'evaluation.csv'}, {tmp_path / 'evaluation.png'}"
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


def test_folders_need_images_of_the_training(tmp_path, blobs, capsys):
    MentorNetClassifier(max_epochs=1, checkpoint_dir=tmp_path / "run").fit(*blobs)
    (tmp_path / "images").mkdir()
    assert evaluate(tmp_path / "run", "--data", tmp_path / "images") == 2
    assert "the training saw samples of shape [5] (float32). Pass an .npz file" in capsys.readouterr().err
    waiting = ("--data", tmp_path / "images", "--watch", "--every", 0.01, "--timeout", 0.1)
    assert evaluate(tmp_path / "absent", *waiting) == 2
    assert "There is no checkpoint in" in capsys.readouterr().err


def test_earlier_rows_are_kept(trained, tmp_path):
    folder, _, X, y = trained
    (folder / "evaluation.csv").unlink(missing_ok=True)
    rows = [{"data": "a", "epoch": epoch, "accuracy": 0.5, "loss": 1.0} for epoch in (1, 2)]
    save_evaluation(rows, folder)
    save_evaluation([{"data": "a", "epoch": 2, "accuracy": 0.6, "loss": 1.0}], folder)
    X.assign(kind=y).to_csv(tmp_path / "b.csv", index=False)
    assert evaluate(folder, "--data", tmp_path / "b.csv", "--label", "kind") == 0
    table = pd.read_csv(folder / "evaluation.csv")
    assert table["epoch"].tolist() == [30, 1, 2]  # sorted by data, then epoch
    assert table["accuracy"].tolist()[1:] == [0.5, 0.6]
    (folder / "evaluation.csv").unlink()


def test_data_that_do_not_fit_are_an_error_not_a_traceback(trained, tmp_path, capsys):
    folder, _, X, y = trained
    np.savez(tmp_path / "narrow.npz", X=X.to_numpy()[:, :3], y=y)
    np.savez(tmp_path / "short.npz", X=X.to_numpy(), y=y[:7])
    np.savez(tmp_path / "objects.npz", X=X.to_numpy(), y=y.astype(object))
    (tmp_path / "bad.npz").write_bytes(b"hello")
    for name, message in [
        ("narrow", "5 features"), ("short", "X has 120 samples, but y has 7 labels"),
        ("objects", "is no file of arrays X and y.*Objects are not read"),
        ("bad", "bad.npz is no file of arrays X and y"),
    ]:  # fmt: skip
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            assert evaluate(folder, "--data", tmp_path / f"{name}.npz") == 2
        assert re.search(message, capsys.readouterr().err)
    damaged = tmp_path / "run"
    damaged.mkdir()
    (damaged / "checkpoint.pt").write_bytes(b"hello")
    assert evaluate(damaged, "--data", "digits", "--watch") == 2
    assert "is damaged. Delete it" in capsys.readouterr().err


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
        ("nothing", r"--data is 'nothing': there is no such file or folder, nor is it one of \['digits', "),
        ("nothing.npz", "--data is 'nothing.npz': there is no such file or folder"),
        (__file__, "--data must be one of .* a .csv, .tsv, .parquet or .npz file or a folder of images. Got "),
    ],
)
def test_bad_data_are_said(trained, capsys, data, message):
    assert evaluate(trained[0], "--data", data, "--label", "kind") == 2
    assert re.search(message, capsys.readouterr().err)


def test_right_31_names_of_files_may_be_in_capitals(trained, tmp_path, capsys):
    folder, clf, X, y = trained
    with (tmp_path / "ARRAYS.NPZ").open("wb") as file:
        np.savez(file, X=X.to_numpy(), y=y)
    X.assign(kind=y).to_csv(tmp_path / "TABLE.CSV", index=False, sep=";", encoding="utf-16")
    for name in ("ARRAYS.NPZ", "TABLE.CSV"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # an array has no names of columns; UTF-16 is said
            assert evaluate(folder, "--data", tmp_path / name, "--label", "kind") == 0
        assert f"{clf.score(X, y):8.4f}" in capsys.readouterr().out


@pytest.mark.parametrize("fitted_as", ["uint8", "float32"])
def test_right_31_images_of_another_scale_are_refused(tmp_path, capsys, fitted_as):
    y = np.arange(60) % 2
    whole = np.random.default_rng(0).integers(0, 256, (60, 3, 8, 8)).astype(np.uint8)
    scaled = whole.astype(np.float32) / 255
    X, other = (whole, scaled) if fitted_as == "uint8" else (scaled, whole)
    MentorNetClassifier("uniform", student="mlp", max_epochs=2, checkpoint_dir=tmp_path, random_state=0).fit(X, y)
    np.savez(tmp_path / "other.npz", X=other, y=y)
    assert evaluate(tmp_path, "--data", tmp_path / "other.npz") == 2
    assert "MentorNetClassifier was fitted on " in capsys.readouterr().err
    assert not (tmp_path / "evaluation.csv").exists()


def test_right_27_a_name_of_data_runs_as_no_formula(tmp_path):
    rows = [{"data": "=cmd", "epoch": epoch, "accuracy": 0.5, "loss": 1.0} for epoch in (1, 2)]
    for row in (*rows, rows[0]):
        path = save_evaluation([row], tmp_path)
    assert pd.read_csv(path)["data"].tolist() == ["'=cmd", "'=cmd"]


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"a,b\n1,2\n"])
def test_right_25_another_table_of_that_name_is_not_added_to(tmp_path, content):
    (tmp_path / "evaluation.csv").write_bytes(content)
    with pytest.raises(InvalidFileError, match=r"evaluation\.csv is no table of evaluations: .* Move it away"):
        save_evaluation([{"epoch": 1, "accuracy": 0.5, "loss": 1.0}], tmp_path)
    assert (tmp_path / "evaluation.csv").read_bytes() == content


def test_a_table_needs_its_column_of_labels(trained, capsys):
    assert evaluate(trained[0], "--data", "table.csv") == 2
    assert "say with --label which column holds the labels" in capsys.readouterr().err


def test_what_cannot_be_evaluated_is_an_error(trained, tmp_path):
    folder, _, X, _ = trained
    with pytest.raises(ValueError, match="No label in the data, such as 'z', is one that was trained on, such as 'a'"):
        evaluate_checkpoint(folder, X, np.full(120, "z"))
    with pytest.warns(UserWarning, match="60 of 120 labels, such as 'z', were not among those trained on"):
        evaluate_checkpoint(folder, X, np.repeat(["a", "z"], 60))
    with pytest.raises(ValueError, match="There is no checkpoint in"):
        evaluate_checkpoint(tmp_path, X, np.full(120, "a"))
    with pytest.raises(ValueError, match=r"No new checkpoint in .* for 0.1 seconds. Is the training still running\?"):
        next(watch_checkpoints(tmp_path, X, np.full(120, "a"), every=0.02, timeout=0.1))


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (["a", None] * 60, "missing"),
        (np.ma.masked_array(np.full(120, "a"), [True] + [False] * 119), "y has 1 missing"),
        (["a"], "X has 120 samples, but y has 1 labels"),
        (np.full(120, 3), "No label of y, such as 3, is one that fit saw, such as 'a'"),
    ],
)
def test_right_22_labels_of_test_data_are_missing_or_too_few(trained, labels, message):
    folder, clf, X, _ = trained
    for samples in (X.to_numpy().tolist(), X.to_numpy()):
        with pytest.raises(InvalidDataError, match=message):
            evaluate_checkpoint(folder, samples, labels)
        with pytest.raises(InvalidDataError, match=message):
            clf.score(samples, labels)
    with pytest.raises(InvalidDataError, match="empty"):
        evaluate_checkpoint(folder, [], [])
