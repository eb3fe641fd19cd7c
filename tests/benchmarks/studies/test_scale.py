"""Scale: what is measured, in processes of their own, and the table of it."""

import sys

import numpy as np
import pandas as pd
import pytest

import benchmarks.__main__ as command
from benchmarks.cells.store import append, read
from benchmarks.studies import scale
from benchmarks.studies.scale import OwnMemory, measure, run_scale, scale_markdown, scale_table
from benchmarks.studies.timings import workers
from noisylabel.exceptions import NoisyLabelError


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_own_memory_sees_what_is_there_for_a_moment():
    with OwnMemory() as memory:
        values = np.ones(25_000_000)  # 200 MB
        scale.time.sleep(0.1)
        del values
    assert 190e6 < memory.peak_ - memory.before_ < 260e6


@pytest.mark.filterwarnings("ignore:When the burn-in ended")
@pytest.mark.filterwarnings("ignore:Labels of .* classes ended")  # few steps
@pytest.mark.parametrize(("kind", "method"), [("table", "mentornet, auto"), ("images", "mentormix")])
def test_a_size_is_measured(kind, method, monkeypatch):
    monkeypatch.setitem(scale._SAMPLES_SEEN, kind, 0)
    result = measure(kind, method, 300)
    assert (result["kind"], result["n_samples"], result["epochs"]) == (kind, 300, 2)
    assert result["seconds_per_epoch"] > 0
    assert result["seconds_outside_epochs"] > 0


@pytest.mark.slow
def test_a_mapped_file_is_measured_under_a_limit_and_only_once(tmp_path, monkeypatch):
    monkeypatch.setitem(scale.SIZES, "mapped", (1000,))
    path = tmp_path / "scale.jsonl"
    run_scale(["mapped"], path)
    rows = read(path)
    assert [(row["method"], row["n_samples"]) for row in rows] == [(method, 1000) for method in scale.CLASSIFIERS]
    assert all(row["memory"] > 0 for row in rows)
    run_scale(["mapped"], path)
    assert read(path) == rows
    run_scale(["mapped"], path, again=True, most=999)
    assert read(path) == rows
    run_scale(["mapped"], path, again=True, most=1000)
    assert len(read(path)) == 2 * len(rows)


def test_a_size_that_fails_is_said_and_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setitem(scale.SIZES, "table", (3,))  # fewer rows than a class each
    monkeypatch.setattr(scale, "CLASSIFIERS", {"no_such_method": None})
    with pytest.raises(NoisyLabelError, match="(?s)table, no_such_method, 3 samples failed:.*KeyError"):
        run_scale(["table"], tmp_path / "scale.jsonl")
    assert read(tmp_path / "scale.jsonl") == []


def test_the_table_tells_what_a_further_sample_takes(tmp_path):
    path = tmp_path / "scale.jsonl"
    for n, seconds, megabytes in ((1000, 0.01, 100), (3000, 9, 900), (3000, 0.03, 102)):  # the newest counts
        sizes = {"n_samples": n, "seconds_per_epoch": seconds, "memory": megabytes * 2**20}
        append(path, {"kind": "table", "method": "mentornet", **sizes})
    table = scale_table(path)
    assert table["microseconds"].tolist() == pytest.approx([10, 10])
    assert pd.isna(table["bytes_per_sample"][0])
    assert table["bytes_per_sample"][1] == pytest.approx(2 * 2**20 / 2000)
    assert "| table | mentornet | 3,000 | 10.0 | 102 | 1049 |" in scale_markdown(table)


def test_committed_sizes_are_those_of_the_issue_and_flat():
    table = scale_table()
    assert {("table", 1_000_000), ("images", 50_000)} <= set(zip(table["kind"], table["n_samples"], strict=True))
    for (kind, method), rows in table.groupby(["kind", "method"]):
        assert rows["microseconds"].max() < 1.5 * rows["microseconds"].min(), (kind, method)
        last = rows.sort_values("n_samples")["bytes_per_sample"].iloc[-1]
        assert last < 1000, (kind, method)


def test_the_command_prints_the_table(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["benchmarks", "scale", "--report"])
    assert command.main() == 0
    assert "| mapped | mentornet | 1,500,000 |" in capsys.readouterr().out


@pytest.mark.filterwarnings("ignore:Labels of .* classes ended")  # few steps
def test_seconds_of_a_worker_are_counted():
    found = workers.seconds(n_workers=1, seed=0, n_samples=64, epochs=2)
    assert found["seconds_per_epoch"] > 0
    assert found["processor_seconds_per_epoch"] > 0


def test_the_table_of_workers_compares_equal_parts(tmp_path):
    path = tmp_path / "scale.jsonl"
    assert workers.workers_markdown(path) == ""
    for n_workers, seconds in ((1, 4.0), (2, 2.2)):
        for seed in range(2):
            row = {"n_workers": n_workers, "seed": seed}
            measured = {"seconds_per_epoch": seconds + seed, "processor_seconds_per_epoch": seconds / 2 + seed}
            append(path, {"kind": workers.SECONDS, **row, **measured})
            append(path, {"kind": workers.ACCURACY, **row, "accuracy": 0.9 + seed / 50})
            append(path, {"kind": workers.SYNCHRONIZED, **row, "n_workers": 2, "accuracy": 0.9})
    lines = workers.workers_markdown(path).splitlines()
    assert lines[2].startswith("| 1 | 4.00 | 1.00 | 2.00 | 1.00 | 0.9100 ± 0.0141 (2 seeds) | ")
    assert lines[3].startswith("| 2 | 2.20 | 1.10 | 1.10 | 1.10 | 0.9100 ± 0.0141 (2 seeds) | 0.9000 ± 0.0000 (")
