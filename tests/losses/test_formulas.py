"""The losses compute what their papers say."""

import numpy as np
import pytest
import torch

from noisylabel.losses import (
    Bootstrapping,
    CrossEntropy,
    EarlyLearningRegularization,
    ForwardCorrection,
    GeneralizedCrossEntropy,
    SymmetricCrossEntropy,
    estimate_transition,
)


@pytest.fixture
def batch():
    logits = torch.randn(6, 4, generator=torch.Generator().manual_seed(0)).double()
    return logits, torch.tensor([0, 1, 2, 3, 0, 1]), torch.arange(6)


def proba_of(logits):
    e = np.exp(logits.numpy())
    return e / e.sum(1, keepdims=True)


def test_generalised_cross_entropy(batch):
    logits, codes, rows = batch
    expected = [(1 - proba_of(logits)[i, c] ** 0.7) / 0.7 for i, c in enumerate(codes)]
    np.testing.assert_allclose(GeneralizedCrossEntropy()(logits, codes, rows).numpy(), expected)
    limits = {1e-9: CrossEntropy()(logits, codes, rows), 1.0: 1 - logits.softmax(1)[torch.arange(6), codes]}
    for q, expected in limits.items():
        np.testing.assert_allclose(GeneralizedCrossEntropy(q)(logits, codes, rows), expected)


def test_symmetric_cross_entropy(batch):
    logits, codes, rows = batch
    proba, expected = proba_of(logits), []
    for i, c in enumerate(codes):
        label = np.eye(4)[c]
        reverse = -sum(proba[i, k] * (0.0 if label[k] else -4.0) for k in range(4))
        expected.append(-0.1 * np.log(proba[i, c]) + 1.0 * reverse)
    np.testing.assert_allclose(SymmetricCrossEntropy()(logits, codes, rows).numpy(), expected)


def test_bootstrapping(batch):
    logits, codes, rows = batch
    proba, expected = proba_of(logits), []
    for i, c in enumerate(codes):
        target = 0.8 * np.eye(4)[c] + 0.2 * np.eye(4)[proba[i].argmax()]
        expected.append(-(target * np.log(proba[i])).sum())
    np.testing.assert_allclose(Bootstrapping()(logits, codes, rows).numpy(), expected)


def test_early_learning_regularisation(batch):
    logits, codes, rows = batch[0].float(), *batch[1:]
    loss = EarlyLearningRegularization()
    loss.start(10, 4, torch.device("cpu"))
    targets = np.zeros((10, 4))
    for _ in range(3):
        proba = proba_of(logits)
        targets[:6] = 0.7 * targets[:6] + 0.3 * proba
        expected = [-np.log(proba[i, c]) + 3 * np.log(1 - proba[i] @ targets[i]) for i, c in enumerate(codes)]
        found = loss(logits.requires_grad_(), codes, rows)
        np.testing.assert_allclose(found.detach().numpy(), expected, rtol=1e-4)
        logits = logits.detach() + 0.3
    assert not loss.targets_.requires_grad
    assert loss.targets_[6:].sum() == 0


def test_forward_correction(batch):
    logits, codes, rows = batch
    matrix = np.full((4, 4), 0.1) + 0.6 * np.eye(4)
    loss = ForwardCorrection(matrix)
    loss.start(6, 4, torch.device("cpu"))
    proba = proba_of(logits)
    expected = [-np.log(sum(proba[i, k] * matrix[k, c] for k in range(4))) for i, c in enumerate(codes)]
    np.testing.assert_allclose(loss(logits.float(), codes, rows).numpy(), expected, rtol=1e-5)


def test_the_transition_matrix_comes_from_the_surest_rows():
    rng = np.random.default_rng(0)
    true = rng.integers(0, 3, 3000)
    matrix = np.array([[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.3, 0.1, 0.6]])
    sure = rng.beta(8, 1, 3000)[:, None]  # how much a perfect network knows of each row
    clean = sure * np.eye(3)[true] + (1 - sure) / 3
    found = estimate_transition(clean @ matrix)
    np.testing.assert_allclose(found, matrix, atol=0.02)
    np.testing.assert_allclose(found.sum(1), 1)
