"""The study of how long audits take, on few rows."""

import numpy as np

from benchmarks.studies.timings.audit_times import make_table, measure


def test_the_table_has_30_columns_and_the_labels_that_are_wrong(tmp_path):
    _, is_wrong = make_table(1000, tmp_path)
    header = (tmp_path / "table.csv").read_text().splitlines()[0]
    assert len(header.split(",")) == 31
    assert 0.15 < is_wrong.mean() < 0.25


def test_an_audit_is_measured_from_its_files():
    row = measure("table", 600)
    assert row["seconds"] > 0
    assert row["peak_memory"] > 2**20
    assert row["recall"] > 0.5
    assert row["precision"] > 0.8
    assert [n for n, _, _ in row["first"]] == [100, 300, 600]
    assert row["first"][-1][2] == np.round(600 * row["true_rate"])
