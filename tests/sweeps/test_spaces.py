"""Every space fits its estimator, and every configuration of it trains."""

import optuna
import pytest
import torch
from skorch.callbacks import EpochTimer

from noisylabel import FilterKDClassifier, MentorMixClassifier, MentorNetClassifier
from noisylabel.curricula import CURRICULA, MentorNet, SPCLLinear, resolve_curriculum
from noisylabel.exceptions import InvalidFileError, InvalidParameterError
from noisylabel.losses import LOSSES, GeneralizedCrossEntropy, resolve_loss
from noisylabel.mentors import NAMED, LabelPosteriorMentor
from sweeps.spaces import METHODS, SPACES, Space, as_method, check_limits, method_of
from sweeps.spaces._parts import _OF_CURRICULUM, _OF_LOSS, _WITHOUT_PERCENTILE
from sweeps.spaces._parts import CURRICULA as IN_SPACE
from sweeps.trial.clock import Clock, clock_of
from sweeps.trial.draws import BoundSpace, check_space, configure, draws_trusted

ESTIMATORS = {
    "mentornet": MentorNetClassifier,
    "mentormix": MentorMixClassifier,
    "filterkd": FilterKDClassifier,
    "plain": MentorNetClassifier,
    "loss": MentorNetClassifier,
    "methods": MentorNetClassifier,
}


def bound_space(name, limits=None, **parameters):
    return BoundSpace(SPACES[name](), ESTIMATORS[name](**parameters), limits or {})


@pytest.mark.parametrize("name", SPACES)
def test_every_key_is_a_parameter_of_its_estimator(name):
    bound = bound_space(name)
    inner = set()
    for params in bound.examples():
        estimator = as_method(bound.estimator, params.pop("method")) if name == "methods" else bound.estimator
        assert {"lr", "weight_decay"} <= {key.split("__")[0] for key in params} <= estimator.get_params().keys()
        inner |= {(key.split("__")[0], params[key.split("__")[0]], key) for key in params if "__" in key}
    gammas = {"curriculum__gamma"} if name in ("mentornet", "mentormix", "methods") else set()
    of_losses = {f"loss__{key}" for own in _OF_LOSS.values() for key in own} if name in ("loss", "methods") else set()
    assert {key for *_, key in inner} == gammas | of_losses
    for part, value, key in inner:
        resolve = resolve_loss if part == "loss" else resolve_curriculum
        assert key.removeprefix(f"{part}__") in resolve(value).get_params()


@pytest.mark.filterwarnings("ignore::noisylabel.exceptions.NoisyLabelWarning")  # 120 rows are few for "auto"
@pytest.mark.parametrize("name", SPACES)
def test_every_sampled_configuration_trains(name, blobs):
    X, y = blobs
    bound = bound_space(name, max_epochs=20, random_state=0)
    choices = set()
    for params in bound.examples()[:30]:
        clf = configure(bound.estimator, params).fit(X, y)
        assert clf.n_iter_ == clf.max_epochs
        assert torch.isfinite(torch.as_tensor(clf.predict_proba(X))).all()
        kind = "method" if name == "methods" else name
        choices.add(params.get({"loss": "loss", "filterkd": "teacher", "method": "method"}.get(kind, "curriculum")))
    assert len(choices) >= {"plain": 1, "filterkd": 3, "methods": 4}.get(name, 6)


def test_a_curriculum_comes_only_with_what_it_uses():
    examples = bound_space("mentornet").examples()
    assert {params["curriculum"] for params in examples} == set(IN_SPACE)
    for params in examples:
        curriculum = params["curriculum"]
        if curriculum == "auto":
            assert params.keys() == {
                "curriculum", "loss_percentile", "burn_in", "example_dropout", "lr", "weight_decay"
            }  # fmt: skip
            assert (params["loss_percentile"], params["example_dropout"]) == ("auto", None)
            continue
        inner = {key for key in params if "__" in key}
        assert inner == ({f"curriculum__{_OF_CURRICULUM[curriculum][0]}"} if curriculum in _OF_CURRICULUM else set())
        assert ("loss_percentile" in params) == (curriculum not in _WITHOUT_PERCENTILE)
        assert ("burn_in" in params) == (curriculum != "uniform")


@pytest.mark.parametrize("space", ["mentornet", "mentormix"])
@pytest.mark.parametrize("name", ["spld", "active_bias", "learning_to_teach"])
def test_a_mentor_by_name_comes_only_with_what_it_uses(name, space):
    bound = bound_space(space, {"curriculum": name}, example_dropout=0.1)
    uses = NAMED[name]().get_params()
    for params in bound.examples():
        assert ("curriculum__gamma" in params) == (name == "spld")
        assert ("loss_percentile" in params) == ("loss_percentile" in uses)
        assert ("burn_in" in params) == ("burn_in" in uses)
        assert "example_dropout" in params
        mentor = configure(bound.estimator, params).make_mentor()
        assert type(mentor) is NAMED[name]
        if name == "spld":
            assert mentor.gamma == params["curriculum__gamma"]


@pytest.mark.parametrize("name", sorted((set(IN_SPACE) | set(CURRICULA)) - {"auto", "data_driven"}))
def test_the_percentile_is_drawn_exactly_where_the_curriculum_looks_at_it(name):
    curriculum = resolve_curriculum(name)
    loss, label = torch.linspace(0.1, 4, 30), torch.zeros(30)
    same = [torch.equal(curriculum.weights(loss, loss - 0.5, label, p), curriculum.weights(loss, loss - 2.5, label, p))
            for p in (10, 50, 90)]  # fmt: skip
    assert all(same) == (name in _WITHOUT_PERCENTILE)


@pytest.mark.parametrize("kind", [MentorNetClassifier, MentorMixClassifier])
def test_the_default_curriculum_learns_the_noise_whatever_the_estimator_has(kind):
    estimator = kind(loss_percentile=0.7, example_dropout=0.2, mixup_alpha=2, second_reweight=True, burn_in=30)
    bound = BoundSpace(SPACES["mentornet" if kind is MentorNetClassifier else "mentormix"](), estimator)
    check_space(bound)
    drawn = [configure(estimator, params) for params in bound.examples() if params["curriculum"] == "auto"]
    assert len(drawn) > 5
    for clf in drawn:
        assert isinstance(clf.make_mentor(), LabelPosteriorMentor)
        assert (clf.loss_percentile, clf.example_dropout, clf.second_reweight) == ("auto", None, "auto")
    assert {clf.burn_in for clf in drawn} == {5, 10, 18, 30}


def test_a_limit_that_touches_nothing_beside_the_default_curriculum_is_refused():
    limits = {"curriculum": "auto", "loss_percentile": [0.7, 0.8]}
    with pytest.raises(InvalidParameterError, match="limits of MentorNetSpace: parameter' .* Got 'loss_percentile'"):
        check_space(bound_space("mentornet", limits))
    examples = bound_space("mentornet", limits | {"curriculum": ["auto", "self_paced"]}).examples()
    assert {params["loss_percentile"] for params in examples} == {"auto", 0.7, 0.8}


def test_a_method_comes_only_with_what_it_uses():
    examples = bound_space("methods", max_epochs=7, lr=0.01).examples()
    assert {params["method"] for params in examples} == set(METHODS)
    for params in examples:
        clf = configure(MentorNetClassifier(max_epochs=7, lr=0.01, loss="gce"), params)
        assert type(clf) is METHODS[params["method"]]
        assert clf.max_epochs == 7
        assert ("teacher" in params) == (params["method"] == "filterkd")
        assert ("mixup_alpha" in params) == (params["method"] == "mentormix")
        assert ("loss" in params) == (params["method"] == "loss")
        if params["method"] == "loss":
            assert (clf.curriculum, type(resolve_loss(clf.loss))) == ("uniform", LOSSES[params["loss"]])
            assert all(getattr(clf.loss, key[6:]) == params[key] for key in params if key.startswith("loss__"))
        if params["method"] == "mentornet":
            assert clf.loss == "gce"  # what is not drawn stays


@pytest.mark.parametrize("kind", [MentorNetClassifier, MentorMixClassifier, FilterKDClassifier])
def test_of_several_methods_that_of_the_estimator_is_tried_first(kind):
    bound = BoundSpace(SPACES["methods"](), kind(lr=0.01, max_epochs=9))
    check_space(bound)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=3))
    study.enqueue_trial(bound.own())
    trial = study.ask()
    fixed = bound(trial)
    assert str(configure(bound.estimator, {**fixed, **trial.params})) == str(bound.estimator)
    assert {method_of(configure(bound.estimator, params)) for params in bound.examples()} == {
        "mentornet", "mentormix", "filterkd"
    }  # fmt: skip


class Own(MentorMixClassifier):
    pass


def test_methods_take_over_what_was_given():
    given = MentorNetClassifier(curriculum=SPCLLinear(gamma=2), max_epochs=9, loss="gce", loss_percentile=0.7)
    mixing = as_method(given, "mentormix")
    assert str(mixing) == str(MentorMixClassifier(curriculum=SPCLLinear(gamma=2), max_epochs=9, loss_percentile=0.7))
    assert mixing.curriculum is not given.curriculum
    assert str(as_method(given, "filterkd")) == str(FilterKDClassifier(max_epochs=9))
    assert type(as_method(Own(lr=1), "mentormix")) is Own  # a class of one's own stands for its method
    assert type(as_method(Own(lr=1), "mentornet")) is MentorNetClassifier
    with pytest.raises(InvalidParameterError, match="'method' must be one of .* Got 'mentornett'. Did you mean"):
        check_space(bound_space("methods", {"method": ["mentornett", "loss"]}))


class TwoMethods(Space):
    def suggest(self, trial, estimator):
        if trial.suggest_categorical("method", ("mentormix", "loss")) == "mentormix":
            trial.suggest_float("mixup_alpha", 1, 4)
        else:
            trial.suggest_float("loss__q", 0.5, 0.8)


def test_a_space_of_ones_own_draws_the_method():
    bound = BoundSpace(TwoMethods(), MentorNetClassifier("uniform", loss="gce", max_epochs=5))
    assert check_space(bound) == {}
    found = [configure(bound.estimator, params) for params in bound.examples()]
    assert {type(clf) for clf in found} == {MentorMixClassifier, MentorNetClassifier}
    assert all(isinstance(clf.loss, GeneralizedCrossEntropy) for clf in found if type(clf) is MentorNetClassifier)
    with pytest.raises(InvalidParameterError, match="parameter of CrossEntropy' must be one of"):
        check_space(BoundSpace(TwoMethods(), MentorNetClassifier()))


DEFAULTS = {"curriculum": "auto", "burn_in": 18, "lr": 0.002, "weight_decay": 0.0005}


@pytest.mark.parametrize(
    ("name", "limits", "own", "tried"),
    [
        ("mentornet", {}, {}, DEFAULTS),
        ("mentornet", {"lr": 0.1, "burn_in": [5, 10]}, {}, {"curriculum": "auto", "weight_decay": 0.0005}),
        ("mentornet", {"curriculum": ["uniform", "focal"]}, {}, {"lr": 0.002, "weight_decay": 0.0005}),
        ("mentornet", {"weight_decay": {"low": 0.001, "high": 0.1, "step": 0.001}}, {"weight_decay": 0.003},
         DEFAULTS | {"weight_decay": 0.003}),
        ("mentornet", {}, {"loss_percentile": 0.75, "burn_in": 30, "weight_decay": 0},
         {"curriculum": "mentornet_pd", "curriculum__gamma": 1.0, "loss_percentile": 0.75, "burn_in": 30}),
        ("mentornet", {}, {"curriculum": SPCLLinear(gamma=2), "example_dropout": 0.2},
         {"curriculum": "spcl_linear", "curriculum__gamma": 2, "example_dropout": 0.2}),
        ("mentormix", {}, {}, DEFAULTS | {"mixup_alpha": 1.0, "mix_ratio": "hard"}),
        ("plain", {}, {"max_epochs": 30}, {"max_epochs": 30, "lr": 0.002, "weight_decay": 0.0005}),
        ("filterkd", {}, {}, {"teacher": "filtered", "filter_alpha": 0.05, "temperature": 1.0, "lr": 0.002}),
    ],
)  # fmt: skip
def test_what_the_estimator_has_is_tried_first_as_far_as_the_space_goes(name, limits, own, tried):
    bound = bound_space(name, limits, **own)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=3))
    study.enqueue_trial(bound.own())
    trial = study.ask()
    params = {**bound(trial), **trial.params}
    assert {key: params[key] for key in tried} == tried
    check_space(bound)
    if own.get("weight_decay", 1) and not limits:  # all of it can be drawn: the trial is the estimator
        assert str(configure(bound.estimator, params)) == str(bound.estimator) or name == "plain"


def test_limits_narrow_a_space():
    limits = {
        "curriculum": ["spcl_linear"],
        "loss_percentile": {"low": 0.5, "high": 0.6},
        "lr": {"low": 0.1, "high": 0.2, "log": True},
        "burn_in": 10,
    }
    for params in bound_space("mentornet", limits).examples():
        assert params["curriculum"] == "spcl_linear"
        assert 0.5 <= params["loss_percentile"] <= 0.6
        assert 0.1 <= params["lr"] <= 0.2
        assert params["burn_in"] == 10


@pytest.mark.filterwarnings("ignore:Labels of 1 of 3 classes ended")  # six epochs
def test_the_loss_is_drawn_only_where_the_limits_ask_for_it(blobs):
    assert not any("loss" in params for params in bound_space("mentornet").examples())
    assert {params["loss"] for params in bound_space("mentornet", {"loss": "elr"}).examples()} == {"elr"}
    names = sorted(LOSSES.keys() - {"forward"})
    bound = bound_space("mentornet", {"loss": names, "loss_percentile": [0.6]}, max_epochs=6, random_state=0)
    assert check_space(bound) == {}
    one_each = {params["loss"]: params for params in bound.examples()}
    assert sorted(one_each) == names
    for name, params in one_each.items():
        clf = configure(bound.estimator, params)
        assert clf.loss == name
        assert clf.fit(*blobs).n_iter_ == 6
    with pytest.raises(InvalidParameterError, match="'loss' must be one of .*Got 'gcee'. Did you mean 'gce'"):
        check_space(bound_space("mentornet", {"loss": ["cross_entropy", "gcee"]}))
    with pytest.raises(InvalidParameterError, match="limits of MentorMixSpace: parameter' must be one of .*Got 'loss'"):
        check_space(bound_space("mentormix", {"loss": ["gce"]}))
    with pytest.raises(InvalidParameterError, match="The loss 'forward' needs the matrix"):
        check_space(bound_space("mentornet", {"loss": ["forward", "gce"]}))


def test_an_interval_is_of_floats_where_the_space_draws_floats():
    bound = bound_space("mentormix", {"mixup_alpha": {"low": 1, "high": 8}})
    assert any(params["mixup_alpha"] % 1 for params in bound.examples())


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({"lr": {"low": 1}}, r"limits\['lr'\] must have 'low' and 'high'"),
        ({"lr": {"low": 2, "high": 1}}, r"limits\['lr'\]\['high'\]\" must be a number in \[2, inf\). Got 1"),
        ({"lr": {"low": "a", "high": 1}}, r"limits\['lr'\]\['low'\]"),
        ({"lr": {"low": 0, "high": 1, "log": True}}, "with 'log' must have a 'low' above 0"),
        ({"curriculum": []}, r"limits\['curriculum'\] must be a number, text"),
        ({"curriculum": [SPCLLinear()]}, "Of a curriculum, give the name"),
        ({"curriculum": SPCLLinear()}, "Of a curriculum, give the name"),
    ],
)
def test_limits_that_cannot_be_drawn_from(limits, message):
    with pytest.raises(InvalidParameterError, match=message):
        check_limits(limits)


def test_a_mistake_is_found_before_the_sweep():
    with pytest.raises(InvalidParameterError, match="Got 'self_pace'. Did you mean 'self_paced'"):
        check_space(bound_space("mentornet", {"curriculum": ["self_pace", "uniform"]}))
    with pytest.raises(
        InvalidParameterError, match="limits of MentorNetSpace: parameter' must be one of.*Got 'percentil"
    ):
        check_space(bound_space("mentornet", {"percentil": [0.5]}))
    with pytest.raises(InvalidParameterError, match="'burn_in' must be a number in"):
        check_space(bound_space("mentornet", {"burn_in": [200]}))
    with pytest.raises(InvalidFileError, match="no MentorNet file missing.safetensors"):
        check_space(bound_space("mentornet", {"curriculum": ["missing.safetensors"]}))


class Typo(Space):
    def suggest(self, trial, estimator):
        trial.suggest_float("loss_percentil", 0.5, 0.9)


class Nothing(Space):
    def suggest(self, trial, estimator):
        pass


class TwoLines(Space):
    def suggest(self, trial, estimator):
        trial.suggest_float("loss_percentile", 0.5, 0.9)
        trial.suggest_categorical("batch_size", (32, 64))


def test_spaces_of_ones_own():
    assert check_space(BoundSpace(TwoLines(), MentorNetClassifier())) == {}
    with pytest.raises(InvalidParameterError, match="Got 'loss_percentil'. Did you mean 'loss_percentile'"):
        check_space(BoundSpace(Typo(), MentorNetClassifier()))
    with pytest.raises(InvalidParameterError, match="'space' Nothing draws nothing"):
        check_space(BoundSpace(Nothing(), MentorNetClassifier()))


def test_an_estimator_that_cannot_be_pickled_is_refused(tmp_path):
    callback = EpochTimer()
    with open(tmp_path / "file", "w") as callback.file:
        with pytest.raises(InvalidParameterError, match="'estimator' MentorNetClassifier cannot be pickled"):
            check_space(BoundSpace(TwoLines(), MentorNetClassifier(callbacks=[callback])))


def test_a_learned_mentornet_goes_along_with_the_code(tmp_path):
    path = MentorNet.from_zoo("self_paced").save(tmp_path / "mine")
    bound = bound_space("mentornet", {"curriculum": [str(path), "zoo:mentornet_dd"]})
    curricula = check_space(bound)
    assert set(curricula) == {str(path)}
    path.unlink()  # another machine does not have the file
    clf = configure(bound.estimator, {"curriculum": str(path)}, curricula)
    assert isinstance(clf.curriculum, MentorNet)


def test_the_parameter_of_a_curriculum_needs_one():
    with pytest.raises(InvalidParameterError, match="parameter of SelfPaced' must be one of"):
        configure(MentorNetClassifier(), {"curriculum": "self_paced", "curriculum__gamma": 2.0})
    clf = configure(MentorNetClassifier(), {"curriculum": "spcl_linear", "curriculum__gamma": 2.0})
    assert clf.curriculum.gamma == 2.0


@pytest.mark.parametrize(
    ("clf", "clock"),
    [
        (MentorNetClassifier(max_epochs=50, burn_in=18), Clock(0, 50, 9)),
        (MentorNetClassifier(max_epochs=45, burn_in=10), Clock(0, 45, 5)),
        (MentorNetClassifier("uniform", max_epochs=50), Clock(0, 50, 0)),
        (MentorMixClassifier(max_epochs=10), Clock(0, 10, 2)),
        (FilterKDClassifier(max_epochs=20, teacher_epochs=7), Clock(7, 20, 0)),
        (FilterKDClassifier(max_epochs=20), Clock(20, 20, 0)),
        (FilterKDClassifier("label_smoothing", max_epochs=20), Clock(0, 20, 0)),
    ],
)
def test_epochs_of_a_training(clf, clock):
    assert clock_of(clf) == clock
    assert clock.total == clock.before + clock.own


@pytest.mark.parametrize("name", ["data_driven", "learning_to_reweight", "fidelity_weighted"])
def test_a_curriculum_that_is_learned_in_training_needs_trusted_rows(name):
    bound = bound_space("mentornet", {"curriculum": [name]})
    with pytest.raises(InvalidParameterError, match=f"'{name}' is learned from trusted rows"):
        check_space(bound)
    assert check_space(bound, has_trusted=True) == {}
    assert draws_trusted(bound)
    assert not draws_trusted(bound_space("methods"))


def test_optuna_draws_what_the_limits_allow():
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=0))
    bound = bound_space("mentornet", {"lr": 0.01, "curriculum": ["self_paced", "focal"]})
    for _ in range(20):
        trial = study.ask()
        fixed = bound(trial)
        assert fixed == {"lr": 0.01}
        assert "lr" not in trial.params
        study.tell(trial, trial.params.get("loss_percentile") == 0.7)
