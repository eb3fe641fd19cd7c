"""The study of data that stay on disk, on few rows."""

import pytest

from benchmarks.studies.timings import larger
from benchmarks.studies.timings.larger import KINDS, measure


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_measured(kind, monkeypatch):
    monkeypatch.setattr(larger, "_ROWS_A_SHARD", 100)
    monkeypatch.setattr(larger, "_N_FILES", 40)
    row = measure(kind, 300)
    assert (row["kind"], row["n_samples"]) == (kind, 300)
    assert row["memory"] >= 0  # none of its own, if the process had as much before
    assert row["data"] == 300 * (3 * 16 * 16 if kind == "files" else 4 * 128)
