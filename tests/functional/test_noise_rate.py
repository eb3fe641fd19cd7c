"""The noise-rate estimate on predictions whose quality is known."""

import numpy as np
import pytest
import torch

from noisylabel import corrupt
from noisylabel.functional.noise_rate import estimate_noise_rate


def predictions(n_samples, n_classes, sharpness, seed):
    """Draw true labels from calibrated predictions of a given sharpness."""
    rng = np.random.default_rng(seed)
    proba = np.exp(sharpness * rng.normal(size=(n_samples, n_classes)))
    proba /= proba.sum(axis=1, keepdims=True)
    truth = (rng.random((n_samples, 1)) > proba.cumsum(axis=1)).sum(axis=1)
    return proba, truth


@pytest.mark.parametrize("rate", [0.0, 0.2, 0.4, 0.6])
@pytest.mark.parametrize("sharpness", [3.0, 8.0])
def test_symmetric_noise_is_recovered(rate, sharpness):
    proba, truth = predictions(3000, 10, sharpness, seed=1)
    noisy = corrupt(truth, "symmetric", rate=rate, random_state=2)[0] if rate else truth
    estimate = estimate_noise_rate(torch.tensor(proba), torch.tensor(noisy))
    assert estimate == pytest.approx((noisy != truth).mean(), abs=0.05)


def test_two_classes():
    proba, truth = predictions(3000, 2, 8.0, seed=3)
    noisy = corrupt(truth, "symmetric", rate=0.4, random_state=4)[0]
    estimate = estimate_noise_rate(torch.tensor(proba), torch.tensor(noisy))
    assert estimate == pytest.approx((noisy != truth).mean(), abs=0.06)
