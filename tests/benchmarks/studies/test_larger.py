"""The study of data that stay on disk, on few rows."""

import pytest

from benchmarks.studies._runs import in_new_process
from benchmarks.studies.timings import larger
from benchmarks.studies.timings.larger import KINDS, measure


def test_its_memory_is_that_of_a_process_of_its_own():
    assert in_new_process(larger.__name__, "measure('mapped', 3000)", "mapped")["memory"] > 0


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_measured(kind, monkeypatch):
    monkeypatch.setattr(larger, "_ROWS_A_SHARD", 100)
    monkeypatch.setattr(larger, "_N_FILES", 40)
    row = measure(kind, 300)
    assert (row["kind"], row["n_samples"]) == (kind, 300)
    assert row["data"] == 300 * (3 * 16 * 16 if kind == "files" else 4 * 128)
