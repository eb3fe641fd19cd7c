"""What fit learns, records and leaves alone."""

import numpy as np
import pytest
import torch
from sklearn.exceptions import NotFittedError
from skorch.callbacks import (
    Callback,
    Checkpoint,
    EarlyStopping,
    EpochScoring,
    GradientNormClipping,
    PassthroughScoring,
)

from noisylabel import MentorNetClassifier
from noisylabel.exceptions import DivergedError, NoisyLabelWarning
from noisylabel.mentors import Mentor
from noisylabel.nets import WeightedNet


def test_curricula_beat_plain_training_on_noisy_digits(digits):
    """At the same budget, where plain training memorises, the best curriculum gains at least eight points."""
    scores, weights = {}, {}
    for name in ("uniform", "self_paced", "spcl_linear", "mentornet_pd"):
        clf = MentorNetClassifier(name, loss_percentile=0.6, random_state=0).fit(digits.data, digits.noisy)
        scores[name], weights[name] = clf.score(digits.test_data, digits.test_target), clf.sample_weight_
    assert max(scores.values()) >= scores["uniform"] + 0.08
    wrong = digits.noisy != digits.target
    for name in ("self_paced", "spcl_linear", "mentornet_pd"):
        kept = weights[name] > 0.5
        assert wrong[kept].mean() < wrong.mean() / 2
    assert (weights["uniform"] == 1).all()


def test_plain_training_memorises_the_wrong_labels(digits):
    clf = MentorNetClassifier("uniform", random_state=0).fit(digits.data, digits.noisy)
    assert clf.score(digits.data, digits.noisy) > 0.95


def test_same_seed_same_result_and_untouched_streams(blobs):
    X, y = blobs
    np.random.seed(5)
    torch.manual_seed(5)
    before = (np.random.get_state()[1].copy(), torch.get_rng_state())
    settings = {"curriculum": "mentornet_pd", "max_epochs": 40, "example_dropout": 0.3, "loss_percentile": "auto"}
    fits = [MentorNetClassifier(random_state=seed, **settings).fit(X, y) for seed in (1, 1, 2)]
    first, second, other = (clf.predict_proba(X) for clf in fits)
    MentorNetClassifier(max_epochs=2).fit(X, y).predict(X)  # random_state=None
    assert np.array_equal(first, second)
    assert not np.array_equal(first, other)
    assert np.array_equal(np.random.get_state()[1], before[0])
    assert torch.equal(torch.get_rng_state(), before[1])


def test_uniform_curriculum_is_a_plain_training_loop(blobs):
    """Against a loop written out here: same order, same steps, same network."""
    X, y = blobs
    student = torch.nn.Linear(5, 3)
    settings = {"optimizer": "sgd", "lr": 0.05, "weight_decay": 0.01, "lr_schedule": "constant", "batch_size": 50}
    clf = MentorNetClassifier("uniform", student=student, standardize=False, max_epochs=3, random_state=0, **settings)
    clf.fit(X, y)

    from noisylabel._support.random import draw_seed

    order = torch.Generator().manual_seed(draw_seed(0))
    groups = [{"params": [student.weight]}, {"params": [student.bias], "weight_decay": 0}]
    optimizer = torch.optim.SGD(groups, 0.05, momentum=0.9, nesterov=True, weight_decay=0.01)
    inputs, labels = torch.tensor(X), torch.tensor(y)
    for _ in range(3):
        for rows in torch.tensor_split(torch.randperm(120, generator=order), 3):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(student(inputs[rows]), labels[rows]).backward()
            optimizer.step()
    torch.testing.assert_close(clf.net_.module_.weight, student.weight)


def test_weight_decay_is_scaled_by_the_mean_weight(blobs):
    X, y = blobs
    seen = []

    class Spy(Callback):
        def on_batch_end(self, net, training=True, **kwargs):
            share = net.step_sizes_.share_of_decay(kwargs["mean_weight"])  # test_step_sizes.py says what it does
            seen.append((0.02 * float(share), float(kwargs["mean_weight"])))

    def half(loss, loss_diff, label, epoch_percent):
        return torch.full_like(loss, 0.5)

    settings = {"loss_percentile": 0.7, "burn_in": 50, "weight_decay": 0.02, "max_epochs": 4, "random_state": 0}
    MentorNetClassifier(half, callbacks=[Spy()], **settings).fit(X, y)
    assert [round(mean, 6) for _, mean in seen] == [1, 1, 0.5, 0.5]
    assert [decay for decay, _ in seen] == pytest.approx([0.02, 0.02, 0.01, 0.01])


@pytest.mark.filterwarnings("ignore:Labels of 1 of 3 classes ended")  # half of the rows count
def test_history_is_a_table_of_what_happened(blobs):
    X, y = blobs
    clf = MentorNetClassifier("self_paced", loss_percentile=0.5, max_epochs=10, validation_fraction=0.2, random_state=0)
    clf.fit(X, y)
    assert len(clf.history_) == clf.n_iter_ == 10
    columns = {"epoch", "train_loss", "lr", "data_utilization", "loss_threshold", "valid_loss", "valid_acc", "dur"}
    assert columns <= set(clf.history_.columns)
    assert clf.history_["data_utilization"].iloc[0] == 1  # burn-in
    assert 0.3 < clf.history_["data_utilization"].iloc[-1] < 0.7
    assert np.isnan(clf.sample_weight_).sum() == 24  # the held-out rows


def test_the_best_epoch_on_held_out_rows_is_kept(digits):
    settings = {"curriculum": "uniform", "lr": 0.005, "random_state": 0}
    kept = MentorNetClassifier(validation_fraction=0.2, **settings).fit(digits.data, digits.noisy)
    best = kept.history_["valid_acc"].idxmax() + 1
    assert kept.best_epoch_ == best < 50
    held_out = np.isnan(kept.sample_weight_)
    accuracy = kept.score(digits.data[held_out], digits.noisy[held_out])
    assert accuracy == pytest.approx(kept.history_["valid_acc"].max())
    assert accuracy > kept.history_["valid_acc"].iloc[-1]  # plain training memorises later


def test_sample_weight_zero_is_not_learnt(blobs):
    X, y = blobs
    wrong = np.where(np.arange(120) % 2 == 0, (y + 1) % 3, y)
    weight = (wrong == y).astype(float)
    clf = MentorNetClassifier(max_epochs=30, random_state=0).fit(X, wrong, sample_weight=weight)
    assert clf.score(X, y) > 0.95


def test_divergence_is_an_error(blobs):
    clf = MentorNetClassifier(optimizer="sgd", lr=1e12, max_epochs=5, random_state=0)
    said_before = pytest.warns(NoisyLabelWarning, match="A short training .* diverged")
    with said_before, pytest.raises(DivergedError, match="Lower 'lr'"):
        clf.fit(*blobs)


def test_nothing_to_learn_from_is_a_warning_with_advice(blobs):
    with pytest.warns(NoisyLabelWarning, match="every sample had weight 0: .*Raise 'loss_percentile'"):
        MentorNetClassifier(
            lambda loss, *_: torch.zeros_like(loss), loss_percentile=0.7, max_epochs=10, random_state=0
        ).fit(*blobs)


def test_a_batch_of_zero_weights_moves_nothing(blobs):
    X, y = blobs
    settings = {"example_dropout": "0,50,1,50", "max_epochs": 10, "lr_schedule": "constant", "random_state": 0}
    with pytest.warns(NoisyLabelWarning):
        full = MentorNetClassifier("uniform", **settings).fit(X, y)
    assert full.history_["data_utilization"].tolist() == [1.0] * 5 + [0.0] * 5
    half = MentorNetClassifier("uniform", **(settings | {"example_dropout": None, "max_epochs": 5})).fit(X, y)
    assert np.array_equal(full.predict_proba(X), half.predict_proba(X))


def test_progress_bar_is_shown_only_when_asked(blobs, capsys, monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    MentorNetClassifier(max_epochs=2).fit(*blobs)
    assert capsys.readouterr() == ("", "")
    MentorNetClassifier(max_epochs=2, verbose=1).fit(*blobs)
    assert "2/2" in capsys.readouterr().err


def test_net_params_reach_skorch(blobs):
    clf = MentorNetClassifier(optimizer="sgd", max_epochs=2, net_params={"optimizer__momentum": 0.5}).fit(*blobs)
    assert clf.net_.optimizer_.param_groups[0]["momentum"] == 0.5
    assert isinstance(clf.net_, WeightedNet)
    with pytest.raises(ValueError, match="did you mean optimizer__momentum"):
        MentorNetClassifier(max_epochs=2, net_params={"optimizer_momentum": 0.5}).fit(*blobs)


def test_input_arrays_may_be_read_only_and_stay_unchanged(blobs):
    X, y = (array.copy() for array in blobs)
    copies = X.copy(), y.copy()
    X.setflags(write=False)
    y.setflags(write=False)
    MentorNetClassifier(max_epochs=2).fit(X, y).predict(X)
    assert np.array_equal(X, copies[0])
    assert np.array_equal(y, copies[1])


def test_stock_skorch_callbacks_work(blobs, tmp_path):
    X, y = blobs
    callbacks = [
        EpochScoring("accuracy", name="scored", lower_is_better=False),
        EpochScoring("accuracy", name="scored_train", on_train=True, lower_is_better=False),
        Checkpoint(dirname=tmp_path, monitor="valid_acc_best"),
        PassthroughScoring("train_loss", on_train=True),
    ]
    clf = MentorNetClassifier(max_epochs=5, validation_fraction=0.2, callbacks=callbacks, random_state=0).fit(X, y)
    assert clf.history_["scored"].tolist() == clf.history_["valid_acc"].tolist()
    assert clf.history_["scored_train"].between(0.1, 1).all()
    kept = torch.load(tmp_path / "params.pt", weights_only=True)
    own = clf.net_.module_.state_dict()
    assert kept.keys() == own.keys()
    assert all(torch.equal(kept[name], own[name]) for name in own)  # both are the network of the best epoch


def test_gradients_are_clipped_before_the_step(blobs):
    student = torch.nn.Linear(5, 3)
    settings = {"student": student, "optimizer": torch.optim.SGD, "lr": 0.1, "lr_schedule": "constant"}
    clf = MentorNetClassifier(
        max_epochs=2, weight_decay=0, standardize=False, callbacks=[GradientNormClipping(0.01)], **settings
    ).fit(*blobs)
    moved = (clf.net_.module_.weight - student.weight).norm().item()
    assert 0 < moved < 2 * 0.1 * 0.01 + 1e-6  # two steps of at most rate times norm


def test_early_stopping_is_no_interrupt(blobs):
    X, y = blobs
    stop = EarlyStopping("valid_acc", patience=3, lower_is_better=False)
    clf = MentorNetClassifier(
        student="mlp", max_epochs=60, validation_fraction=0.2, callbacks=[stop], random_state=0
    ).fit(X, y)
    assert clf.n_iter_ == clf.best_epoch_ + 3 < 60
    assert clf.score(X, y) > 0.9


def test_every_gradient_callback_sees_all_parameters(blobs):
    counts = []

    class Count(Callback):
        def on_grad_computed(self, net, named_parameters, **kwargs):
            counts.append(len([parameter for _, parameter in named_parameters if parameter.grad is not None]))

    MentorNetClassifier(max_epochs=1, callbacks=[Count(), Count()], random_state=0).fit(*blobs)
    assert counts == [6, 6]


def test_a_failed_fit_leaves_nothing_half_fitted(blobs):
    X, y = blobs
    clf = MentorNetClassifier(validation_fraction=0.2, random_state=0).fit(X, y)
    of_the_noise = {"noise_rate_", "noise_rate_interval_", "noise_matrix_", "noise_rate_by_class_", "advice_"}
    assert of_the_noise | {"best_epoch_"} <= vars(clf).keys()
    clf.set_params(loss_percentile=0.7, validation_fraction=0.0, max_epochs=2).fit(X, y)
    assert not (of_the_noise | {"best_epoch_"}) & vars(clf).keys()
    with pytest.raises(DivergedError):
        clf.set_params(optimizer="sgd", lr=1e12, max_epochs=5).fit(X, y)
    with pytest.raises(NotFittedError):
        clf.predict(X)


def test_accelerators_streams_are_left_alone(blobs):
    before = list(torch.cuda._lazy_seed_tracker.get_calls())
    MentorNetClassifier(max_epochs=1, random_state=0).fit(*blobs).predict(blobs[0])
    assert torch.cuda._lazy_seed_tracker.get_calls() == before


def test_one_step_of_training_learns_something(blobs):
    X, y = blobs
    first, second = (MentorNetClassifier(max_epochs=1, lr=lr, random_state=0).fit(X, y) for lr in (1e-9, 0.01))
    assert not np.allclose(first.predict_proba(X), second.predict_proba(X))


def test_rows_without_weight_do_not_move_the_threshold(blobs):
    X, y = blobs
    weight = np.where(np.arange(120) < 20, 1.0, 0.0)
    clf = MentorNetClassifier(loss_percentile=0.7, batch_size=10, max_epochs=3, burn_in=50, random_state=0)
    clf.fit(X, y, sample_weight=weight)
    assert clf.history_["loss_threshold"].notna().all()
    assert clf.history_["data_utilization"].iloc[0] == 1


@pytest.mark.parametrize("seed", range(4))  # with some of them no row of the first batch counts
@pytest.mark.parametrize("by_class", [False, True])
def test_the_losses_of_rows_without_weight_do_not_matter(blobs, seed, by_class):
    X, y = blobs
    weight = np.where(np.arange(120) % 15 == 0, 1.0, 0.0)
    louder = np.where(weight == 0, 50, 1).astype(np.float32)[:, None] * X
    student = torch.nn.Linear(5, 3)
    settings = {"loss_percentile": 0.7, "student": student, "standardize": False, "batch_size": 10, "max_epochs": 3}
    settings |= {"random_state": seed, "percentile_by_class": by_class}
    plain, loud = (MentorNetClassifier(**settings).fit(rows, y, sample_weight=weight) for rows in (X, louder))
    assert loud.history_["loss_threshold"].tolist() == plain.history_["loss_threshold"].tolist()


def test_a_mentor_of_ones_own(blobs):
    class HalfMentor(Mentor):
        def start(self, n_samples, n_classes, generator):
            pass

        def weigh(self, seen):
            return torch.full_like(seen.losses, 0.5)

        def state_dict(self):
            return {}

        def load_state_dict(self, state):
            pass

    class Own(MentorNetClassifier):
        def make_mentor(self):
            return HalfMentor()

    clf = Own(max_epochs=30, random_state=0).fit(*blobs)
    assert (clf.sample_weight_ == 0.5).all()
    assert clf.score(*blobs) > 0.9


def test_callbacks_after_early_stopping_see_the_last_epoch(blobs):
    seen = []

    class Count(Callback):
        def on_epoch_end(self, net, **kwargs):
            seen.append(len(net.history))

    stop = EarlyStopping("valid_acc", patience=3, lower_is_better=False)
    clf = MentorNetClassifier(
        student="mlp", max_epochs=60, validation_fraction=0.2, callbacks=[stop, Count()], random_state=0
    )
    assert clf.fit(*blobs).n_iter_ == seen[-1] < 60
