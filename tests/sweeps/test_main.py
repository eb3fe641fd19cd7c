"""``python -m sweeps``, as one uses it."""

import json
import sqlite3
import struct
import sys
import warnings

import numpy as np
import pandas as pd
import pytest

from noisylabel import MentorNetClassifier, load_checkpoint
from noisylabel.audit import read_audit_table
from noisylabel.exceptions import NoisyLabelWarning
from sweeps.__main__ import ALL_TRAINED, UNFINISHED, USAGE, _config_of, main
from sweeps.config import make_config
from sweeps.problem import load_problem, make_search
from sweeps.report.tables import describe_params
from sweeps.trial.draws import configure
from tests.browser import open_browser

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*noload.*"),  # MLflow's use of SQLAlchemy
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"),
]
DIGITS = ["--dataset", "digits", "--noise", "symmetric", "--rate", "0.4", "--samples", "400", "--epochs", "9"]


def run(*words):
    return main([str(word) for word in words])


@pytest.fixture(scope="module")
def swept(tmp_path_factory):
    """The folder of a finished sweep of three trials."""
    folder = tmp_path_factory.mktemp("sweeps") / "sweep"
    assert run("run", *DIGITS, "--trials", 3, "--out", folder, "--trackers", "tensorboard", "mlflow") == ALL_TRAINED
    return folder


def event_texts(path):
    """Return the bytes of the records of a TensorBoard file (length, checksum, record, checksum)."""
    content, start = path.read_bytes(), 0
    while start < len(content):
        (length,) = struct.unpack("<Q", content[start : start + 8])
        yield content[start + 12 : start + 12 + length]
        start += 16 + length


def test_a_sweep_leaves_tables_a_page_and_a_study(swept):
    names = {path.name for path in swept.iterdir()}
    assert {"sweep.json", "log.jsonl", "trials.csv", "trials.parquet", "curves.parquet", "report.html"} <= names
    manifest = json.loads((swept / "sweep.json").read_text())
    assert manifest["dataset"] == "digits"
    assert manifest["realised_rate"] == load_problem(_config_of(swept)).noise_manifest.realised_rate
    assert (manifest["n_train"], manifest["n_valid"]) == (320, 80)
    assert manifest["seconds"] > 0
    assert "--trials 3" in manifest["command"]


def test_the_scores_in_the_tables_are_those_of_trainings_by_hand(swept):
    config = _config_of(swept)
    problem = load_problem(config)
    sweep = make_search(config, problem)._prepare(problem.X, problem.noisy_y, None, problem.test_data, swept)
    trials = pd.read_parquet(swept / "trials.parquet")
    assert len(trials) == 3
    done = trials[trials["state"] == "done"]
    assert len(done) >= 1
    for row in done.to_dict("records"):
        clf = configure(sweep.setup.estimator, json.loads(row["params"])).fit(sweep.data["X"], sweep.data["y"])
        assert row["score"] == (clf.predict(sweep.data["X_valid"]) == sweep.data["y_valid"]).mean()
        assert row["test_score"] == (clf.predict(sweep.data["X_test"]) == sweep.data["y_test"]).mean()


def test_the_page_of_a_real_sweep(swept, tmp_path):
    dom = open_browser(tmp_path).dom(swept / "report.html")
    n_done = (pd.read_parquet(swept / "trials.parquet")["state"] == "done").sum()  # others may have been stopped
    assert (f"The best of {n_done} finished trials" if n_done > 1 else "The only finished trial") in dom
    assert "40 % asked for" in dom
    for name in ("t001", "t002", "t003"):
        assert name in dom


def test_trackers_saw_the_trials(swept):
    all_events = sorted(swept.glob("tensorboard/*/events.out.tfevents*"))
    assert len(all_events) == 3
    assert any(b"score" in record for record in event_texts(all_events[0]))
    database = sqlite3.connect(swept / "mlflow.db")
    runs = database.execute("select count(*) from runs").fetchone()[0]
    keys = {key for (key,) in database.execute("select distinct key from metrics")}
    database.close()
    assert runs == 3
    assert {"score", "epoch"} <= keys


def test_the_same_command_does_nothing_again(swept, capsys):
    before = (swept / "log.jsonl").read_bytes()
    assert run("resume", swept) == ALL_TRAINED
    assert (swept / "log.jsonl").read_bytes() == before
    assert "python -m sweeps best" in capsys.readouterr().out


def test_our_warnings_are_notes(monkeypatch, capsys):
    def warns(options):
        print(warnings.formatwarning("look at this", NoisyLabelWarning, "file.py", 1), end="")
        return 0

    monkeypatch.setattr("sweeps.__main__._report", warns)
    assert run("report", "folder") == 0
    assert capsys.readouterr().out == "Note: look at this\n"


def test_best_exports_a_classifier(swept, tmp_path, capsys):
    assert run("best", swept, "--export", tmp_path / "model") == 0
    first, rest = capsys.readouterr().out.split("\n", 1)
    best = pd.read_csv(swept / "trials.csv").query("state == 'done'").sort_values("score", ascending=False).iloc[0]
    params = json.loads(best["params"])
    assert first == f"{best['trial']}: score {best['score']:.4f} on held-out rows. {describe_params(params)}"
    assert json.loads(rest[: rest.index("\n}") + 2]) == params
    problem = load_problem(_config_of(swept))
    by_hand = configure(MentorNetClassifier(max_epochs=9, random_state=0), params).fit(problem.X, problem.noisy_y)
    X_test, _ = problem.test_data
    assert np.array_equal(load_checkpoint(tmp_path / "model").predict_proba(X_test), by_hand.predict_proba(X_test))


def test_several_sweeps_on_one_page(swept, tmp_path):
    page = tmp_path / "both.html"
    assert run("report", swept, swept, "--out", page) == 0
    assert "Best configuration per noise level" in open_browser(tmp_path).dom(page)


def test_an_unfinished_sweep_can_be_looked_at(swept, tmp_path, capsys):
    for name in ("sweep.json", "log.jsonl"):
        lines = (swept / name).read_text().splitlines(keepends=True)
        (tmp_path / name).write_text("".join(lines if name == "sweep.json" else lines[:4]))
    assert run("report", tmp_path) == 0
    n_started = len({json.loads(line)["trial"] for line in lines[:4]})
    assert pd.read_csv(tmp_path / "trials.csv")["state"].tolist() == ["unfinished"] * n_started
    assert (tmp_path / "report.html").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["run", "--trials", "3"], "Give 'dataset', one of"),
        (["run", *DIGITS, "--config", "absent.yaml"], "There is no file absent.yaml"),
        (["report", "absent"], "There is no sweep in absent"),
        (["resume", "absent"], "There is no sweep in absent"),
        (["best", "absent"], "There is no sweep in absent"),
        (["run", *DIGITS, "--address", "127.0.0.1:1"], "There is no Ray cluster at '127.0.0.1:1'"),
    ],
)
def test_mistakes(words, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run(*words) == USAGE
    assert message in capsys.readouterr().err


def table_problem(path, **more):
    return load_problem(make_config({"data": str(path), "label": "kind"} | more))


def test_right_28_sweeps_take_the_tables_that_an_audit_takes(tmp_path):
    path = tmp_path / "toys.csv"
    kinds = ("b\u00e4r", "auto")
    words = "ein gr\u00fcner Frosch h\u00fcpft, Nummer"
    rows = [f"{n};{n % 7 or ''};{words} {n % 30};2026-0{n % 9 + 1}-05;{kinds[n % 2]}" for n in range(120)]
    path.write_bytes("\n".join(["id;size;words;bought;kind", *rows, "121;3;x;2026-01-01;"]).encode("cp1252"))
    audited = read_audit_table(path, label="kind")
    problem = table_problem(path, samples=50)
    chosen = np.random.default_rng(0).permutation(120)[:50]
    assert np.array_equal(problem.X, audited.X[chosen])
    assert np.array_equal(problem.noisy_y, audited.noisy_y[chosen])
    assert set(problem.noisy_y) == {"auto", "b\u00e4r"}
    assert problem.notes == tuple(audited.notes)
    assert any("Windows-1252" in note for note in problem.notes)
    assert any("1 row without a label: one is predicted" in note for note in problem.notes)
    assert problem.is_encoded


def test_right_28_complete_numbers_stay_what_they_are_so_that_an_export_takes_further_rows(tmp_path):
    table = pd.DataFrame({"id": range(120), "a": np.arange(120) % 5, "b": 0.5, "c": np.arange(120) / 7})
    table["kind"] = np.array(["u", "v"])[np.arange(120) % 2]
    table.to_csv(tmp_path / "t.csv", index=False)
    problem = table_problem(tmp_path / "t.csv")
    pd.testing.assert_frame_equal(problem.X.reset_index(drop=True), table[["a", "c"]])
    assert not problem.is_encoded
    table.assign(a=table["a"].where(table["a"] > 0)).to_csv(tmp_path / "t.csv", index=False)
    assert table_problem(tmp_path / "t.csv").is_encoded


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "t.csv is empty"),
        (b"u,kind\n1,a\n1,2,3,b\n", "t.csv"),
        (b"u,kind\n1,a\n2,a\n", "All 2 rows have the label"),
    ],
)
def test_right_28_a_table_that_nobody_can_learn_from(content, message, tmp_path, capsys):
    (tmp_path / "t.csv").write_bytes(content)
    assert run("run", "--data", tmp_path / "t.csv", "--label", "kind", "--out", tmp_path / "sweep") == USAGE
    assert message in capsys.readouterr().err
    assert not (tmp_path / "sweep").exists()


@pytest.mark.parametrize(
    "words",
    [["run", *DIGITS, "--out"], ["run", "--config"], ["resume"], ["report"], ["report", ".", "--out"], ["best"]],
)
def test_right_25_an_address_is_no_place_of_a_sweep(words, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run(*words, "s3://bucket/x") == USAGE
    assert "must be a path on this machine. Got 's3://bucket/x'" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_device_that_is_not_there(tmp_path, capsys):
    (tmp_path / "c.yaml").write_text("estimator: {device: 'cuda:77x'}")
    assert run("run", *DIGITS, "--config", tmp_path / "c.yaml", "--out", tmp_path / "sweep") == USAGE
    assert "'device' must be 'auto' or a torch device" in capsys.readouterr().err


def test_ctrl_c_before_the_first_trial(tmp_path, capsys, monkeypatch):
    def stop(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr("sweeps.engine.run.ray_session", stop)
    assert run("run", *DIGITS, "--trials", 2, "--out", tmp_path) == UNFINISHED
    assert "'resume' with the folder, goes on" in capsys.readouterr().err
    assert json.loads((tmp_path / "sweep.json").read_text())["n_trials"] == 2


def test_a_tracker_that_is_not_installed(capsys, tmp_path):
    assert run("run", *DIGITS, "--trials", 1, "--out", tmp_path, "--trackers", "wandb") == USAGE
    assert "pip install wandb" in capsys.readouterr().err
    assert not (tmp_path / "log.jsonl").exists()


def test_resume_of_a_sweep_from_python(swept, tmp_path, capsys):
    manifest = json.loads((swept / "sweep.json").read_text())
    del manifest["config"]
    (tmp_path / "sweep.json").write_text(json.dumps(manifest))
    assert run("resume", tmp_path) == USAGE
    assert "by fitting the same CurriculumSearch" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("changes", "options", "message"),
    [
        ({"method": "evil:Space"}, [], "It is code; if you trust it, name it: --method evil:Space"),
        ({"method": "evil:Space"}, ["--method", "mine:Space"], "searches the space 'evil:Space'"),
        ({}, ["--method", "mine:Space"], "leave --method out"),
        ({"address": "10.0.0.9:6379"}, [], "if it is one of yours: --address 10.0.0.9:6379"),
    ],
)
def test_code_and_addresses_that_a_folder_names_are_not_used(swept, tmp_path, capsys, changes, options, message):
    manifest = json.loads((swept / "sweep.json").read_text())
    manifest["config"] |= changes
    (tmp_path / "sweep.json").write_text(json.dumps(manifest))
    assert run("resume", tmp_path, *options) == USAGE
    assert message in capsys.readouterr().err
    assert "evil" not in sys.modules


def test_packages_that_are_not_installed(capsys, monkeypatch):
    for name in ("optuna", "pydantic"):
        monkeypatch.setitem(sys.modules, name, None)
    assert run("run", *DIGITS) == USAGE
    assert "not installed: optuna, pydantic. Install them: pip install '.[sweeps]'" in capsys.readouterr().err
