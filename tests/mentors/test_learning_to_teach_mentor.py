"""Learning to teach: the policy's gradient, its rewards, what it learns from them, and that it can be kept."""

import json
import math
import pickle

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from skorch.callbacks import Callback
from torch import nn
from torch.utils.data import TensorDataset

from noisylabel import MentorMixClassifier, MentorNetClassifier, load
from noisylabel.curricula.learned import TeachingPolicy
from noisylabel.curricula.learned._teaching_policy import keep_logits, score
from noisylabel.exceptions import InvalidFileError, InvalidParameterError, NoisyLabelWarning
from noisylabel.mentors import LearningToTeachMentor, Observation, Trainee
from noisylabel.mentors._learning_to_teach import draw_judges, time_reward
from noisylabel.testing import count_reads

N = 100


def stream(seed=0):
    return torch.Generator().manual_seed(seed)


class Student(nn.Module):
    """Says class 0 as surely as it has been told."""

    sureness = 0.0

    def forward(self, X):
        return torch.stack([torch.full((len(X),), self.sureness), torch.zeros(len(X))], 1)


def inputs(rows):
    return torch.zeros(len(rows), 1)


def started(student=None, seed=0, right=None, **parameters):
    mentor = LearningToTeachMentor(**parameters)
    mentor.tell(right, None)
    mentor.check_parameters().start(N, 2, stream(seed))
    if student is not None:
        mentor.meet(Trainee(student, torch.zeros(N, dtype=torch.long), inputs))
    return mentor


def observe(own, rows=None, progress=0.0, weight=None):
    """Show rows of class 0 to which the student gives these probabilities."""
    own = torch.as_tensor(own)
    rows = torch.arange(len(own)) if rows is None else rows
    logits = torch.stack([own.log(), (1 - own).log()], 1)
    return Observation(-own.log(), logits, torch.zeros(len(own), dtype=torch.long), rows, progress, weight)


def test_features_of_a_sample():
    mentor = LearningToTeachMentor()
    mentor.start(2, 3, stream())
    mentor.advance(0.25)
    logits = torch.tensor([0.7, 0.2, 0.1]).log().repeat(2, 1)
    labels = torch.tensor([0, 1])
    seen = Observation(-logits[[0, 1], labels], logits, labels, torch.arange(2), 0.25)
    mean_loss = (0.356675 + 1.609438) / 2 / math.log(3)
    expected = [
        [0.356675 / 5, 0, 0.7, 0.7, 0.5, mean_loss, 0.25, 0],
        [1.609438 / 5, 1, 0.2, 0.2, -0.5, mean_loss, 0.25, 0],
    ]
    assert mentor._features(seen).numpy() == pytest.approx(np.array(expected), abs=1e-6)
    later = torch.tensor([0.1, 0.6, 0.3]).log().repeat(2, 1)
    features = mentor._features(Observation(-later[[0, 1], labels], later, labels, torch.arange(2), 0.5))
    assert features[:, 3].tolist() == pytest.approx([0.4, 0.4])  # means of (0.7, 0.1) and (0.2, 0.6)


def test_at_first_0_88_of_everything_is_kept():
    features = torch.randn(1000, 8, generator=stream())
    assert TeachingPolicy().probabilities(features).numpy() == pytest.approx(0.880797)
    weights = started().weigh(observe([0.5] * N))
    assert set(weights.tolist()) == {0.0, 1.0}
    assert 0.75 < weights.mean() < 0.97


def test_the_score_is_the_gradient_of_the_log_probability():
    parameters = torch.randn(121, generator=stream()).requires_grad_()
    features, kept = torch.randn(50, 8, generator=stream(1)), (torch.rand(50, generator=stream(2)) < 0.5).float()
    logits, hidden = keep_logits(parameters, features)
    chosen = torch.where(kept == 1, logits.sigmoid(), 1 - logits.sigmoid())
    chosen.log().sum().backward()
    found = score(parameters.detach(), features, hidden.detach(), kept - logits.detach().sigmoid())
    torch.testing.assert_close(found, parameters.grad, rtol=1e-4, atol=1e-4)


def test_a_step_is_rate_times_advantage_times_score_by_hand():
    student = Student()
    mentor = started(student, reward="loss", policy_lr=0.5, n_stretches=4)
    losses = []
    for stretch, sureness in enumerate((0.0, 1.0, 1.5)):
        student.sureness = sureness
        losses.append(math.log1p(math.exp(-sureness)))
        before, summed, n = mentor.parameters_.clone(), mentor.score_.clone(), mentor.n_decided_.item()
        mentor.advance(stretch / 4)
        mentor.weigh(observe([0.5] * N))
    first, second = losses[0] - losses[1], losses[1] - losses[2]
    assert mentor.rewards_ == pytest.approx([first, second], abs=1e-6)
    sign = math.copysign(1, second - first)  # the only advantage so far is one standard deviation
    assert n == 90  # nothing is decided about judges
    torch.testing.assert_close(mentor.parameters_, before + 0.5 * sign * summed / math.sqrt(n))


def test_rewards():
    assert time_reward(500 / 10_000) == pytest.approx(2.995732, abs=1e-6)
    assert time_reward(1.0) == 0
    student = Student()
    mentor = started(student, reward="time", goal=0.9)
    student.sureness = -1.0  # all judges wrong
    mentor.advance(0.0)
    mentor.advance(0.2)
    assert mentor.rewards_ == []
    student.sureness = 1.0
    for progress in (0.25, 0.5, 0.75):
        mentor.advance(progress)
    assert mentor.rewards_ == pytest.approx([-math.log(0.25)])
    assert mentor.result().card["baseline"] == pytest.approx([-math.log(0.25)])
    never = started(student, reward="time", goal=0.9)
    student.sureness = -1.0
    never.advance(0.0)
    never.advance(0.5)
    assert never.result().card["baseline"] == [0.0]
    accurate = started(student, reward="accuracy")
    accurate.advance(0.0)
    student.sureness = 1.0
    accurate.advance(0.05)
    assert accurate.rewards_ == [1.0]
    assert accurate.metrics()["judged_accuracy"] == 1.0


@pytest.mark.parametrize("seed", range(2))
def test_it_learns_to_drop_what_harms(seed):
    """The student gains from rows that it believes, and loses by those that it does not."""
    student, steps = Student(), 300
    mentor, rng = started(student, seed, reward="loss", n_stretches=steps), stream(seed)
    harms = torch.arange(N) % 2
    kept = []
    for step in range(steps):
        mentor.advance(step / steps)
        rows = torch.randperm(N, generator=rng)[:64]
        weights = mentor.weigh(observe(torch.where(harms[rows] == 1, 0.3, 0.7), rows))
        decided = 1 - mentor.is_judge_[rows]
        kept.append([float((weights * part).sum() / (decided * part).sum()) for part in (1 - harms[rows], harms[rows])])
        student.sureness += 0.1 * (kept[-1][0] - kept[-1][1])
    good, bad = np.mean(kept[-50:], axis=0)
    assert good > bad + 0.2
    assert bad < 0.6 < 0.8 < np.mean(kept[:10])


def test_judges_have_weight_0_and_each_class_keeps_a_row():
    labels = torch.tensor([0] * 50 + [1] * 2 + [2])
    may = torch.ones(53, dtype=torch.bool)
    judges = draw_judges(labels, may, 60, stream())
    assert labels[judges].bincount(minlength=3).tolist() == [49, 1, 0]
    assert len(draw_judges(labels, may, 7, stream())) == 7
    may[:40] = False
    assert draw_judges(labels, may, 60, stream()).min() >= 40
    mentor = started(Student())
    assert mentor.is_judge_.sum() == 10
    assert (mentor.weigh(observe([0.5] * N))[mentor.is_judge_ == 1] == 0).all()
    right = torch.full((N,), -1)
    right[:30] = 1  # the trusted rows' given label 0 is wrong
    told = started(Student(), right=right, held_out=0.2)
    assert told.is_judge_[:30].sum() == 20 == told.is_judge_.sum()
    assert (told.judged_ == 1).all()


def test_rows_that_do_not_count_decide_nothing():
    mentor = started()
    mentor.weigh(observe([0.5] * N, weight=(torch.arange(N) < 30).float()))
    assert mentor.n_decided_ == 30


def test_without_a_row_to_judge_by_it_says_so_and_teaches_as_it_is():
    mentor = started()
    with pytest.warns(NoisyLabelWarning, match="No row can be held out"):
        mentor.meet(Trainee(Student(), torch.arange(N), inputs))
    mentor.advance(0.0)
    mentor.advance(0.5)
    assert torch.isnan(torch.tensor(list(mentor.metrics().values()))).all()


def test_looking_leaves_the_network_as_it_was():
    student = nn.Sequential(nn.BatchNorm1d(1), nn.Linear(1, 2))
    student[0].eval()
    before = {name: value.clone() for name, value in student.state_dict().items()}
    mentor = started(student)
    mentor.advance(0.0)
    assert [layer.training for layer in student] == [False, True]
    assert all(torch.equal(value, before[name]) for name, value in student.state_dict().items())
    with count_reads() as reads:
        mentor.advance(0.01)  # within a stretch
        mentor.weigh(observe([0.5] * N))
    assert reads.total() == 0


def test_files(tmp_path):
    policy = TeachingPolicy(card={"episodes": 3, "reward": "loss", "baseline": [0.5, None]})
    path = policy.save(tmp_path / "teacher")
    loaded = TeachingPolicy.load(path)
    assert torch.equal(loaded.parameters, policy.parameters)
    assert loaded.card["baseline"] == [0.5, None]
    assert repr(loaded) == "TeachingPolicy(episodes=3)"
    mentor = started(policy=path, n_stretches=2, reward="loss")
    assert torch.equal(mentor.parameters_, policy.parameters)
    assert mentor.card_["baseline"] == [0.5, None]
    assert started(policy=policy, n_stretches=3).card_["baseline"] == [None] * 3
    card = json.loads(path.with_suffix(".json").read_text())
    for entry, value in {"features": [], "episodes": -1, "reward": 3, "baseline": ["a"], "format": "x"}.items():
        path.with_suffix(".json").write_text(json.dumps(card | {entry: value}))
        with pytest.raises(InvalidFileError, match=entry):
            TeachingPolicy.load(path)
    path.with_suffix(".json").write_text(json.dumps(card))
    path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(InvalidFileError, match="cut off"):
        started(policy=path)
    with pytest.raises(InvalidFileError, match="A teaching policy is two files"):
        started(policy=tmp_path / "other.safetensors")


@pytest.mark.parametrize(
    "wrong",
    [
        {"policy": 3},
        {"policy_lr": -1},
        {"reward": "fun"},
        {"goal": 1},
        {"n_stretches": 1},
        {"n_stretches": 2.5},
        {"held_out": 0},
        {"held_out": 0.6},
    ],
)
def test_bad_parameters(wrong):
    with pytest.raises(InvalidParameterError, match=f"'{next(iter(wrong))}' must be"):
        started(**wrong)


def test_a_policy_goes_from_fit_to_fit_and_teaches_as_it_is_with_rate_0(blobs):
    first = MentorNetClassifier("learning_to_teach", max_epochs=20, random_state=0).fit(*blobs)
    policy = first.curriculum_
    assert policy.card["episodes"] == 1
    assert sum(reward is not None for reward in policy.card["baseline"]) == 19  # nobody looks after the last stretch
    again = MentorNetClassifier(LearningToTeachMentor(policy=policy), max_epochs=20, random_state=1).fit(*blobs)
    assert again.curriculum_.card["episodes"] == 2
    assert not torch.equal(again.curriculum_.parameters, policy.parameters)
    fixed = MentorNetClassifier(LearningToTeachMentor(policy=policy, policy_lr=0), max_epochs=20, random_state=1)
    assert torch.equal(fixed.fit(*blobs).curriculum_.parameters, policy.parameters)
    assert clone(fixed).curriculum.policy is policy
    assert np.array_equal(
        first.predict(blobs[0]),
        MentorNetClassifier(LearningToTeachMentor(), max_epochs=20, random_state=0).fit(*blobs).predict(blobs[0]),
    )


def test_trusted_rows_judge(noisy_blobs):
    X, noisy = noisy_blobs
    y = np.repeat(np.arange(3), 150)
    is_trusted = np.arange(len(y)) % 10 == 0
    trusted = np.where(is_trusted, y, -1)
    clf = MentorNetClassifier("learning_to_teach", max_epochs=20, random_state=0).fit(X, noisy, y_trusted=trusted)
    assert (clf.sample_weight_[is_trusted] == 0).all()  # none is the first of its class
    assert clf.sample_weight_[~is_trusted].mean() > 0.5
    assert clf.history_["judged_accuracy"].iloc[-1] > 0.8  # by the right labels, which 0.4 of the given ones are not
    assert clf.score(X, y) > 0.8


class Kill(Callback):
    def __init__(self, epoch):
        self.epoch = epoch

    def on_batch_begin(self, net, training=False, **kwargs):
        if training and len(net.history) == self.epoch:
            raise RuntimeError("killed")


class StopEarly(Callback):
    def on_epoch_end(self, net, **kwargs):
        raise KeyboardInterrupt


@pytest.mark.parametrize("kind", [MentorNetClassifier, MentorMixClassifier])
def test_a_killed_fit_goes_on_to_the_same_policy(kind, blobs, tmp_path):
    clf = kind(LearningToTeachMentor(reward="loss", n_stretches=7), max_epochs=20, random_state=0)
    expected = clone(clf).fit(*blobs)
    for epoch in (3, 12):
        with pytest.raises(RuntimeError, match="killed"):
            clone(clf).set_params(checkpoint_dir=tmp_path, callbacks=[Kill(epoch)]).fit(*blobs)
    found = clone(clf).set_params(checkpoint_dir=tmp_path).fit(*blobs)
    assert torch.equal(found.curriculum_.parameters, expected.curriculum_.parameters)
    assert found.curriculum_.card == expected.curriculum_.card
    assert np.array_equal(found.sample_weight_, expected.sample_weight_)


def test_what_else_a_fit_may_have(blobs, tmp_path):
    X, y = blobs
    rare = np.append(y, 3)  # a class of one row
    weight = np.arange(121) % 2 + 0.0
    clf = MentorMixClassifier("learning_to_teach", max_epochs=8, class_weight="balanced", random_state=0)
    clf.fit(np.vstack([X, X[:1] + 50]), rare, sample_weight=weight)
    plain = clone(clf).set_params(curriculum="uniform").fit(np.vstack([X, X[:1] + 50]), rare, sample_weight=weight)
    assert len(clf.label_issues()) == 121
    assert len(pickle.dumps(clf)) < len(pickle.dumps(plain)) + 5000  # neither data nor the network twice
    loaded = load(clf.save(tmp_path / "saved") or tmp_path / "saved")
    assert np.array_equal(loaded.predict(X), clf.predict(X))
    data = TensorDataset(torch.from_numpy(X), torch.from_numpy(y))
    streamed = MentorNetClassifier("learning_to_teach", max_epochs=4, validation_fraction=0.2, random_state=0)
    assert np.isfinite(streamed.fit(data, None).history_["judged_loss"]).all()
    stopped = MentorNetClassifier("learning_to_teach", max_epochs=8, callbacks=[StopEarly()], random_state=0)
    with pytest.warns(NoisyLabelWarning, match="interrupted"):  # and no word of a burn-in, which it has not
        assert len(stopped.fit(X, y).history_) == 1
    grid = {"curriculum": ["uniform", "learning_to_teach", LearningToTeachMentor(reward="loss")]}
    search = GridSearchCV(MentorNetClassifier(max_epochs=4, random_state=0), grid, cv=2).fit(X, y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
