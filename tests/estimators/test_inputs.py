"""Tables, images, tensors and Datasets; the two data paths agree."""

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn
from torch.utils.data import Dataset, TensorDataset

from noisylabel import MentorNetClassifier
from noisylabel.estimators._run import validation_rows
from noisylabel.students import MLP, ResNet, SmallCNN

QUICK = {"max_epochs": 6, "batch_size": 16, "random_state": 0}


class PlainDataset(Dataset):
    """Samples and labels one by one, with nothing else to hold on to."""

    def __init__(self, X, y=None):
        self.X, self.y = X, y

    def __len__(self):
        return len(self.X)

    def __getitem__(self, row):
        return self.X[row] if self.y is None else (self.X[row], self.y[row])


@pytest.mark.parametrize("as_float", [False, True])
def test_images(images, as_float):
    X, y = images
    X = X.astype(np.float32) / 255 if as_float else X
    clf = MentorNetClassifier(student=SmallCNN((8, 16)), augment="shift_flip", **QUICK).fit(X, y)
    assert clf.score(X, y) > 0.95
    assert clf.sample_shape_ == (3, 12, 12)


def test_bfloat16_learns_too(images):
    X, y = images
    clf = MentorNetClassifier(student=SmallCNN((8, 16)), precision="bf16", **QUICK).fit(X, y)
    assert clf.score(X, y) > 0.95
    np.testing.assert_allclose(clf.predict_proba(X).sum(axis=1), 1, rtol=1e-5)


def test_tensors(blobs):
    X, y = blobs
    from_tensor = MentorNetClassifier(**QUICK).fit(torch.tensor(X), torch.tensor(y))
    from_array = MentorNetClassifier(**QUICK).fit(X, y)
    assert np.array_equal(from_tensor.predict_proba(torch.tensor(X)), from_array.predict_proba(X))


@pytest.mark.parametrize("validation_fraction", [0.0, 0.25])
@pytest.mark.parametrize("kind", ["labels inside", "labels beside", "tensors"])
def test_a_dataset_gives_the_same_result_as_the_arrays(blobs, kind, validation_fraction):
    X, y = blobs
    settings = QUICK | {"validation_fraction": validation_fraction, "loss_percentile": "auto"}
    expected = MentorNetClassifier(**settings).fit(X, y)
    clf = MentorNetClassifier(**settings)
    if kind == "labels inside":
        clf.fit(PlainDataset(X, y))
    elif kind == "labels beside":
        clf.fit(PlainDataset(X), np.array(["a", "b", "c"])[y])
    else:
        clf.fit(TensorDataset(torch.tensor(X), torch.tensor(y)))
    assert np.array_equal(clf.predict_proba(PlainDataset(X)), expected.predict_proba(X))
    assert np.array_equal(clf.sample_weight_, expected.sample_weight_, equal_nan=True)
    assert clf.noise_rate_ == expected.noise_rate_


def test_worker_processes_load_a_dataset_with_the_same_result(blobs):
    X, y = blobs
    workers = {"iterator_train__num_workers": 1, "iterator_valid__num_workers": 1}
    settings = QUICK | {"max_epochs": 2, "validation_fraction": 0.25}
    alone, helped = (MentorNetClassifier(**settings, net_params=more).fit(PlainDataset(X, y)) for more in ({}, workers))
    assert np.array_equal(helped.predict_proba(PlainDataset(X)), alone.predict_proba(X))


def test_image_dataset_agrees_with_arrays_under_augmentation(images):
    X, y = images
    settings = QUICK | {"student": SmallCNN((8, 16)), "augment": "shift_flip"}
    expected = MentorNetClassifier(**settings).fit(X, y)
    clf = MentorNetClassifier(**settings).fit(PlainDataset(X, y))
    assert np.array_equal(clf.predict_proba(PlainDataset(X)), expected.predict_proba(X))


class Network(nn.Module):
    """A user's class without arguments."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(5, 3)

    def forward(self, x):
        return self.layer(x)


def build(sample_shape, n_classes):
    return nn.Linear(sample_shape[0], n_classes)


@pytest.mark.parametrize(
    "student",
    ["mlp", MLP((16,)), nn.Linear(5, 3), Network, build],
    ids=["name", "Student", "network", "class", "builder"],
)
def test_student_in_every_form(blobs, student):
    X, y = blobs
    settings = QUICK | {"curriculum": "uniform", "max_epochs": 40, "lr": 0.03}
    first, second = (MentorNetClassifier(student=student, **settings).fit(X, y) for _ in range(2))
    assert first.score(X, y) > 0.9
    assert np.array_equal(first.predict_proba(X), second.predict_proba(X))


@pytest.mark.parametrize("standardize", [True, False])
def test_a_given_network_stays_as_it_was(blobs, standardize):
    student = nn.Linear(5, 3)
    before = student.weight.detach().clone()
    clf = MentorNetClassifier("uniform", student=student, standardize=standardize, **QUICK).fit(*blobs)
    trained = clf.net_.module_[-1] if standardize else clf.net_.module_
    assert torch.equal(student.weight, before)
    assert not torch.equal(trained.weight, before)


def test_timm_student(images):
    X, y = images
    clf = MentorNetClassifier(student="timm:resnet10t", **(QUICK | {"max_epochs": 1})).fit(np.repeat(X, 3, 2), y)
    assert clf.predict_proba(np.repeat(X, 3, 2)).shape == (60, 2)


def test_unstandardised_samples_reach_the_student_as_they_are(blobs):
    X, y = blobs
    seen = []

    class Spy(nn.Linear):
        def forward(self, x):
            seen.append(float(x.max()))
            return super().forward(x)

    MentorNetClassifier(student=Spy(5, 3), standardize=False, **QUICK).fit(X, y)
    assert max(seen) == pytest.approx(float(X.max()))


def test_labels_of_a_dataset_are_those_of_its_samples(blobs):
    """A wrapper that makes noise often still holds the clean labels in ``targets``."""
    X, y = blobs
    noisy = PlainDataset(X, (y + 1) % 3)
    noisy.targets = y
    clf = MentorNetClassifier(max_epochs=30, random_state=0).fit(noisy)
    assert clf.score(X, (y + 1) % 3) > 0.95


def test_float64_dataset_and_uint8_images_without_standardisation(blobs, images):
    X, y = blobs
    settings = QUICK | {"max_epochs": 20}
    clf = MentorNetClassifier(standardize=False, **settings).fit(PlainDataset(X.astype(np.float64), y))
    assert clf.score(X, y) > 0.9
    X, y = images
    clf = MentorNetClassifier(standardize=False, student=SmallCNN((8, 16)), **QUICK).fit(X, y)
    assert clf.score(X, y) > 0.9


def test_a_student_that_writes_to_its_input_does_not_write_to_yours(blobs):
    X, y = blobs
    student = nn.Sequential(nn.ReLU(inplace=True), nn.Linear(5, 3))
    before = X.copy()
    MentorNetClassifier(student=student, standardize=False, **QUICK).fit(X, y).predict(X)
    assert np.array_equal(X, before)


@pytest.mark.parametrize("dtype", ["boolean", "Int64", "category", "string"])
def test_pandas_labels_of_its_own_types(blobs, dtype):
    X, y = blobs
    values = {
        "boolean": y > 0,
        "Int64": y,
        "category": np.array(["a", "b", "c"])[y],
        "string": np.array(["a", "b", "c"])[y],
    }
    clf = MentorNetClassifier(max_epochs=30, random_state=0).fit(X, pd.Series(values[dtype], dtype=dtype))
    assert clf.classes_.dtype.kind == {"boolean": "b", "Int64": "i", "category": "U", "string": "U"}[dtype]
    assert (clf.predict(X) == values[dtype]).mean() > 0.95


def test_resnet_student(images):
    X, y = images
    clf = MentorNetClassifier(student=ResNet(8, width=8), lr=0.01, **QUICK).fit(X, y)
    assert clf.score(X, y) > 0.9


@pytest.mark.parametrize("fraction", [0.05, 0.1, 0.25, 0.5])
def test_classes_are_held_out_in_proportion(fraction):
    codes = np.repeat([0, 1, 2], [600, 300, 100])
    rows = validation_rows(codes, fraction, np.random.default_rng(0))
    assert len(rows) == round(1000 * fraction)
    assert len(np.unique(rows)) == len(rows)
    np.testing.assert_allclose(np.bincount(codes[rows]) / len(rows), [0.6, 0.3, 0.1], atol=1 / len(rows) + 1e-9)


def test_a_class_is_never_held_out_whole():
    codes = np.array([0] * 10 + [1] * 2 + [2])
    for seed in range(50):
        rows = validation_rows(codes, 0.5, np.random.default_rng(seed))
        left = np.delete(codes, rows)
        assert set(left) == {0, 1, 2}
