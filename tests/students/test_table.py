"""The network for tables: what it makes of columns, which rows it looks at, files of older versions, accuracy."""

import pickle

import numpy as np
import pytest
import torch
from sklearn.datasets import load_iris

import noisylabel
from noisylabel import MentorNetClassifier, load_checkpoint
from noisylabel.exceptions import InvalidParameterError
from noisylabel.students import MLP, STUDENTS, SmallCNN, TableNet, resolve_student
from noisylabel.students._table import NumberFeatures
from noisylabel.testing import check_student

QUICK = {"max_epochs": 2, "batch_size": 32, "random_state": 0}


def adapted(samples, share=None):
    samples = torch.as_tensor(samples, dtype=torch.float32)
    share = torch.full((len(samples),), 1 / len(samples)) if share is None else torch.as_tensor(share)
    layer = NumberFeatures(samples.shape[1])
    layer.adapt(samples, share)
    return layer


def features_of(clf):
    (layer,) = [layer for layer in clf.net_.module_.modules() if isinstance(layer, NumberFeatures)]
    return layer


@pytest.fixture(scope="module")
def mixed():
    """A table of two columns of numbers and one of two values, between them, and labels of three classes."""
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.normal(size=90), rng.integers(0, 2, 90), 1e3 * rng.normal(size=90)]).astype(np.float32)
    return X, np.arange(90) % 3


def test_it_is_the_default_of_everything_but_images():
    assert isinstance(resolve_student("auto", (5,)), TableNet)
    assert isinstance(resolve_student("auto", (5, 4)), TableNet)
    assert isinstance(resolve_student("auto", (3, 8, 8)), SmallCNN)
    assert isinstance(STUDENTS["mlp"](), MLP)
    check_student(TableNet((8,)), (5,))


def test_columns_are_bounded_and_placed_between_levels():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(50, 2))
    values = (values - values.mean(0)) / values.std(0)
    bounded = values / np.sqrt(1 + values**2 / 9)
    places = [np.clip((bounded - level) / 0.8, -1, 1) for level in (-0.8, 0, 0.8)]
    expected = np.column_stack([bounded, np.stack(places, 2).reshape(50, 6)])
    given = torch.as_tensor(values, dtype=torch.float32)
    np.testing.assert_allclose(adapted(given)(given), expected, atol=1e-5)


def test_columns_of_two_values_have_no_levels(mixed):
    layer = adapted(mixed[0])
    out = layer(torch.as_tensor(mixed[0]))
    assert out.shape == (90, 12)
    assert layer.columns.tolist() == [0, 2, 1]
    assert out[:, 3:9].std(0).min() > 0.2
    assert (out[:, 9:] == 0).all()


def test_many_columns_of_numbers_have_no_levels():
    rng = np.random.default_rng(0)
    few = rng.normal(size=(30, 100))
    few[:, 40:] = few[:, 40:] > 0
    assert (adapted(few).steepness > 0).sum() == 40
    assert (adapted(rng.normal(size=(30, 100))).steepness == 0).all()
    assert NumberFeatures(257).n_outputs == 257


def test_inputs_that_nobody_standardised_are_brought_to_a_common_scale(mixed):
    clf = MentorNetClassifier(standardize=False, **QUICK).fit(*mixed)
    out = features_of(clf)(torch.as_tensor(mixed[0]))
    assert out[:, [0, 2]].abs().amax() < 3
    assert 0.5 < out[:, 2].std() < 1.1


def test_no_number_is_too_large():
    layer = adapted(np.random.default_rng(0).normal(size=(20, 2)))
    out = layer(torch.tensor([[3e38, -3e38], [1e20, 0.0]]))
    torch.testing.assert_close(out[0, :2], torch.tensor([3.0, -3.0]))
    assert out.isfinite().all()


def test_weights_count_as_repeated_rows_and_rows_of_weight_0_not_at_all(mixed):
    X, y = mixed
    wild = X.copy()
    wild[60:] *= 1e4
    weight = np.repeat([2, 1, 0], 30)
    by_weight = features_of(MentorNetClassifier(standardize=False, **QUICK).fit(wild, y, sample_weight=weight))
    repeated = np.repeat(np.arange(90), weight)
    by_rows = features_of(MentorNetClassifier(standardize=False, **QUICK).fit(X[repeated], y[repeated]))
    for one, other in zip(by_weight.buffers(), by_rows.buffers(), strict=True):
        torch.testing.assert_close(one, other)


def test_held_out_rows_have_no_say(mixed):
    X, y = mixed
    clf = MentorNetClassifier(standardize=False, validation_fraction=0.3, **QUICK).fit(X, y)
    trained = X[np.isfinite(clf.sample_weight_), 2]
    torch.testing.assert_close(features_of(clf).scale[2], torch.tensor(1 / trained.std()))


def test_whole_numbers_become_floats_as_for_an_mlp(mixed):
    X = np.random.default_rng(0).integers(0, 9, (90, 4))
    clf = MentorNetClassifier(standardize=False, **QUICK).fit(X, mixed[1])
    assert clf.sample_dtype_ == "float32"


@pytest.mark.parametrize("settings", [{}, {"precision": "bf16"}, {"standardize": False}, {"ema_decay": 0.9}])
def test_it_is_saved_and_pickled_and_exported(mixed, tmp_path, settings):
    X, y = mixed
    clf = MentorNetClassifier(checkpoint_dir=tmp_path / "run", **QUICK, **settings).fit(X, y)
    clf.save(tmp_path / "saved")
    expected = clf.predict_proba(X)
    copies = [noisylabel.load(tmp_path / "saved"), load_checkpoint(tmp_path / "run"), pickle.loads(pickle.dumps(clf))]
    for copy in copies:
        assert copy.student == "auto"
        np.testing.assert_array_equal(copy.predict_proba(X), expected)
    if not settings:
        exported = clf.export_program().module()(torch.as_tensor(X))
        np.testing.assert_allclose(exported.detach(), expected, atol=1e-5)


@pytest.fixture
def older_run(mixed, tmp_path):
    """A checkpoint as it was written when ``"auto"`` stood for ``"mlp"``; its folder and the predictions."""
    folder = tmp_path / "run"
    clf = MentorNetClassifier(student="mlp", checkpoint_dir=folder, **QUICK).fit(*mixed)
    saved = torch.load(folder / "checkpoint.pt", weights_only=True)
    saved["student"] = {"name": "auto"}
    saved["fingerprint"]["parameters"]["student"] = "'auto'"
    torch.save(saved, folder / "checkpoint.pt")
    return folder, clf.predict_proba(mixed[0])


def test_older_files_keep_the_network_that_was_the_default(mixed, older_run):
    folder, expected = older_run
    clf = load_checkpoint(folder)
    np.testing.assert_array_equal(clf.predict_proba(mixed[0]), expected)
    assert clf.student == "mlp"
    clf.save(folder / "saved")
    np.testing.assert_array_equal(noisylabel.load(folder / "saved").predict_proba(mixed[0]), expected)


def test_an_older_run_goes_on_with_its_network_alone(mixed, older_run):
    folder, expected = older_run
    with pytest.raises(InvalidParameterError, match="student was 'mlp', is 'table'"):
        MentorNetClassifier(checkpoint_dir=folder, **QUICK).fit(*mixed)
    clf = MentorNetClassifier(student="mlp", checkpoint_dir=folder, **QUICK).fit(*mixed)
    np.testing.assert_array_equal(clf.predict_proba(mixed[0]), expected)


def test_narrow_bands_are_learnt_sooner_than_by_an_mlp():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(900, 8)).astype(np.float32)
    y = (np.abs(X[:, 0]) < 0.6).astype(int) + (np.abs(X[:, 1] - 0.5) < 0.7)
    scores = {}
    for student in ("table", "mlp"):
        clf = MentorNetClassifier("uniform", student=student, max_epochs=15, random_state=0).fit(X[:600], y[:600])
        scores[student] = clf.score(X[600:], y[600:])
    assert scores["table"] > scores["mlp"] + 0.05


def test_iris_is_learnt():
    X, y = load_iris(return_X_y=True)
    clf = MentorNetClassifier("uniform", random_state=0).fit(X[::2], y[::2])
    assert clf.score(X[1::2], y[1::2]) > 0.93
