"""The command line, and the demonstration behind it."""

import pandas as pd
import pytest
from PIL import Image

import noisylabel
from noisylabel.commands._main import main
from noisylabel.commands.demo import METHODS, run_demo, summarize


def test_demo_writes_table_and_plot(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("noisylabel.commands.demo.RATES", (0.0, 0.4))
    assert main(["demo", "--out", str(tmp_path / "out"), "--seeds", "1", "--jobs", "1"]) == 0
    printed = capsys.readouterr().out
    runs = pd.read_csv(tmp_path / "out" / "digits.csv")
    assert len(runs) == 2 * len(METHODS)
    for name in ("digits-summary.csv", "digits.png"):
        assert str(tmp_path / "out" / name) in printed
    assert "self_paced" in printed
    with Image.open(tmp_path / "out" / "digits.png") as picture:
        assert picture.size == (1050, 675)
    assert sorted(path.suffix for path in (tmp_path / "out").iterdir()) == [".csv", ".csv", ".png"]


@pytest.mark.slow
def test_the_whole_demo(tmp_path):
    runs = pd.read_csv(run_demo(tmp_path) / "digits.csv")
    means = runs.groupby(["rate", "method"])["accuracy"].mean().unstack()
    assert (means.loc[0.4].drop("plain") > means.loc[0.4, "plain"] + 0.08).any()


def test_summary_reads_mean_and_deviation():
    table = pd.DataFrame({"method": ["b", "b", "a", "a"], "rate": 0.4, "accuracy": [0.7, 0.8, 0.9, 0.9]})
    assert summarize(table)["40 % noise"].to_dict() == {"b": "75.0 ± 7.1", "a": "90.0 ± 0.0"}


def test_errors_have_no_traceback(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert main(["demo", "--out", str(tmp_path / "file"), "--seeds", "1"]) == 2
    assert capsys.readouterr().err.startswith("noisylabel: ")


@pytest.mark.parametrize("arguments", [[], ["dance"], ["demo", "--seeds", "0"]])
def test_wrong_usage_exits_with_2(arguments):
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 2


def test_version(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["--version"])
    assert stop.value.code == 0
    assert capsys.readouterr().out.split() == ["noisylabel", noisylabel.__version__]
