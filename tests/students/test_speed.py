"""The fast network: whitening from the training rows alone, learning rates, sizes, saving and export."""

import numpy as np
import pytest
import torch
from torch.utils.data import TensorDataset

import noisylabel
from noisylabel import MentorNetClassifier, load_checkpoint
from noisylabel.exceptions import InvalidParameterError
from noisylabel.students import STUDENTS, Speed
from noisylabel.testing import check_student

SMALL = Speed((8, 16))
QUICK = {"student": SMALL, "max_epochs": 3, "batch_size": 32, "random_state": 0}


def whitened(clf, X):
    """Outputs of the first layer of its own, of all places: (outputs, places)."""
    network = clf.net_.module_
    layers = [network[0], network[1][0]] if isinstance(network[0], noisylabel.students.Standardize) else [network[0]]
    with torch.no_grad():
        x = torch.as_tensor(X)
        for layer in layers:
            x = layer(x)
    return x.transpose(0, 1).flatten(1).double()


@pytest.fixture
def photos():
    """Smooth images of three classes, which differ in colour; uint8."""
    rng = np.random.default_rng(0)
    y = np.arange(120) % 3
    X = rng.normal(size=(120, 3, 10, 12)).cumsum(2).cumsum(3) * 4 + 120
    X[np.arange(120), y] += 60
    return X.clip(0, 255).astype(np.uint8), y


@pytest.mark.parametrize("standardize", [True, False])
def test_the_first_layer_whitens_the_training_rows(photos, standardize):
    X, y = photos
    clf = MentorNetClassifier(standardize=standardize, **QUICK).fit(X, y)
    out = whitened(clf, X)
    assert out.mean(1).abs().max() < 1e-3
    half = out.cov()[:12, :12]
    assert (half - torch.diag(half.diag())).abs().max() < 1e-3
    assert half.diag().max() < 1.001  # directions in which little varies stay below
    assert half.diag().max() > 0.99
    pairs = torch.cdist(out, -out).min(1).values
    assert pairs.max() < 1e-2 * out.norm(dim=1).max()


def test_held_out_rows_and_rows_without_weight_have_no_say(photos):
    X, y = photos
    wild = X.copy()
    wild[60:] = np.random.default_rng(1).integers(0, 256, wild[60:].shape)
    weight = np.arange(120) < 60
    clf = MentorNetClassifier(**QUICK).fit(wild, y, sample_weight=weight)
    alone = MentorNetClassifier(**QUICK).fit(X[:60], y[:60])
    of_both = [fitted.net_.module_[1][0].weight for fitted in (clf, alone)]
    torch.testing.assert_close(*of_both, rtol=1e-4, atol=1e-4)


def test_weights_count_as_repeated_rows(photos):
    X, y = photos
    counts = 1 + np.arange(120) % 2
    weighted = MentorNetClassifier(**QUICK).fit(X, y, sample_weight=counts)
    repeated = MentorNetClassifier(**QUICK).fit(X.repeat(counts, 0), y.repeat(counts))
    of_both = [abs(fitted.net_.module_[1][0].weight) for fitted in (weighted, repeated)]
    torch.testing.assert_close(*of_both, rtol=1e-3, atol=1e-3)


def test_a_dataset_gives_the_same_result_as_the_array(photos):
    X, y = photos
    from_array = MentorNetClassifier(**QUICK).fit(X, y)
    from_dataset = MentorNetClassifier(**QUICK).fit(TensorDataset(torch.as_tensor(X), torch.as_tensor(y)))
    assert np.array_equal(from_array.predict_proba(X), from_dataset.predict_proba(X))


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 32, 32), (3, 64, 64), (1, 8, 8), (3, 5, 9), (4, 2, 2)])
def test_it_takes_images_of_many_sizes(shape):
    check_student(Speed((8, 16, 16)), shape)
    check_student(Speed((8, 16, 16), depth=3), shape)


@pytest.mark.filterwarnings("ignore:Labels of 1 of 2 classes ended")  # of one row
@pytest.mark.parametrize("n_rows", [2, 20])
def test_few_rows(photos, n_rows):
    X, y = photos
    clf = MentorNetClassifier(loss_percentile=0.7, **QUICK).fit(X[:n_rows], y[:n_rows])
    assert np.isfinite(clf.predict_proba(X)).all()


@pytest.mark.parametrize("colour", [0, 7, 0.3])
def test_images_that_do_not_vary(photos, colour):
    X, y = photos
    flat = np.full_like(X, colour, dtype=np.uint8 if colour != 0.3 else np.float32)
    for standardize in (True, False):
        clf = MentorNetClassifier(standardize=standardize, **QUICK).fit(flat, y)
        assert np.isfinite(clf.predict_proba(flat)).all()


def test_nothing_trains_the_whitening(photos):
    X, y = photos
    short, long = (MentorNetClassifier(**QUICK | {"max_epochs": n}).fit(X, y).net_.module_[1][0] for n in (1, 3))
    assert torch.equal(short.weight, long.weight)
    assert torch.equal(short.bias, long.bias)


def test_it_is_saved_with_what_it_whitens(photos, tmp_path):
    X, y = photos
    clf = MentorNetClassifier(**QUICK, checkpoint_dir=tmp_path / "checkpoint").fit(X, y)
    clf.save(tmp_path / "saved")
    expected = clf.predict_proba(X)
    assert np.array_equal(noisylabel.load(tmp_path / "saved").predict_proba(X), expected)
    assert np.array_equal(load_checkpoint(tmp_path / "checkpoint").predict_proba(X), expected)
    exported = clf.export_program().module()(torch.as_tensor(X)).numpy()
    np.testing.assert_allclose(exported, expected, atol=1e-5)


def test_biases_of_norms_have_a_learning_rate_of_their_own(photos):
    clf = MentorNetClassifier(**QUICK | {"student": Speed((8, 16), norm_lr=64)}, optimizer="sgd", lr=0.01).fit(*photos)
    groups = clf.net_.optimizer_.param_groups
    sizes = {round(rate, 6): sum(p.numel() for p in group["params"]) for rate, group in base_rates(clf, groups)}
    assert sizes[0.64] == 2 * (8 + 16)
    assert 0.01 in sizes
    assert clf.history_["lr"].max() <= 0.01


def test_groups_of_ones_own_stand_beside_those_of_the_student(photos):
    own = {"optimizer__param_groups": [("*.linear.weight", {"lr": 0.5})]}
    student = Speed((8, 16), norm_lr=64)
    clf = MentorNetClassifier(**QUICK | {"student": student}, optimizer="sgd", lr=0.01, net_params=own).fit(*photos)
    groups = clf.net_.optimizer_.param_groups
    sizes = {round(rate, 6): sum(p.numel() for p in group["params"]) for rate, group in base_rates(clf, groups)}
    assert (sizes[0.5], sizes[0.64]) == (3 * 16, 2 * (8 + 16))


def base_rates(clf, groups):
    return [(rate, group) for (rate, _), group in zip(clf.net_.base_settings_, groups, strict=True)]


@pytest.mark.parametrize(
    ("student", "told"),
    [
        (Speed(()), "'widths' must be the channels"),
        (Speed((8, 0)), "'widths' must be an integer"),
        (Speed(depth=1), "'depth' must be an integer of at least 2"),
        (Speed(norm_lr=0), "'norm_lr'"),
        (Speed(logit_scale=-1), "'logit_scale'"),
    ],
)
def test_settings_are_checked(student, told):
    with pytest.raises(InvalidParameterError, match=told):
        student.build((3, 32, 32), 10)


@pytest.mark.parametrize(
    ("name", "millions"), [("speed_xs", 0.76), ("speed_s", 1.97), ("speed_m", 4.6), ("speed_l", 9.92)]
)
def test_sizes_by_name(name, millions):
    network = STUDENTS[name]().build((3, 32, 32), 10)
    assert sum(p.numel() for p in network.parameters()) / 1e6 == pytest.approx(millions, rel=0.05)
