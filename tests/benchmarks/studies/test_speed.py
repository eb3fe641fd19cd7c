"""Ratios of seconds: in turns, medians of pairs, one line each, with the target."""

import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from skorch.history import History

from benchmarks.__main__ import main
from benchmarks.cells.store import read
from benchmarks.studies import speed
from benchmarks.studies.speed import TARGETS
from benchmarks.studies.timings import _comparisons, _timing
from benchmarks.studies.timings._comparisons import TIMINGS
from benchmarks.studies.timings._timing import How, Target, Timing, compare
from noisylabel.exceptions import NoisyLabelError


class Fitted:
    """A classifier whose history tells of four epochs."""

    history_ = pd.DataFrame({"dur": [5.0, 1.0, 1.0, 2.0], "replayed_steps": [4, 10, 10, 10]})
    net_ = SimpleNamespace(history=History([{"train_batch_count": 10}] * 4), why_eager_="it is your own")


def clocked(monkeypatch, **seconds):
    calls, left = [], {name: iter(values) for name, values in seconds.items()}

    def timed(run, epochs):
        return next(left[run.__name__]), run(epochs)

    def first(epochs):
        calls.append(("first", epochs))
        return Fitted

    def second(epochs):
        calls.append(("second", epochs))

    monkeypatch.setattr(_timing, "_timed", timed)
    return first, second, calls


def test_two_functions_take_turns_and_the_ratio_is_the_median_of_the_pairs(monkeypatch):
    first, second, calls = clocked(monkeypatch, first=[2.0, 9.0, 3.0], second=[1.0, 3.0, 2.0])
    assert compare("it", first, second, 3) == Timing("it", 2.0, first=3.0, second=2.0, n=3, replayed="34/40")
    warm_up, pairs = calls[:2], calls[2:]
    assert warm_up == [("first", 1), ("second", 1)]  # not measured
    assert [name for name, _ in pairs] == ["first", "second", "second", "first", "first", "second"]


def test_a_fit_of_several_epochs_tells_what_its_beginning_took(monkeypatch):
    first, second, calls = clocked(monkeypatch, first=[12.0], second=[8.0])
    timing = compare("it", first, second, 1, epochs=4)
    assert calls[2:] == [("first", 4), ("second", 4)]
    assert (timing.ratio, timing.steady_ratio) == (1.5, 1.5 / 2.0)  # the median epoch against a mean one
    assert timing.setup_seconds == 12.0 - 4 * 1.5


def test_an_eager_fit_on_a_gpu_says_why(monkeypatch):
    monkeypatch.setattr(Fitted, "history_", Fitted.history_.assign(replayed_steps=0))
    first, second, _ = clocked(monkeypatch, first=[12.0], second=[8.0])
    assert compare("it", first, second, 1).replayed == "0/40 (it is your own)"


def test_seconds_are_those_of_the_function():
    seconds, result = _timing._timed(lambda epochs: _timing.time.sleep(epochs), 0.05)
    assert 0.05 <= seconds < 1
    assert result is None


@pytest.mark.parametrize(
    ("target", "ratio", "met"),
    [(Target(1.02), 1.02, True), (Target(1.02), 1.03, False), (Target(2.5, at_least=True), 2.4, False)],
)
def test_a_target_is_a_limit_on_one_side(target, ratio, met):
    assert target.is_met(ratio) is met


def test_targets_are_of_timings():
    assert {name for targets in TARGETS.values() for name in targets} <= set(TIMINGS)
    assert list(TIMINGS)[:2] == list(TARGETS["cuda"])  # measured first


@pytest.fixture
def made_up(monkeypatch):
    monkeypatch.setitem(TIMINGS, "made_up", (lambda how: Timing("made_up", 2.5, 5.0, 2.0, how.n), 7))
    monkeypatch.setitem(TARGETS["cpu"], "made_up", Target(2.6))


@pytest.mark.parametrize("as_json", [False, True])
def test_each_timing_is_a_line(as_json, made_up, capsys):
    assert main(["speed", "--only", "made_up", *(["--json"] if as_json else [])]) == 0
    *head, line = capsys.readouterr().out.splitlines()
    if as_json:
        assert head == []
        row = json.loads(line)
        assert [row[name] for name in ("name", "ratio", "medians", "n")] == ["made_up", 2.5, [5.0, 2.0], 7]
        assert (row["target"], row["met"]) == ("<= 2.6", True)
    else:
        assert [one.split()[:2] for one in head] == [["name", "ratio"]]
        assert line.split() == ["made_up", "2.500", "5.000", "2.000", "7", "<=", "2.6", "yes"]


def test_kept_lines_have_a_table_with_the_newest(made_up, tmp_path, capsys):
    for times in ("3", "4"):
        assert main(["speed", "--only", "made_up", "--times", times, "--keep", "--results", str(tmp_path)]) == 0
    rows = read(tmp_path / "speed.jsonl")
    assert [row["n"] for row in rows] == [3, 4]
    assert {"commit", "cpu", "device"} <= set(rows[0]["environment"])
    capsys.readouterr()
    assert main(["speed", "--report", "--results", str(tmp_path)]) == 0
    *_, line = capsys.readouterr().out.splitlines()
    assert [cell.strip() for cell in line.split("|")][2:7] == ["made_up", "2.500", "5.000", "2.000", "4"]
    assert main(["speed", "--report", "--results", str(tmp_path / "none")]) == 2
    assert "has no timings" in capsys.readouterr().err


def test_a_timing_that_fails_takes_no_other_with_it(made_up, monkeypatch, capsys):
    def fails(how):
        raise NoisyLabelError("it cannot be")

    monkeypatch.setitem(TIMINGS, "broken", (fails, 1))
    assert main(["speed", "--json", "--only", "broken", "made_up"]) == 2
    out, err = capsys.readouterr()
    assert json.loads(out)["name"] == "made_up"
    assert "it cannot be" in err
    assert "1 timings failed: broken. The others are done." in err


def test_what_is_compiled_is_timed_on_a_cpu_only_if_it_is_named():
    assert not [name for name in speed._usual("cpu") if "compiled" in name]
    assert speed._usual("cuda:0") == list(TIMINGS)


@pytest.mark.parametrize(
    "name", ["mentornet_mlp_vs_fused_torch", "record_vs_none_mlp", "skorch_vs_mentornet_mlp_predict"]
)
def test_a_timing_is_of_two_runs(name, monkeypatch):
    rng = np.random.default_rng(0)
    table = rng.normal(size=(300, 20)).astype(np.float32), rng.integers(0, 5, 300)
    monkeypatch.setattr(_comparisons, "_table", lambda: table)
    timing = TIMINGS[name][0](How(1, device="cpu"))
    assert timing.name == name
    assert timing.ratio == pytest.approx(timing.first / timing.second)


@pytest.mark.parametrize(
    "name", ["mentornet_resnet_vs_torch", "mentormix_resnet_vs_torch", "elr_resnet_vs_torch", "speed_xs_vs_cnn"]
)
def test_images_too(name, monkeypatch):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (12, 3, 32, 32), dtype=np.uint8), rng.integers(0, 10, 12)
    monkeypatch.setattr(_comparisons, "_images", lambda how: images)
    monkeypatch.setattr(How, "image_precision", "fp32")
    timing = TIMINGS[name][0](How(1, device="cpu"))
    assert timing.first > 0
