"""How often a training step waits for its device."""

import numpy as np
import pytest
import torch
from skorch.callbacks import Callback

from noisylabel import FilterKDClassifier, MentorMixClassifier, MentorNetClassifier
from noisylabel.losses import LOSSES, ForwardCorrection
from noisylabel.mentors import LearningToTeachMentor
from noisylabel.testing import count_reads

ESTIMATORS = {
    "MentorNet": lambda: MentorNetClassifier(),
    "MentorMix": lambda: MentorMixClassifier(),
    "MentorNet-PD": lambda: MentorNetClassifier(loss_percentile=0.7),
    "MentorMix with it": lambda: MentorMixClassifier("mentornet_pd"),
    "Filter-KD": lambda: FilterKDClassifier(),
    "estimated": lambda: MentorNetClassifier("mentornet_pd", loss_percentile="auto"),
    "by class": lambda: MentorNetClassifier(loss_percentile=0.7, percentile_by_class=True),
    "drop-out": lambda: MentorNetClassifier(loss_percentile=0.7, example_dropout="0.5,17,0.05,83"),
    "learned": lambda: MentorNetClassifier("zoo:mentornet_pd", loss_percentile=0.7),
    "learned, sums over visits": lambda: MentorNetClassifier("mentornet_dd", loss_percentile=0.7),
    "schedule": lambda: MentorNetClassifier("self_paced,40,mentornet_pd,60", loss_percentile="0.8,50,0.6,50"),
    "mixes weighed": lambda: MentorMixClassifier("mentornet_pd", second_reweight=True, percentile_by_class=True),
    "active bias": lambda: MentorMixClassifier("active_bias"),
    "spld": lambda: MentorMixClassifier("spld", loss_percentile=0.7),
    "learning to teach": lambda: MentorNetClassifier(LearningToTeachMentor(n_stretches=2)),  # looks are between epochs
    "average": lambda: MentorNetClassifier(loss_percentile=0.7, ema_decay=0.99, optimizer="sgd"),
    "class weight": lambda: MentorNetClassifier(loss_percentile=0.7, class_weight="balanced", optimizer="momentum"),
    **{name: (lambda name=name: MentorNetClassifier("uniform", loss=name)) for name in LOSSES if name != "forward"},
    "forward": lambda: MentorNetClassifier("uniform", loss=ForwardCorrection(np.eye(3))),
}


class Watcher(Callback):
    """Count the reads of each step of some epochs."""

    def __init__(self, epochs=(10,)):
        self.epochs = epochs

    def on_train_begin(self, net, **kwargs):
        self.reads_ = []

    def on_batch_begin(self, net, training=False, **kwargs):
        self.counter_ = count_reads()
        self.counted_ = self.counter_.__enter__()

    def on_batch_end(self, net, training=False, **kwargs):
        self.counter_.__exit__(None, None, None)
        if training and len(net.history) in self.epochs:
            self.reads_.append(dict(self.counted_))


def reads_of_each_step(clf, X, y, weighted=False, device="cpu", epochs=(10,)):
    watcher = Watcher(epochs)
    weight = np.arange(len(y)) % 3 * 1.0 if weighted else None
    clf.set_params(max_epochs=10, batch_size=24, random_state=0, callbacks=[watcher], device=device)
    clf.fit(X, y, sample_weight=weight)
    return watcher.reads_


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", ESTIMATORS)
def test_no_step_reads_from_the_device(name, weighted, blobs):
    reads = reads_of_each_step(ESTIMATORS[name](), *blobs, weighted)
    assert reads == [{}] * 5


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("options", [{}, {"class_weight": "balanced"}])
@pytest.mark.parametrize("make", [MentorNetClassifier, MentorMixClassifier])
def test_no_step_that_knows_the_noise_reads(make, options, weighted, noisy_blobs):
    clf = make(**options)
    assert reads_of_each_step(clf, *noisy_blobs, weighted, epochs=range(1, 11)) == [{}] * (10 * 19)
    assert clf.noise_rate_interval_[0] > 0


@pytest.mark.parametrize("curriculum", ["mentornet_pd", "self_paced"])
def test_no_step_reads_that_was_told_the_percentile(curriculum, blobs, noisy_blobs):
    assert reads_of_each_step(MentorMixClassifier(loss_percentile=0.7), *blobs, epochs=range(1, 11)) == [{}] * 50
    clf = MentorNetClassifier(curriculum)
    assert reads_of_each_step(clf, *noisy_blobs, epochs=range(1, 11)) == [{}] * (10 * 19)
    assert clf.noise_rate_interval_[0] > 0


def test_only_the_step_that_learns_a_mentornet_reads(blobs):
    X, y = blobs
    noisy = np.where(np.arange(len(y)) % 4 == 0, (y + 1) % 3, y)
    watcher = Watcher(range(1, 11))
    clf = MentorMixClassifier("data_driven", update_at=(30,), loss_percentile=0.7)
    clf.set_params(max_epochs=10, batch_size=24, random_state=0, callbacks=[watcher])
    clf.fit(X, noisy, y_trusted=np.where(np.arange(len(y)) % 2 == 0, y, -1))
    assert [step for step, reads in enumerate(watcher.reads_) if reads] == [15]


@pytest.mark.parametrize("make", [MentorNetClassifier, MentorMixClassifier])
@pytest.mark.parametrize(("curriculum", "reading"), [("learning_to_reweight", []), ("fidelity_weighted", [10])])
def test_hardly_a_step_that_asks_trusted_rows_reads(make, curriculum, reading, blobs):
    X, y = blobs
    watcher = Watcher(range(1, 11))
    clf = make(curriculum, burn_in=20, max_epochs=10, batch_size=24, random_state=0, callbacks=[watcher])
    clf.fit(X, y, y_trusted=np.where(np.arange(len(y)) % 2 == 0, y, -1))
    assert [step for step, reads in enumerate(watcher.reads_) if reads] == reading


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
@pytest.mark.parametrize("name", ["MentorNet", "MentorMix", "Filter-KD"])
def test_a_step_on_a_device_reads_as_much_as_the_cpu_says(name, blobs):
    assert reads_of_each_step(ESTIMATORS[name](), *blobs, device="cuda") == [{}] * 5
