"""A classifier out of a checkpoint."""

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from noisylabel._support.files import local_path
from noisylabel._support.labels import label_from_json, labels_from_json
from noisylabel._support.random import private_torch_stream, torch_turn
from noisylabel.estimators._base import BaseNoisyLabelClassifier
from noisylabel.estimators._filterkd import FilterKDClassifier
from noisylabel.estimators._mentormix import MentorMixClassifier
from noisylabel.estimators._mentornet import MentorNetClassifier
from noisylabel.estimators._settings import prediction_options, resolve_device
from noisylabel.estimators._student import type_of_inputs
from noisylabel.estimators.inputs._format import SampleFormat
from noisylabel.estimators.saving._checkpoints import epochs_of, read_checkpoint, rebuild_student
from noisylabel.estimators.saving._folder import read_folder, restore_results
from noisylabel.estimators.saving._objects import rebuild_object
from noisylabel.exceptions import InvalidFileError, InvalidParameterError
from noisylabel.nets import IndexedNet
from noisylabel.schedules import resolve_lr_schedule
from noisylabel.students import Standardize, resolve_student

ESTIMATORS: dict[str, Callable[..., BaseNoisyLabelClassifier]] = {
    "FilterKDClassifier": FilterKDClassifier,
    "MentorMixClassifier": MentorMixClassifier,
    "MentorNetClassifier": MentorNetClassifier,
}


def load_checkpoint(folder: str | Path, student: Any = None, device: Any = "cpu") -> BaseNoisyLabelClassifier:
    """Return a classifier that predicts as the network of a checkpoint does, during or after training.

    Nothing in the file is run. During training it is the network of the last epoch, with ``ema_decay`` the average of
    its parameters; after training it is the one that ``fit`` kept. The classifier has no per-row results. Of
    its parameters those are the defaults that the file does not hold: functions and objects that are not noisylabel's.

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


def load(folder: str | Path, student: Any = None, device: Any = "cpu") -> BaseNoisyLabelClassifier:
    """Return the classifier that ``clf.save(folder)`` wrote.

    Nothing in the folder is run. The classifier predicts and ranks labels as the saved one, bit for bit on the same
    kind of machine. Of its parameters those are the defaults that the folder does not hold: functions and objects of
    which ``save`` warned. ``fit`` trains anew.

    Parameters
    ----------
    folder : str or Path
    student : nn.Module, class or callable, optional
        Needed only if the student was a network or function of the user's: the same.
    device : str or torch.device, default="cpu"
        Where to predict.

    Returns
    -------
    classifier
        Fitted.

    Raises
    ------
    InvalidFileError
        If there is no such folder, or a file of it is damaged or of a later version; with its path.
    InvalidParameterError
        If ``student`` is needed and missing, or is not the one that was trained.

    Examples
    --------
    >>> import noisylabel
    >>> clf = noisylabel.load("spam-filter")  # doctest: +SKIP
    """
    card, tensors = read_folder(folder)
    if card["estimator"] not in ESTIMATORS:
        raise InvalidFileError(f"{str(folder)!r} holds a {card['estimator']}, a class that this version does not have.")
    state = {k.removeprefix("network."): value for k, value in tensors.items() if k.startswith("network.")}
    clf = make_classifier(card, state, student, device)
    restore_results(clf, card, tensors)
    return clf


def classifier_of(saved: dict[str, Any], student: Any = None, device: Any = "cpu") -> BaseNoisyLabelClassifier:
    """Return the classifier of a checkpoint that has been read; see :func:`load_checkpoint`."""
    if saved["estimator"] not in ESTIMATORS:
        raise InvalidFileError(
            f"The checkpoint is of the class {saved['estimator']!r}, which is not one of noisylabel's. Fit an object "
            "of that class with the same 'checkpoint_dir', data and parameters: it goes on from there."
        )
    average = saved["training"]["average"]
    state = saved["training"]["module"] if average is None else average["averaged"]
    clf = make_classifier(saved, saved.get("final", state), student, device)
    clf.n_iter_ = epochs_of(saved)
    return clf


def make_classifier(
    saved: dict[str, Any], state: dict[str, Tensor], student: Any = None, device: Any = "cpu"
) -> BaseNoisyLabelClassifier:
    """Return a classifier that predicts, and no more.

    Parameters
    ----------
    saved : dict
        See :func:`how_to_predict`.
    state : dict
        Parameters and buffers of the network.
    student, device
        As in :func:`load_checkpoint`.
    """
    student = rebuild_student(saved, student)
    kind = ESTIMATORS[saved["estimator"]]
    known = inspect.signature(kind).parameters
    parameters = {name: value for name, value in saved.get("parameters", {}).items() if name in known}
    for name, value in parameters.items():
        if name == "class_weight" and isinstance(value, list):
            parameters[name] = {label_from_json(label): weight for label, weight in value}
        elif isinstance(value, list) and isinstance(known[name].default, tuple):
            parameters[name] = tuple(value)  # of which JSON made a list
    objects = {name: rebuild_object(value) for name, value in saved.get("objects", {}).items() if name in known}
    clf = kind(**parameters, **objects)
    clf.set_params(student=student, standardize=saved["standardize"], precision=saved["precision"], device=device)
    clf.sample_shape_, clf.sample_dtype_ = tuple(saved["sample_shape"]), saved["sample_dtype"]
    clf.sample_range_ = tuple(saved.get("sample_range", ())) or None
    clf.sample_source_ = saved.get("sample_source", "")
    clf.n_features_in_ = clf.sample_shape_[0]
    if saved["feature_names"]:
        clf.feature_names_in_ = np.array(saved["feature_names"], dtype=object)
    clf.classes_ = labels_from_json(saved["classes"])
    with private_torch_stream(0, torch.device("cpu")), torch_turn():
        module = _load_module(saved, state, student)
    clf.sample_dtype_ = type_of_inputs(module, clf.sample_dtype_)
    clf.net_ = _make_net(module, clf, resolve_device(device))
    return clf


def _load_module(saved: dict[str, Any], state: dict[str, Tensor], student: Any) -> nn.Module:
    """Build the network and give it its weights."""
    sample_shape, n_classes = tuple(saved["sample_shape"]), len(saved["classes"]["labels"])
    module = resolve_student(student, sample_shape).build(sample_shape, n_classes)
    if "0.mean" in state and "0.scale" in state:  # the fixed first layer
        module = nn.Sequential(Standardize(state["0.mean"], 1 / state["0.scale"]), module)
    try:
        module.load_state_dict(state)
    except RuntimeError as error:
        raise InvalidParameterError(f"'student' {student!r} is not the one that was trained: {error}") from error
    return module.to(memory_format=torch.channels_last) if len(sample_shape) == 3 else module


def _make_net(module: nn.Module, clf: Any, device: torch.device) -> IndexedNet:
    options = prediction_options(SampleFormat.of(clf), device)
    options |= {k: v for k, v in (clf.net_params or {}).items() if k == "iterator_valid__batch_size"}
    schedule = resolve_lr_schedule("constant")
    net = IndexedNet(module, lr_schedule=schedule, precision=clf.precision, **options)
    net.classes_ = np.arange(len(clf.classes_))
    return net.initialize()
