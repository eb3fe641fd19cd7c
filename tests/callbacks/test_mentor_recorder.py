"""The callback that records what a MentorNet sees, and the weights that were given."""

import numpy as np
import pytest
import torch

from noisylabel import MentorNetClassifier
from noisylabel.callbacks import MentorRecorder
from noisylabel.curricula import MentorNet, MentorNetwork
from noisylabel.exceptions import InvalidParameterError
from noisylabel.mentors import Mentor, PercentileMentor


class HalfOfLoss(Mentor):
    """Has no percentile, and weights above 1."""

    def start(self, n_samples, n_classes, generator):
        self.seen_ = []

    def weigh(self, seen):
        self.seen_.append(seen)
        return seen.losses / 2

    def state_dict(self):
        return {}

    def load_state_dict(self, state):
        pass


def fit(X, y, recorder, curriculum="self_paced", **options):
    options = {"loss_percentile": 0.6, "max_epochs": 6, "batch_size": 50, "random_state": 0} | options
    return MentorNetClassifier(curriculum, callbacks=[recorder], **options).fit(X, y)


def watch(monkeypatch):
    """Return a list that gets what each batch's curriculum is shown: row numbers, losses, differences."""
    shown = []
    weigh = PercentileMentor.curriculum_weights

    def watched(self, seen, loss, loss_diff):
        if type(self.active_).__name__ != "_Noting":
            shown.append((seen.rows, loss, loss_diff))
        return weigh(self, seen, loss, loss_diff)

    monkeypatch.setattr(PercentileMentor, "curriculum_weights", watched)
    return shown


@pytest.mark.parametrize("by_class", [False, True])
def test_it_sees_what_the_curriculum_sees(noisy_blobs, monkeypatch, by_class):
    shown = watch(monkeypatch)
    recorder = MentorRecorder()
    fit(*noisy_blobs, recorder, percentile_by_class=by_class, percentile_decay=0.8)
    rows, losses, diffs = (torch.cat(values) for values in zip(*shown, strict=True))
    assert torch.equal(recorder.rows_, rows)
    assert torch.equal(recorder.features_.loss[:, 0], losses)
    assert torch.equal(recorder.features_.loss_diff[:, 0], diffs)
    assert torch.equal(recorder.features_.label, torch.as_tensor(noisy_blobs[1])[rows])
    late = recorder.features_.epoch_percent >= 18
    assert torch.equal(recorder.weights_[late], (diffs[late] <= 0).float())
    assert (recorder.weights_[~late] == 1).all()
    assert recorder.loss_percentile_ == 0.6


def test_it_sees_the_percentile_that_was_learned(noisy_blobs, monkeypatch):
    shown = watch(monkeypatch)
    recorder = MentorRecorder(loss_percentile=0.1)
    clf = fit(*noisy_blobs, recorder, loss_percentile="auto")
    n_seen = len(recorder.rows_)
    diffs = torch.cat([diff for _, _, diff in shown])[-n_seen:]
    assert torch.equal(recorder.features_.loss_diff[:, 0], diffs)
    assert recorder.loss_percentile_ == pytest.approx(1 - clf.noise_rate_)


def test_several_losses_of_a_sample(noisy_blobs, monkeypatch):
    shown = watch(monkeypatch)
    curriculum = MentorNet(MentorNetwork(history_length=3, generator=torch.Generator().manual_seed(0)))
    recorder = MentorRecorder(history_length=3)
    fit(*noisy_blobs, recorder, curriculum)
    assert torch.equal(recorder.features_.loss, torch.cat([loss for _, loss, _ in shown]))
    assert torch.equal(recorder.features_.loss_diff, torch.cat([diff for _, _, diff in shown]))


@pytest.mark.parametrize("n_visits", [1, 7, 1000, 2699])
def test_a_bounded_number_of_visits_evenly_over_training(noisy_blobs, n_visits):
    recorder = MentorRecorder(n_visits=n_visits)
    fit(*noisy_blobs, recorder)
    assert len(recorder.rows_) == len(recorder.weights_) == len(recorder.features_) == n_visits
    if n_visits == 1000:
        per_epoch = np.histogram(recorder.features_.epoch_percent, bins=[0, 16, 33, 50, 66, 83, 100])[0]
        assert per_epoch.max() - per_epoch.min() <= 2
        assert len(recorder.rows_.unique()) > 380  # of 450: drawn by chance


def test_a_mentor_without_percentile_gets_one_as_the_percentile_mentor_has_it(noisy_blobs):
    X, y = noisy_blobs
    recorder, mentor = MentorRecorder(loss_percentile=0.5), HalfOfLoss()
    clf = MentorNetClassifier(mentor, max_epochs=3, batch_size=90, callbacks=[recorder], random_state=0)
    clf.fit(X, y)
    losses = recorder.features_.loss[:, 0].reshape(-1, 90)
    assert torch.equal(recorder.weights_, losses.flatten() / 2)
    threshold, found = None, []
    for batch in losses:
        now = np.quantile(batch.numpy(), 0.5)
        threshold = now if threshold is None else 0.5 * threshold + 0.5 * now
        found.append(batch.numpy() - threshold)
    np.testing.assert_allclose(recorder.features_.loss_diff[:, 0], np.concatenate(found), rtol=1e-4, atol=1e-5)


def test_training_is_the_same_with_it_and_after_a_stop(noisy_blobs, tmp_path):
    whole, stopped = MentorRecorder(n_visits=500), MentorRecorder(n_visits=500)
    X, y = noisy_blobs
    clf = fit(X, y, whole)
    plain = MentorNetClassifier("self_paced", loss_percentile=0.6, max_epochs=6, batch_size=50, random_state=0).fit(
        X, y
    )
    np.testing.assert_array_equal(clf.predict_proba(X), plain.predict_proba(X))

    class Killed(MentorRecorder):
        def on_batch_begin(self, net, **kwargs):
            if len(net.history) == 4:
                raise RuntimeError("killed")

    killed = ("MentorRecorder", Killed(n_visits=500))
    with pytest.raises(RuntimeError, match="killed"):
        fit(X, y, killed, checkpoint_dir=tmp_path)
    fit(X, y, stopped, checkpoint_dir=tmp_path)
    for name in ("rows_", "weights_"):
        assert torch.equal(getattr(whole, name), getattr(stopped, name))
    assert torch.equal(whole.features_.loss_diff, stopped.features_.loss_diff)


def test_rows_that_do_not_count_are_not_recorded(noisy_blobs):
    X, y = noisy_blobs
    recorder = MentorRecorder()
    options = {"loss_percentile": 0.6, "max_epochs": 3, "callbacks": [recorder], "random_state": 0}
    MentorNetClassifier("self_paced", **options).fit(X, y, sample_weight=np.arange(450) % 2)
    assert set(recorder.rows_.tolist()) == set(range(1, 450, 2))


def test_bad_input(blobs):
    with pytest.raises(InvalidParameterError, match="losses and weights of unmixed samples"):
        fit(*blobs, MentorRecorder(), "uniform", mixup_alpha=2.0)
    with pytest.raises(InvalidParameterError, match="'n_visits'"):
        fit(*blobs, MentorRecorder(n_visits=0))
    with pytest.raises(InvalidParameterError, match="'loss_percentile'"):
        fit(*blobs, MentorRecorder(loss_percentile=70), HalfOfLoss())
