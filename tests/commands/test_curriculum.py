"""``noisylabel curriculum``: what a shell user does, from records to plots."""

import json
import re

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from noisylabel.cli import main
from noisylabel.commands._options import percents as read_percents
from noisylabel.curricula import MentorNet
from noisylabel.curricula.learned import read_records


def run(*arguments):
    return main(["curriculum", *map(str, arguments)])


def test_learn_plot_and_list(tmp_path, capsys):
    out = tmp_path / "my.safetensors"
    assert run("learn", "--vstar", "spcl_linear", "--gamma", 2, "--samples", 5000, "--steps", 600, "--out", out) == 0
    card = MentorNet.load(out).card
    assert card["learned_from"]["parameters"] == {"gamma": 2.0}
    assert card["name"] == "my"
    assert re.search(
        rf"Mean absolute error 0\.0\d+, .*\nWritten: {out}, {tmp_path / 'my.json'}\n", capsys.readouterr().out
    )
    assert run("plot", out, "--percents", "0,50,99", "--loss-bound", 3, "--out", tmp_path / "picture") == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "my.json", "my.safetensors", "picture.gif", "picture.html", "picture.png",
    ]  # fmt: skip
    with Image.open(tmp_path / "picture.png") as picture:
        assert picture.size[0] > 500
    assert run("list") == 0
    printed = capsys.readouterr().out
    assert "mentornet_dd" in printed
    assert "closed form focal_loss" in printed
    assert run("list", "--cards") == 0
    assert json.loads(capsys.readouterr().out)["self_paced"]["format"] == "noisylabel-mentornet-1"


def test_records_of_a_data_set_then_several_percentiles(tmp_path, capsys):
    records = tmp_path / "records.csv"
    options = ["--samples", 900, "--trusted", 300, "--epochs", 10, "--percents", "20,60"]
    assert run("records", "--dataset", "digits", "--rate", 0.4, *options, "--out", records) == 0
    table = read_records(records)
    assert table.groupby("epoch").size().to_dict() == {20: 300, 60: 300}
    assert 0.25 < (table["noisy_label"] != table["clean_label"]).mean() < 0.47
    out = tmp_path / "dd.safetensors"
    assert run("learn", "--records", records, "--percentile", "0.5,0.75,0.9", "--steps", 200, "--out", out) == 0
    said = capsys.readouterr().out
    names = sorted(path.name for path in tmp_path.glob("*.safetensors"))
    assert names == [f"dd_percentile_{percentile}.safetensors" for percentile in (0.5, 0.75, 0.9)]
    for name, percentile in zip(names, (0.5, 0.75, 0.9), strict=True):
        card = MentorNet.load(tmp_path / name).card
        assert card["learned_from"]["records"] == ["records.csv"]
        assert card["learned_from"]["percentile"] == percentile
        accuracy = card["fit"]["accuracy"]
        assert re.search(rf"^{percentile}0? .* {accuracy:g}.* {name}$", said, re.MULTILINE)


@pytest.fixture
def table(tmp_path):
    """A file of animals, of which a third has a checked label."""
    rng = np.random.default_rng(0)
    y = np.repeat(["cat", "dog", "eel"], 60)
    table = pd.DataFrame(rng.normal(size=(180, 4)) + 2 * np.repeat(np.arange(3), 60)[:, None], columns=list("abcd"))
    table["label"] = np.where(rng.random(180) < 0.2, "cat", y)
    table["checked"] = np.where(np.arange(180) % 3 == 0, y, None)
    table.to_csv(tmp_path / "table.csv", index=False)
    return tmp_path / "table.csv"


def test_records_of_a_table(table, tmp_path):
    columns = ["--label", "label", "--trusted-label", "checked"]
    out = tmp_path / "records.parquet"
    assert run("records", "--table", table, *columns, "--epochs", 5, "--percents", "50", "--out", out) == 0
    assert len(read_records(out)) == 60


def test_imitate_a_curriculum_on_a_data_set(tmp_path, capsys):
    out = tmp_path / "mine.safetensors"
    options = ["--percentile", 0.6, "--epochs", 8, "--steps", 300, "--trainings", 2, "--visits", 5000]
    assert run("imitate", "--curriculum", "self_paced", "--dataset", "digits", *options, "--out", out) == 0
    card = MentorNet.load(out).card
    assert card["name"] == "mine"
    assert card["learned_from"]["curriculum"] == "self_paced"
    assert card["learned_from"]["n_visits"] == 5000
    said = capsys.readouterr().out
    assert f"Mean absolute error of the weights {card['fit']['mean_absolute_error']:.4f} (0.3" in said
    assert "mean of 2, against the right labels" in said
    assert re.search(r"original +imitation +plain\nmean +0\.\d+ +0\.\d+ +0\.\d+\nstd ", said)
    assert f"MentorNetClassifier({str(out)!r}, loss_percentile=0.6, burn_in=0)" in said


@pytest.mark.parametrize(("columns", "labels"), [([], "given"), (["--trusted-label", "checked"], "trusted")])
def test_imitate_on_a_table(table, tmp_path, capsys, columns, labels):
    if not columns:
        pd.read_csv(table).drop(columns="checked").to_csv(table, index=False)
    out = tmp_path / "mine.safetensors"
    options = ["--epochs", 6, "--steps", 50, "--trainings", 1, "--percentile", 0.7]
    given = ["--curriculum", "spcl_linear", "--table", table, "--label", "label", *columns]
    assert run("imitate", *given, *options, "--out", out) == 0
    assert f"mean of 1, against the {labels} labels of rows that were not trained on" in capsys.readouterr().out
    assert MentorNet.load(out).card["learned_from"]["n_rows"] == 144  # of 180


@pytest.mark.slow
def test_imitate_one_that_is_taught_by_trusted_rows(tmp_path, capsys):
    options = ["--trusted", 200, "--epochs", 8, "--steps", 50, "--trainings", 1, "--percentile", "auto"]
    given = ["--curriculum", "data_driven", "--dataset", "digits"]
    assert run("imitate", *given, *options, "--out", tmp_path / "dd") == 0
    assert 0.5 < MentorNet.load(tmp_path / "dd.safetensors").card["learned_from"]["loss_percentile"] < 0.75


@pytest.mark.parametrize("name", ["auto", "active_bias"])
def test_plot_of_a_curriculum_that_is_no_formula(tmp_path, capsys, name):
    options = ["--epochs", 8, "--trusted", 300, "--percents", "0,21,75,99", "--out", tmp_path / "seen"]
    assert run("plot", name, *options) == 0
    assert capsys.readouterr().out == f"Written: {tmp_path / 'seen.png'}\n"
    with Image.open(tmp_path / "seen.png") as picture:
        assert picture.size[0] > 800


@pytest.mark.parametrize(
    ("text", "percents"),
    [
        ("0,10,18", [0, 10, 18]),
        ("0,10,18,20,...,30", [0, 10, 18, 20, 22, 24, 26, 28, 30]),
        ("90, 93,...,99", [90, 93, 96, 99]),
        ("10,20,...,45", [10, 20, 30, 40, 45]),
    ],
)
def test_percents(text, percents):
    assert read_percents(text) == percents


@pytest.mark.parametrize("text", ["", "a", "100", "-1", "...,9", "5,...", "5,...,9", "9,9,...,20"])
def test_wrong_percents(text, capsys):
    with pytest.raises(SystemExit):
        run("plot", "focal", "--percents", text)
    said = capsys.readouterr().err
    assert said.startswith("noisylabel: argument --percents: must be whole percents from 0 to 99, such as 0,10,20,...")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["learn", "--vstar", "self_paced", "--gamma", 2, "--out", "x"], "--gamma: 'self_paced' has no such parameter"),
        (["learn", "--vstar", "focal", "--percentile", 0.5, "--out", "x"], "--percentile belongs to --records"),
        (["learn", "--records", "r.csv", "--samples", 50, "--out", "x"], "--samples belongs to --vstar"),
        (["learn", "--vstar", "selfpaced", "--out", "x"], "Did you mean 'self_paced'"),
        (["learn", "--vstar", "data_driven", "--out", "x"], "'--vstar' must be one of"),
        (["learn", "--records", "none.csv", "--out", "x"], "no file of records none.csv"),
        (["plot", "none.safetensors"], "There is no MentorNet file none.safetensors"),
        (["imitate", "--curriculum", "spdl", "--dataset", "digits", "--out", "x"], "--curriculum must be one of"),
        (
            ["imitate", "--curriculum", "uniform", "--dataset", "digits", "--epochs", 1, "--out", "x"],
            "Every weight is 1",
        ),
        (["imitate", "--curriculum", "focal", "--table", "t.csv", "--out", "x"], "--table needs --label COLUMN."),
        (["plot", "zoo:none"], "'name' must be one of"),
        (["records", "--table", "none.csv", "--out", "x"], "--table needs --label COLUMN"),
        (["records", "--dataset", "digits", "--trusted", 99999, "--out", "x"], "--trusted must be from 1"),
        (["records", "--dataset", "digit", "--out", "x"], "Did you mean 'digits'"),
    ],
)
def test_errors_say_what_to_do_and_leave_nothing(arguments, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run(*arguments) == 2
    assert message in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
