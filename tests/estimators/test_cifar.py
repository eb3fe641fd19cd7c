"""Real images with wrong labels."""

import numpy as np
import pytest
from skorch.callbacks import Callback

from noisylabel import MentorMixClassifier, MentorNetClassifier, corrupt
from noisylabel.datasets import fetch_cifar10, fetch_cifarn_labels
from noisylabel.exceptions import NoisyLabelWarning
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


@pytest.mark.slow
@pytest.mark.parametrize("noise", ["symmetric", "human"])
def test_wrong_labels_of_real_images_get_less_weight(cifar, noise):
    noisy = corrupt(cifar.target, "symmetric", rate=0.4, random_state=0)[0] if noise == "symmetric" else cifar.human
    clf = MentorNetClassifier("self_paced", loss_percentile=0.6, max_epochs=10, **SETTINGS).fit(cifar.data, noisy)
    wrong = noisy != cifar.target
    assert clf.sample_weight_[wrong].mean() < clf.sample_weight_[~wrong].mean() - 0.2
    assert clf.score(cifar.test_data, cifar.test_target) > 0.35


@pytest.mark.slow
def test_mentormix_beats_plain_training_on_real_images(cifar):
    noisy = corrupt(cifar.target, "symmetric", rate=0.4, random_state=0)[0]
    plain, mix = (
        clf.set_params(max_epochs=40, augment="shift_flip", **SETTINGS)
        .fit(cifar.data, noisy)
        .score(cifar.test_data, cifar.test_target)
        for clf in (MentorNetClassifier("uniform"), MentorMixClassifier(loss_percentile=0.6))
    )
    print(f"\nplain {plain:.3f}, MentorMix {mix:.3f}")
    assert mix > plain + 0.03


class StopAtOnce(Callback):
    """End the main training after its first epoch; short trainings have no callbacks."""

    def on_epoch_end(self, net, **kwargs):
        raise KeyboardInterrupt


def estimated_noise_rate(noise, rate, seed=1):
    """Estimated noise rate of 10,000 images, its interval, and the true one."""
    data = fetch_cifar10()
    rows = np.random.default_rng(seed).permutation(50_000)[:10_000]
    if noise == "symmetric":
        noisy = corrupt(data.target[rows], "symmetric", rate=rate, random_state=seed)[0]
    else:
        noisy = fetch_cifarn_labels("worst").noisy[rows]
    settings = SETTINGS | {"student": "cnn", "augment": "shift_flip", "weight_decay": 0.001}
    clf = MentorNetClassifier("self_paced", callbacks=[StopAtOnce()], **settings)
    with pytest.warns(NoisyLabelWarning, match="interrupted"):
        clf.fit(data.data[rows], noisy)
    true = (noisy != data.target[rows]).mean()
    print(f"\n{noise} {rate}: estimated {clf.noise_rate_:.3f} {clf.noise_rate_interval_}, true {true:.3f}")
    return clf.noise_rate_, clf.noise_rate_interval_, true


@pytest.mark.slow
@pytest.mark.parametrize("rate", [0.2, 0.4, 0.6])
def test_noise_rate_of_real_images(rate):
    estimated, (low, high), true = estimated_noise_rate("symmetric", rate)
    assert estimated == pytest.approx(true, abs=0.05)
    assert low <= true <= high


@pytest.mark.slow
def test_noise_rate_of_human_labels_is_underestimated_and_the_interval_says_so():
    """What the guide warns of: people confuse classes that look alike."""
    estimated, (low, high), true = estimated_noise_rate("human", "worst")
    assert 0.05 < estimated < true - 0.05
    assert low <= true <= high
