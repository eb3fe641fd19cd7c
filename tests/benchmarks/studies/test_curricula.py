"""The studies of curricula that learn: what is kept, that it is made once, and that the docs have the tables."""

import re
from pathlib import Path

import pytest

from benchmarks.cells.store import read
from benchmarks.studies import run_study
from benchmarks.studies.curricula import sequence

DOCS = Path(__file__).parents[3] / "docs"


def test_a_row_a_noise_and_number_of_losses(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sequence, "LOSSES", (2,))
    monkeypatch.setattr(sequence, "_NOISES", {"symmetric": 0.4})
    monkeypatch.setitem(sequence._PROFILES, "digits", "smoke")
    for _ in range(2):
        run_study("sequence", ["--seeds", "1", "--results", str(tmp_path)])
    (row,) = read(tmp_path / "sequence.jsonl")
    assert (row["data"], row["noise"], row["losses"], len(row["accuracy"])) == ("digits", "symmetric", 2, 1)
    assert row["accuracy"][0] > 0.7
    assert row["weight_right"][0] > row["weight_wrong"][0] + 0.3
    assert "| digits | symmetric | 2 | 1 | " in capsys.readouterr().out


def test_a_teacher_is_measured_on_seeds_that_it_has_not_seen(tmp_path, capsys):
    options = [
        "--judges",
        "trusted",
        "--reward",
        "loss",
        "--episodes",
        "2",
        "--epochs",
        "3",
        "--results",
        str(tmp_path),
    ]
    for _ in range(2):
        run_study("teaching", options)
    (row,) = read(tmp_path / "teaching.jsonl")
    assert {len(row[name]) for name in ("taught", "plain", "random", "weight_right", "weight_wrong")} == {3}
    assert 0 < row["weight_right"][0] < 1
    assert "| trusted | loss | 2 | " in capsys.readouterr().out


@pytest.mark.parametrize(("name", "page"), [("sequence", "learned-curricula.md"), ("teaching", "guide.md")])
def test_the_docs_have_the_table_that_the_command_prints(name, page, capsys):
    run_study(name, ["--report"])
    text = (DOCS / page).read_text(encoding="utf-8")
    (table,) = re.findall(rf"<!-- table: .* studies {name} --report -->\n\n(.*?)\n\n<!-- end", text, re.DOTALL)
    assert capsys.readouterr().out.strip() == table
