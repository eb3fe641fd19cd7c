"""The baselines compute what their papers say, and train through the common path."""

import numpy as np
import pytest
import torch
from sklearn.base import clone

from benchmarks.cells.catalogue import PROFILES
from benchmarks.cells.cell import Cell, run_cell
from benchmarks.cells.classifier import make_classifier
from benchmarks.methods import METHODS
from benchmarks.methods._bootstrapping import Bootstrapping
from benchmarks.methods._co_teaching import CoTeachingClassifier, Pair, share_kept
from benchmarks.methods._elr import EarlyLearningRegularization
from benchmarks.methods._forward import ForwardCorrection, estimate_transition
from benchmarks.methods._gce import GCEClassifier, GeneralizedCrossEntropy
from benchmarks.methods._pruning import PruneAndRefitClassifier
from benchmarks.methods._symmetric_ce import SymmetricCrossEntropy
from noisylabel import MentorNetClassifier

BASELINES = [
    "early_stopping", "gce", "symmetric_ce", "bootstrapping", "forward", "co_teaching", "elr", "prune_and_refit",
]  # fmt: skip


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
    small = GeneralizedCrossEntropy()
    small.q = 1e-9  # its limits are the cross entropy and the mean absolute error
    np.testing.assert_allclose(
        small(logits, codes, rows), torch.nn.functional.cross_entropy(logits, codes, reduction="none")
    )
    small.q = 1.0
    np.testing.assert_allclose(
        small(logits, codes, rows).numpy(), [1 - proba_of(logits)[i, c] for i, c in enumerate(codes)]
    )


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
    assert not loss.targets.requires_grad
    assert loss.targets[6:].sum() == 0


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


def test_co_teaching_keeps_fewer_and_fewer():
    assert share_kept(0, 0.4) == 1
    assert share_kept(0.025, 0.4) == pytest.approx(0.8)
    assert share_kept(0.05, 0.4) == share_kept(1, 0.4) == pytest.approx(0.6)


def test_each_network_learns_what_the_other_chose(digits):
    clf = CoTeachingClassifier("uniform", loss_percentile=0.6, max_epochs=20, random_state=0)
    clf.fit(digits.data, digits.noisy)
    pair = next(module for module in clf.net_.module_.modules() if isinstance(module, Pair))
    first, second = (torch.cat([p.flatten() for p in network.parameters()]) for network in (pair.first, pair.second))
    assert not torch.allclose(first, second)
    is_wrong = digits.noisy != digits.target
    assert clf.sample_weight_[~is_wrong].mean() > clf.sample_weight_[is_wrong].mean() + 0.4
    assert clf.student == "auto"


@pytest.mark.parametrize("name", BASELINES)
def test_baselines_run_through_the_common_path(name):
    metrics = run_cell(Cell("smoke", "symmetric", 0.4, name, 0))["metrics"]
    assert metrics["last"] > 0.45
    assert metrics["oracle"] >= metrics["selected"]
    assert 0 < metrics["ece"] < 1


@pytest.mark.parametrize("name", ["gce", "elr", "co_teaching", "prune_and_refit"])
def test_robust_baselines_beat_plain_training_that_memorises(name):
    plain = run_cell(Cell("digits", "symmetric", 0.4, "plain", 0))["metrics"]["last"]
    assert run_cell(Cell("digits", "symmetric", 0.4, name, 0))["metrics"]["last"] > plain + 0.03


def test_cleanlab_prunes_wrong_labels(digits):
    clf = PruneAndRefitClassifier("uniform", max_epochs=15, random_state=0).fit(digits.data, digits.noisy)
    pruned = ~clf._has_say
    is_wrong = digits.noisy != digits.target
    assert is_wrong[pruned].mean() > 0.75
    assert pruned[is_wrong].mean() > 0.75


def test_the_loss_is_all_that_differs(blobs):
    """With another loss than its own, a baseline is plain training."""

    class CrossEntropy(GCEClassifier):
        def _make_loss(self):
            return lambda_loss

    class Loss(GeneralizedCrossEntropy):
        def __call__(self, logits, codes, rows):
            return torch.nn.functional.cross_entropy(logits, codes, reduction="none")

    lambda_loss = Loss()
    own = CrossEntropy("uniform", max_epochs=5, random_state=0).fit(*blobs)
    plain = MentorNetClassifier("uniform", max_epochs=5, random_state=0).fit(*blobs)
    assert np.array_equal(own.predict_proba(blobs[0]), plain.predict_proba(blobs[0]))


@pytest.mark.parametrize("name", BASELINES)
def test_baselines_can_be_cloned(name):
    clf = make_classifier(name, 0.4, PROFILES["digits"], 0, [])
    same = clone(clf).set_params(callbacks=None)
    assert repr(same) == repr(clf.set_params(callbacks=None))
    assert METHODS[name].estimator is type(clf)
