"""The files that are audited."""

import numpy as np

from benchmarks.studies.audits import _made_wrong, _of_table, make_messages


def test_every_fifth_label_is_wrong():
    y = np.repeat(["cat", "dog", "emu"], 100)
    assert (_made_wrong(y) != y).sum() == 60


def test_a_file_of_messages_is_audited():
    table, y = make_messages(600, np.random.default_rng(0))
    rows, classes, _, precision, recall, suggestion = _of_table(table, y)
    assert (rows, classes) == ("600", "4")
    assert all(int(share.rstrip("%")) > 80 for share in (precision, recall, suggestion))
