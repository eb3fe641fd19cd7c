"""Losses in training: the parameter `loss`, one's own losses, memory across a restart, what is refused."""

import numpy as np
import pytest
import torch
from sklearn.base import clone
from skorch.callbacks import Callback
from torch.nn.functional import cross_entropy

from noisylabel import FilterKDClassifier, MentorMixClassifier, MentorNetClassifier
from noisylabel.exceptions import InvalidParameterError
from noisylabel.losses import (
    LOSSES,
    Bootstrapping,
    CrossEntropy,
    EarlyLearningRegularization,
    ForwardCorrection,
    GeneralizedCrossEntropy,
    Loss,
    SymmetricCrossEntropy,
    estimate_transition,
)

NAMES = sorted(set(LOSSES) - {"forward"})


def proba(X, y, **parameters):
    clf = MentorNetClassifier("uniform", max_epochs=5, random_state=0, **parameters).fit(X, y)
    return clf.predict_proba(X)


@pytest.mark.parametrize("name", NAMES)
def test_a_loss_learns_the_classes(blobs, name):
    clf = MentorNetClassifier("uniform", loss=name, max_epochs=60, random_state=0).fit(*blobs)
    assert clf.score(*blobs) > 0.9


def test_a_function_is_a_loss_and_cross_entropy_written_out_is_the_default(blobs):
    given = [
        "cross_entropy",
        lambda logits, codes: cross_entropy(logits, codes, reduction="none"),
        GeneralizedCrossEntropy(q=0.3),
        "gce",
    ]
    default, own, small_q, q = (proba(*blobs, loss=loss) for loss in given)
    assert np.array_equal(default, own)
    assert not np.allclose(default, small_q)
    assert not np.allclose(small_q, q)


def test_a_small_class_is_a_loss(blobs):
    class MeanAbsoluteError(Loss):
        def __call__(self, logits, codes, rows):
            return 1 - logits.softmax(1).gather(1, codes[:, None])[:, 0]

    np.testing.assert_allclose(
        proba(*blobs, loss=MeanAbsoluteError()), proba(*blobs, loss=GeneralizedCrossEntropy(q=1)), atol=1e-5
    )


def test_curriculum_and_record_go_by_the_cross_entropy(blobs):
    steps = []

    class Watch(Callback):
        def on_batch_end(self, net, batch=None, training=False, **step):
            steps.append((step["losses"], cross_entropy(step["y_pred"].detach(), batch[1], reduction="none")))

    settings = {"loss_percentile": 0.7, "loss": "symmetric_ce", "max_epochs": 4, "random_state": 0}
    clf = MentorNetClassifier("self_paced", callbacks=[Watch()], **settings).fit(*blobs)
    assert len(steps) == 4
    for seen, expected in steps:
        torch.testing.assert_close(seen, expected)
    assert clf.history_["loss_threshold"].notna().all()
    assert np.isfinite(clf.label_issues()["label_quality"]).all()


def test_the_users_loss_object_is_left_alone(blobs):
    loss = EarlyLearningRegularization(strength=1)
    clf = MentorNetClassifier("uniform", loss=loss, max_epochs=2).fit(*blobs)
    assert vars(loss) == {"strength": 1, "memory": 0.7}
    assert clone(clf).loss is not loss
    assert not hasattr(clf.net_.loss, "targets_")  # a fitted net holds no table of rows


def test_the_memory_of_a_loss_goes_on_with_a_checkpoint(blobs, tmp_path):
    class Kill(Callback):
        def on_epoch_begin(self, net, **kwargs):
            if len(net.history) == 4:
                raise RuntimeError("killed")

    settings = {"loss": "elr", "max_epochs": 8, "batch_size": 40, "random_state": 0}
    whole = MentorNetClassifier("uniform", **settings).fit(*blobs)
    clf = MentorNetClassifier("uniform", checkpoint_dir=tmp_path, **settings)
    with pytest.raises(RuntimeError, match="killed"):
        clf.set_params(callbacks=[Kill()]).fit(*blobs)
    clf.set_params(callbacks=None).fit(*blobs)
    assert np.array_equal(clf.predict_proba(blobs[0]), whole.predict_proba(blobs[0]))


@pytest.mark.parametrize("name", ["gce", "elr"])
def test_robust_losses_beat_cross_entropy_that_memorises(digits, name):
    plain, robust = (
        MentorNetClassifier("uniform", loss=loss, random_state=0).fit(digits.data, digits.noisy)
        for loss in ("cross_entropy", name)
    )
    test = digits.test_data, digits.test_target
    assert robust.score(*test) > plain.score(*test) + 0.1


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        ("cross-entropy", "'loss' must be one of .* Got 'cross-entropy'. Did you mean 'cross_entropy'"),
        (GeneralizedCrossEntropy, r"'loss' got the class GeneralizedCrossEntropy. Pass an object"),
        (7, "'loss' must be one of .*, or a Loss or a function. Got 7"),
        (GeneralizedCrossEntropy(q=0), r"'q' must be a number in \(0, 1\]. Got 0"),
        (SymmetricCrossEntropy(beta=-1), r"'beta' must be a number in \[0, inf\). Got -1"),
        ("forward", "needs 'matrix', .* Got none. Estimate it"),
        (ForwardCorrection(np.eye(2)), r"of shape \(3, 3\). Got shape \(2, 2\)"),
        (ForwardCorrection(2 * np.eye(3)), r"rows add up to 1. Its rows add up to \[2.0, 2.0, 2.0\]"),
        (cross_entropy, r"a loss for each sample, here of shape \(120,\). Got shape \(\)"),
    ],
)
def test_bad_losses(blobs, loss, message):
    with pytest.raises(InvalidParameterError, match=message):
        MentorNetClassifier("uniform", loss=loss, max_epochs=1).fit(*blobs)


def test_mixes_are_learned_by_cross_entropy_only(blobs):
    with pytest.raises(InvalidParameterError, match="by cross entropy only. Set mixup_alpha=0"):
        MentorNetClassifier(loss="gce", mixup_alpha=1.0).fit(*blobs)
    assert "loss" not in MentorMixClassifier().get_params()
    assert "loss" not in FilterKDClassifier().get_params()


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


@pytest.mark.parametrize(
    ("proba", "said"),
    [
        ([[0.5, np.nan]], "'proba' has 1 missing values, the first in row 0, column 1"),
        ([[0.5, 0.4]], "rows that sum to 1. Got 1 other rows"),
        ([[1.5, -0.5]], "with minimum -0.5"),
        (np.ma.masked_array([[0.5, 0.5]], [[True, False]]), "'proba' has 1 missing values"),
        (np.zeros((0, 2)), "at least one row"),
        ([0.5, 0.5], "must be a matrix of probabilities"),
    ],
)
def test_right_22_a_transition_matrix_comes_from_probabilities_alone(proba, said):
    with pytest.raises(InvalidParameterError, match=said):
        estimate_transition(proba)
