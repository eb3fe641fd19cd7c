"""scikit-learn estimators that train on labels nobody trusts."""

from noisylabel.estimators._base import BaseNoisyLabelClassifier
from noisylabel.estimators._filterkd import TEACHINGS, FilterKDClassifier
from noisylabel.estimators._imitate import Imitation, imitate
from noisylabel.estimators._mentormix import MentorMixClassifier
from noisylabel.estimators._mentornet import MentorNetClassifier
from noisylabel.estimators._presets import PRESETS, RECIPES
from noisylabel.estimators._run import NetParts, validation_rows
from noisylabel.estimators._settings import resolve_device
from noisylabel.estimators.inputs._datasets import as_dataset, dataset_samples, find_labels
from noisylabel.estimators.inputs._labels import encode_labels, plain_labels
from noisylabel.estimators.inputs._samples import check_X
from noisylabel.estimators.inputs._weights import row_weights
from noisylabel.estimators.saving._checkpoints import (
    change_parameters,
    describe_parameters,
    epochs_done,
    read_checkpoint,
)
from noisylabel.estimators.saving._load_checkpoint import load, load_checkpoint

__all__ = [
    "PRESETS",
    "RECIPES",
    "TEACHINGS",
    "BaseNoisyLabelClassifier",
    "FilterKDClassifier",
    "Imitation",
    "MentorMixClassifier",
    "MentorNetClassifier",
    "NetParts",
    "as_dataset",
    "change_parameters",
    "check_X",
    "dataset_samples",
    "describe_parameters",
    "encode_labels",
    "epochs_done",
    "find_labels",
    "imitate",
    "load",
    "load_checkpoint",
    "plain_labels",
    "read_checkpoint",
    "resolve_device",
    "row_weights",
    "validation_rows",
]
