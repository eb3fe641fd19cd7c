"""A curriculum learned on one data set serves another one."""

import numpy as np
import pytest

from noisylabel import MentorNetClassifier, corrupt
from noisylabel.callbacks import StudentRecorder
from noisylabel.curricula.learned import learn_from_records
from noisylabel.datasets import fetch_fashion_mnist
from noisylabel.exceptions import DatasetNotFoundError


@pytest.mark.slow
def test_from_digits_to_fashion_mnist(digits):
    """200 checked digits, an MLP; then 4,000 images of clothes, a CNN, and no checked label at all."""
    try:
        fashion = fetch_fashion_mnist()
    except DatasetNotFoundError as error:
        pytest.skip(str(error))
    recorder = StudentRecorder(digits.noisy, np.where(np.arange(1200) < 200, digits.target, -1))
    MentorNetClassifier("self_paced", loss_percentile=0.6, callbacks=[recorder], random_state=0).fit(
        digits.data, digits.noisy
    )
    from_digits = learn_from_records(recorder.records_, percentile=0.6, random_state=0)
    X, y = fashion.data[:4000], fashion.target[:4000]
    noisy_y, _ = corrupt(y, "symmetric", rate=0.4, random_state=0)
    options = {"max_epochs": 20, "loss_percentile": 0.6, "precision": "bf16", "random_state": 0}
    scores = {}
    for name, curriculum in {
        "plain": "uniform",
        "self_paced": "self_paced",
        "mentornet_dd (CIFAR-10)": "mentornet_dd",
        "learned on digits": from_digits,
    }.items():
        clf = MentorNetClassifier(curriculum, **options).fit(X, noisy_y)
        right = noisy_y == y
        weights = [float(clf.sample_weight_[rows].mean()) for rows in (right, ~right)]
        scores[name] = clf.score(fashion.test_data, fashion.test_target)
        print(
            f"\n{name}: accuracy {scores[name]:.3f}, weight of right and wrong labels {weights[0]:.2f} {weights[1]:.2f}"
        )
    assert scores["mentornet_dd (CIFAR-10)"] > scores["plain"] + 0.05
    assert scores["learned on digits"] > scores["plain"] + 0.05
