"""Paths on this machine, and files that are there whole or not at all."""

import os
from pathlib import Path

import pytest
import torch

from noisylabel.exceptions import FileWriteError, InvalidParameterError
from noisylabel.utils import local_path, written_whole


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
    from noisylabel._support.files import save_whole

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
