"""What users may write for the optimizer, and settings by name."""

from functools import partial

import numpy as np
import pytest
import torch
from sklearn.model_selection import GridSearchCV

from noisylabel import FilterKDClassifier, MentorMixClassifier, MentorNetClassifier
from noisylabel.exceptions import InvalidParameterError
from noisylabel.students import MLP, STUDENTS, Pretrained, Speed

Y = np.array(["a", "b", "c"])[np.arange(24) % 3]
X = (np.random.default_rng(0).normal(size=(24, 5)) + 4 * (np.arange(24) % 3)[:, None]).astype(np.float32)
NAMES = "SGD Adam RMSprop Adagrad Rprop NAdam Adadelta ASGD RAdam Adamax Adafactor".split()


class Picky(torch.optim.SGD):
    """Takes matrices only, as Muon does."""

    def __init__(self, params, lr, weight_decay=0.0):
        raise ValueError("only 2D parameters")


def fit(kind=MentorNetClassifier, **parameters):
    settings = {"student": MLP((4,)), "max_epochs": 1, "random_state": 0}
    return kind(**settings | ({"curriculum": "uniform"} if kind is MentorNetClassifier else {}) | parameters).fit(X, Y)


@pytest.mark.parametrize("name", NAMES)
def test_right_11_any_optimizer_of_torch_works_in_both_places(name):
    optimizer = getattr(torch.optim, name)
    as_parameter, as_option = fit(optimizer=optimizer), fit(net_params={"optimizer": optimizer})
    assert isinstance(as_option.net_.optimizer_, optimizer)
    assert np.array_equal(as_parameter.predict_proba(X), as_option.predict_proba(X))
    assert not np.array_equal(as_parameter.predict_proba(X), fit(lr=1e-30).predict_proba(X))


@pytest.mark.filterwarnings("ignore::noisylabel.exceptions.NoisyLabelWarning")  # few rows
@pytest.mark.parametrize("kind", [MentorNetClassifier, MentorMixClassifier, FilterKDClassifier])
def test_right_11_a_grid_of_partials_classes_and_names(kind):
    grid = {"optimizer": [partial(torch.optim.SGD, momentum=0.5), torch.optim.RMSprop, "momentum"]}
    search = GridSearchCV(kind(student=MLP((4,)), max_epochs=1, random_state=0), grid, cv=2, error_score="raise")
    search.fit(X, Y)
    assert len(search.cv_results_["mean_test_score"]) == 3


def test_right_11_lr_and_weight_decay_within_a_partial_count():
    inside = partial(torch.optim.SGD, momentum=0.5, lr=0.1, weight_decay=0.01)
    clf = fit(optimizer=inside, lr_schedule="constant")
    outside = fit(optimizer=partial(torch.optim.SGD, momentum=0.5), lr=0.1, weight_decay=0.01, lr_schedule="constant")
    assert np.array_equal(clf.predict_proba(X), outside.predict_proba(X))
    assert clf.history_["lr"].tolist() == [0.1]
    assert {group["weight_decay"] for group in clf.net_.optimizer_.param_groups} == {0.0, 0.01}  # biases never decay
    for name, value in (("lr", 0.3), ("weight_decay", 0.3)):
        with pytest.raises(InvalidParameterError, match=f"'optimizer' has {name}=.* within, and '{name}' is 0.3"):
            fit(optimizer=inside, **{name: value})


def test_right_11_the_rate_of_a_pretrained_body_follows_the_optimizers(tmp_path):
    torch.save(MLP((4,)).build((5,), 3).state_dict(), tmp_path / "weights.pt")
    student = Pretrained(MLP((4,)), tmp_path / "weights.pt", body_lr=0.1)
    for changes in (
        {"optimizer": partial(torch.optim.SGD, lr=0.5)},
        {"net_params": {"optimizer__lr": 0.5}},
        {"lr": 0.5},
    ):
        clf = fit(student=student, lr_schedule="constant", **changes)
        assert {round(group["lr"], 9) for group in clf.net_.optimizer_.param_groups} == {0.5, 0.05}


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        (
            {"optimizer": torch.optim.Rprop, "weight_decay": 0.1},
            "Rprop has no weight decay. Got weight_decay=0.1: set",
        ),
        ({"optimizer": torch.optim.LBFGS}, "LBFGS asks for the loss again within a step.*such as 'adamw'"),
        ({"optimizer": torch.optim.SparseAdam}, "SparseAdam learns from sparse gradients only.*such as 'adamw'"),
        ({"optimizer": Picky}, "'optimizer' Picky cannot be made with .*only 2D parameters"),
        ({"optimizer": torch.nn.Linear}, "or functools.partial of one. Got <class 'torch.nn"),
        ({"optimizer": partial(print)}, "or functools.partial of one. Got functools.partial"),
        ({"optimizer": "rmsprop"}, "'optimizer' must be one of"),
        ({"net_params": {"optimizer": 3}}, "'optimizer' must be one of .*Got 3"),
        ({"net_params": {"optimizer__momentum": 2}}, "'optimizer' AdamW cannot be made with .*unexpected .*'momentum'"),
    ],
)
def test_right_11_what_cannot_work_is_refused_by_name(parameters, message):
    with pytest.raises(InvalidParameterError, match=message):
        fit(**parameters)


def test_right_11_the_options_of_a_named_optimizer_leave_with_it():
    fused = fit(optimizer="sgd").net_.optimizer_.defaults
    assert (fused["fused"], fused["momentum"], fused["nesterov"]) == (True, 0.9, True)
    other = fit(optimizer="sgd", net_params={"optimizer": torch.optim.SGD}).net_.optimizer_.defaults
    assert (other["fused"], other["momentum"], other["nesterov"]) == (None, 0, False)


# cifar10-airbench: learning rate and decay of 1,024 images, epochs, shift, cutout
RECIPE = {"speed_s": (11.5, 0.0153, 10, 2, 0), "speed_m": (10, 0.0153, 15, 2, 0), "speed_l": (9, 0.012, 37, 4, 12)}


@pytest.mark.parametrize("name", RECIPE)
def test_a_recipe_takes_the_steps_of_its_source(name):
    """A step of SGD on summed losses, as the source has it, is one of ours on their mean."""
    lr, decay, epochs, shift, cutout = RECIPE[name]
    clf = MentorNetClassifier.from_preset(name)
    scale = 1024 * (1 + 1 / (1 - 0.85))
    assert clf.lr == pytest.approx(1024 * lr / scale, rel=1e-3)
    assert clf.lr * clf.weight_decay == pytest.approx(1024 * decay / scale, rel=1e-3)
    assert (clf.max_epochs, clf.batch_size, clf.augment.max_shift, clf.augment.cutout) == (epochs, 1024, shift, cutout)
    assert clf.student.norm_lr == 64
    body = clf.student.get_params()
    assert body == STUDENTS[name]().get_params() | {"norm_lr": 64}


def test_what_one_classifier_sets_leaves_the_recipe_as_it_is():
    clf = MentorNetClassifier.from_preset("speed_s")
    clf.set_params(student__norm_lr=1)
    clf.net_params["optimizer__momentum"] = 0
    again = MentorNetClassifier.from_preset("speed_s")
    assert (again.student.norm_lr, again.net_params) == (64, {"optimizer__momentum": 0.85})


@pytest.mark.parametrize("kind", [MentorNetClassifier, MentorMixClassifier])
def test_a_recipe_trains_with_changes(kind, images):
    X, y = images
    small = {"student": Speed((4, 8), norm_lr=64), "batch_size": 16, "lr": 0.02, "max_epochs": 20, "precision": "fp32"}
    clf = kind.from_preset("speed_s", loss_percentile=0.7, random_state=0, **small).fit(X, y)
    assert clf.score(X, y) > 0.8
    with pytest.raises(InvalidParameterError, match="'preset' must be one of"):
        kind.from_preset("speed_xl")
