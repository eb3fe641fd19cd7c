"""Two processes train one model: as one process would."""

import os

import numpy as np
import pytest
import torch
from skorch.callbacks import Callback
from torch import nn
from torch.utils.data import IterableDataset

from noisylabel import FilterKDClassifier, MentorMixClassifier, MentorNetClassifier
from noisylabel.distributed import WorkerGroup
from noisylabel.exceptions import InvalidDataError, InvalidParameterError
from noisylabel.students import MLP
from tests.estimators.workers.rows import Rows

FEW = {"student": MLP(hidden=(16,)), "max_epochs": 4, "batch_size": 50, "random_state": 0}


def assert_same(two, one, X):
    """Both of a pair have what one process has, but for rounding."""
    for clf in two:
        np.testing.assert_allclose(clf.predict_proba(X), one.predict_proba(X), atol=1e-4)
        np.testing.assert_allclose(clf.sample_weight_, one.sample_weight_, atol=1e-4)
        table, expected = clf.record_.table_, one.record_.table_
        torch.testing.assert_close(table, expected, atol=1e-3, rtol=1e-3, equal_nan=True)
    assert np.array_equal(two[0].predict_proba(X), two[1].predict_proba(X)), "the two have one network"


def with_norm(sample_shape, n_classes):
    n = sample_shape[0]
    return nn.Sequential(nn.Linear(n, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, n_classes))


class HalfUsed(nn.Module):
    """A network with a layer that no logit depends on."""

    def __init__(self):
        super().__init__()
        self.used, self.idle = nn.Linear(5, 3), nn.Linear(5, 3)

    def forward(self, x):
        return self.used(x)


class Thaw(Callback):
    """Let the first layer learn from the third epoch on only."""

    def on_epoch_begin(self, net, **kwargs):
        for name, parameter in net.module_.named_parameters():
            if name.endswith("0.weight"):
                parameter.requires_grad_(len(net.history) > 2)


class Stream(IterableDataset):
    """The rows of an array, in another order in each pass."""

    def __init__(self, X):
        self.X = X
        self.epoch = 0

    def set_epoch(self, epoch):
        self.epoch = epoch

    def __iter__(self):
        for row in np.random.default_rng(self.epoch).permutation(len(self.X)):
            yield row, torch.as_tensor(self.X[row])


def test_a_stream_is_read_by_each(pair, noisy_blobs):
    X, noisy = noisy_blobs
    clf = MentorMixClassifier(loss_percentile=0.7, validation_fraction=0.1, **FEW)
    assert_same(pair.fit(clf, Stream(X), noisy), clf.fit(Stream(X), noisy), X)


class Shuffled(Stream):
    """In another order in each process."""

    def __iter__(self):
        self.epoch = os.getpid()
        return super().__iter__()


def test_a_stream_must_give_all_one_order(pair, noisy_blobs):
    X, noisy = noisy_blobs
    with pytest.raises(InvalidDataError, match="The 2 workers of 'n_workers' read the rows of the stream in different"):
        pair.fit(MentorNetClassifier("uniform", **FEW), Shuffled(X), noisy)


CASES = {
    "uniform": MentorNetClassifier("uniform", **FEW),
    "mentornet_pd": MentorNetClassifier("mentornet_pd", loss_percentile=0.6, **FEW),
    "by class": MentorNetClassifier("self_paced", loss_percentile=0.6, percentile_by_class=True, **FEW),
    "auto": MentorNetClassifier(**FEW),
    "auto percentile": MentorNetClassifier("mentornet_pd", loss_percentile="auto", **FEW),
    "dropped examples": MentorNetClassifier("mentornet_pd", loss_percentile=0.6, example_dropout=0.2, **FEW),
    "loss with memory": MentorNetClassifier("uniform", loss="elr", **FEW),
    "average": MentorNetClassifier("uniform", ema_decay=0.9, class_weight="balanced", **FEW),
    "held out": MentorNetClassifier("uniform", validation_fraction=0.2, filter_alpha=0.1, **FEW),
    "active bias": MentorNetClassifier("active_bias", **FEW),
    "spld": MentorNetClassifier("spld", **FEW),
    "mentormix": MentorMixClassifier("mentornet_pd", loss_percentile=0.6, second_reweight=True, **FEW),
    "mentormix, auto": MentorMixClassifier(**FEW),
    "filtered": FilterKDClassifier(**FEW),
    "last teacher": FilterKDClassifier("last", **FEW),
    "one norm": MentorMixClassifier(
        "mentornet_pd", loss_percentile=0.6, sync_batchnorm=True, optimizer="sgd", **{**FEW, "student": with_norm}
    ),
    "unused layer": MentorNetClassifier("uniform", **{**FEW, "student": HalfUsed}),
    "frozen for a while": MentorNetClassifier("uniform", callbacks=[Thaw()], **FEW),
}


@pytest.mark.parametrize("case", CASES)
def test_two_processes_find_what_one_finds(case, pair, noisy_blobs):
    X, noisy = noisy_blobs
    clf = CASES[case]
    assert_same(pair.fit(clf, X, noisy), clf.fit(X, noisy), X)


def test_two_processes_find_it_in_half_precision_too(pair, noisy_blobs):
    X, noisy = noisy_blobs
    clf = MentorNetClassifier("uniform", precision="bf16", **FEW)
    two, one = pair.fit(clf, X, noisy), clf.fit(X, noisy)
    np.testing.assert_allclose(two[0].predict_proba(X), one.predict_proba(X), atol=5e-3)


@pytest.mark.filterwarnings("ignore:At .* percent of training")  # few epochs teach data_driven little
@pytest.mark.parametrize(
    "curriculum", ["data_driven", "learning_to_reweight", "fidelity_weighted", "learning_to_teach"]
)
def test_mentors_with_trusted_rows_find_it_too(curriculum, pair, noisy_blobs):
    X, noisy = noisy_blobs
    trusted = np.where(np.arange(450) % 5 == 0, np.repeat(np.arange(3), 150), -1)
    clf = MentorNetClassifier(curriculum, loss_percentile=0.6, **FEW)
    given = () if curriculum == "learning_to_teach" else (None, trusted)
    assert_same(pair.fit(clf, X, noisy, *given), clf.fit(X, noisy, *given), X)


@pytest.mark.parametrize("weight", [None, np.arange(450) % 3])
def test_each_process_loads_its_part_of_a_dataset(weight, pair, noisy_blobs):
    X, noisy = noisy_blobs
    clf = MentorMixClassifier("mentornet_pd", loss_percentile=0.6, **FEW)
    assert_same(pair.fit(clf, Rows(X), noisy, weight), clf.fit(Rows(X), noisy, weight), X)


def test_augmented_images_are_those_of_one_process(pair, images):
    X, y = images
    clf = MentorMixClassifier("uniform", augment="shift_flip", **{**FEW, "batch_size": 15, "student": with_flat_images})
    assert_same(pair.fit(clf, X, y), clf.fit(X, y), X)


def with_flat_images(sample_shape, n_classes):
    return nn.Sequential(nn.Flatten(), nn.Linear(int(np.prod(sample_shape)), n_classes))


def test_parts_of_a_batch_are_too_small(pair, blobs):
    X, y = blobs
    clf = MentorNetClassifier("uniform", **{**FEW, "student": with_norm, "batch_size": 3})
    with pytest.raises(
        InvalidParameterError, match="'batch_size' is 3 for 2 workers, .* Set 'batch_size' to 4 or more"
    ):
        pair.fit(clf, X, y)


def test_parts_differ_by_at_most_one_row():
    parts = [[group.part(n) for group in map(lambda rank: WorkerGroup(rank, 3), range(3))] for n in range(3, 9)]
    for n, of_group in zip(range(3, 9), parts, strict=True):
        assert [row for part in of_group for row in range(n)[part]] == list(range(n))
        sizes = [part.stop - part.start for part in of_group]
        assert max(sizes) - min(sizes) <= 1
