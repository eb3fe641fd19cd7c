"""The mentor that weighs rows by what they do for trusted ones."""

import io
import pickle

import numpy as np
import pytest
import torch
from skorch.callbacks import Callback
from torch import nn
from torch.func import functional_call
from torch.nn.functional import cross_entropy
from torch.utils.data import TensorDataset

from noisylabel import MentorMixClassifier, MentorNetClassifier, corrupt, load
from noisylabel.exceptions import InvalidDataError, InvalidParameterError
from noisylabel.functional import alignment_weights
from noisylabel.mentors import LearningToReweightMentor, Observation, Trainee


def started(module, inputs, right_labels, **options):
    mentor = LearningToReweightMentor(**options).check_parameters()
    mentor.tell(right_labels, None)
    mentor.start(len(inputs), 3, torch.Generator().manual_seed(0))
    mentor.meet(Trainee(module, right_labels.clamp_min(0), lambda rows: inputs[rows]))
    return mentor


def observation(inputs, labels, sample_weight=None):
    n = len(labels)
    return Observation(torch.ones(n), torch.zeros(n, 3), labels, torch.arange(n), 0.0, sample_weight, inputs)


def test_weights_of_one_parameter_by_hand():
    """Logits (0, w x) with w = 0: a row's slope is x / 2 towards its label, the trusted rows' mean slope is 3/4."""
    net = nn.Sequential(nn.Linear(1, 1, bias=False), nn.ConstantPad1d((1, 0), 0.0))
    net[0].weight.data.zero_()
    mentor = started(net, torch.tensor([[1.0], [2.0], [9.0]]), torch.tensor([1, 1, -1]))
    inputs, labels = torch.tensor([[1.0], [1.0], [2.0]]), torch.tensor([1, 0, 1])
    torch.testing.assert_close(mentor.alignment(inputs, labels), torch.tensor([0.375, -0.375, 0.75]))
    torch.testing.assert_close(mentor.weigh(observation(inputs, labels)), torch.tensor([1.0, 0.0, 2.0]))
    assert mentor.metrics()["trusted_loss"] == pytest.approx(np.log(2))
    assert mentor.weigh(observation(inputs, 1 - labels))[[0, 2]].tolist() == [0, 0]
    assert mentor.weigh(observation(inputs[:1], 1 - labels[:1])).tolist() == [0]  # none helps


def test_the_papers_numbers_and_counted_rows():
    mentor = started(nn.Linear(1, 3), torch.zeros(3, 1), torch.tensor([0, 1, 2]))
    mentor.alignment = lambda inputs, labels: torch.tensor([2.5, -2.5, 2.5, 2.5])[: len(labels)]
    labels = torch.zeros(3, dtype=torch.long)
    assert mentor.weigh(observation(labels, labels)).tolist() == [1.5, 0, 1.5]
    counted = mentor.weigh(observation(labels, labels, torch.tensor([2.0, 1.0, 1.0])))
    torch.testing.assert_close(counted, torch.tensor([4 / 3, 0, 4 / 3]))  # as of four rows, three of which help
    assert mentor.weigh(observation(labels, labels, torch.zeros(3))).tolist() == [0, 0, 0]


def test_no_row_counts_more_than_twice():
    """Of four rows with alignments 1, 1, 6, 0 the third had 6 / 8 of the weight: 3 times that of plain training."""
    mentor = started(nn.Linear(1, 3), torch.zeros(3, 1), torch.tensor([0, 1, 2]))
    alignment = torch.tensor([1.0, 1.0, 6.0, 0.0])
    mentor.alignment = lambda inputs, labels: alignment
    labels = torch.zeros(4, dtype=torch.long)
    assert alignment_weights(alignment).tolist() == [0.125, 0.125, 0.75, 0]
    assert mentor.weigh(observation(labels, labels)).tolist() == [0.5, 0.5, 2, 0]
    assert mentor.weigh(observation(labels, labels, torch.ones(4))).tolist() == [0.5, 0.5, 2, 0]


class Recurrent(nn.Module):
    def __init__(self, layer, head=8):
        super().__init__()
        self.layer, self.head = layer, nn.Linear(head, 3)

    def forward(self, x):
        out = self.layer(x.reshape(len(x), 4, 8))
        return self.head((out[0] if isinstance(out, tuple) else out)[:, -1])


def with_normalisation():
    return nn.Sequential(nn.Linear(32, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 3))


NETWORKS = {
    "plain": lambda: nn.Sequential(nn.Linear(32, 8), nn.Tanh(), nn.Linear(8, 3)),
    "batch normalisation": with_normalisation,
    "drop-out": lambda: nn.Sequential(nn.Linear(32, 8), nn.Dropout(0.5), nn.Linear(8, 3)),
    "no forward mode": lambda: Recurrent(nn.LSTM(8, 8, batch_first=True)),
    "attention": lambda: Recurrent(nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True)),
}


def by_double_backward(network, noisy, trusted):
    """What the paper does: a step with weights eps, the trusted loss after it, and its derivative by eps at 0."""
    for layer in network.modules():
        if isinstance(layer, nn.Dropout):
            layer.p = 0.0
    parameters = dict(network.named_parameters())

    def losses(at, inputs, labels):
        buffers = {name: buffer.clone() for name, buffer in network.named_buffers()}
        with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):
            logits = functional_call(network, (at, buffers), (inputs,))
        return cross_entropy(logits, labels, reduction="none")

    eps = torch.zeros(len(noisy[1]), requires_grad=True)
    slopes = torch.autograd.grad(eps @ losses(parameters, *noisy), list(parameters.values()), create_graph=True)
    stepped = {name: value - slope for (name, value), slope in zip(parameters.items(), slopes, strict=True)}
    return -torch.autograd.grad(losses(stepped, *trusted).mean(), eps)[0]


@pytest.mark.parametrize("name", NETWORKS)
def test_alignments_are_the_papers_derivatives_and_leave_the_network_alone(name):
    network = NETWORKS[name]().train()
    draws = torch.Generator().manual_seed(1)
    inputs, labels = torch.randn(12, 32, generator=draws), torch.randint(3, (12,), generator=draws)
    mentor = started(network, inputs, torch.where(torch.arange(12) < 5, labels, -1))
    before, stream = {k: v.clone() for k, v in network.state_dict().items()}, torch.get_rng_state()
    seen = mentor.alignment(inputs[5:], labels[5:])
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())
    assert torch.equal(stream, torch.get_rng_state())
    assert all(layer.training for layer in network.modules())
    assert all(parameter.grad is None for parameter in network.parameters())
    expected = by_double_backward(network, (inputs[5:], labels[5:]), (inputs[:5], labels[:5]))
    torch.testing.assert_close(seen, expected, rtol=1e-4, atol=1e-6)
    assert not seen.requires_grad
    assert mentor.has_forward_mode_ == (name != "no forward mode")


def test_frozen_parameters_have_no_part_in_it():
    network = NETWORKS["plain"]()
    inputs, labels = torch.randn(6, 32), torch.tensor([0, 1, 2, 0, 1, 2])
    mentor = started(network, inputs, labels)
    whole = mentor.alignment(inputs, labels)
    network[0].requires_grad_(False)
    of_head = mentor.alignment(inputs, labels)
    network[0].requires_grad_(True)
    network[2].requires_grad_(False)
    torch.testing.assert_close(of_head + mentor.alignment(inputs, labels), whole)


def test_a_network_that_cannot_be_differentiated_twice_is_named():
    network = nn.Sequential(nn.EmbeddingBag(10, 8), nn.Linear(8, 3))
    inputs, labels = torch.randint(10, (6, 4)), torch.tensor([0, 1, 2, 0, 1, 2])
    with pytest.raises(InvalidParameterError, match="'student' holds an operation that can be differentiated only"):
        started(network, inputs, labels).alignment(inputs, labels)


def test_trusted_rows_are_drawn_and_few_are_all_taken(monkeypatch):
    network, inputs = NETWORKS["plain"](), torch.randn(40, 32)
    mentor = started(network, inputs, torch.arange(40) % 3, n_trusted_per_step=8)
    drawn = torch.cat([mentor._trusted_batch()[0][:, 0] for _ in range(100)]).unique()
    assert len(drawn) == 40
    few = torch.full((40,), -1)
    few[7] = 2
    inputs_of_few, labels_of_few = started(with_normalisation(), inputs, few)._trusted_batch()
    assert torch.equal(inputs_of_few, inputs[[7, 7]])  # batch normalisation needs two
    assert labels_of_few.tolist() == [2, 2]
    monkeypatch.setattr("noisylabel.mentors._learning_to_reweight._MOST_NUMBERS", 10 * 32)
    assert len(started(network, inputs, torch.arange(40) % 3).labels_) == 10


def test_misuse_is_said(blobs):
    with pytest.raises(InvalidParameterError, match="'n_trusted_per_step' must be an integer of at least 2"):
        LearningToReweightMentor(n_trusted_per_step=1).check_parameters()
    clf = MentorNetClassifier("learning_to_reweight", max_epochs=2)
    with pytest.raises(InvalidDataError, match="Pass them to fit as y_trusted"):
        clf.fit(*blobs)
    X, y = blobs
    weight = np.where(np.arange(len(y)) < 60, 1.0, 0.0)
    with pytest.raises(InvalidDataError, match="knows the right label of no row that training uses"):
        clf.fit(X, y, sample_weight=weight, y_trusted=np.where(weight == 0, y, -1))


def trusted(y, n=100):
    return np.where(np.arange(len(y)) % (len(y) // n) == 0, y, -1)


@pytest.fixture(scope="module")
def confused(digits):
    """Digits of which about half of some classes is labelled as another class."""
    other = np.array([0, 7, 3, 8, 4, 6, 6, 7, 8, 4])
    wrong = np.random.default_rng(0).random(len(digits.target)) < 0.45
    return np.where(wrong, other[digits.target], digits.target)


@pytest.fixture(scope="module")
def fitted(digits, confused):
    clf = MentorNetClassifier("learning_to_reweight", max_epochs=25, random_state=0)
    return clf.fit(digits.data, confused, y_trusted=trusted(digits.target))


def test_a_hundred_trusted_rows_beat_plain_training_where_classes_are_confused(digits, confused, fitted):
    plain = MentorNetClassifier("uniform", max_epochs=25, random_state=0).fit(digits.data, confused)
    accuracy = [clf.score(digits.test_data, digits.test_target) for clf in (plain, fitted)]
    assert accuracy[1] > accuracy[0] + 0.1
    weights, right = fitted.record_.column("weight_mean").numpy(), digits.target == confused
    assert weights[~right].mean() < 0.2 < 0.5 < weights[right].mean()
    assert fitted.history_["data_utilization"].between(0.2, 1).all()
    assert fitted.history_["trusted_loss"].iloc[-1] < 0.5 < fitted.history_["trusted_loss"].iloc[0]


def test_plain_gradient_descent_does_not_end_at_chance(digits):
    """Without the bound this training is right at its tenth epoch, and at chance (10 %) from the twentieth on."""
    noisy_y, _ = corrupt(digits.target, "symmetric", rate=0.4, random_state=0)
    clf = MentorNetClassifier("learning_to_reweight", optimizer="sgd", lr=0.05, student="mlp", random_state=0)
    clf.fit(digits.data, noisy_y, y_trusted=trusted(digits.target))
    assert clf.score(digits.test_data, digits.test_target) > 0.85


def test_a_fitted_classifier_is_saved_without_the_memory_of_training(digits, fitted, tmp_path):
    fitted.save(tmp_path / "clf")
    for again in (pickle.loads(pickle.dumps(fitted)), load(tmp_path / "clf")):
        assert np.array_equal(again.predict_proba(digits.test_data), fitted.predict_proba(digits.test_data))
    assert "inputs_" not in vars(fitted.net_.mentor)
    assert len(fitted.label_issues()) == len(digits.data)


class Kill(Callback):
    def on_epoch_end(self, net, **kwargs):
        if len(net.history) == 3:
            raise RuntimeError("killed")


def test_a_stopped_fit_goes_on_to_the_same_network(blobs, tmp_path):
    X, y = blobs
    options = {"max_epochs": 6, "random_state": 0, "batch_size": 24, "validation_fraction": 0.2}
    mentor = LearningToReweightMentor(n_trusted_per_step=8)
    whole = MentorNetClassifier(mentor, **options).fit(X, y, y_trusted=trusted(y, 40))
    clf = MentorNetClassifier(mentor, checkpoint_dir=tmp_path, callbacks=[Kill()], **options)
    with pytest.raises(RuntimeError, match="killed"):
        clf.fit(X, y, y_trusted=trusted(y, 40))
    clf.set_params(callbacks=None).fit(X, y, y_trusted=trusted(y, 40))
    assert np.array_equal(whole.predict_proba(X), clf.predict_proba(X))
    assert np.array_equal(whole.sample_weight_, clf.sample_weight_, equal_nan=True)


@pytest.mark.parametrize("mix_ratio", ["hard", "soft"])
def test_mixes_of_rows_that_count_more_than_once(blobs, mix_ratio):
    X, y = blobs
    clf = MentorMixClassifier("learning_to_reweight", mix_ratio=mix_ratio, max_epochs=20, batch_size=24)
    clf.fit(X, y, y_trusted=trusted(y, 40), sample_weight=1.0 + np.arange(len(y)) % 2)
    assert clf.score(X, y) > 0.9
    assert 1 < clf.sample_weight_.max() <= 2


def test_datasets_and_held_out_rows(blobs):
    X, y = blobs
    options = {"max_epochs": 3, "random_state": 0, "class_weight": "balanced", "validation_fraction": 0.2}
    in_memory = MentorNetClassifier("learning_to_reweight", **options).fit(X, y, y_trusted=trusted(y, 40))
    data = TensorDataset(torch.as_tensor(X), torch.as_tensor(y))
    streamed = MentorNetClassifier("learning_to_reweight", **options).fit(data, y_trusted=trusted(y, 40))
    np.testing.assert_allclose(streamed.predict_proba(data), in_memory.predict_proba(X), atol=1e-4)
    buffer = io.BytesIO()
    pickle.dump(streamed, buffer)
    assert buffer.tell() < 1_500_000
