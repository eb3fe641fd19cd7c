"""The callback that records learning paths."""

import random

import numpy as np
import pandas as pd
import pytest
import torch
from skorch.callbacks import Callback, EarlyStopping
from torch.utils.data import TensorDataset

from noisylabel import MentorMixClassifier, MentorNetClassifier
from noisylabel.callbacks import LearningPaths
from noisylabel.exceptions import InvalidParameterError
from noisylabel.students import SmallCNN

SMALL = SmallCNN((4, 8))


class Spy(Callback):
    """Predict the same rows in evaluation mode, by the net's own way, at the end of each epoch."""

    def __init__(self, dataset):
        self.dataset = dataset

    def on_train_begin(self, net, X=None, **kwargs):
        self.seen_ = []

    def on_epoch_end(self, net, **kwargs):
        self.seen_.append(net.predict_proba(self.dataset))


def student_with_dropout(sample_shape, n_classes):
    layers = [torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.Dropout(0.3), torch.nn.Flatten()]
    return torch.nn.Sequential(*layers, torch.nn.Linear(4 * 100, n_classes))


def state_of(clf):
    return torch.cat([value.double().flatten() for value in clf.net_.module_.state_dict().values()])


@pytest.mark.parametrize("options", [{"unit": "epoch"}, {"unit": "step", "every": 2}], ids=["epoch", "step"])
@pytest.mark.parametrize(
    "clf",
    [
        MentorNetClassifier(
            loss_percentile=0.7, student=student_with_dropout, augment="shift_flip", example_dropout=0.2, max_epochs=4
        ),
        MentorMixClassifier(loss_percentile=0.6, student=student_with_dropout, max_epochs=4),
    ],
    ids=["net", "mix"],
)
def test_training_is_as_without_it(clf, options, images):
    X, y = images
    clf.set_params(batch_size=16, random_state=0)
    without = state_of(clf.set_params(callbacks=None).fit(X, y))
    streams = torch.get_rng_state(), np.random.get_state()[1].copy(), random.getstate()
    recorder = LearningPaths([3, 1, 40], **options)
    with_it = state_of(clf.set_params(callbacks=[recorder]).fit(X, y))
    assert torch.equal(without, with_it)
    assert torch.equal(torch.get_rng_state(), streams[0])
    assert (np.random.get_state()[1] == streams[1]).all()
    assert random.getstate() == streams[2]
    assert recorder.paths_.dtype == np.float32
    assert recorder.paths_.sum(axis=2) == pytest.approx(1, abs=1e-5)
    assert recorder.paths_.std(axis=0).max() > 1e-3


def test_it_records_what_the_network_would_predict(images):
    X, y = images
    rows = [7, 50, 2]
    recorder = LearningPaths(rows, every=1)
    clf = MentorNetClassifier(student=SMALL, augment="shift_flip", max_epochs=5, batch_size=20, random_state=0)
    clf.set_params(callbacks=[recorder]).fit(X, y)
    assert recorder.steps_.tolist() == [0, 3, 6, 9, 12, 15]
    assert recorder.paths_.shape == (6, 3, 2)
    assert recorder.paths_[-1] == pytest.approx(clf.predict_proba(X[rows]), abs=1e-6)
    sparse = LearningPaths(rows, every=2)
    clf.set_params(callbacks=[sparse]).fit(X, y)
    assert sparse.steps_.tolist() == [0, 6, 12, 15]  # the end is always there
    assert np.array_equal(sparse.paths_, recorder.paths_[[0, 2, 4, 5]])
    by_step = LearningPaths(rows, every=3, unit="step")
    clf.set_params(callbacks=[by_step]).fit(X, y)
    assert np.array_equal(by_step.paths_, recorder.paths_)


def test_every_epoch_of_an_averaged_network(blobs):
    from noisylabel.nets import TensorData

    X, y = blobs
    spy, recorder = Spy(TensorData(torch.as_tensor(X[:9]))), LearningPaths(range(9))
    clf = MentorNetClassifier("uniform", ema_decay=0.9, max_epochs=6, random_state=0, callbacks=[spy, recorder])
    clf.fit(X, y)
    assert recorder.paths_[1:] == pytest.approx(np.stack(spy.seen_), abs=1e-6)


def test_a_dataset_gives_the_same_paths(blobs):
    X, y = blobs
    found = []
    for data in (X, TensorDataset(torch.as_tensor(X), torch.as_tensor(y))):
        recorder = LearningPaths(np.array([100, 5]))
        MentorNetClassifier(max_epochs=3, standardize=False, random_state=0, callbacks=[recorder]).fit(data, y)
        found.append(recorder.paths_)
    assert found[0] == pytest.approx(found[1], abs=1e-5)


class Kill(Callback):
    """Stop in the middle of an epoch, nothing tidied up."""

    def on_batch_begin(self, net, training=False, **kwargs):
        if training and len(net.history) == 4 and len(net.history[-1]["batches"]) == 2:
            raise RuntimeError("killed")


def test_a_resumed_run_has_the_same_paths(blobs, tmp_path):
    clf = MentorNetClassifier(max_epochs=7, batch_size=40, random_state=0)
    for options in ({}, {"every": 2, "unit": "step"}):
        whole, parts = LearningPaths(range(20), **options), LearningPaths(range(20), **options)
        clf.set_params(checkpoint_dir=None, callbacks=[whole]).fit(*blobs)
        clf.set_params(checkpoint_dir=tmp_path / str(len(options)))
        with pytest.raises(RuntimeError, match="killed"):
            clf.set_params(callbacks=[parts, Kill()]).fit(*blobs)
        clf.set_params(callbacks=[parts]).fit(*blobs)
        assert parts.steps_.tolist() == whole.steps_.tolist()
        assert np.array_equal(parts.paths_, whole.paths_)


def test_table(blobs, tmp_path):
    recorder = LearningPaths([30, 2], every=2)
    MentorNetClassifier(max_epochs=4, batch_size=60, callbacks=[recorder], random_state=0).fit(*blobs)
    table = pd.read_parquet(recorder.to_parquet(tmp_path / "sub" / "paths.parquet"))
    assert list(table.columns) == ["step", "row", "proba_0", "proba_1", "proba_2"]
    assert table["step"].tolist() == [0, 0, 4, 4, 8, 8]
    assert table["row"].tolist() == [30, 2] * 3
    assert np.array_equal(table.filter(like="proba").to_numpy().reshape(3, 2, 3), recorder.paths_)


def test_bad_input(blobs):
    def fit(rows, options=None, **parameters):
        recorder = LearningPaths(rows, **(options or {}))
        MentorNetClassifier(max_epochs=1, callbacks=[recorder], **parameters).fit(*blobs)

    with pytest.raises(InvalidParameterError, match="some of them are held out.*Set validation_fraction=0"):
        fit([0], validation_fraction=0.2)
    with pytest.raises(InvalidParameterError, match="from 0 to 119, as X has 120 rows. Got 120"):
        fit([0, 120])
    with pytest.raises(InvalidParameterError, match="Got -1"):
        fit([-1])
    for rows in ([], [0.5], 3, [[1, 2]], [True, False]):
        with pytest.raises(InvalidParameterError, match="'rows' must be a list of row numbers"):
            fit(rows)
    with pytest.raises(InvalidParameterError, match="'unit' must be one of"):
        fit([0], {"unit": "epochs"})
    with pytest.raises(InvalidParameterError, match="'every' must be an integer of at least 1"):
        fit([0], {"every": 0})


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
def test_the_end_is_recorded_when_training_stops_early(blobs, before):
    class StopAfter(EarlyStopping):
        """Has enough at the second epoch."""

        def on_epoch_end(self, net, **kwargs):
            self.misses_ = len(net.history)
            if self.misses_ >= self.patience:
                raise KeyboardInterrupt

    recorder = LearningPaths(range(5), every=5)
    callbacks = [recorder, StopAfter(patience=2)] if before else [StopAfter(patience=2), recorder]
    clf = MentorNetClassifier("uniform", max_epochs=20, callbacks=callbacks, random_state=0).fit(*blobs)
    assert clf.n_iter_ == 2
    assert recorder.steps_.tolist() == [0, 2]
    assert recorder.paths_[-1] == pytest.approx(clf.predict_proba(blobs[0][:5]), abs=1e-6)
