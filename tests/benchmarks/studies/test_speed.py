"""Ratios of seconds: in turns, medians of pairs, one line each."""

import json

import numpy as np
import pytest

from benchmarks.studies import speed
from benchmarks.studies.speed import TIMINGS, How, Timing, compare, run_speed


def test_two_functions_take_turns_and_the_ratio_is_the_median_of_the_pairs(monkeypatch):
    seconds = {"first": iter([2.0, 9.0, 3.0]), "second": iter([1.0, 3.0, 2.0])}
    calls = []

    def first():
        calls.append("first")

    def second():
        calls.append("second")

    def clocked(function):
        function()
        return next(seconds[function.__name__])

    monkeypatch.setattr(speed, "_seconds", clocked)
    assert compare("it", first, second, n=3) == Timing("it", ratio=2.0, first=3.0, second=2.0, n=3)
    warm_up, pairs = calls[:2], calls[2:]
    assert warm_up == ["first", "second"]  # not measured
    assert pairs == ["first", "second", "second", "first", "first", "second"]


def test_seconds_are_those_of_the_function():
    assert 0.05 <= speed._seconds(lambda: speed.time.sleep(0.05)) < 1


@pytest.mark.parametrize("as_json", [False, True])
def test_each_timing_is_a_line(as_json, monkeypatch, capsys):
    monkeypatch.setitem(TIMINGS, "made_up", (lambda how: Timing("made_up", 2.5, 5.0, 2.0, how.n), 7))
    run_speed(["made_up"], as_json=as_json)
    *head, line = capsys.readouterr().out.splitlines()
    if as_json:
        assert head == []
        assert json.loads(line) == {"name": "made_up", "ratio": 2.5, "medians": [5.0, 2.0], "n": 7}
    else:
        assert [one.split() for one in head] == [["name", "ratio", "first", "s", "second", "s", "n"]]
        assert line.split() == ["made_up", "2.500", "5.000", "2.000", "7"]


@pytest.mark.parametrize("name", ["mentornet_mlp_vs_torch", "record_vs_none_mlp", "skorch_vs_mentornet_mlp_predict"])
def test_a_timing_is_of_two_runs(name, monkeypatch):
    rng = np.random.default_rng(0)
    table = rng.normal(size=(300, 20)).astype(np.float32), rng.integers(0, 5, 300)
    monkeypatch.setattr(speed, "_table", lambda: table)
    timing = TIMINGS[name][0](How(1, fused=False, device="cpu"))
    assert timing.name == name
    assert timing.ratio == pytest.approx(timing.first / timing.second)
