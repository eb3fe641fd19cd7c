"""The MentorMix step: what it computes, and what it leaves alone."""

import copy

import numpy as np
import pytest
import torch
from skorch.callbacks import Callback
from torch import nn
from torch.nn.functional import cross_entropy, one_hot

from noisylabel import MentorMixClassifier, MentorNetClassifier
from noisylabel.callbacks import StudentRecorder
from noisylabel.curricula import SelfPaced
from noisylabel.exceptions import NoisyLabelWarning
from noisylabel.functional import NoiseEstimate, draw_beta, draw_partners, ema_decay
from noisylabel.mentors import AutoPercentileMentor, MixedLossMentor, Observation, PercentileMentor
from noisylabel.nets._mixing import KeptStatistics
from noisylabel.nets.steps import ParameterAverage
from noisylabel.schedules import constant_schedule


def parameters(clf):
    return torch.cat([p.detach().flatten() for p in clf.net_.module_.parameters()])


class Watch(Callback):
    """Keep what each step returned."""

    def on_train_begin(self, net, **kwargs):
        self.steps = []

    def on_batch_end(self, net, batch=None, training=False, **kwargs):
        if training:
            self.steps.append((batch, kwargs))


def norm_student():
    return nn.Sequential(nn.Linear(5, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 3))


def test_alpha_zero_is_mentornet_exactly(digits):
    settings = {"loss_percentile": 0.6, "max_epochs": 10, "example_dropout": 0.2, "random_state": 0}
    plain = MentorNetClassifier(**settings).fit(digits.data, digits.noisy)
    mix = MentorMixClassifier(mixup_alpha=0, percentile_by_class=False, ema_decay=0, **settings).fit(
        digits.data, digits.noisy
    )
    assert torch.equal(parameters(plain), parameters(mix))
    assert np.array_equal(plain.sample_weight_, mix.sample_weight_)


@pytest.mark.filterwarnings("ignore:Labels of .* classes ended")
@pytest.mark.parametrize("class_weight", [[1.0, 1.0, 1.0], [3.0, 1.0, 0.5]])
def test_a_step_is_weigh_sample_mix_learn(class_weight, blobs):
    """Against the algorithm written out with its own random streams, network and gradients."""
    X, y = blobs
    by_class = torch.tensor(class_weight) / np.mean(class_weight)  # each class has 40 rows
    student = nn.Linear(5, 3)
    own = copy.deepcopy(student)
    settings = {"optimizer": torch.optim.SGD, "lr": 0.1, "weight_decay": 0.0, "lr_schedule": "constant"}
    clf = MentorMixClassifier(
        "self_paced", loss_percentile=0.5, burn_in=0, mixup_alpha=2, second_reweight=True, student=student,
        standardize=False, batch_size=40, max_epochs=2, ema_decay=0, percentile_by_class=False, random_state=0,
        class_weight=dict(enumerate(class_weight)), **settings,
    ).fit(X, y)  # fmt: skip

    from noisylabel._support.random import draw_seed

    seed = draw_seed(0)
    order, stream = torch.Generator().manual_seed(seed), torch.Generator().manual_seed(seed + 3)
    inputs, labels = torch.tensor(X), torch.tensor(y)
    plain_average = mixed_average = None
    for _ in range(2):
        for rows in torch.randperm(120, generator=order).split(40):
            x, target = inputs[rows], one_hot(labels[rows], 3).float()
            losses = cross_entropy(own(x), labels[rows], reduction="none").detach()
            plain_average = (
                losses.quantile(0.5) if plain_average is None else 0.5 * (plain_average + losses.quantile(0.5))
            )
            v = (losses - plain_average <= 0).float()
            partners = draw_partners(v, stream)
            larger = draw_beta(40, 2.0, stream)
            larger = torch.maximum(larger, 1 - larger)
            share = torch.where(v >= 0.5, larger, 1 - larger)[:, None]
            mixed = -(share * target + (1 - share) * target[partners]) * own(
                share * x + (1 - share) * x[partners]
            ).log_softmax(1)
            learned, mixed = (mixed * by_class).sum(1), mixed.sum(1)
            median = mixed.detach().quantile(0.5)
            mixed_average = median if mixed_average is None else 0.5 * (mixed_average + median)
            loss = (learned * (mixed.detach() <= mixed_average)).mean()
            gradients = torch.autograd.grad(loss, list(own.parameters()))
            with torch.no_grad():
                for parameter, gradient in zip(own.parameters(), gradients, strict=True):
                    parameter -= 0.1 * gradient
    torch.testing.assert_close(clf.net_.module_.weight, own.weight, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(clf.net_.module_.bias, own.bias, atol=1e-5, rtol=1e-5)


def test_the_first_pass_leaves_running_statistics_alone():
    network = nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.InstanceNorm2d(4, track_running_stats=True)
    ).train()
    statistics = KeptStatistics(network)
    before = copy.deepcopy(network.state_dict())
    x = torch.randn(8, 1, 6, 6)
    expected = copy.deepcopy(network)(x)
    statistics.keep()
    with torch.no_grad():
        logits = network(x)
    statistics.put_back()
    torch.testing.assert_close(logits, expected.detach())  # batch statistics, as in training
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    network(x)
    assert not torch.equal(network[1].running_mean, before["1.running_mean"])


def test_running_statistics_come_from_the_mixed_pass_alone(blobs):
    clf = MentorMixClassifier(
        student=norm_student, loss_percentile=0.7, mixup_alpha=2, max_epochs=4, batch_size=40, random_state=0
    ).fit(*blobs)
    norm = clf.net_.module_[1][1]
    assert int(norm.num_batches_tracked) == 4 * 3  # one a step, not two
    assert norm.track_running_stats


@pytest.mark.filterwarnings("ignore:Labels of .* classes ended")  # whose losses decide it, in three epochs
def test_no_gradient_reaches_the_weights(blobs):
    class Trap(SelfPaced):
        def weights(self, loss, loss_diff, label, epoch_percent):
            assert not loss.requires_grad
            assert not loss_diff.requires_grad
            return super().weights(loss, loss_diff, label, epoch_percent)

    watch = Watch()
    clf = MentorMixClassifier(
        Trap(), loss_percentile=0.5, second_reweight=True, burn_in=0, max_epochs=3, callbacks=[watch]
    )
    clf.fit(*blobs)
    assert not any(step["losses"].requires_grad or step["y_pred"].requires_grad for _, step in watch.steps)


def test_wrong_labels_get_less_weight_and_fewer_mixes(digits):
    clf = MentorMixClassifier(loss_percentile=0.6, random_state=0).fit(digits.data, digits.noisy)
    wrong = digits.noisy != digits.target
    assert clf.sample_weight_[wrong].mean() < 0.3 < 0.7 < clf.sample_weight_[~wrong].mean()


def test_mentormix_beats_plain_training_and_second_weighting_holds_at_80_percent():
    from noisylabel import corrupt
    from noisylabel.datasets import load_digits

    data = load_digits()
    noisy, _ = corrupt(data.target, "symmetric", rate=0.8, random_state=0)
    plain = MentorNetClassifier("uniform", random_state=0).fit(data.data, noisy)
    mix = MentorMixClassifier("mentornet_pd", second_reweight=True, random_state=0).fit(data.data, noisy)
    assert mix.score(data.test_data, data.test_target) > plain.score(data.test_data, data.test_target) + 0.1
    assert mix.history_["data_utilization"].min() > 0.05
    assert mix.history_["mixed_data_utilization"].min() > 0.05


def test_plain_mixup_saves_the_first_pass(blobs):
    watch = Watch()
    calls = []

    class Counting(nn.Linear):
        def forward(self, x):
            calls.append(self.training)
            return super().forward(x)

    settings = {"max_epochs": 2, "mixup_alpha": 1.0, "loss_percentile": 0.7, "random_state": 0, "callbacks": [watch]}
    MentorNetClassifier("uniform", student=Counting(5, 3), **settings).fit(*blobs)
    assert sum(calls) == 2
    assert "losses" not in watch.steps[0][1]
    calls.clear()
    MentorNetClassifier("self_paced", student=Counting(5, 3), **settings).fit(*blobs)
    assert sum(calls) == 4
    recorder = StudentRecorder(blobs[1], blobs[1])
    with pytest.raises(ValueError, match="plain mixup .* never works them out"):
        MentorNetClassifier("uniform", mixup_alpha=1.0, max_epochs=2, callbacks=[recorder]).fit(*blobs)


def test_rows_without_weight_are_not_learnt(blobs):
    X, y = blobs
    wrong = np.where(np.arange(120) % 2 == 0, (y + 1) % 3, y)
    weight = (wrong == y).astype(float)
    settings = {"max_epochs": 100, "loss_percentile": 0.9, "second_reweight": True, "random_state": 0}
    assert MentorMixClassifier(**settings).fit(X, wrong, sample_weight=weight).score(X, y) > 0.95
    few = np.zeros(120)
    few[:3] = few[60:62] = 1  # most batches have no row that counts
    clf = MentorMixClassifier(batch_size=10, **settings).fit(X, y, sample_weight=few)
    assert np.isfinite(clf.predict_proba(X)).all()
    assert clf.history_["train_loss"].notna().all()


def test_no_mix_of_any_weight_is_a_warning(blobs):
    with pytest.warns(NoisyLabelWarning) as warned:
        MentorMixClassifier(
            lambda loss, *_: torch.zeros_like(loss), loss_percentile=0.5, second_reweight=True, max_epochs=5
        ).fit(*blobs)
    messages = {str(warning.message).split(":")[0].split(" ", 3)[3] for warning in warned}
    assert messages == {"every sample had weight 0", "every mix had weight 0"}
    assert all("Raise 'loss_percentile'" in str(warning.message) for warning in warned)


def test_the_second_percentile_is_one_of_its_own():
    plain = PercentileMentor(SelfPaced(), loss_percentile=0.5, burn_in=0)
    plain.check_parameters().start(4, 2, torch.Generator())
    mixed = MixedLossMentor(plain)
    mixed.start(4, 2, torch.Generator())
    low, high = torch.tensor([0.1, 0.2, 0.3, 0.4]), torch.tensor([1.1, 1.2, 1.3, 1.4])
    labels = rows = torch.arange(4)
    assert plain.weigh(Observation(low, torch.zeros(4, 2), labels, rows, 0.5)).tolist() == [1, 1, 0, 0]
    assert mixed.weigh(Observation(high, torch.zeros(4, 2), labels, rows, 0.5)).tolist() == [1, 1, 0, 0]
    assert (plain.metrics()["loss_threshold"], mixed.metrics()["mixed_loss_threshold"]) == pytest.approx((0.25, 1.25))


def test_mixes_are_weighed_where_few_labels_are_right():
    seen = Observation(torch.tensor([0.1, 0.2, 0.3, 0.4]), torch.zeros(4, 2), torch.arange(4), torch.arange(4), 0.5)
    for percentile, expected in ((0.5, [1, 1, 1, 1]), (0.25, [1, 0, 0, 0])):
        plain = PercentileMentor(SelfPaced(), loss_percentile=percentile, burn_in=0)
        plain.check_parameters().start(4, 4, torch.Generator())
        mixed = MixedLossMentor(plain, if_few_are_right=True)
        mixed.start(4, 4, torch.Generator())
        assert mixed.weigh(seen).tolist() == expected


@pytest.mark.parametrize(
    ("right", "learned", "is_weighed"),
    [(0.45, 0.8, True), (0.45, 0.2, False), (0.25, 0.2, False), (0.25, 0.4, True), (0.55, 0.9, False)],
)
def test_mixes_are_weighed_only_once_the_network_knows_enough(right, learned, is_weighed):
    plain = AutoPercentileMentor(SelfPaced())
    plain.check_parameters().start(50, 4, torch.Generator())
    plain.percentile_schedule_, plain.share_learned_ = constant_schedule(right), learned
    plain.noise_ = NoiseEstimate(1 - right, (0.5 - right / 2, 1.0), *[torch.eye(4)] * 5)
    mixed = MixedLossMentor(plain, if_few_are_right=True)
    mixed.start(50, 4, torch.Generator())
    seen = Observation(torch.tensor([0.1, 0.2, 0.3, 9.0]), torch.zeros(4, 2), torch.arange(4), torch.arange(4), 0.5)
    assert (mixed.weigh(seen)[-1] == 0) == is_weighed


def test_how_much_had_been_learned_when_the_burn_in_ended(digits):
    """A network that has learned is as sure of held-back rows as their labels are right; one that has not is not."""
    learned = []

    class Ask(Callback):
        def on_train_end(self, net, **kwargs):
            learned.append(net.mentor.share_learned_)

    for lr in (0.002, 0.00005):
        clf = MentorMixClassifier("mentornet_pd", lr=lr, callbacks=[Ask()], random_state=0)
        clf.fit(digits.data, digits.noisy)
    assert learned[0] > 0.6
    assert learned[1] < 0.2


def test_the_label_of_a_mix_is_that_of_its_larger_share(blobs):
    """With a tiny alpha a mix is its larger part alone, and a network that has learned says of which class that is."""
    agreement = []

    class Spy(MixedLossMentor):
        def weigh(self, seen):
            agreement.append((seen.logits.argmax(1) == seen.labels).float().mean().item())
            return super().weigh(seen)

    class Exchange(Callback):
        def on_train_begin(self, net, **kwargs):
            net.mixed_mentor = Spy(net.mentor)
            net.mixed_mentor.start(120, 3, torch.Generator())

    settings = {"loss_percentile": 0.5, "mixup_alpha": 0.01, "second_reweight": True, "max_epochs": 60}
    MentorMixClassifier("self_paced", callbacks=[Exchange()], random_state=0, **settings).fit(*blobs)
    assert len(agreement) == 60
    assert np.mean(agreement[-20:]) > 0.85  # 0.67 for the label of the first of the two


def test_the_average_follows_the_formula():
    network = nn.Linear(2, 1)
    average = ParameterAverage(network, limit=0.9)
    expected = network.weight.detach().clone()
    for step in range(100):
        with torch.no_grad():
            network.weight += torch.randn(1, 2)
        average.update()
        decay = ema_decay(step, 0.9)
        expected = decay * expected + (1 - decay) * network.weight.detach()
    torch.testing.assert_close(average.averaged.weight, expected)


def test_evaluation_uses_the_average_with_the_latest_statistics(blobs):
    X, y = blobs
    seen = {}

    class Peek(Callback):
        def on_batch_end(self, net, **kwargs):
            seen["raw"] = copy.deepcopy(net.module_.state_dict())

        def on_epoch_end(self, net, **kwargs):
            assert (net.module_ is net.evaluated_module()) == (not net.ema_decay)  # one's own gets what learns
            seen["evaluated"] = copy.deepcopy(net.evaluated_module().state_dict())

    settings = {"student": norm_student, "max_epochs": 5, "callbacks": [Peek()]}
    clf = MentorNetClassifier("uniform", ema_decay=0.999, random_state=0, **settings).fit(X, y)
    final = clf.net_.module_.state_dict()
    assert torch.equal(seen["raw"]["1.1.running_mean"], seen["evaluated"]["1.1.running_mean"])
    assert not torch.equal(seen["raw"]["1.0.weight"], seen["evaluated"]["1.0.weight"])
    assert final.keys() == seen["evaluated"].keys()
    assert all(torch.equal(final[name], seen["evaluated"][name]) for name in final)
    without = MentorNetClassifier("uniform", random_state=0, **settings).fit(X, y)
    assert not torch.equal(parameters(clf), parameters(without))


def test_training_is_the_same_with_and_without_average(blobs):
    settings = {"student": norm_student, "max_epochs": 5, "random_state": 0}
    histories = [
        MentorNetClassifier("uniform", ema_decay=decay, **settings).fit(*blobs).history_ for decay in (0, 0.99)
    ]
    assert histories[0]["train_loss"].tolist() == histories[1]["train_loss"].tolist()


def test_weight_decay_follows_what_reaches_the_loss(blobs):
    """Without a second weighting all mixes count in full, whatever the first weights are."""
    X, y = blobs

    class Spy(Callback):
        def on_batch_end(self, net, mean_weight, training=True, **kwargs):
            decays.append(0.02 * float(net.step_sizes_.share_of_decay(mean_weight)))

    def half(loss, *_):
        return torch.full_like(loss, 0.5)

    settings = {"loss_percentile": 0.5, "burn_in": 0, "weight_decay": 0.02, "max_epochs": 2, "callbacks": [Spy()]}
    for second, expected in ((False, 0.02), (True, 0.01)):
        decays = []
        MentorMixClassifier(half, second_reweight=second, **settings).fit(X, y)
        assert decays == pytest.approx([expected] * 2)


def test_uint8_images_are_mixed_as_numbers(images):
    X, y = images
    settings = {"student": "cnn", "max_epochs": 15, "loss_percentile": 0.9, "random_state": 0}
    for standardize in (True, False):
        clf = MentorMixClassifier(standardize=standardize, lr=0.003, **settings).fit(X, y)
        assert clf.score(X, y) > 0.9
