"""The studies of sweeps: each run is measured once, and the docs have the tables of what was measured."""

import re
from pathlib import Path

import numpy as np
import pytest

from benchmarks.cells.store import read
from benchmarks.studies import run_study
from benchmarks.studies._runs import run_once, runs_of
from benchmarks.studies.audits import _made_wrong, _of_table, make_messages

DOCS = (Path(__file__).parents[3] / "docs" / "sweeps.md").read_text(encoding="utf-8")


def test_a_run_is_measured_once(tmp_path):
    path = tmp_path / "sweeps.jsonl"
    run_once("asha", "a", lambda: {"score": 0.5}, path)
    run_once("asha", "b", lambda: {"score": 0.6}, path)
    run_once("tuned", "a", lambda: {"score": 0.7}, path)
    run_once("asha", "a", lambda: pytest.fail("measured again"), path)
    assert [(row["study"], row["name"]) for row in read(path)] == [("asha", "a"), ("asha", "b"), ("tuned", "a")]
    assert runs_of("asha", path)["score"].tolist() == [0.5, 0.6]
    assert {"commit", "ray", "optuna", "torch", "cores"} <= read(path)[0]["environment"].keys()


@pytest.mark.parametrize("name", ["asha", "tuned", "overhead", "memory"])
def test_the_docs_have_the_table_that_the_command_prints(name, capsys):
    run_study(name, ["--report"])
    (table,) = re.findall(rf"<!-- table: .* studies {name} --report -->\n\n(.*?)\n\n<!-- end", DOCS, re.DOTALL)
    assert capsys.readouterr().out.strip() == table


def test_every_fifth_label_is_wrong():
    y = np.repeat(["cat", "dog", "emu"], 100)
    assert (_made_wrong(y) != y).sum() == 60


def test_a_file_of_messages_is_audited():
    table, y = make_messages(600, np.random.default_rng(0))
    rows, classes, _, _, precision, recall, suggestion, head = _of_table(table, y)
    assert (rows, classes) == ("600", "4")
    assert [int(n) for n in head.split(" / ")] == pytest.approx([100, 100], abs=10)
    assert all(int(share.rstrip("%")) > 80 for share in (precision, recall, suggestion))
