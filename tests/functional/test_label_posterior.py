"""True classes from beliefs and labels, against NumPy."""

import numpy as np
import pytest
import torch

from noisylabel.functional import label_posteriors, unmix

MATRIX = np.array([[0.7, 0.3, 0.0], [0.1, 0.8, 0.1], [0.0, 0.4, 0.6]])


def beliefs_of(n=50, seed=0):
    return np.random.default_rng(seed).dirichlet(np.ones(3), n)


def test_unmixing_is_expectation_maximisation():
    beliefs = beliefs_of()
    classes = beliefs.copy()
    for _ in range(20):
        for row, belief in zip(classes, beliefs, strict=True):
            expected = np.zeros(3)  # how many of its labels, if it had many, came from each class
            for label in range(3):
                came_from = row * MATRIX[:, label]
                expected += belief[label] * came_from / came_from.sum()
            row[:] = expected
    found = unmix(torch.tensor(beliefs), torch.tensor(MATRIX)).numpy()
    np.testing.assert_allclose(found, classes, atol=1e-7)
    np.testing.assert_allclose(found.sum(1), 1, atol=1e-12)


def test_unmixing_brings_back_the_classes_that_were_mixed():
    classes = beliefs_of()
    mixed = torch.tensor(classes @ MATRIX)
    np.testing.assert_allclose(unmix(mixed, torch.tensor(MATRIX), n_steps=5000).numpy(), classes, atol=0.02)
    before = np.abs(mixed.numpy() - classes).mean()
    assert np.abs(unmix(mixed, torch.tensor(MATRIX)).numpy() - classes).mean() < before / 2


def test_without_noise_beliefs_are_those_of_the_classes():
    beliefs = torch.tensor(beliefs_of())
    torch.testing.assert_close(unmix(beliefs, torch.eye(3, dtype=torch.float64)), beliefs)


def test_unmixing_what_is_certain_or_cannot_be_stays_a_distribution():
    certain = torch.eye(3)
    found = unmix(certain, torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 1.0, 0.0]]))  # nobody is labelled 2
    assert found.isfinite().all()
    torch.testing.assert_close(found[:2].sum(1), torch.ones(2))


@pytest.mark.parametrize("looks", [1.0, 2.5, torch.tensor(3.0, dtype=torch.float64)])
def test_posteriors_are_those_of_bayes(looks):
    beliefs, labels = beliefs_of(), np.arange(50) % 3
    expected = beliefs ** float(looks) * MATRIX[:, labels].T
    expected /= expected.sum(1, keepdims=True)
    likelihood = torch.tensor(MATRIX)[:, torch.as_tensor(labels)].T
    np.testing.assert_allclose(label_posteriors(torch.tensor(beliefs), likelihood, looks).numpy(), expected, rtol=1e-6)


def test_posteriors_where_no_label_is_wrong_and_where_it_says_nothing():
    beliefs = torch.tensor([[0.9, 0.1], [0.2, 0.8]])
    labels = torch.tensor([1, 1])
    torch.testing.assert_close(label_posteriors(beliefs, torch.eye(2)[:, labels].T), torch.tensor([[0.0, 1.0]] * 2))
    torch.testing.assert_close(label_posteriors(beliefs, torch.full((2, 2), 0.5)), beliefs)


def test_a_row_to_which_nothing_gives_a_chance_is_as_its_label():
    beliefs = torch.tensor([[0.0, 0.0, 1.0]])
    likelihood = torch.tensor([[0.6, 0.2, 0.0]])
    torch.testing.assert_close(label_posteriors(beliefs, likelihood, 3.0), torch.tensor([[0.75, 0.25, 0.0]]))
