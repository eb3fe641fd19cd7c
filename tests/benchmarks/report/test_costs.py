"""The seconds that the cells of a profile are expected to take."""

import math

import benchmarks.__main__ as command
from benchmarks.cells.catalogue import PROFILES
from benchmarks.cells.rows import path_of
from benchmarks.cells.store import append
from benchmarks.report.costs import costs
from tests.made_results import make_result


def add(folder, profile, seconds, **changes):
    append(path_of(profile, folder), make_result(profile=profile, seconds=seconds, **changes))


def test_right_29_seconds_are_those_of_recorded_runs_and_are_scaled_by_samples_and_epochs_alone(tmp_path):
    add(tmp_path, "digits", 2.0)
    add(tmp_path, "digits", 4.0, seed=1)
    add(tmp_path, "digits", 900.0, seed=2, environment={"cpu": "an old one"})  # another machine
    add(tmp_path, "digits", 1.0, seed=0, noise=("pair", 0.45), environment={"device": "a GPU"})
    of_digits = costs("digits", tmp_path).set_index("method")
    plain = of_digits.loc["plain"]
    assert (plain["seconds"], plain["measured"], plain["unknown"], plain["from"]) == (3.0, 4, 0, "digits")
    assert plain["left"] == 3.0 * (plain["cells"] - 4)
    assert math.isnan(of_digits.loc["elr", "seconds"])
    assert of_digits.loc["elr", "unknown"] == of_digits.loc["elr", "cells"]
    assert costs("digits", tmp_path, on_gpu=True).set_index("method").loc["plain", "seconds"] == 1.0
    smoke = costs("smoke", tmp_path).set_index("method").loc["plain"]
    scale = PROFILES["smoke"].max_epochs / PROFILES["digits"].max_epochs
    assert (smoke["seconds"], smoke["from"]) == (3.0 * scale, "digits")
    assert math.isnan(costs("fashion", tmp_path).set_index("method").loc["plain", "seconds"])  # other data


def test_right_29_the_list_of_profiles(tmp_path, capsys, monkeypatch):
    add(tmp_path, "digits", 2.0)
    monkeypatch.setattr("sys.argv", ["benchmarks", "list", "--results", str(tmp_path)])
    assert command.main() == 0
    printed = capsys.readouterr().out
    assert all(name in printed for name in PROFILES)
    assert "They were run on: AMD EPYC, 2 cores." in printed
    assert "not known" in printed


def test_right_29_a_list_without_results(tmp_path, capsys):
    assert command.main(["list", "--profile", "smoke", "--results", str(tmp_path)]) == 0
    assert "They were run on: nothing yet" in capsys.readouterr().out
