"""Paths on this machine, and files that are there whole or not at all."""

import csv
import os
from pathlib import Path

import pandas as pd
import pytest
import torch

from noisylabel._support.files import reading, save_whole
from noisylabel.evaluation import save_evaluation
from noisylabel.exceptions import FileWriteError, InvalidFileError, InvalidParameterError
from noisylabel.utils import local_path, write_csv, written_whole


def test_right_25_the_home_folder_is_expanded(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert local_path("folder", "~/run1") == tmp_path / "run1"
    assert local_path("folder", Path("~/run1")) == tmp_path / "run1"
    assert local_path("folder", "a~b/c:d") == Path("a~b/c:d")


@pytest.mark.parametrize("address", ["s3://bucket/run", "gs://b", "file:///tmp/a", Path("hdfs://node/a"), "az+x://c/d"])
def test_right_25_addresses_are_refused(address):
    with pytest.raises(InvalidParameterError, match=r"'folder' must be a path on this machine"):
        local_path("folder", address)


@pytest.mark.parametrize("value", [None, 3, "", "a\0b", b"bytes", "~no_such_user_at_all/x"])
def test_right_25_what_is_no_path_is_refused(value):
    with pytest.raises(InvalidParameterError, match=r"'folder' must be the path of a file or folder\. Got"):
        local_path("folder", value)


@pytest.mark.parametrize("before", [None, b"earlier"])
def test_right_25_a_full_disk_leaves_what_was_there(tmp_path, before):
    path = tmp_path / "a.txt"
    if before is not None:
        path.write_bytes(before)

    def write(partial):
        partial.write_bytes(b"half")
        raise OSError(28, os.strerror(28))

    with pytest.raises(FileWriteError, match="a.txt could not be written: No space left on device") as caught:
        written_whole(path, write)
    assert caught.value.errno == 28
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == ([] if before is None else [("a.txt", before)])


def test_right_25_a_full_disk_while_tensors_are_saved(tmp_path, monkeypatch):
    class Full:
        def __init__(self, file):
            self.file, self.room = file, 20_000

        def write(self, data):
            self.room -= len(data)
            if self.room < 0:
                raise OSError(28, os.strerror(28))
            return self.file.write(data)

        def __getattr__(self, name):
            return getattr(self.file, name)

        def __enter__(self):
            return self

        def __exit__(self, *found):
            self.file.close()

    is_open = Path.open
    monkeypatch.setattr(Path, "open", lambda path, *a, **k: Full(is_open(path, *a, **k)))
    with pytest.raises(FileWriteError, match="c.pt could not be written: No space left"):
        save_whole(tmp_path / "c.pt", {"a": torch.zeros(20_000)})
    assert list(tmp_path.iterdir()) == []


HIDDEN = ["", "\0", "\0\0", " ", "\xa0", "\u200b", "\ufeff", "\u2060", "\u202e", "\x1b", "\xad", "\u3000"]
PLAIN = ["=1+1", "@SUM(1)", "+1+cmd|x", "-cmd|' /C calc'!A0"]
WIDE = ["\uff1d1+1", "\uff20SUM(1)", "\uff0b1+cmd|x", "\uff0d1+x", "\ufe661", "\u22121+x"]
HARMLESS = [
    "a\r=1",
    "a\n=1",
    "-5",
    "+5,25 %",
    "-",
    "a=b",
    "5",
    "",
    " 5",
    "\0a",
    "\u22125",
    "\uff0b5",
    "'=1+1",
    "é",
    "\u200bword",
]


@pytest.mark.parametrize("hidden", HIDDEN)
def test_right_27_no_cell_runs_as_a_formula(tmp_path, hidden):
    cells = [hidden + text for text in PLAIN + WIDE] + ["\tx", "\rx", "\nx"]
    table = pd.DataFrame({hidden + "=name": [*cells, *HARMLESS], "number": -1.5})
    write_csv(table, tmp_path / "t.csv")
    with (tmp_path / "t.csv").open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    assert header == [f"'{hidden}=name", "number"]
    assert [row[0] for row in rows] == [f"'{cell}" for cell in cells] + HARMLESS
    assert {row[1] for row in rows} == {"-1.5"}
    assert table.iloc[0, 0] == cells[0]  # only the file is changed


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (IndexError("i\nline 2"), "IndexError: i"),
        (RuntimeError("advice: weights_only=False"), "RuntimeError"),
        (OSError(22, "x"), r"OSError: \[Errno 22\] x"),
        (KeyError(), "KeyError"),
    ],
)
def test_right_25_whatever_a_library_says_of_a_file_names_the_file(error, reason):
    path = Path("a") / "b.pt"
    message = rf"^a/b.pt is no file of weights, or is damaged\. Copy it again\. \({reason}\)$"
    with pytest.raises(InvalidFileError, match=message), reading(path, "file of weights", "Copy it again."):
        raise error
    with pytest.raises(MemoryError), reading(path, "file of weights"):
        raise MemoryError
    with pytest.raises(InvalidFileError, match="There is no file of weights a/b.pt"), reading(path, "file of weights"):
        path.read_bytes()


def test_right_25_a_damaged_table_of_evaluations_is_named(tmp_path):
    (tmp_path / "evaluation.csv").write_bytes(b"\xff\x00half")
    with pytest.raises(InvalidFileError, match="evaluation.csv is no table of evaluations"):
        save_evaluation([{"epoch": 1, "accuracy": 0.5, "loss": 1.0}], tmp_path)
