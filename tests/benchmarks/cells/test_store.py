import signal
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from benchmarks.cells.store import append, newest, read
from noisylabel.exceptions import InvalidFileError

ROOT = Path(__file__).parents[3]


def test_rows_come_back_in_order_and_unchanged(tmp_path):
    rows = [{"seed": 0, "last": 0.123456789012345}, {"seed": 1, "curve": [0.1, None], "settings": {"a": "ä\n"}}]
    for row in rows:
        append(tmp_path / "new" / "one.jsonl", row)
    assert read(tmp_path / "new" / "one.jsonl") == rows


def test_a_file_that_is_not_there_has_no_rows(tmp_path):
    assert read(tmp_path / "one.jsonl") == []


def test_appending_leaves_what_is_there(tmp_path):
    path = tmp_path / "one.jsonl"
    append(path, {"seed": 0})
    before = path.read_bytes()
    append(path, {"seed": 0})
    assert path.read_bytes() == before * 2


@pytest.mark.parametrize("left", [1, 10, 20])
def test_the_half_line_of_a_killed_process_is_dropped(tmp_path, left):
    path = tmp_path / "one.jsonl"
    append(path, {"seed": 0, "last": 0.5})
    whole = path.read_bytes()
    path.write_bytes(whole + whole[:left])
    with pytest.warns(UserWarning, match="line 2 breaks off"):
        assert read(path) == [{"seed": 0, "last": 0.5}]
    append(path, {"seed": 1})
    assert path.read_bytes() == whole + whole[:left] + b'\n{"seed":1}\n'
    with pytest.warns(UserWarning, match="line 2 breaks off"):
        assert read(path) == [{"seed": 0, "last": 0.5}, {"seed": 1}]


def test_a_line_that_lacks_only_its_end_is_whole(tmp_path):
    path = tmp_path / "one.jsonl"
    path.write_text('{"seed": 0}')
    assert read(path) == [{"seed": 0}]
    append(path, {"seed": 1})
    assert read(path) == [{"seed": 0}, {"seed": 1}]


@pytest.mark.parametrize("line", ["<<<<<<< ours", '{"seed": 0}{"seed": 1}', "[1, 2]", "3"])
def test_what_no_killed_process_leaves_is_an_error(tmp_path, line):
    path = tmp_path / "one.jsonl"
    path.write_text(f'{{"seed": 0}}\n{line}\n')
    with pytest.raises(InvalidFileError, match="line 2 must be one JSON object"):
        read(path)


def test_a_number_that_json_has_not_is_refused(tmp_path):
    with pytest.raises(ValueError, match="not JSON compliant"):
        append(tmp_path / "one.jsonl", {"last": float("nan")})
    assert read(tmp_path / "one.jsonl") == []


WRITER = """
import sys, time
from pathlib import Path
from benchmarks.cells.store import append
path, name, n, others = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4:]
path.with_name(name).touch()
while not all(path.with_name(other).exists() for other in others):
    time.sleep(0.001)
for at in range(n):
    append(path, {"writer": name, "at": at, "curve": [0.5] * (at % 700)})
    time.sleep(0.001)  # let the other one have the lock
"""


def writer(path, name, n, others=()):
    """A process that appends n rows as soon as the others are there."""
    return subprocess.Popen([sys.executable, "-c", WRITER, str(path), name, str(n), *others], cwd=ROOT)


def test_two_processes_append_at_once_and_no_row_is_lost(tmp_path):
    path = tmp_path / "one.jsonl"
    writers = [writer(path, "a", 400, ["b"]), writer(path, "b", 400, ["a"])]
    assert [one.wait(60) for one in writers] == [0, 0]
    rows = read(path)
    names = [row["writer"] for row in rows]
    assert len(rows) == 800
    assert sum(first != second for first, second in pairwise(names)) > 1, "they took no turns"
    for name in ("a", "b"):
        assert [row["at"] for row in rows if row["writer"] == name] == list(range(400))
    assert all(len(row["curve"]) == row["at"] % 700 for row in rows)


KILLED = """
import resource, signal, sys
from pathlib import Path
from benchmarks.cells.store import append
path = Path(sys.argv[1])
append(path, {"at": 0})
signal.signal(signal.SIGXFSZ, signal.SIG_DFL)  # the system kills who writes past the limit
limit = path.stat().st_size + 100
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
append(path, {"at": 1, "curve": [0.5] * 1000})
"""


def test_a_kill_in_the_middle_of_a_row_costs_that_row_alone(tmp_path):
    path = tmp_path / "one.jsonl"
    killed = subprocess.run([sys.executable, "-c", KILLED, str(path)], cwd=ROOT, check=False)
    assert killed.returncode == -signal.SIGXFSZ
    whole, half = path.read_bytes().split(b"\n")
    assert (whole, len(half)) == (b'{"at":0}', 100)
    append(path, {"at": 2})  # the lock of the dead process is free
    with pytest.warns(UserWarning, match="line 2 breaks off"):
        assert read(path) == [{"at": 0}, {"at": 2}]


def test_the_newest_row_of_each_cell():
    rows = [{"seed": 0, "last": 1}, {"seed": 1, "last": 2}, {"seed": 0, "last": 3}]
    assert newest(rows, ["seed"]) == [{"seed": 0, "last": 3}, {"seed": 1, "last": 2}]
    assert newest([{"cell": {"a": 1, "b": 2}}, {"cell": {"b": 2, "a": 1}}], ["cell"]) == [{"cell": {"b": 2, "a": 1}}]
