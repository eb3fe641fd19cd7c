"""What the classifiers share stands in one place, and is shown in full with each."""

import inspect

import pytest
from sklearn.base import clone

from noisylabel import FilterKDClassifier, MentorMixClassifier, MentorNetClassifier
from noisylabel.estimators._shared import ATTRIBUTES, PARAMETERS, SHARED_CONSTRAINTS
from noisylabel.exceptions import InvalidParameterError

KINDS = [MentorNetClassifier, MentorMixClassifier, FilterKDClassifier]
OUTSIDE = {
    "max_epochs": 0, "batch_size": 1.5, "lr": 0, "weight_decay": -1, "validation_fraction": 0.7, "precision": "fp16",
    "standardize": "yes",
    "optimizer": "sdg", "augment": "rotate",
    "ema_decay": 1.0, "callbacks": 3, "percentile_by_class": 2, "fixed_epoch_after_burn_in": None,
    "loss": "mse", "mixup_alpha": -1, "mix_ratio": "firm", "filter_alpha": 2, "second_reweight": "maybe",
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
