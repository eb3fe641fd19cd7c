"""Real images with wrong labels."""

import numpy as np
import pytest

from noisylabel import MentorNetClassifier, corrupt
from noisylabel.datasets import fetch_cifar10, fetch_cifarn_labels
from noisylabel.students import SmallCNN

pytestmark = pytest.mark.data
SETTINGS = {
    "student": SmallCNN((32, 64, 64)),
    "optimizer": "sgd",
    "lr": 0.1,
    "precision": "bf16",
    "random_state": 0,
}


@pytest.fixture(scope="module")
def cifar():
    data = fetch_cifar10()
    rows = np.random.default_rng(0).permutation(50_000)[:3000]
    data.data, data.target = data.data[rows], data.target[rows]
    data.human = fetch_cifarn_labels("worst").noisy[rows]
    data.test_data, data.test_target = data.test_data[::5], data.test_target[::5]
    return data


@pytest.mark.parametrize("noise", ["symmetric", "human"])
def test_wrong_labels_of_real_images_get_less_weight(cifar, noise):
    noisy = corrupt(cifar.target, "symmetric", rate=0.4, random_state=0)[0] if noise == "symmetric" else cifar.human
    clf = MentorNetClassifier("self_paced", loss_percentile=0.6, max_epochs=10, **SETTINGS).fit(cifar.data, noisy)
    wrong = noisy != cifar.target
    assert clf.sample_weight_[wrong].mean() < clf.sample_weight_[~wrong].mean() - 0.2
    assert clf.score(cifar.test_data, cifar.test_target) > 0.35


@pytest.mark.slow
@pytest.mark.parametrize("rate", [0.2, 0.4, 0.6])
def test_noise_rate_of_real_images(rate):
    data = fetch_cifar10()
    rows = np.random.default_rng(1).permutation(50_000)[:10_000]
    noisy, manifest = corrupt(data.target[rows], "symmetric", rate=rate, random_state=1)
    settings = SETTINGS | {"student": "cnn", "augment": "shift_flip", "weight_decay": 0.001}
    clf = MentorNetClassifier("self_paced", loss_percentile="auto", burn_in=92, max_epochs=12, **settings)
    clf.fit(data.data[rows], noisy)
    assert clf.noise_rate_ == pytest.approx(manifest.realised_rate, abs=0.05)
