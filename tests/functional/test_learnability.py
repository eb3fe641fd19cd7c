"""How well labels can be predicted: kappa's standard error by other means, and what it means."""

import numpy as np
import pytest
import torch
from sklearn.metrics import cohen_kappa_score

from noisylabel.exceptions import InvalidDataError
from noisylabel.functional import measure_learnability

RNG = np.random.default_rng(0)


def test_agreement_and_guessing_by_class():
    labels = torch.tensor([0, 0, 0, 1, 2])
    predicted = torch.tensor([0, 0, 1, 1, 1])
    found = measure_learnability(torch.eye(4)[predicted], labels)
    assert found.agreement == pytest.approx(3 / 5)
    assert found.guessing == pytest.approx(3 / 5)
    assert found.agreement_by_class[:3] == pytest.approx([2 / 3, 1, 0])
    assert np.isnan(found.agreement_by_class[3])


def test_standard_errors_are_those_of_kappa_under_chance():
    labels = torch.as_tensor(RNG.choice(3, 500, p=[0.7, 0.2, 0.1]))
    predicted = torch.where(torch.as_tensor(RNG.random(500) < 0.3), labels, torch.as_tensor(RNG.integers(3, size=500)))
    found = measure_learnability(torch.eye(3)[predicted], labels)
    shuffled = [
        cohen_kappa_score(RNG.permutation(labels.numpy()), predicted.numpy()) for _ in range(2_000)
    ]  # what chance does, drawn
    kappa = cohen_kappa_score(labels.numpy(), predicted.numpy())
    assert found.standard_errors == pytest.approx(kappa / np.std(shuffled), rel=0.1)
    assert found.has_signal


@pytest.mark.parametrize("shares", [[0.5, 0.5], [0.9, 0.1], [0.6, 0.3, 0.1]])
def test_predictions_that_have_nothing_to_do_with_the_labels_are_no_signal(shares):
    for seed in range(20):
        rng = np.random.default_rng(seed)
        labels, predicted = (torch.as_tensor(rng.choice(len(shares), 1_000, p=shares)) for _ in range(2))
        assert not measure_learnability(torch.eye(len(shares))[predicted], labels).has_signal


def test_always_saying_the_most_common_label_is_no_signal():
    labels = torch.tensor([0] * 90 + [1] * 10)
    found = measure_learnability(torch.tensor([[0.9, 0.1]] * 100), labels)
    assert (found.agreement, found.guessing, found.standard_errors) == (0.9, 0.9, 0.0)


def test_what_is_no_probability_is_refused():
    with pytest.raises(InvalidDataError):
        measure_learnability(torch.full((3, 2), torch.nan), torch.zeros(3))
