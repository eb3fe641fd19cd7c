"""Self-paced learning with diversity."""

import itertools
import pickle

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn import config_context
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.utils.data import TensorDataset

import noisylabel
from noisylabel import FilterKDClassifier, MentorMixClassifier, MentorNetClassifier
from noisylabel.exceptions import InvalidDataError, InvalidParameterError
from noisylabel.functional import diversity_weights
from noisylabel.mentors import ActiveBiasMentor, Observation, SPLDMentor, Trainee
from noisylabel.mentors._spld import Ranks
from noisylabel.mentors._student_features import check_has_features, student_features

TOY = [0.05, 0.12, 0.12, 0.12, 0.15, 0.40, 0.17, 0.18, 0.35, 0.15, 0.16, 0.20, 0.50, 0.28]
TOY_GROUPS = [0] * 6 + [1] * 3 + [2] * 4 + [3]


def kept(losses, groups, lam, gamma, weight=None, batches=1):
    """Rows that a mentor keeps whose moving percentile is lam; gamma as in the closed form."""
    losses, groups = torch.tensor(losses), torch.tensor(groups)
    rows, n_groups = torch.arange(len(losses)), int(groups.max()) + 1
    size = (torch.ones(len(losses)) if weight is None else weight).sum() / n_groups
    scaled = float(gamma / (lam * size.sqrt()))
    mentor = SPLDMentor(gamma=scaled, groups="given", loss_percentile=0.5, burn_in=18).check_parameters()
    mentor.tell(None, groups)
    mentor.start(len(losses), 2, torch.Generator())
    mentor.meet(Trainee(nn.Linear(1, 2), torch.zeros(len(losses), dtype=torch.long), lambda rows: rows))
    chosen = []
    for progress in (0.1, 0.5):
        mentor.advance(progress)
        for part in rows.chunk(batches):
            mentor.threshold_, mentor.percentile_decay = torch.tensor(lam), 1.0
            seen = Observation(
                losses[part], torch.zeros(len(part), 2), torch.zeros_like(part), part, progress,
                None if weight is None else weight[part],
            )  # fmt: skip
            chosen.append(mentor.weigh(seen))
    weights = torch.cat(chosen).reshape(2, -1)
    assert (weights[0] == 1).all()  # burn-in
    return weights[1].nonzero()[:, 0].tolist()


@pytest.mark.parametrize("batches", [1, 5])
@pytest.mark.parametrize(
    ("lam", "gamma", "expected"),
    [
        (0.149, 0.0, [0, 1, 2, 3]),  # self-paced: all of one group
        (0.03, 0.2, [0, 6, 9]),
        (0.05, 0.2, [0, 1, 2, 3, 6, 9]),  # three equal losses share a rank; one after the other, only row 1 is kept
        (0.001, 0.283, [0, 6, 9, 13]),  # one of each group
    ],
)
def test_the_toy_data_of_the_paper(lam, gamma, expected, batches):
    """Ranks are those in the group, however the rows come in batches."""
    assert kept(TOY, TOY_GROUPS, lam, gamma, batches=batches) == expected


def test_check_numbers_and_ties():
    losses, groups = [0.05, 0.12, 0.13, 0.4, 0.2, 0.18, 0.17, 0.35, 0.15], [0] * 6 + [1] * 3
    assert kept(losses, groups, 0.03, 0.2) == [0, 8]
    assert kept([0.5, 0.7, 0.6], [0, 0, 0], 0.5, 0.0) == [0]  # a loss of lambda is kept, as self-paced learning does
    order = np.random.default_rng(0).permutation(9)
    shuffled = kept([losses[i] for i in order], [groups[i] for i in order], 0.03, 0.2)
    assert sorted(order[shuffled].tolist()) == [0, 8]


def test_it_is_the_closed_form_and_the_best_choice_of_all():
    rng = np.random.default_rng(0)
    for _ in range(20):
        losses, groups = rng.random(6).astype(np.float32), rng.integers(0, 3, 6)
        groups[0] = 2  # so that there are three
        lam, gamma = rng.random() / 2 + 0.01, rng.random()
        found = kept(losses.tolist(), groups.tolist(), lam, gamma)
        closed = diversity_weights(torch.tensor(losses), torch.tensor(groups), lam, gamma)
        assert found == closed.nonzero()[:, 0].tolist()

        def value(v, losses=losses, groups=groups, lam=lam, gamma=gamma):
            return v @ (losses - lam) - gamma * np.sqrt(np.bincount(groups, v)).sum()

        best = min((np.array(v) for v in itertools.product((0, 1), repeat=6)), key=value)
        assert found == best.nonzero()[0].tolist()


def test_a_weight_of_two_is_a_row_twice_and_one_of_zero_is_none():
    losses, groups = [0.05, 0.12, 0.17, 0.35, 0.15, 0.01], [0, 0, 1, 1, 1, 1]
    weight = torch.tensor([2.0, 1, 1, 3, 1, 0])
    twice = [i for i, n in enumerate(weight.int().tolist()) for _ in range(n)]
    for lam, gamma in ((0.03, 0.2), (0.05, 0.3), (0.1, 0.1)):
        repeated = kept([losses[i] for i in twice], [groups[i] for i in twice], lam, gamma)
        expected = sorted({twice[i] for i in repeated})
        assert [row for row in kept(losses, groups, lam, gamma, weight) if weight[row] > 0] == expected


def test_ranks_are_those_of_the_losses_of_now_among_the_others_of_before():
    ranks = Ranks(5, 2, torch.device("cpu"))
    losses, groups = torch.tensor([0.1, 0.5, 0.3, 0.2, torch.inf]), torch.tensor([0, 0, 0, 1, 1])
    ranks.rank(losses, torch.ones(5), groups)
    rows = torch.tensor([0, 1, 2, 3, 4])
    now = torch.tensor([0.6, 0.05, 0.3, 9.0, 0.1])  # the first is now the last; one that was never seen is the first
    assert ranks.of(rows, now, torch.ones(5), groups).tolist() == [3, 1, 2, 1, 1]
    assert ranks.mean_size == 2


@pytest.mark.parametrize(
    ("name", "value"),
    [("gamma", -1), ("groups", "cameras"), ("n_clusters", 0), ("burn_in", 0.5), ("loss_percentile", 2)],
)
def test_what_it_cannot_take_is_refused(name, value):
    with pytest.raises(InvalidParameterError, match=name):
        SPLDMentor(**{name: value}).check_parameters()


def test_with_a_number_it_does_not_listen(noisy_blobs):
    clf = MentorNetClassifier("spld", loss_percentile=0.6, max_epochs=10, random_state=0).fit(*noisy_blobs)
    assert not hasattr(clf, "noise_rate_")
    assert clf.history_["data_utilization"].iloc[-1] < 0.95
    assert clf.curriculum_ is None


def test_without_noise_it_is_plain_training(blobs):
    clf = MentorNetClassifier("spld", max_epochs=5, random_state=0).fit(*blobs)
    plain = MentorNetClassifier("uniform", max_epochs=5, random_state=0).fit(*blobs)
    assert np.array_equal(clf.predict_proba(blobs[0]), plain.predict_proba(blobs[0]))
    assert clf.noise_rate_interval_[0] == 0


def test_gamma_of_zero_is_self_paced(noisy_blobs):
    X, y = noisy_blobs
    options = {"max_epochs": 10, "random_state": 0}
    spld = MentorNetClassifier(SPLDMentor(gamma=0), **options).fit(X, y)
    self_paced = MentorNetClassifier("self_paced", **options).fit(X, y)
    assert spld.noise_rate_ == self_paced.noise_rate_ > 0.2
    assert np.array_equal(spld.predict_proba(X), self_paced.predict_proba(X))


@pytest.fixture(scope="module")
def cameras(digits):
    """Digits, of which each twentieth comes from another camera, which sees them inverted and blurred by noise."""
    rare = np.arange(len(digits.data)) % 20 == 0
    X = np.where(rare[:, None], 1 - digits.data, digits.data)
    X[rare] += np.random.default_rng(1).normal(0, 0.25, X[rare].shape)
    return X, rare, np.where(rare, "new", "old")


def test_a_rare_and_hard_group_is_kept(digits, cameras):
    X, rare, groups = cameras
    is_right = digits.noisy == digits.target
    options = {"loss_percentile": 0.64, "random_state": 0}
    self_paced = MentorNetClassifier("self_paced", **options).fit(X, digits.noisy)
    spld = MentorNetClassifier(SPLDMentor(groups="given"), **options).fit(X, digits.noisy, groups=groups)
    share = {name: clf.sample_weight_[rare & is_right].mean() for name, clf in [("sp", self_paced), ("spld", spld)]}
    assert share["sp"] < 0.75 < 0.9 < share["spld"]
    assert spld.sample_weight_[~rare & ~is_right].mean() < 0.15
    assert spld.sample_weight_[~rare & is_right].mean() > 0.97


def test_clusters_are_those_of_the_features_at_the_end_of_the_burn_in():
    generator = torch.Generator().manual_seed(0)
    truth = torch.arange(300) % 3
    X = torch.randn(300, 2, generator=generator) + 20 * torch.eye(3, 2)[truth]
    mentor = SPLDMentor(groups="clusters", loss_percentile=0.7).check_parameters()
    mentor.start(300, 3, generator)
    mentor.meet(Trainee(nn.Linear(2, 3), torch.zeros(300, dtype=torch.long), lambda rows: X[rows]))
    mentor.advance(0.17)
    assert not mentor.is_grouped_
    mentor.advance(0.18)
    assert len({(int(t), int(g)) for t, g in zip(truth, mentor.groups_, strict=True)}) == 3
    assert mentor.trainee_ is None
    again = SPLDMentor(groups="clusters", loss_percentile=0.7)
    again.start(300, 3, generator)
    again.load_state_dict(mentor.state_dict())
    assert torch.equal(again.groups_, mentor.groups_)


def test_features_are_what_the_last_linear_layer_gets_and_the_network_stays_as_it_was():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Dropout(0.5), nn.Linear(4, 2))
    net[1].eval()  # as a frozen layer is
    modes, X = [layer.training for layer in net.modules()], torch.randn(2000, 3)
    trainee = Trainee(net, torch.zeros(2000, dtype=torch.long), lambda rows: X[rows])
    features = torch.cat(list(student_features(trainee, torch.arange(2000))))
    torch.testing.assert_close(features, net[:3](X))
    assert [layer.training for layer in net.modules()] == modes
    assert not any(layer._forward_pre_hooks for layer in net.modules())
    with pytest.raises(InvalidParameterError, match="nn.Linear"):
        check_has_features(nn.Conv1d(1, 1, 1))


@pytest.mark.parametrize("values", ["strings", "numbers", "frame", "tensor"])
def test_groups_may_be_any_values(values, blobs):
    X, y = blobs
    codes = np.arange(120) % 2
    groups = {
        "strings": np.array(["a", "b"])[codes], "numbers": codes * 1.5, "frame": pd.Series(codes == 1),
        "tensor": torch.as_tensor(codes),
    }[values]  # fmt: skip
    clf = MentorNetClassifier(SPLDMentor(groups="given"), loss_percentile=0.7, max_epochs=6, random_state=0)
    expected = clf.fit(X, y, groups=codes).predict_proba(X)
    assert np.array_equal(clf.fit(X, y, groups=groups).predict_proba(X), expected)


def test_groups_that_cannot_be_used_are_refused(blobs):
    X, y = blobs
    given = MentorNetClassifier(SPLDMentor(groups="given"), max_epochs=2)
    with pytest.raises(InvalidDataError, match="groups=.*one a row"):
        given.fit(X, y)
    with pytest.raises(InvalidDataError, match="'groups' must have an entry for each of the 120 rows"):
        given.fit(X, y, groups=y[:5])
    with pytest.raises(InvalidDataError, match="groups"):
        given.fit(X, y, groups=np.where(y == 0, np.nan, 1.0))
    for clf in (MentorNetClassifier("spld"), MentorMixClassifier(), FilterKDClassifier(), MentorNetClassifier("focal")):
        with pytest.raises(InvalidParameterError, match="no use for 'groups'"):
            clf.fit(X, y, groups=y)


@pytest.mark.parametrize(
    ("mentor", "said"),
    [
        (
            SPLDMentor(loss_percentile=0.6),
            r"'loss_percentile' of the classifier, 0\.7, .* Set loss_percentile=0\.6 there",
        ),
        (SPLDMentor(burn_in=30), "'burn_in' of the classifier, 18, .* Set burn_in=30 there"),
        (ActiveBiasMentor(burn_in=30), "'burn_in' of the classifier, 18, .* Set burn_in=30 there"),
    ],
)
def test_what_a_mentor_was_made_with_is_not_passed_over(blobs, mentor, said):
    with pytest.raises(InvalidParameterError, match=said):
        MentorNetClassifier(mentor, loss_percentile=0.7, max_epochs=1).fit(*blobs)


def test_groups_are_routed_through_a_pipeline_and_a_grid(blobs):
    X, y = blobs
    groups = np.array(["a", "b", "c"])[np.arange(120) % 3]
    with config_context(enable_metadata_routing=True):
        clf = MentorNetClassifier(SPLDMentor(groups="given"), loss_percentile=0.7, max_epochs=4, random_state=0)
        pipeline = make_pipeline(StandardScaler(), clf.set_fit_request(groups=True))
        grid = {"mentornetclassifier__curriculum__gamma": [0.5, 2]}
        search = GridSearchCV(pipeline, grid, cv=2, error_score="raise").fit(X, y, groups=groups)
    assert search.best_score_ > 0.3


def test_a_checkpoint_knows_its_groups(blobs, tmp_path):
    X, y = blobs
    clf = MentorNetClassifier(
        SPLDMentor(groups="given"), loss_percentile=0.7, max_epochs=4, random_state=0, checkpoint_dir=tmp_path
    )
    first = clf.fit(X, y, groups=y % 2).predict_proba(X)
    assert np.array_equal(clf.fit(X, y, groups=y % 2).predict_proba(X), first)
    with pytest.raises(InvalidParameterError, match="other data: groups"):
        clf.fit(X, y, groups=y)


def test_it_works_with_held_out_rows_mixes_datasets_and_one_row_classes(noisy_blobs, tmp_path):
    X, y = noisy_blobs
    y = np.where(np.arange(len(y)) == 7, 9, y)  # a class of one row
    options = {"max_epochs": 6, "random_state": 0, "loss_percentile": 0.7}
    weight = np.arange(len(y)) % 3
    clf = MentorMixClassifier("spld", validation_fraction=0.2, second_reweight=True, **options)
    clf.fit(X, y, sample_weight=weight)
    clf.save(tmp_path / "clf")
    for again in (noisylabel.load(tmp_path / "clf"), pickle.loads(pickle.dumps(clf))):
        assert np.array_equal(again.predict_proba(X), clf.predict_proba(X))
    assert not {"ranks_", "latest_", "trainee_", "given_"} & clf.net_.mentor.__dict__.keys()
    spld = SPLDMentor(groups="clusters", n_clusters=2)
    streamed = MentorNetClassifier(spld, class_weight="balanced", **options)
    streamed.fit(TensorDataset(torch.tensor(X), torch.tensor(y)))
    in_memory = MentorNetClassifier(spld, class_weight="balanced", **options).fit(X, y)
    assert np.allclose(streamed.predict_proba(X), in_memory.predict_proba(X), atol=1e-4)
    assert len(in_memory.label_issues()) == len(y)
