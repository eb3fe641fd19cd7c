"""From the checks of ``fit`` to what it makes of the workers' posts; one worker, in this process and without Ray."""

import subprocess
import sys
import threading
from contextlib import nullcontext

import numpy as np
import pytest
import torch
import torch.distributed as dist
from ray import cloudpickle
from skorch.callbacks import Callback, Checkpoint
from torch.utils.data import IterableDataset

from noisylabel import FilterKDClassifier, MentorMixClassifier, MentorNetClassifier, load_checkpoint
from noisylabel.estimators.workers import _checks, _launch
from noisylabel.estimators.workers._follow import Following
from noisylabel.estimators.workers._posts import Failed
from noisylabel.estimators.workers._worker import _is_lost_connection, _train
from noisylabel.exceptions import (
    InvalidParameterError,
    MissingDependencyError,
    NoisyLabelError,
    NoisyLabelWarning,
)
from noisylabel.nets import TensorData
from noisylabel.students import MLP

FEW = {"student": MLP(hidden=(16,)), "max_epochs": 6, "batch_size": 50, "random_state": 0}


@pytest.fixture
def here(monkeypatch, tmp_path):
    """Let a fit of two workers be made by one, here."""

    def train(self, config, on_gpu, storage):
        job = cloudpickle.loads(config["job"])
        data = job.whole_data(config["samples"], torch.device("cpu"))
        self.take(_train(job, data, self.contents, self.take))

    def config(n_workers, job, data):
        in_memory = isinstance(data.samples, TensorData)
        return {"job": job, "samples": data.samples.all_X.numpy().copy() if in_memory else None}

    monkeypatch.setattr(Following, "train", train)
    monkeypatch.setattr(_launch, "_ray", lambda *args: nullcontext())
    monkeypatch.setattr(_launch, "_config", config)
    dist.init_process_group("gloo", init_method=f"file://{tmp_path}/meet", rank=0, world_size=1)
    yield
    dist.destroy_process_group()


class Stop(Callback):
    def on_epoch_end(self, net, **kwargs):
        if len(net.history) == 4:
            raise KeyboardInterrupt


class Memory(Callback):
    def on_train_begin(self, net, **kwargs):
        self.losses_ = []

    def on_epoch_end(self, net, **kwargs):
        self.losses_.append(net.history[-1, "train_loss"])


class Holder(Memory):
    def on_train_end(self, net, **kwargs):
        self.lock_ = threading.Lock()


def test_what_a_callback_cannot_bring_back_is_said(here, blobs):
    holder = Holder()
    with pytest.warns(NoisyLabelWarning, match="'callbacks': lock_ of Holder cannot be sent back"):
        MentorNetClassifier("uniform", n_workers=2, callbacks=[holder], **FEW).fit(*blobs)
    assert len(holder.losses_) == 6


@pytest.mark.parametrize("kind", [MentorNetClassifier, MentorMixClassifier, FilterKDClassifier])
def test_a_fit_is_finished_from_the_last_checkpoint(kind, here, noisy_blobs, tmp_path):
    X, noisy = noisy_blobs
    memory = Memory()
    clf = kind(n_workers=2, validation_fraction=0.1, callbacks=[memory], checkpoint_dir=tmp_path / "run", **FEW)
    one = kind(validation_fraction=0.1, **FEW).fit(X, noisy)
    assert np.array_equal(clf.fit(X, noisy).predict_proba(X), one.predict_proba(X))
    torch.testing.assert_close(clf.record_.table_, one.record_.table_, rtol=0, atol=0, equal_nan=True)
    assert clf.best_epoch_ == one.best_epoch_
    assert memory.losses_ == clf.history_["train_loss"].tolist() == one.history_["train_loss"].tolist()
    assert np.array_equal(load_checkpoint(tmp_path / "run").predict_proba(X), one.predict_proba(X))


def test_a_callback_may_end_training_early(here, noisy_blobs, tmp_path):
    X, noisy = noisy_blobs
    clf = MentorNetClassifier("uniform", n_workers=2, callbacks=[Stop()], **FEW)
    with pytest.warns(NoisyLabelWarning, match="^Training was interrupted after epoch 4 of 6; the network is what it"):
        clf.fit(X, noisy)
    assert clf.interrupted_
    assert len(clf.history_) == clf.n_iter_ == 4
    with pytest.warns(NoisyLabelWarning, match="goes on from its checkpoint"):
        clf.set_params(checkpoint_dir=tmp_path).fit(X, noisy)
    whole = clf.set_params(callbacks=None, n_workers=1).fit(X, noisy)
    one = MentorNetClassifier("uniform", **FEW).fit(X, noisy)
    assert np.array_equal(whole.predict_proba(X), one.predict_proba(X))


def test_a_checkpoint_of_one_worker_goes_on_with_two(here, noisy_blobs, tmp_path):
    X, noisy = noisy_blobs
    clf = MentorNetClassifier("uniform", callbacks=[Stop()], checkpoint_dir=tmp_path, **FEW)
    with pytest.warns(NoisyLabelWarning, match="interrupted"):
        clf.fit(X, noisy)
    clf.set_params(n_workers=2, callbacks=None).fit(X, noisy)
    one = MentorNetClassifier("uniform", **FEW).fit(X, noisy)
    assert np.array_equal(clf.predict_proba(X), one.predict_proba(X))
    with pytest.raises(InvalidParameterError, match="lr was 0.002, is 0.1"):
        clf.set_params(lr=0.1).fit(X, noisy)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"batch_size": 3}, "'n_workers' is 4 and 'batch_size' 3: each worker needs a row"),
        ({"callbacks": [Checkpoint(load_best=True)]}, "Checkpoint with load_best=True, and 'n_workers' is 4"),
        ({"net_params": {"compile": True}}, "'net_params' has compile=True, and 'n_workers' is 4"),
        ({"n_workers": 0}, "'n_workers'"),
    ],
)
def test_what_cannot_work_is_refused_by_name(given, message, blobs):
    clf = MentorNetClassifier(**{"n_workers": 4, **given})
    with pytest.raises(InvalidParameterError, match=message):
        clf.fit(*blobs)


def test_workers_have_a_gpu_each(monkeypatch, blobs):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with pytest.raises(InvalidParameterError, match="'device' is 'cuda:1', and 'n_workers' 2: Ray gives each worker"):
        MentorNetClassifier(device="cuda:1", n_workers=2).fit(*blobs)


def test_several_workers_need_ray(monkeypatch, blobs):
    monkeypatch.setattr(_checks, "find_spec", lambda name: None)
    with pytest.raises(MissingDependencyError, match="'n_workers' is 2, .* pip install"):
        MentorNetClassifier(n_workers=2).fit(*blobs)


def test_what_cannot_be_sent_is_named(blobs):
    clf = MentorNetClassifier("uniform", n_workers=2, augment=_Locked(), max_epochs=1)
    with pytest.raises(InvalidParameterError, match="'augment' cannot be sent to the 2 processes of 'n_workers'"):
        clf.fit(*blobs)


class _Locked:
    def __call__(self, X, generator):
        return X

    def __reduce__(self):
        raise TypeError("locked")


class Stream(IterableDataset):
    def __init__(self, X):
        self.X = X

    def __len__(self):
        return len(self.X)

    def __iter__(self):
        yield from ((row, x) for row, x in enumerate(self.X))


def test_a_stream_reaches_the_workers(here, noisy_blobs):
    X, noisy = noisy_blobs
    clf = MentorNetClassifier("uniform", **FEW).fit(Stream(X), noisy)
    expected = clf.predict_proba(X)
    assert np.array_equal(clf.set_params(n_workers=2).fit(Stream(X), noisy).predict_proba(X), expected)


def test_errors_travel_as_they_are_or_as_their_text():
    assert isinstance(Failed.by(ZeroDivisionError("by zero")).error(), ZeroDivisionError)

    class Own(Exception):
        def __reduce__(self):
            raise TypeError("locked")

    error = Failed.by(Own("mine")).error()
    assert isinstance(error, NoisyLabelError)
    assert str(error) == "Own: mine"


def test_only_a_lost_connection_is_taken_for_one():
    assert _is_lost_connection(RuntimeError("[gloo/transport/tcp/pair.cc:534] Connection closed by peer"))
    assert not _is_lost_connection(ValueError("gloo"))
    assert not _is_lost_connection(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))


def test_one_worker_needs_no_ray():
    code = "import sys; from noisylabel import MentorNetClassifier; assert 'ray' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
