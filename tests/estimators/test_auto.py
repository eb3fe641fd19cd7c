"""The default curriculum, which is told nothing: what it finds, what it does about it, and where it does nothing."""

import inspect

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.datasets import make_classification
from sklearn.metrics import balanced_accuracy_score
from skorch.callbacks import Callback
from torch.utils.data import Dataset, TensorDataset

import noisylabel
from noisylabel import MentorMixClassifier, MentorNetClassifier, corrupt
from noisylabel.estimators import _mentornet, _pilot
from noisylabel.estimators._advice import noise_advice
from noisylabel.exceptions import InvalidParameterError, NoisyLabelWarning
from noisylabel.functional import estimate_noise
from noisylabel.mentors import LabelPosteriorMentor
from noisylabel.students import MLP, Student

KINDS = [MentorNetClassifier, MentorMixClassifier]
OF_THE_NOISE = (
    "noise_rate_", "noise_rate_interval_", "noise_matrix_", "noise_matrix_interval_", "noise_rate_by_class_",
    "noise_rate_by_class_interval_",
)  # fmt: skip


def network(clf):
    return torch.cat([value.double().flatten() for value in clf.net_.module_.state_dict().values()])


def plain_of(kind):
    """Plain training with the other settings of a classifier."""
    parameters = inspect.signature(MentorNetClassifier).parameters
    own = {name: value for name, value in kind().get_params(deep=False).items() if name in parameters}
    return MentorNetClassifier(**own | {"curriculum": "uniform", "mixup_alpha": 0.0, "second_reweight": False})


@pytest.mark.parametrize("kind", KINDS)
def test_on_clean_labels_it_is_plain_training_to_the_last_bit(kind, digits):
    clf = kind(random_state=0).fit(digits.data, digits.target)
    plain = plain_of(kind).set_params(random_state=0).fit(digits.data, digits.target)
    assert clf.noise_rate_interval_[0] == 0
    assert torch.equal(network(clf), network(plain))
    assert (clf.sample_weight_ == 1).all()
    assert clf.noise_rate_ <= 0.02
    assert "No sign that labels are wrong" in clf.advice_


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("noise", "rate"), [("symmetric", 0.4), ("pair", 0.3)])
def test_wrong_labels_are_found_and_not_learned(noise, rate, kind, digits):
    noisy, manifest = corrupt(digits.target, noise, rate=rate, random_state=0)
    clf = kind(random_state=0).fit(digits.data, noisy)
    plain = MentorNetClassifier("uniform", random_state=0).fit(digits.data, noisy)
    test = digits.test_data, digits.test_target
    assert clf.score(*test) > plain.score(*test) + 0.1
    assert abs(clf.noise_rate_ - manifest.realised_rate) < 0.08
    low, high = clf.noise_rate_interval_
    assert 0 < low <= manifest.realised_rate <= high
    wrong = noisy != digits.target
    assert clf.sample_weight_[wrong].mean() < 0.3 < 0.8 < clf.sample_weight_[~wrong].mean()
    assert "look wrong" in clf.advice_


@pytest.mark.filterwarnings("ignore:Labels of .* classes ended")  # 26 rows of one, under pair flips
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("noise", "rate"), [("symmetric", 0.6), ("pair", 0.45)])
def test_three_hundred_rows_are_enough(noise, rate, kind, digits):
    X, y = digits.data[:300], corrupt(digits.target[:300], noise, rate=rate, random_state=0)[0]
    test = digits.test_data, digits.test_target
    plain = MentorNetClassifier("uniform", random_state=0).fit(X, y)
    assert kind(random_state=0).fit(X, y).score(*test) > plain.score(*test) + 0.1


def test_no_network_predicts_a_row_that_it_has_learned(noisy_blobs, monkeypatch):
    """And each row is predicted as often: here five parts, two times."""
    X, y = noisy_blobs
    learned, predicted, train = [], [], _pilot._train

    def remember(pilot, data, rows, *others):
        net = train(pilot, data, rows, *others)
        infer = net.forward_iter

        def forward_iter(samples):
            predicted.append(np.array([samples[place][0][0] for place in range(len(samples))]))
            return infer(samples)

        net.forward_iter = forward_iter
        learned.append(X[rows, 0])
        return net

    monkeypatch.setattr(_pilot, "_train", remember)
    MentorNetClassifier(max_epochs=4, standardize=False, random_state=0).fit(X, y)
    assert len(learned) == len(predicted) == 10
    assert not any(np.isin(*pair).any() for pair in zip(learned, predicted, strict=True))
    np.testing.assert_array_equal(np.sort(np.concatenate(predicted)), np.sort(np.tile(X[:, 0], 2)))


def test_the_matrix_and_its_intervals_fit_each_other(digits):
    noisy, _ = corrupt(digits.target, "pair", rate=0.3, random_state=1)
    clf = MentorNetClassifier(random_state=0).fit(digits.data, noisy)
    np.testing.assert_allclose(clf.noise_matrix_.sum(1), 1, atol=1e-9)
    np.testing.assert_allclose(clf.noise_rate_by_class_, 1 - clf.noise_matrix_.diagonal(), atol=1e-12)
    for name in ("matrix", "rate_by_class"):
        low, high = getattr(clf, f"noise_{name}_interval_")
        found = getattr(clf, f"noise_{name}_")
        assert (low <= found + 1e-9).all()
        assert (found <= high + 1e-9).all()
    others = clf.noise_matrix_ - np.diag(clf.noise_matrix_.diagonal())
    assert (others.argmax(1) == (np.arange(10) + 1) % 10).mean() >= 0.9  # each class is called the next


def test_wrong_labels_of_one_class_are_not_seen_and_it_is_plain_training(digits):
    """The weakness that the guide names."""
    noisy = digits.target.copy()
    threes = np.flatnonzero(noisy == 3)
    noisy[threes[: round(0.4 * len(threes))]] = 8
    clf, plain = (
        kind.fit(digits.data, noisy)
        for kind in (MentorNetClassifier(random_state=0), plain_of(MentorNetClassifier).set_params(random_state=0))
    )
    assert clf.noise_rate_interval_[0] == 0
    assert clf.noise_rate_interval_[1] > (noisy != digits.target).mean()
    assert torch.equal(network(clf), network(plain))


@pytest.mark.parametrize("kind", KINDS)
def test_fewer_than_twenty_rows_a_class_are_a_warning_and_plain_training(kind, blobs):
    X, y = (part[::4] for part in blobs)
    with pytest.warns(NoisyLabelWarning, match="needs 20 rows a class .*, 60 in all, and there are 30"):
        clf = kind(max_epochs=10, random_state=0).fit(X, y)
    plain = plain_of(kind).set_params(max_epochs=10, random_state=0).fit(X, y)
    assert torch.equal(network(clf), network(plain))
    assert np.isnan(clf.noise_rate_)
    assert not hasattr(clf, "noise_matrix_")
    assert "Nothing is known of the noise" in clf.advice_


def test_rows_without_weight_are_not_among_them(noisy_blobs):
    X, y = noisy_blobs
    weight = (np.arange(450) % 15 == 0).astype(float)
    with pytest.warns(NoisyLabelWarning, match="there are 30"):
        MentorNetClassifier(max_epochs=2, random_state=0).fit(X, y, sample_weight=weight)


@pytest.mark.parametrize("kind", KINDS)
def test_what_rows_without_weight_hold_changes_nothing(kind, noisy_blobs):
    X, y = noisy_blobs
    weight = (np.arange(450) % 4 > 0).astype(float)
    clf = kind(max_epochs=10, batch_size=24, random_state=0).fit(X, y, sample_weight=weight)
    assert clf.noise_rate_interval_[0] > 0
    other_X, other_y = np.where(weight[:, None] > 0, X, 9), np.where(weight > 0, y, 2 - y)
    other = kind(max_epochs=10, batch_size=24, random_state=0).fit(other_X, other_y, sample_weight=weight)
    assert np.array_equal(clf.predict_proba(X), other.predict_proba(X))
    assert clf.noise_rate_ == other.noise_rate_


@pytest.mark.parametrize("kind", KINDS)
def test_strings_in_a_table_give_what_numbers_give(kind, noisy_blobs):
    X, y = noisy_blobs
    names = np.array(["ant", "bee", "cow"])
    frame, labels = pd.DataFrame(X, columns=list("abcde")), pd.Series(names[y], dtype="category")
    clf, of_numbers = (kind(max_epochs=10, random_state=0).fit(*data) for data in ((frame, labels), (X, y)))
    assert np.array_equal(clf.predict(frame), names[of_numbers.predict(X)])
    for name in OF_THE_NOISE:
        assert np.array_equal(getattr(clf, name), getattr(of_numbers, name))


def test_a_class_with_one_row(noisy_blobs):
    X, y = noisy_blobs
    y = np.append(y, 3)
    X = np.append(X, [[30.0] * 5], axis=0).astype(np.float32)
    clf = MentorNetClassifier(max_epochs=10, random_state=0).fit(X, y)
    assert clf.noise_matrix_.shape == (4, 4)
    assert np.isfinite(clf.noise_matrix_).all()
    assert np.isfinite(clf.predict_proba(X)).all()


def test_a_dataset_gives_what_an_array_gives_and_is_read_as_often_as_it_must(noisy_blobs):
    X, y = noisy_blobs

    class Counted(Dataset):
        n_loads = 0

        def __len__(self):
            return len(X)

        def __getitem__(self, row):
            Counted.n_loads += 1
            return torch.as_tensor(X[row]), int(y[row])

    clf = MentorNetClassifier(student=MLP((8,)), standardize=False, max_epochs=10, random_state=0)
    expected = clf.fit(X, y).predict_proba(X)
    rate = clf.noise_rate_
    np.testing.assert_allclose(clf.fit(TensorDataset(torch.tensor(X), torch.tensor(y))).predict_proba(X), expected)
    assert clf.noise_rate_ == rate
    clf.fit(Counted(), y)
    n_passes = 10 + 2 * (2 * 4 + 1)  # the training; twice, five short ones of two epochs on four fifths, and the fifths
    assert 0 <= Counted.n_loads - n_passes * len(X) < 11 * 100  # each of the eleven is tried on some


class Kill(Callback):
    def __init__(self, epoch):
        self.epoch = epoch

    def on_epoch_begin(self, net, **kwargs):
        if len(net.history) == self.epoch:
            raise RuntimeError("killed")


@pytest.mark.parametrize("labels", ["noisy", "target"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_stopped_fit_goes_on_without_the_short_trainings(kind, labels, digits, tmp_path, monkeypatch):
    data = digits.data, getattr(digits, labels)
    whole = kind(max_epochs=10, random_state=0).fit(*data)
    clf = kind(max_epochs=10, checkpoint_dir=tmp_path, random_state=0)
    with pytest.raises(RuntimeError, match="killed"):
        clf.set_params(callbacks=[Kill(6)]).fit(*data)

    def never(*args, **kwargs):
        raise AssertionError("trained again")

    monkeypatch.setattr(_mentornet, "predict_by_others", never)
    for _ in range(2):  # what goes on, and what has ended
        clf.set_params(callbacks=None).fit(*data)
        assert torch.equal(network(clf), network(whole))
        assert np.array_equal(clf.sample_weight_, whole.sample_weight_)
        assert clf.advice_ == whole.advice_
        for name in OF_THE_NOISE:
            assert np.array_equal(getattr(clf, name), getattr(whole, name))


def test_what_it_found_is_saved(noisy_blobs, tmp_path):
    clf = MentorNetClassifier(max_epochs=10, random_state=0).fit(*noisy_blobs)
    clf.save(tmp_path)
    again = noisylabel.load(tmp_path)
    assert again.advice_ == clf.advice_
    for name in OF_THE_NOISE:
        assert np.array_equal(getattr(again, name), getattr(clf, name))


@pytest.mark.parametrize("noise", [None, pytest.param("symmetric", marks=pytest.mark.slow)])
def test_a_rare_class_is_learned_as_well_as_in_plain_training(noise):
    settings = {"n_informative": 10, "n_classes": 3, "weights": [0.6, 0.39, 0.01], "class_sep": 1.5, "flip_y": 0}
    X, y = make_classification(8000, 20, random_state=0, **settings)
    train, test = slice(0, 5000), slice(5000, None)
    labels = y[train] if noise is None else corrupt(y[train], noise, rate=0.1, random_state=0)[0]
    auto, plain = (
        balanced_accuracy_score(y[test], clf.fit(X[train], labels).predict(X[test]))
        for clf in (MentorNetClassifier(random_state=0), MentorNetClassifier("uniform", random_state=0))
    )
    assert auto >= plain


def test_the_advice_names_a_class_that_stands_out():
    """As a network that sees the truth finds it; two in five of the last class are called the first."""
    row = torch.arange(6000)
    truth = row % 3
    labels = torch.where((truth == 2) & (row % 5 < 2), 0, truth)
    noise = torch.rand(6000, 3, generator=torch.Generator().manual_seed(0))
    found = estimate_noise((4 * torch.nn.functional.one_hot(truth, 3) + noise).softmax(1), labels)
    advice = noise_advice(found, None, "Done.", np.array(["ant", "bee", "cow"]))
    assert "most of all of cow (" in advice
    assert "often called ant" in advice


def test_where_few_rows_tell_nothing_half_is_assumed_and_the_advice_says_so():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(80, 5)), np.arange(80) % 2  # nothing in X tells the class
    clf = MentorNetClassifier(random_state=0).fit(X, y)
    low, high = clf.noise_rate_interval_
    assert low == 0
    assert high >= 0.4
    assert "these rows are too few to tell" in clf.advice_
    assert f"Training assumed {min(high, 0.5) / 2:.0%}" in clf.advice_
    assert "the plain one" not in clf.advice_
    assert clf.sample_weight_.min() < 0.9


def test_held_out_rows_have_no_part_in_it(noisy_blobs):
    X, y = noisy_blobs
    clf = MentorNetClassifier(validation_fraction=0.2, max_epochs=10, random_state=0).fit(X, y)
    held_out = np.isnan(clf.sample_weight_)
    assert held_out.sum() == 90
    other = MentorNetClassifier(validation_fraction=0.2, max_epochs=10, standardize=False, random_state=0)
    rates = [other.fit(samples, y).noise_rate_ for samples in (X, np.where(held_out[:, None], -X, X))]
    assert rates[0] == rates[1]


def test_the_short_trainings_use_the_network_of_ones_own_class(noisy_blobs):
    built = []

    class Small(Student):
        def build(self, sample_shape, n_classes):
            built.append(sample_shape)
            return torch.nn.Linear(5, n_classes)

    class Own(MentorNetClassifier):
        def make_student(self, sample_shape):
            return Small()

    Own(max_epochs=4, random_state=0).fit(*noisy_blobs)
    assert len(built) == 11


def test_the_short_trainings_leave_callbacks_and_output_alone(noisy_blobs, capsys):
    epochs = []

    class Count(Callback):
        def on_epoch_end(self, net, **kwargs):
            epochs.append(len(net.history))

    MentorNetClassifier(max_epochs=10, callbacks=[Count()], random_state=0).fit(*noisy_blobs)
    assert epochs == list(range(1, 11))
    assert capsys.readouterr() == ("", "")


def test_a_percentile_or_a_name_is_another_mentor():
    assert isinstance(MentorNetClassifier().make_mentor(), LabelPosteriorMentor)
    assert repr(MentorNetClassifier(loss_percentile=0.7).make_mentor()) == repr(
        MentorNetClassifier("mentornet_pd", loss_percentile=0.7).make_mentor()
    )
    assert type(MentorNetClassifier("self_paced").make_mentor()).__name__ == "AutoPercentileMentor"
    assert type(MentorNetClassifier("focal").make_mentor()).__name__ == "PercentileMentor"


@pytest.mark.parametrize("options", [{"example_dropout": 0.2}, {"mixup_alpha": 1, "second_reweight": True}])
def test_what_belongs_to_percentiles_is_refused(options, blobs):
    with pytest.raises(InvalidParameterError, match=f"'{list(options)[-1]}' .*curriculum='auto'.*'mentornet_pd'"):
        MentorNetClassifier(**options).fit(*blobs)
