"""What the classifiers share stands in one place, and is shown in full with each."""

import inspect

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from noisylabel import FilterKDClassifier, MentorMixClassifier, MentorNetClassifier
from noisylabel.curricula import CurriculumSchedule, DataDriven, MentorNetPD, SPCLLogarithmic
from noisylabel.estimators import resolve_device
from noisylabel.estimators._shared import ATTRIBUTES, PARAMETERS, SHARED_CONSTRAINTS
from noisylabel.exceptions import InvalidParameterError
from noisylabel.losses import (
    Bootstrapping,
    EarlyLearningRegularization,
    ForwardCorrection,
    GeneralizedCrossEntropy,
    SymmetricCrossEntropy,
)
from noisylabel.students import MLP

KINDS = [MentorNetClassifier, MentorMixClassifier, FilterKDClassifier]
OUTSIDE = {
    "max_epochs": 0, "batch_size": 1.5, "lr": 0, "weight_decay": -1, "validation_fraction": 0.7, "precision": "fp16",
    "standardize": "yes", "predict_flipped": "both", "n_workers": 0, "sync_batchnorm": "yes",
    "optimizer": "sdg", "augment": "rotate",
    "ema_decay": 1.0, "callbacks": 3, "percentile_by_class": 2, "fixed_epoch_after_burn_in": None,
    "loss": "mse", "mixup_alpha": -1, "mix_ratio": "firm", "filter_alpha": 2, "second_reweight": "maybe",
    "class_weight": "rare",
    "teacher": "none", "temperature": 0, "label_smoothing": 2, "teacher_epochs": 0, "same_init": "no",
}  # fmt: skip


def described(kind, section):
    """Names that a section of the docstring describes."""
    text = inspect.getdoc(kind)
    part = text.split(f"{section}\n{'-' * len(section)}\n")[1].split("\n\n")[0]
    heads = [line for line in part.splitlines() if not line.startswith(" ")]
    return [name for head in heads for name in head.split(" : ")[0].split(", ")]


@pytest.mark.parametrize("kind", KINDS)
def test_help_shows_every_parameter_and_attribute_once(kind, blobs):
    parameters = described(kind, "Parameters")
    assert sorted(parameters) == sorted(inspect.signature(kind).parameters)
    fitted = kind(max_epochs=20, validation_fraction=0.2, random_state=0).fit(*blobs)
    learnt = {name for name in vars(fitted) if name.endswith("_") and not name.startswith("_")}
    assert learnt <= set(described(kind, "Attributes"))
    assert "{" not in inspect.getdoc(kind).split("Examples")[0].replace('{"', "").replace("``{", "")


@pytest.mark.parametrize("kind", KINDS)
def test_the_shared_texts_are_used_and_nothing_is_left_over(kind):
    assert set(SHARED_CONSTRAINTS) <= set(inspect.signature(kind).parameters)
    assert set(kind.constraints) - set(inspect.signature(kind).parameters) <= {"loss"}  # of a parent
    assert set(PARAMETERS) <= set(inspect.signature(MentorNetClassifier).parameters)
    assert set(ATTRIBUTES) & set(described(kind, "Attributes"))


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_constraint_does_not_allow_is_refused_by_its_name(kind):
    names = set(kind.constraints) & set(inspect.signature(kind).parameters)
    assert names <= OUTSIDE.keys()
    kind().check_parameters()
    for name in names:
        with pytest.raises(InvalidParameterError, match=f"^'{name}' must be .*Got {OUTSIDE[name]!r}"):
            clone(kind()).set_params(**{name: OUTSIDE[name]}).check_parameters()


@pytest.mark.parametrize("kind", KINDS)
def test_right_11_parameters_of_a_name_are_refused_with_what_to_write(kind):
    for student in ("auto", "mlp", MLP, lambda shape, n_classes: MLP().build(shape, n_classes)):
        with pytest.raises(
            InvalidParameterError, match="'student__hidden' is a parameter of .* instance student=MLP()"
        ):
            kind(student=student).set_params(student__hidden=(8,))
    clf = kind().set_params(student=MLP(), student__hidden=(8,))
    assert clf.student.hidden == (8,)
    with pytest.raises(ValueError, match="Invalid parameter 'students'"):
        clf.set_params(students__hidden=(8,))


def test_right_11_a_grid_over_the_students_parameters(blobs):
    grid = {"student__hidden": [(4,), (8,)]}
    clf = MentorNetClassifier(max_epochs=2, random_state=0)
    with pytest.raises(InvalidParameterError, match="student=MLP()"):
        GridSearchCV(clf, grid, cv=2).fit(*blobs)
    search = GridSearchCV(clf.set_params(student=MLP()), grid, cv=2, error_score="raise").fit(*blobs)
    assert search.best_params_["student__hidden"] in grid["student__hidden"]


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"student": "mpl"}, "'student' must be one of .*Did you mean 'mlp'"),
        ({"student": 3}, "'student' must be a name"),
        ({"lr_schedule": "cosin"}, "'lr_schedule' must be .*cosine"),
        ({"optimizer": dict}, "'optimizer' must be"),
        ({"loss": GeneralizedCrossEntropy(q=2)}, "'q' must be a number"),
        ({"loss": Bootstrapping(beta=2)}, "'beta' must be a number"),
        ({"loss": SymmetricCrossEntropy(alpha=-1)}, "'alpha' must be a number"),
        ({"loss": EarlyLearningRegularization(memory=1)}, "'memory' must be a number"),
        ({"loss": "forward"}, "needs 'matrix'"),
        ({"loss": ForwardCorrection([[0.5, 0.6], [0.0, 1.0]])}, "rows add up to 1"),
        ({"loss": ForwardCorrection(pd.DataFrame(np.eye(2)))}, "a DataFrame, whose names are not read"),
        ({"curriculum": SPCLLogarithmic(lam=3)}, "'lam' must be a number"),
        ({"curriculum": MentorNetPD(gamma=0)}, "'gamma' must be a number"),
        ({"curriculum": CurriculumSchedule([(SPCLLogarithmic(lam=3), 100)])}, "'lam' must be a number"),
        ({"curriculum": DataDriven(sharpness=0)}, "'sharpness' must be a number"),
        ({"device": "cuda:99"}, "'device' is 'cuda:99'"),
    ],
)
def test_right_18_what_an_object_does_not_allow_is_found_without_data(parameters, message):
    with pytest.raises(InvalidParameterError, match=message):
        MentorNetClassifier(**parameters).check_parameters()


def test_right_31_the_device_may_be_left_to_torch(blobs, monkeypatch, tmp_path):
    expected = "cuda" if torch.cuda.is_available() else "cpu"
    clf = MentorNetClassifier(device="auto", max_epochs=2, checkpoint_dir=tmp_path, random_state=0).fit(*blobs)
    assert clf.net_.device == expected
    clf.set_params(device=expected).fit(*blobs)  # the same kind of device: the run goes on
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    assert resolve_device("auto").type == "cuda"
    with pytest.raises(InvalidParameterError, match="torch sees 1 CUDA devices here, numbered from 0"):
        resolve_device("cuda:1")


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        (np.ones(119), r"one weight for each of the 120 rows of X. Got shape \(119,\)"),
        (np.ones((120, 1)), r"Got shape \(120, 1\)"),
        (np.zeros(120), "is zero for every row"),
        (np.ma.array(np.ones(120), mask=np.arange(120) < 2), "has masked entries, 2 of them"),
        (np.full(120, np.nan), "contains NaN"),
    ],
)
def test_right_18_weights_that_cannot_be(blobs, weight, message):
    with pytest.raises(ValueError, match=f"sample_weight.*{message}"):
        MentorNetClassifier(max_epochs=1).fit(*blobs, sample_weight=weight)
