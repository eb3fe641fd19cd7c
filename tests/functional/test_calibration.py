"""Expected calibration error."""

import numpy as np
import pytest
import torch

from noisylabel import corrupt
from noisylabel.exceptions import InvalidDataError, InvalidParameterError
from noisylabel.functional import expected_calibration_error
from noisylabel.functional.noise_rate import estimate_noise_rate


def predictions(confidence, hit):
    """Probabilities of ten classes whose largest is the confidence, and labels that they hit or not."""
    proba = np.repeat((1 - np.array(confidence))[:, None] / 9, 10, axis=1)
    proba[:, 3] = confidence
    return torch.tensor(proba), torch.where(torch.tensor(hit) == 1, 3, 4)


@pytest.mark.parametrize(
    ("confidence", "hit", "expected"),
    [([0.95, 0.9, 0.55, 0.65, 0.3], [1, 1, 0, 1, 0], 0.27), ([0.95, 0.9], [1, 0], 0.475), ([1.0, 1.0], [1, 0], 0.5)],
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_numbers(confidence, hit, expected, dtype):
    proba, labels = predictions(confidence, hit)
    assert expected_calibration_error(proba.to(dtype), labels).item() == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("n_bins", [1, 3, 10, 15])
def test_against_a_loop_over_bins(n_bins):
    rng = np.random.default_rng(0)
    proba, labels = rng.dirichlet(np.full(4, 0.4), 500), rng.integers(0, 4, 500)
    confidence, hit = proba.max(1), proba.argmax(1) == labels
    expected = 0.0
    for i in range(n_bins):
        inside = (confidence > i / n_bins) & (confidence <= (i + 1) / n_bins)
        if inside.any():
            expected += inside.mean() * abs(confidence[inside].mean() - hit[inside].mean())
    ece = expected_calibration_error(torch.tensor(proba), torch.tensor(labels), n_bins)
    assert ece.item() == pytest.approx(expected)


def test_labels_drawn_from_the_probabilities_are_calibrated():
    rng = np.random.default_rng(0)
    proba = rng.dirichlet(np.ones(3), 40_000)
    labels = (proba.cumsum(1) < rng.random((40_000, 1))).sum(1)
    assert expected_calibration_error(torch.tensor(proba), torch.tensor(labels)).item() < 0.01
    assert expected_calibration_error(torch.tensor(proba), torch.tensor((labels + 1) % 3)).item() > 0.2


def test_bad_input_gets_a_clear_error():
    proba = torch.full((4, 2), 0.5)
    with pytest.raises(InvalidParameterError, match="'n_bins' must be an integer of at least 1. Got 0"):
        expected_calibration_error(proba, torch.zeros(4), 0)
    with pytest.raises(InvalidDataError, match=r"Got \(4, 2\) and \(3,\)"):
        expected_calibration_error(proba, torch.zeros(3))
    with pytest.raises(InvalidDataError, match=r"N of at least 1. Got \(0, 2\)"):
        expected_calibration_error(torch.zeros(0, 2), torch.zeros(0))


def sharp_predictions(n_samples, n_classes, sharpness, seed):
    """Draw true labels from calibrated predictions of a given sharpness."""
    rng = np.random.default_rng(seed)
    proba = np.exp(sharpness * rng.normal(size=(n_samples, n_classes)))
    proba /= proba.sum(axis=1, keepdims=True)
    truth = (rng.random((n_samples, 1)) > proba.cumsum(axis=1)).sum(axis=1)
    return proba, truth


@pytest.mark.parametrize("rate", [0.0, 0.2, 0.4, 0.6])
@pytest.mark.parametrize("sharpness", [3.0, 8.0])
def test_symmetric_noise_is_recovered(rate, sharpness):
    proba, truth = sharp_predictions(3000, 10, sharpness, seed=1)
    noisy = corrupt(truth, "symmetric", rate=rate, random_state=2)[0] if rate else truth
    estimate = estimate_noise_rate(torch.tensor(proba), torch.tensor(noisy))
    assert estimate == pytest.approx((noisy != truth).mean(), abs=0.05)


def test_two_classes():
    proba, truth = sharp_predictions(3000, 2, 8.0, seed=3)
    noisy = corrupt(truth, "symmetric", rate=0.4, random_state=4)[0]
    estimate = estimate_noise_rate(torch.tensor(proba), torch.tensor(noisy))
    assert estimate == pytest.approx((noisy != truth).mean(), abs=0.06)


@pytest.mark.parametrize("measure", [expected_calibration_error, estimate_noise_rate])
@pytest.mark.parametrize("wrong", [float("nan"), -0.5, 3.0, float("inf")])
def test_right_22_what_is_no_probability_is_not_counted(measure, wrong):
    proba = torch.tensor([[0.4, 0.6], [wrong, 0.5]])
    with pytest.raises(InvalidDataError, match=r"numbers in \[0, 1\]. Row 1 is \[.*softmax"):
        measure(proba, torch.tensor([0, 1]))
    with pytest.raises(InvalidDataError, match=r"Got \(1, 2\) and \(2,\)"):
        measure(proba[:1], torch.tensor([0, 1]))
