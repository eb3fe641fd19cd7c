"""A classifier out of a checkpoint."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from noisylabel._support.files import local_path
from noisylabel._support.labels import labels_from_json
from noisylabel._support.random import private_torch_stream, torch_turn
from noisylabel.estimators._base import BaseNoisyLabelClassifier
from noisylabel.estimators._filterkd import FilterKDClassifier
from noisylabel.estimators._mentormix import MentorMixClassifier
from noisylabel.estimators._mentornet import MentorNetClassifier
from noisylabel.estimators._settings import prediction_options, resolve_device
from noisylabel.estimators._student import type_of_inputs
from noisylabel.estimators.inputs._format import SampleFormat
from noisylabel.estimators.saving._checkpoints import epochs_of, read_checkpoint, rebuild_student
from noisylabel.exceptions import InvalidFileError, InvalidParameterError
from noisylabel.nets import IndexedNet
from noisylabel.schedules import resolve_lr_schedule
from noisylabel.students import Standardize, resolve_student

_ESTIMATORS: dict[str, Callable[..., BaseNoisyLabelClassifier]] = {
    "FilterKDClassifier": FilterKDClassifier,
    "MentorMixClassifier": MentorMixClassifier,
    "MentorNetClassifier": MentorNetClassifier,
}


def load_checkpoint(folder: str | Path, student: Any = None, device: Any = "cpu") -> BaseNoisyLabelClassifier:
    """Return a classifier that predicts as the network of a checkpoint does, during or after training.

    Nothing in the file is run. During training it is the network of the last epoch, with ``ema_decay`` the average of
    its parameters; after training it is the one that ``fit`` kept. The classifier has no per-row results, and its
    parameters other than the student are the defaults.

    Parameters
    ----------
    folder : str or Path
        The ``checkpoint_dir`` of the training.
    student : nn.Module, class or callable, optional
        Needed only if the training's student was a network or function of the user's: the same.
    device : str or torch.device, default="cpu"
        Where to predict.

    Returns
    -------
    classifier
        Fitted; ``n_iter_`` is the number of epochs that the training has done.

    Raises
    ------
    InvalidFileError
        If there is no checkpoint, or it is damaged.
    InvalidParameterError
        If ``student`` is needed and missing, or is not the one that was trained.

    Examples
    --------
    >>> import tempfile
    >>> from sklearn.datasets import load_digits
    >>> from noisylabel import MentorNetClassifier, load_checkpoint
    >>> X, y = load_digits(return_X_y=True)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     clf = MentorNetClassifier(max_epochs=5, checkpoint_dir=folder, random_state=0).fit(X, y)
    ...     again = load_checkpoint(folder)
    >>> again.n_iter_, bool((again.predict_proba(X) == clf.predict_proba(X)).all())
    (5, True)
    """
    saved = read_checkpoint(local_path("folder", folder))
    if saved is None:
        raise InvalidFileError(f"There is no checkpoint in {str(folder)!r}. Pass the 'checkpoint_dir' of a training.")
    return classifier_of(saved, student, device)


def classifier_of(saved: dict[str, Any], student: Any = None, device: Any = "cpu") -> BaseNoisyLabelClassifier:
    """Return the classifier of a checkpoint that has been read; see :func:`load_checkpoint`."""
    if saved["estimator"] not in _ESTIMATORS:
        raise InvalidFileError(
            f"The checkpoint is of the class {saved['estimator']!r}, which is not one of noisylabel's. Fit an object "
            "of that class with the same 'checkpoint_dir', data and parameters: it goes on from there."
        )
    student = rebuild_student(saved["student"], student)
    clf = _ESTIMATORS[saved["estimator"]](
        student=student, standardize=saved["standardize"], precision=saved["precision"], device=device
    )
    clf.sample_shape_, clf.sample_dtype_ = tuple(saved["sample_shape"]), saved["sample_dtype"]
    clf.n_features_in_ = clf.sample_shape_[0]
    if saved["feature_names"]:
        clf.feature_names_in_ = np.array(saved["feature_names"], dtype=object)
    clf.classes_ = labels_from_json(saved["classes"])
    clf.sample_range_ = tuple(saved.get("sample_range", ())) or None
    clf.n_iter_ = epochs_of(saved)
    with private_torch_stream(0, torch.device("cpu")), torch_turn():
        module = _load_module(saved, student)
    clf.sample_dtype_ = type_of_inputs(module, clf.sample_dtype_)
    clf.net_ = _make_net(module, clf, resolve_device(device))
    return clf


def _load_module(saved: dict[str, Any], student: Any) -> nn.Module:
    """Build the network and give it the weights that evaluation uses."""
    sample_shape, n_classes = tuple(saved["sample_shape"]), len(saved["classes"]["labels"])
    module = resolve_student(student, sample_shape).build(sample_shape, n_classes)
    average = saved["training"]["average"]
    state = saved["training"]["module"] if average is None else average["averaged"]
    state = saved.get("final", state)
    if "0.mean" in state and "0.scale" in state:  # the fixed first layer
        module = nn.Sequential(Standardize(state["0.mean"], 1 / state["0.scale"]), module)
    try:
        module.load_state_dict(state)
    except RuntimeError as error:
        raise InvalidParameterError(f"'student' {student!r} is not the one that was trained: {error}") from error
    return module.to(memory_format=torch.channels_last) if len(sample_shape) == 3 else module


def _make_net(module: nn.Module, clf: Any, device: torch.device) -> IndexedNet:
    options = prediction_options(SampleFormat.of(clf), device)
    schedule = resolve_lr_schedule("constant")
    net = IndexedNet(module, lr_schedule=schedule, precision=clf.precision, **options)
    return net.initialize()
