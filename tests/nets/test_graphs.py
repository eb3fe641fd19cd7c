"""Recorded steps: replays give what eager steps give, with new random numbers, and what cannot be recorded is not."""

import numpy as np
import pytest
import torch
from skorch.callbacks import Callback, Checkpoint
from torch import nn
from torch.utils.data import TensorDataset

from noisylabel import FilterKDClassifier, MentorMixClassifier, MentorNetClassifier
from noisylabel.functional import ImageAugmentation
from noisylabel.nets import _graphs
from noisylabel.students import MLP, ResNet
from tests.nets.replay import recorded_on_the_cpu


class Dropping(nn.Sequential):
    """A network that draws from torch's default stream."""

    capturable = True

    def __init__(self):
        super().__init__(
            nn.Flatten(), nn.Linear(5, 16, bias=False), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(), nn.Linear(16, 3)
        )


TABLES = {
    "MentorNet-PD": lambda: MentorNetClassifier(loss_percentile=0.7),
    "MentorMix": lambda: MentorMixClassifier(second_reweight=True, loss_percentile=0.7, student=Dropping),
    "Filter-KD": lambda: FilterKDClassifier(),
    "estimated": lambda: MentorNetClassifier("mentornet_pd", loss_percentile="auto"),
    "by class, dropped out": lambda: MentorNetClassifier(
        loss_percentile=0.7, percentile_by_class=True, example_dropout="0.5,17,0.05,83"
    ),
    "learned": lambda: MentorNetClassifier("zoo:mentornet_pd", loss_percentile=0.7, burn_in=0),
    "schedule": lambda: MentorNetClassifier("self_paced,40,mentornet_pd,60", loss_percentile="0.8,50,0.6,50"),
    "average": lambda: MentorNetClassifier(loss_percentile=0.7, ema_decay=0.99, optimizer="sgd"),
    "momentum, all decay": lambda: MentorNetClassifier(
        loss_percentile=0.7, optimizer="momentum", weight_decay=0.1, student=Dropping
    ),
    "ELR": lambda: MentorNetClassifier("uniform", loss="elr", filter_alpha=0.1),
}


def parameters(clf):
    return torch.cat([value.flatten().double() for value in clf.net_.module_.state_dict().values()])


def settings(**more):
    return {"max_epochs": 5, "batch_size": 8, "random_state": 0} | more


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", TABLES)
def test_replays_give_what_eager_steps_give(name, weighted, blobs, monkeypatch):
    X, y = blobs
    weight = np.arange(len(y)) % 3 * 1.0 if weighted else None
    eager = TABLES[name]().set_params(**settings()).fit(X, y, sample_weight=weight)
    with recorded_on_the_cpu(monkeypatch):
        replayed = TABLES[name]().set_params(**settings()).fit(X, y, sample_weight=weight)
    assert replayed.history_["replayed_steps"].sum() > 0.3 * replayed.net_.clock_.n_steps
    torch.testing.assert_close(parameters(replayed), parameters(eager), rtol=1e-4, atol=1e-5)
    shared = [name for name in eager.history_ if name != "dur"]
    np.testing.assert_allclose(replayed.history_[shared].to_numpy(float), eager.history_[shared], rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(replayed.record_.table_, eager.record_.table_, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("make", [MentorNetClassifier, MentorMixClassifier])
def test_replays_learn_from_what_is_known_of_the_noise(make, weighted, noisy_blobs, monkeypatch):
    X, y = noisy_blobs
    weight = np.arange(len(y)) % 3 * 1.0 if weighted else None
    eager = make(**settings()).fit(X, y, sample_weight=weight)
    assert eager.noise_rate_interval_[0] > 0
    with recorded_on_the_cpu(monkeypatch):
        replayed = make(**settings()).fit(X, y, sample_weight=weight)
    assert replayed.history_["replayed_steps"].sum() > 0.3 * replayed.net_.clock_.n_steps
    torch.testing.assert_close(parameters(replayed), parameters(eager), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(replayed.record_.table_, eager.record_.table_, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("make", [MentorNetClassifier, MentorMixClassifier])
def test_replays_augment_anew(make, images, monkeypatch):
    X, y = images
    options = settings(augment=ImageAugmentation(max_shift=1), student=ResNet(8, width=4), loss_percentile=0.7)
    eager = make(**options).fit(X, y)
    with recorded_on_the_cpu(monkeypatch):
        replayed = make(**options).fit(X, y)
    assert replayed.history_["replayed_steps"].sum() > 0
    torch.testing.assert_close(parameters(replayed), parameters(eager), rtol=1e-3, atol=1e-4)


class OneStep(Callback):
    def on_batch_end(self, net, **kwargs):
        """Listen."""


def own_curriculum(loss, loss_diff, label, epoch_percent):
    return (loss_diff <= 0).float()


NOT_RECORDED = {
    "a callback": {"callbacks": [OneStep()]},
    "'student'": {"student": nn.Linear(5, 3)},
    "'optimizer'": {"optimizer": torch.optim.RMSprop},
    "'loss' or 'curriculum'": {"curriculum": own_curriculum, "loss_percentile": 0.7},
    "Dataset": {},
}


@pytest.mark.filterwarnings("ignore:Labels of .* classes ended")
@pytest.mark.parametrize("name", NOT_RECORDED)
def test_what_cannot_be_recorded_runs_eagerly_and_says_why(name, blobs, monkeypatch, capsys):
    X, y = blobs
    if name == "Dataset":
        X = TensorDataset(torch.as_tensor(X, dtype=torch.float32))
    with recorded_on_the_cpu(monkeypatch):
        clf = MentorNetClassifier(**settings(verbose=1), **NOT_RECORDED[name]).fit(X, y)
    assert clf.history_["replayed_steps"].iloc[-1] == 0  # in the burn-in no curriculum is asked
    assert name in clf.net_.why_eager_
    out = capsys.readouterr()
    assert (out.out + out.err).count(clf.net_.why_eager_) == 1


def test_steps_on_the_cpu_say_nothing_of_graphs(blobs, capsys):
    clf = MentorNetClassifier(loss_percentile=0.7, **settings(verbose=1)).fit(*blobs)
    assert "replayed_steps" not in clf.history_
    assert "CUDA" in clf.net_.why_eager_
    assert "graph" not in capsys.readouterr().out


@pytest.mark.parametrize("optimizer", ["adamw", "momentum"])
def test_replays_go_on_after_what_saves_the_optimizer(optimizer, blobs, tmp_path, monkeypatch):
    def fit(name):
        saving = {"checkpoint_dir": tmp_path / name, "callbacks": [Checkpoint(monitor=None, dirname=tmp_path / name)]}
        options = settings(optimizer=optimizer, max_epochs=8, loss_percentile=0.7)
        return MentorNetClassifier(**options, **saving).fit(*blobs)

    eager = fit("eager")
    with recorded_on_the_cpu(monkeypatch):
        replayed = fit("replayed")
    assert replayed.history_["replayed_steps"].iloc[-1] > 0
    torch.testing.assert_close(parameters(replayed), parameters(eager), rtol=1e-4, atol=1e-5)


def test_a_stage_and_a_size_have_a_recording_each(blobs, monkeypatch):
    recorded = []
    with recorded_on_the_cpu(monkeypatch):
        on_the_cpu = _graphs.record
        monkeypatch.setattr(_graphs, "record", lambda *args: recorded.append(1) or on_the_cpu(*args))
        MentorNetClassifier(**settings(max_epochs=20, student=MLP(hidden=(4,)), loss_percentile=0.7)).fit(*blobs)
    assert len(recorded) == 3 * len({len(part) for part in np.array_split(blobs[1], -(-len(blobs[1]) // 8))})


def test_what_callbacks_change_between_epochs_is_recorded_anew(blobs, monkeypatch):
    class Change(Callback):
        def on_epoch_begin(self, net, **kwargs):
            net.optimizer_.param_groups[0]["momentum"] = 0.5 + 0.1 * len(net.history)
            for layer in net.module_.modules():
                if isinstance(layer, nn.Dropout):
                    layer.p = 0.1 * len(net.history)

    def fit():
        options = settings(student=Dropping, optimizer="momentum", callbacks=[Change()])
        return MentorNetClassifier("uniform", **options).fit(*blobs)

    eager = fit()
    with recorded_on_the_cpu(monkeypatch):
        torch.testing.assert_close(parameters(fit()), parameters(eager), rtol=1e-4, atol=1e-5)


def test_a_checkpoint_of_skorch_can_be_loaded_after_training(blobs, tmp_path):
    checkpoint = Checkpoint(monitor=None, dirname=tmp_path)
    clf = MentorNetClassifier(callbacks=[checkpoint], **settings()).fit(*blobs)
    clf.net_.load_params(checkpoint=checkpoint)
    assert [group["weight_decay"] for group in clf.net_.optimizer_.param_groups] == [0.0005, 0.0]
