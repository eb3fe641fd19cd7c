"""The held-out rows."""

import numpy as np
import pytest

from noisylabel.estimators._inputs import validation_rows


@pytest.mark.parametrize("fraction", [0.05, 0.1, 0.25, 0.5])
def test_classes_are_held_out_in_proportion(fraction):
    codes = np.repeat([0, 1, 2], [600, 300, 100])
    rows = validation_rows(codes, fraction, np.random.default_rng(0))
    assert len(rows) == round(1000 * fraction)
    assert len(np.unique(rows)) == len(rows)
    np.testing.assert_allclose(np.bincount(codes[rows]) / len(rows), [0.6, 0.3, 0.1], atol=1 / len(rows) + 1e-9)


def test_a_class_is_never_held_out_whole():
    codes = np.array([0] * 10 + [1] * 2 + [2])
    for seed in range(50):
        rows = validation_rows(codes, 0.5, np.random.default_rng(seed))
        left = np.delete(codes, rows)
        assert set(left) == {0, 1, 2}
