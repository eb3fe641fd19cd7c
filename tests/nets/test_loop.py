"""The loop of training: how it ends when it is interrupted or diverges, and what it says meanwhile."""

import json
import logging
import pickle

import numpy as np
import pytest
import torch
from skorch.callbacks import Callback, EarlyStopping
from torch import nn

from noisylabel import FilterKDClassifier, MentorMixClassifier, MentorNetClassifier, load_checkpoint
from noisylabel.callbacks import LearningPaths
from noisylabel.exceptions import DivergedError, InvalidParameterError, NoisyLabelWarning
from noisylabel.mentors import NAMED, SPLDMentor
from noisylabel.nets._batches import balanced_chunks, count_batches
from noisylabel.students import MLP

Y = np.array(["a", "b", "c"])[np.arange(24) % 3]
X = (np.random.default_rng(0).normal(size=(24, 5)) + 4 * (np.arange(24) % 3)[:, None]).astype(np.float32)
SETTINGS = {"student": MLP((4,)), "max_epochs": 5, "batch_size": 8, "random_state": 0}


def fit(*callbacks, kind=MentorNetClassifier, X=X, y=Y, **parameters):
    own = {"curriculum": "uniform"} if kind is MentorNetClassifier else {}
    return kind(**SETTINGS | own | {"callbacks": list(callbacks)} | parameters).fit(X, y)


class Interrupt(Callback):
    """Press Ctrl-C in an epoch."""

    def __init__(self, epoch, hook="on_batch_end"):
        self.epoch = epoch
        self.hook = hook
        setattr(self, hook, self._press)

    def _press(self, net, training=True, **kwargs):
        if len(net.history) == self.epoch and training == (self.hook != "in validation"):
            raise KeyboardInterrupt


def weights(clf):
    return torch.cat([value.double().flatten() for value in clf.net_.module_.state_dict().values()])


@pytest.mark.parametrize("kind", [MentorNetClassifier, MentorMixClassifier])
@pytest.mark.parametrize(
    ("hook", "epoch", "n_done"),
    [("on_batch_end", 3, 2), ("on_epoch_begin", 3, 2), ("on_grad_computed", 4, 3), ("on_epoch_end", 2, 2)],
)
def test_right_15_an_interrupt_ends_fit_with_the_network_so_far(kind, hook, epoch, n_done):
    with pytest.warns(NoisyLabelWarning) as caught:
        clf = fit(
            Interrupt(epoch, hook), kind=kind, **({} if kind is MentorNetClassifier else {"loss_percentile": 0.7})
        )
    assert [str(w.message) for w in caught] == [
        f"Training was interrupted after epoch {n_done} of 5; the network is what it had learned by then."
    ]
    assert caught[0].filename == __file__
    assert (clf.n_iter_, len(clf.history_), clf.interrupted_) == (n_done, n_done, True)
    assert len(clf.label_issues()) == 24
    assert set(clf.predict(X)) <= {"a", "b", "c"}
    assert clf.net_.history[:, "epoch"] == list(range(1, n_done + 1))


def normalised(shape, n_classes):
    return nn.Sequential(nn.Linear(*shape, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, n_classes))


@pytest.mark.parametrize("has_checkpoint", [False, True])
@pytest.mark.parametrize(
    ("kind", "parameters"),
    [
        (MentorNetClassifier, {"curriculum": "active_bias", "student": normalised}),
        (MentorNetClassifier, {"filter_alpha": 0.3, "ema_decay": 0.9}),
        (MentorMixClassifier, {"loss_percentile": 0.7, "second_reweight": True, "validation_fraction": 0.25}),
        (FilterKDClassifier, {"teacher": "label_smoothing"}),
    ],
)
def test_an_interrupt_in_the_middle_of_an_epoch_goes_back_to_the_end_of_the_one_before(
    kind, parameters, has_checkpoint, tmp_path
):
    folder = {"checkpoint_dir": tmp_path} if has_checkpoint else {}
    with pytest.warns(NoisyLabelWarning, match="interrupted after epoch 2 of 5"):
        clf = fit(Interrupt(3), kind=kind, **parameters, **folder)
    reference = fit(Interrupted(2), kind=kind, **parameters)
    assert torch.equal(weights(clf), weights(reference))
    assert clf.record_.to_frame().equals(reference.record_.to_frame())
    assert clf.history_.drop(columns="dur").equals(reference.history_.drop(columns="dur"))
    assert np.array_equal(clf.predict_proba(X), reference.predict_proba(X))


def test_the_history_grows_by_no_dict_a_step():
    sizes = [len(pickle.dumps(fit(max_epochs=20, batch_size=size).net_.history)) for size in (2, 24)]
    assert sizes[0] < 1.01 * sizes[1]


def test_right_15_an_interrupt_keeps_the_best_epoch_so_far():
    with pytest.warns(NoisyLabelWarning, match="after epoch 3 of 5; the network is that of epoch ., the best so far"):
        clf = fit(Interrupt(4), validation_fraction=0.25, lr=0.02)
    best = int(clf.history_["valid_acc"].idxmax()) + 1
    assert clf.best_epoch_ == best
    assert torch.equal(weights(clf), weights(fit(Interrupted(best), validation_fraction=0.25, lr=0.02)))


class Interrupted(EarlyStopping):
    """Have enough after an epoch, as planned."""

    def __init__(self, n):
        super().__init__("train_loss", patience=n)

    def on_epoch_end(self, net, **kwargs):
        self.misses_ = len(net.history)
        if self.misses_ >= self.patience:
            raise KeyboardInterrupt


def test_right_15_what_is_planned_is_no_interrupt():
    clf = fit(Interrupted(2))
    assert (clf.n_iter_, clf.interrupted_) == (2, False)
    assert not fit(Interrupt(5, "on_epoch_end")).interrupted_  # nothing was left to do


@pytest.mark.parametrize("hook", ["on_train_begin", "on_epoch_begin", "on_batch_end"])
def test_right_15_before_the_first_epoch_has_ended_an_interrupt_goes_on_up(hook):
    epoch = 0 if hook == "on_train_begin" else 1
    clf = MentorNetClassifier("uniform", callbacks=[Interrupt(epoch, hook)], **SETTINGS)
    with pytest.raises(KeyboardInterrupt):
        clf.fit(X, Y)
    assert not hasattr(clf, "net_")
    assert not hasattr(clf, "classes_")


@pytest.mark.parametrize("hook", ["on_batch_end", "on_epoch_end"])
def test_right_15_an_interrupted_run_goes_on_from_its_checkpoint(hook, tmp_path):
    whole = fit(ema_decay=0.9)
    with pytest.warns(NoisyLabelWarning, match="after epoch 2 of 5.* fit with the same 'checkpoint_dir' goes on"):
        fit(Interrupt(3 if hook == "on_batch_end" else 2, hook), ema_decay=0.9, checkpoint_dir=tmp_path)
    assert load_checkpoint(tmp_path).n_iter_ == 2
    again = fit(ema_decay=0.9, checkpoint_dir=tmp_path)
    assert torch.equal(weights(again), weights(whole))
    assert (again.n_iter_, again.interrupted_) == (5, False)


def test_right_15_an_interrupt_of_the_teacher_goes_on_up():
    clf = FilterKDClassifier(callbacks=[Interrupt(3)], **SETTINGS)
    with pytest.raises(KeyboardInterrupt, match="In the training of the teacher: .* after epoch 2 of 5"):
        clf.fit(X, Y)
    assert not hasattr(clf, "net_")


def test_right_15_callbacks_of_our_own_end_too():
    recorder = LearningPaths([0, 1], every=1)
    with pytest.warns(NoisyLabelWarning, match="interrupted after epoch 2"):
        clf = fit(recorder, Interrupt(3))
    assert recorder.paths_[-1] == pytest.approx(clf.predict_proba(X[:2]), abs=1e-6)


@pytest.mark.parametrize("steps", ["one", "more"])
def test_right_19_a_training_that_diverges_says_so(steps, tmp_path):
    many = {"max_epochs": 1, "batch_size": 24} if steps == "one" else {}
    clf = MentorNetClassifier(
        "uniform", **SETTINGS | many | {"lr_schedule": "constant", "optimizer": "sgd", "lr": 1e30}
    )
    with pytest.raises(DivergedError, match=r"epoch 1 of .*Lower 'lr' \(now 1e\+30\), or look for extreme values in X"):
        clf.set_params(checkpoint_dir=tmp_path).fit(X, Y)
    assert not hasattr(clf, "net_")


class RulesOut(nn.Module):
    """Rules the last class out; ``value`` is what its logit is."""

    def __init__(self, value=-float("inf")):
        super().__init__()
        self.linear = nn.Linear(5, 3)
        self.value = value

    def forward(self, x):
        last = torch.zeros(3, dtype=torch.bool)
        last[2] = not self.training
        return self.linear(x).masked_fill(last, self.value)


def test_right_19_a_class_that_is_ruled_out_is_no_divergence():
    clf = fit(student=RulesOut())
    assert (clf.predict_proba(X)[:, -1] == 0).all()


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_right_19_a_class_without_a_number_is_a_divergence(value):
    with pytest.raises(DivergedError, match="The predictions became NaN or infinite"):
        fit(student=RulesOut(value))


def test_right_19_a_checkpoint_holds_the_last_epoch_before_it_diverged(tmp_path):
    class Spoil(Callback):
        def on_batch_end(self, net, training=False, **kwargs):
            if len(net.history) == 3 and training:
                next(net.module_.parameters()).data.fill_(torch.nan)

    expected = r"The training (loss|network) became .* in epoch 3 of 5.*checkpoint.pt holds epoch 2; with other"
    with pytest.raises(DivergedError, match=expected):
        fit(Spoil(), checkpoint_dir=tmp_path, validation_fraction=0.25)
    saved = load_checkpoint(tmp_path)
    assert saved.n_iter_ == 2
    assert np.isfinite(saved.predict_proba(X)).all()


def norm(sample_shape, n_classes):
    return nn.Sequential(nn.Linear(5, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, n_classes))


def test_right_26_no_batch_of_one_row_if_it_can_be_helped():
    sizes = {n: [len(chunk) for chunk in balanced_chunks(n, 2, torch.arange(n))] for n in range(1, 40)}
    assert all(min(found) > 1 for n, found in sizes.items() if n > 1)
    assert all(max(found) - min(found) <= 1 and len(found) == count_batches(n, 2) for n, found in sizes.items())
    for n in range(2, 60):
        for batch_size in range(3, 20):
            assert count_batches(n, batch_size) == int(np.ceil(n / batch_size))  # as ever
            assert n // count_batches(n, batch_size) > 1
    clf = fit(student=norm, batch_size=2, X=X[:23], y=Y[:23])
    assert clf.net_.history[-1, "train_batch_count"] == 11


def test_right_26_batches_of_one_row_are_refused_where_they_cannot_be_learned_from():
    with pytest.raises(InvalidParameterError, match="'batch_size' is 1, and 'student' cannot learn from"):
        fit(student=norm, batch_size=1)
    assert fit(batch_size=1, max_epochs=1).n_iter_ == 1


def test_right_32_verbose_levels_differ(capsys, monkeypatch):
    stopper = {"validation_fraction": 0.25, "max_epochs": 9}
    shown = {}
    for watched in (False, True):
        monkeypatch.setattr("sys.stderr.isatty", lambda watched=watched: watched)
        for verbose in (0, 1, 2):
            fit(EarlyStopping(patience=1, threshold=100), verbose=verbose, **stopper)
            shown[watched, verbose] = capsys.readouterr()
    assert shown[False, 0] == shown[True, 0] == ("", "")
    assert shown[False, 1].err == shown[False, 2].err == ""  # no bars in redirected output
    assert "2/9" in shown[True, 1].err
    said = "Stopping since valid_loss has not improved in the last 1 epochs.\n"
    assert shown[False, 1].out == shown[True, 1].out == said
    assert "train_loss" in shown[False, 2].out
    assert len(shown[False, 2].out.splitlines()) == 5


def test_right_32_the_logger_says_what_happens(caplog, tmp_path):
    with caplog.at_level(logging.INFO, logger="noisylabel"):
        fit(max_epochs=20)
    assert len(caplog.records) == 10
    assert caplog.messages[-1].startswith("epoch 20 of 20: train_loss ")
    caplog.clear()
    caplog.set_level(logging.DEBUG, logger="noisylabel")
    with pytest.warns(NoisyLabelWarning, match="interrupted"):
        fit(Interrupt(3), checkpoint_dir=tmp_path)
    fit(checkpoint_dir=tmp_path)
    assert "going on after epoch 2 of 5" in caplog.messages
    assert caplog.messages[2].startswith("Training was interrupted after epoch 2 of 5")
    assert logging.getLogger("noisylabel").handlers


@pytest.mark.parametrize("average", [{}, {"ema_decay": 0.9}])
def test_right_09b_a_compiled_network_comes_back_from_its_checkpoint(average, tmp_path):
    compiled = {"net_params": {"compile": True, "compile__backend": "eager"}, "validation_fraction": 0.25}
    clf = fit(checkpoint_dir=tmp_path, **compiled, **average)
    again = load_checkpoint(tmp_path)
    assert not hasattr(again.net_.module_, "_orig_mod")
    assert np.allclose(again.predict_proba(X), clf.predict_proba(X), atol=1e-6)
    with pytest.warns(NoisyLabelWarning, match="interrupted"):
        fit(Interrupt(3), checkpoint_dir=tmp_path / "half", **compiled, **average)
    assert load_checkpoint(tmp_path / "half").n_iter_ == 2
    gone_on = fit(checkpoint_dir=tmp_path / "half", **compiled, **average)
    assert torch.equal(weights(gone_on), weights(clf))


@pytest.mark.filterwarnings("ignore:Labels of .* classes ended")  # two epochs
@pytest.mark.parametrize("curriculum", [*NAMED, SPLDMentor(groups="clusters")], ids=str)
def test_mentors_look_into_a_compiled_network_as_into_a_plain_one(curriculum):
    X, Y = np.random.default_rng(0).normal(size=(60, 5)).astype(np.float32), np.arange(60) % 3
    settings = SETTINGS | {"curriculum": curriculum, "loss_percentile": 0.7, "max_epochs": 2}
    needs = isinstance(curriculum, str) and NAMED[curriculum].needs_trusted
    given = {"y_trusted": np.where(np.arange(60) < 20, Y, -1)} if needs else {}
    plain = MentorNetClassifier(**settings).fit(X, Y, **given)
    compiled = MentorNetClassifier(**settings, net_params={"compile": True, "compile__backend": "eager"})
    assert torch.equal(weights(compiled.fit(X, Y, **given)), weights(plain))


def test_the_history_of_a_checkpoint_is_json(tmp_path):
    fit(checkpoint_dir=tmp_path)
    history = torch.load(tmp_path / "checkpoint.pt", weights_only=True)["training"]["history"]
    assert [row["train_batch_count"] for row in json.loads(history)] == [3] * 5
