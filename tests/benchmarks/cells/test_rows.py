"""Rows of cells: numbers, the newest of each cell, and what a file that is not right says."""

import json

import pytest

import benchmarks.__main__ as command
from benchmarks.cells.cell import Cell, cells
from benchmarks.cells.rows import load_rows, path_of, rounded
from benchmarks.cells.store import RESULTS, append, read
from noisylabel.exceptions import InvalidFileError
from tests.made_results import make_result


def test_numbers_are_rounded_and_what_is_not_finite_is_nothing():
    assert rounded({"a": [1.23456789, (float("inf"),)], "b": 3, "c": True}) == {
        "a": [1.234568, [None]],
        "b": 3,
        "c": True,
    }


def test_the_newest_row_of_each_cell_counts(tmp_path):
    older, other, newer = make_result(ece=0.1), make_result("gce"), make_result(ece=0.2)
    for row in (older, other, newer):
        append(path_of("digits", tmp_path), row)
    append(path_of("smoke", tmp_path), make_result(profile="smoke"))
    assert load_rows(tmp_path) == [newer, other, make_result(profile="smoke")]
    assert load_rows(tmp_path, history=True) == [older, other, newer, make_result(profile="smoke")]


def test_other_files_of_the_folder_are_no_rows_of_cells(tmp_path):
    append(path_of("digits", tmp_path), make_result())
    append(tmp_path / "scale.jsonl", {"kind": "table"})
    assert load_rows(tmp_path) == [make_result()]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("[1]", "line 2 must be one JSON object"),
        ("{}", "row 2, is not the result of a cell: it has no cell.profile"),
        (json.dumps(make_result() | {"metrics": None}), "it has no metrics.last"),
        (json.dumps({k: v for k, v in make_result().items() if k != "dataset"}), "it has no dataset"),
        (json.dumps(make_result(seconds=None)), "metrics.seconds must be a number. Got None"),
    ],
)
def test_a_row_that_is_not_right_is_named(tmp_path, monkeypatch, capsys, line, message):
    path = path_of("digits", tmp_path)
    append(path, make_result())
    with path.open("a") as file:
        file.write(line + "\n")
    with pytest.raises(InvalidFileError, match=r"digits\.jsonl"):
        load_rows(tmp_path)
    monkeypatch.setattr("sys.argv", ["benchmarks", "report", "--results", str(tmp_path)])
    assert command.main() == 2
    error = capsys.readouterr().err
    assert message in error
    assert "emove" in error  # what to do
    assert "Traceback" not in error


def test_committed_rows_are_whole_and_of_known_cells():
    """A line that breaks off would be a warning, and warnings are errors here."""
    rows = load_rows(RESULTS, history=True)
    assert len(rows) >= 2005
    of_profile = {profile: set(cells(profile)) for profile in {row["cell"]["profile"] for row in rows}}
    assert [row["cell"] for row in rows if Cell(**row["cell"]) not in of_profile[row["cell"]["profile"]]] == []


def test_committed_rows_that_were_edited_say_what():
    edited = [row["edited_after_measuring"] for row in load_rows(RESULTS) if "edited_after_measuring" in row]
    assert edited.count(["environment.jobs"]) == 1829
    assert {what for row in edited for what in row} == {
        "environment.jobs",
        "numbers, rounded to six decimals",
        "cell.profile",
    }


def test_committed_results_are_small_and_hold_nothing_that_seed_and_commit_give_again():
    """They are appended and never edited, so that there are ever more of them: what is small is each."""
    lines = [line for path in RESULTS.rglob("*.jsonl") for line in path.read_bytes().splitlines()]
    assert max(map(len, lines)) < 3_200
    assert sum(map(len, lines)) < 915 * len(lines)
    for row in load_rows(RESULTS):
        assert row["manifest"].keys() == {"realised_rate", "hash"}
        assert isinstance(row["metrics"]["curve"], list)


@pytest.mark.parametrize("folder", ["on-a-gpu", "before-the-rule"])
def test_committed_rows_apart_say_why_they_are(folder):
    rows = read(path_of("cifar10-10k", RESULTS / folder))
    assert rows
    assert all("cifar10-10k.jsonl" in row["note"] for row in rows)
