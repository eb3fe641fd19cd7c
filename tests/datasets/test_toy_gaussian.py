"""The toy data with known class probabilities."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from noisylabel.datasets import TOY_MEANS_2D, gaussian_posterior, make_toy_gaussian
from noisylabel.exceptions import InvalidParameterError


@pytest.mark.parametrize(
    ("x", "expected"),
    [
        ((0, 0), [1 / 3, 1 / 3, 1 / 3]),
        ((0.5, 0), [0.495463, 0.495463, 0.009075]),
        ((1, 1), [0.999330, 0.000335, 0.000335]),
    ],
)
def test_worked_posteriors(x, expected):
    assert gaussian_posterior([x], TOY_MEANS_2D, 0.25)[0] == pytest.approx(expected, abs=1e-6)


def test_posterior_by_bayes_rule():
    toy = make_toy_gaussian(50, random_state=1)
    likelihood = np.stack([multivariate_normal(mean, 6.0 * np.eye(30)).pdf(toy.data) for mean in toy.means], axis=1)
    assert toy.proba == pytest.approx(likelihood / likelihood.sum(axis=1, keepdims=True), rel=1e-6)


def test_the_data_are_what_they_say():
    toy = make_toy_gaussian(30_000, random_state=0)
    assert toy.data.dtype == np.float32
    assert set(np.unique(toy.means)) == {-1, 0, 1}
    assert toy.means.shape == (3, 30)
    for code in range(3):
        cloud = toy.data[toy.target == code]
        assert len(cloud) == pytest.approx(10_000, abs=400)
        assert cloud.mean(axis=0) == pytest.approx(toy.means[code], abs=4 * np.sqrt(6 / 9600))
        assert cloud.var(axis=0).mean() == pytest.approx(6, rel=0.02)
    # among samples whose true probability of a class is near p, a share near p has that class
    near = np.abs(toy.proba - 0.7) < 0.05
    hits = (toy.target[:, None] == np.arange(3))[near]
    assert hits.mean() == pytest.approx(toy.proba[near].mean(), abs=4 * np.sqrt(0.21 / near.sum()))


def test_given_means_and_seed():
    toy = make_toy_gaussian(20, means=TOY_MEANS_2D, variance=0.25, random_state=0)
    assert toy.data.shape == (20, 2)
    assert (toy.data == make_toy_gaussian(20, means=TOY_MEANS_2D, variance=0.25, random_state=0).data).all()
    before = np.random.get_state()[1].copy()
    make_toy_gaussian(20)
    assert (np.random.get_state()[1] == before).all()


def test_bad_input():
    with pytest.raises(InvalidParameterError, match="'n_samples' must be an integer of at least 1. Got 0"):
        make_toy_gaussian(0)
    with pytest.raises(InvalidParameterError, match="'variance'"):
        make_toy_gaussian(variance=0)
    with pytest.raises(InvalidParameterError, match=r"'means' must have shape .* Got shape \(3,\)"):
        make_toy_gaussian(means=[1, 2, 3])


def test_right_22_missing_means_and_points_are_refused():
    with pytest.raises(ValueError, match="'means' has 1 missing or infinite values"):
        make_toy_gaussian(10, means=[[0.0, np.nan], [1.0, 1.0]])
    with pytest.raises(ValueError, match="X has 1 missing or infinite values"):
        gaussian_posterior([[np.nan, 0.0]], [[0.0, 0.0], [1.0, 1.0]], 1.0)
