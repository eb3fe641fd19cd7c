"""Which noise a cell gets, and which rate is told to methods that must know it."""

import numpy as np
import pytest

from benchmarks.cells.catalogue import PROFILES
from benchmarks.cells.cell import noisy_subset
from benchmarks.cells.classifier import make_classifier
from benchmarks.cells.noises import known_rate, make_noise, make_noisy
from benchmarks.cells.rows import load_rows
from noisylabel.datasets import DATASETS


@pytest.mark.parametrize(
    ("dataset", "source", "target"), [("digits", 3, 8), ("fashion_mnist", 9, 7), ("cifar10", 9, 1)]
)
def test_asymmetric_noise_moves_five_classes_to_a_look_alike(dataset, source, target):
    matrix = make_noise(dataset, "asymmetric", 0.4, np.arange(5)).transition_matrix(10)
    assert matrix[source, target] == pytest.approx(0.4)
    assert matrix[source, source] == pytest.approx(0.6)
    assert (np.diag(matrix) == 1).sum() == 5
    np.testing.assert_allclose(matrix.sum(axis=1), 1)


@pytest.mark.parametrize(
    ("noise", "rate", "told"),
    [("symmetric", 0.5, 0.5), ("pair", 0.45, 0.45), ("asymmetric", 0.4, 0.2), ("human_worst", None, 0.4)],
)
def test_the_rate_that_methods_are_told(noise, rate, told):
    assert known_rate(noise, rate) == told


@pytest.mark.parametrize("noise", [("asymmetric", 0.4), ("pair", 0.45), ("instance", 0.4), ("symmetric", 0.9)])
def test_noise_is_as_strong_as_it_is_called(noise):
    data = DATASETS["digits"]()
    rows = np.arange(1000)
    noisy, manifest = make_noisy("digits", noise, data, rows, seed=0)
    wrong = (noisy != data.target[rows]).mean()
    # symmetric noise may draw the true class too
    expected = known_rate(*noise) * (0.9 if noise[0] == "symmetric" else 1)
    assert wrong == pytest.approx(expected, abs=0.04)
    assert manifest.realised_rate == pytest.approx(wrong)
    again, _ = make_noisy("digits", noise, data, rows, seed=0)
    np.testing.assert_array_equal(noisy, again)


@pytest.mark.parametrize(
    ("told", "alpha", "percentile"),
    [(0.2, 2, 0.8), (0.4, 8, 0.6), (0.45, 8, 0.6), (0.5, 8, 0.6), (0.6, 8, 0.6), (0.9, 4, 0.2)],
)
def test_published_settings_are_those_of_the_nearest_rate(told, alpha, percentile):
    clf = make_classifier("mentormix", told, PROFILES["digits"], 0, [])
    assert (clf.mixup_alpha, clf.loss_percentile) == (alpha, percentile)
    assert clf.second_reweight is (told >= 0.6)
    known = make_classifier("mentornet_pd_known_rate", told, PROFILES["digits"], 0, [])
    assert known.loss_percentile == pytest.approx(1 - told)


def test_right_24_the_noise_of_recorded_rows_comes_out_as_it_was():
    recorded = {}
    for row in load_rows():
        cell = row["cell"]
        if cell["profile"] == "digits":
            recorded[cell["noise"], cell["rate"], cell["seed"]] = row["manifest"]["hash"]
    assert {noise for noise, _, _ in recorded} == {"symmetric", "asymmetric", "pair", "instance"}
    for made, expected in recorded.items():
        assert noisy_subset(PROFILES["digits"], *made)[3].hash == expected
