"""Workers of Ray Train: what reaches the user, and what happens when one is lost."""

import os
import pickle
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
import torch
from sklearn.base import clone
from skorch.callbacks import Callback

import noisylabel
from noisylabel import FilterKDClassifier, MentorMixClassifier, MentorNetClassifier
from noisylabel.distributed import current_group
from noisylabel.exceptions import DivergedError, NoisyLabelWarning
from noisylabel.students import MLP
from noisylabel.utils import ray_session
from tests.estimators.workers.rows import Rows

pytestmark = pytest.mark.slow  # workers take some ten seconds to start

FEW = {"student": MLP(hidden=(16,)), "max_epochs": 6, "batch_size": 50, "random_state": 0, "n_workers": 2}


@pytest.fixture(scope="module", autouse=True)
def _ray():
    with ray_session(n_cpus=2):
        yield


def alone(clf):
    return clone(clf).set_params(n_workers=1, callbacks=None, checkpoint_dir=None)


class Counter(Callback):
    def on_train_begin(self, net, **kwargs):
        self.n_epochs_ = 0

    def on_epoch_end(self, net, **kwargs):
        self.n_epochs_ += 1


class Accident(Callback):
    """In one worker, in the middle of an epoch, once."""

    def __init__(self, marker, rank=1, epoch=4):
        self.marker = marker
        self.rank = rank
        self.epoch = epoch

    def on_batch_end(self, net, **kwargs):
        here = current_group() is not None and current_group().rank == self.rank
        if here and len(net.history) == self.epoch and not self.marker.exists():
            self.marker.touch()
            self.happen()

    def happen(self):
        os.kill(os.getpid(), signal.SIGKILL)


class Refusal(Accident):
    def happen(self):
        raise ZeroDivisionError("not this batch")


def test_a_fit_by_workers_is_a_fit(noisy_blobs, tmp_path):
    X, noisy = noisy_blobs
    counter = Counter()
    clf = MentorNetClassifier(checkpoint_dir=tmp_path / "run", callbacks=[counter], **FEW).fit(X, noisy)
    one = MentorNetClassifier(**{**FEW, "n_workers": 1}).fit(X, noisy)
    np.testing.assert_allclose(clf.predict_proba(X), one.predict_proba(X), atol=1e-4)
    torch.testing.assert_close(clf.record_.table_, one.record_.table_, atol=1e-3, rtol=1e-3, equal_nan=True)
    assert list(clf.label_issues().columns) == list(one.label_issues().columns)
    assert clf.advice_ == one.advice_
    assert len(clf.history_) == 6
    assert counter.n_epochs_ == 6
    for again in (pickle.loads(pickle.dumps(clf)), noisylabel.load_checkpoint(tmp_path / "run")):
        assert np.array_equal(again.predict_proba(X), clf.predict_proba(X))
    clf.save(tmp_path / "saved")
    assert np.array_equal(noisylabel.load(tmp_path / "saved").predict_proba(X), clf.predict_proba(X))
    more = MentorNetClassifier(checkpoint_dir=tmp_path / "run", **{**FEW, "n_workers": 1}).fit(X, noisy)
    assert np.array_equal(more.predict_proba(X), clf.predict_proba(X)), "one worker goes on where two have ended"


def test_the_loss_of_a_worker_costs_no_more_than_its_epoch(noisy_blobs, tmp_path):
    X, noisy = noisy_blobs
    clf = MentorMixClassifier("mentornet_pd", loss_percentile=0.6, callbacks=[Accident(tmp_path / "once")], **FEW)
    clf.fit(X, noisy)
    assert (tmp_path / "once").exists()
    one = alone(clf).fit(X, noisy)
    np.testing.assert_allclose(clf.predict_proba(X), one.predict_proba(X), atol=1e-4)
    torch.testing.assert_close(clf.record_.table_, one.record_.table_, atol=1e-3, rtol=1e-3, equal_nan=True)


def test_a_student_goes_on_after_its_teacher(noisy_blobs, tmp_path):
    X, noisy = noisy_blobs
    clf = FilterKDClassifier(callbacks=[Accident(tmp_path / "once", rank=0, epoch=2)], **FEW).fit(X, noisy)
    one = alone(clf).fit(X, noisy)
    np.testing.assert_allclose(clf.predict_proba(X), one.predict_proba(X), atol=1e-4)
    np.testing.assert_allclose(clf.teacher_.predict_proba(X), one.teacher_.predict_proba(X), atol=1e-4)


def test_an_error_of_a_worker_is_the_users_error(blobs, tmp_path):
    X, y = blobs
    clf = MentorNetClassifier(callbacks=[Refusal(tmp_path / "once")], **FEW)
    with pytest.raises(ZeroDivisionError, match="^not this batch$"):
        clf.fit(X, y)
    assert not hasattr(clf, "net_")
    with pytest.raises(DivergedError, match="'lr'"):
        MentorNetClassifier("uniform", optimizer="sgd", lr=1e30, **FEW).fit(X, y)


def test_warnings_of_workers_are_given_out_once(blobs):
    X, y = blobs
    with pytest.warns(NoisyLabelWarning, match="needs 20 rows a class") as caught:
        MentorNetClassifier(**FEW).fit(X[::4], y[::4])
    assert sum("needs 20 rows a class" in str(entry.message) for entry in caught) == 1


def test_a_dataset_is_loaded_in_parts(noisy_blobs):
    X, noisy = noisy_blobs
    clf = MentorMixClassifier("mentornet_pd", loss_percentile=0.6, **FEW).fit(Rows(X), noisy)
    np.testing.assert_allclose(clf.predict_proba(X), alone(clf).fit(Rows(X), noisy).predict_proba(X), atol=1e-4)


def test_an_interrupt_leaves_a_classifier(noisy_blobs, tmp_path):
    X, noisy = noisy_blobs
    clf = MentorNetClassifier("uniform", checkpoint_dir=tmp_path, **{**FEW, "max_epochs": 100_000})
    threading.Thread(target=_interrupt_when, args=(tmp_path / "checkpoint.pt",)).start()
    with pytest.warns(NoisyLabelWarning, match="Training was interrupted after epoch"):
        clf.fit(X, noisy)
    assert clf.interrupted_
    assert len(clf.history_) == clf.n_iter_ < 100_000
    assert clf.predict(X).shape == noisy.shape


def _interrupt_when(path):
    while not path.exists():
        time.sleep(0.1)
    os.kill(os.getpid(), signal.SIGINT)


def test_a_ray_of_its_own_ends_with_the_fit():
    code = (
        "import numpy as np, ray; from noisylabel import MentorNetClassifier; "
        "X = np.random.default_rng(0).normal(size=(60, 3)); "
        "clf = MentorNetClassifier('uniform', max_epochs=2, n_workers=2, random_state=0).fit(X, X[:, 0] > 0); "
        "print(len(clf.history_), ray.is_initialized())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["2", "False"]
    assert "Traceback" not in done.stderr
