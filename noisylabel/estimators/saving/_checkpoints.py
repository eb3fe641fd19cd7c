"""Checkpoints of a training run: what is in one, whether it fits, and a classifier made of one."""

import inspect
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np
import torch
from filelock import FileLock, Timeout
from sklearn.base import BaseEstimator

from noisylabel._support.describe import PLAIN, describe, is_known, plain_value
from noisylabel._support.files import local_path, reading, save_whole
from noisylabel._support.labels import label_to_json, labels_to_json
from noisylabel.estimators._settings import resolve_device
from noisylabel.estimators.inputs._format import SampleFormat
from noisylabel.estimators.inputs._training_data import TrainingData
from noisylabel.estimators.saving._objects import describe_objects
from noisylabel.exceptions import InvalidFileError, InvalidParameterError
from noisylabel.nets import CHECKPOINT_FILE, CHECKPOINT_FORMAT
from noisylabel.students import (
    MLP,
    CifarNet,
    Pretrained,
    ResNet,
    SmallCNN,
    Speed,
    Student,
    TableNet,
    TimmModel,
    TorchvisionModel,
    default_student,
)

LOCK_FILE = ".lock"
_MAY_CHANGE = {
    "callbacks",
    "checkpoint_dir",
    "n_workers",
    "predict_flipped",
    "verbose",
}  # between a run and its continuation
_OF_ONE_PLACE = {"callbacks", "checkpoint_dir", "device", "student"}
_CONTENT: dict[str, Any] = {  # what every checkpoint has, and of what type
    "fingerprint": dict, "seed": int, "estimator": str, "student": dict | None, "standardize": bool, "precision": str,
    "classes": dict, "sample_shape": list, "sample_dtype": str, "feature_names": list, "training": dict,
}  # fmt: skip
_STUDENTS = {
    kind.__name__: kind for kind in (CifarNet, MLP, ResNet, SmallCNN, Speed, TableNet, TimmModel, TorchvisionModel)
}


def describe_parameters(estimator: BaseEstimator) -> dict[str, str]:
    """Return the parameters that a continued run must share with the one that it continues."""
    parameters = {k: v for k, v in estimator.get_params(deep=False).items() if k not in _MAY_CHANGE}
    if parameters["device"] == "auto":
        parameters["device"] = resolve_device("auto")
    parameters["device"] = torch.device(parameters["device"]).type  # random streams of another kind do not go on
    if not isinstance(parameters["random_state"], Integral):
        del parameters["random_state"]  # the run's seed is in the checkpoint
    return {name: describe(value) for name, value in parameters.items()}


def checkpoint_header(estimator: Any, seed: int, data: TrainingData) -> dict[str, Any]:
    """Return what a checkpoint says besides the state of training: what run it is, and how to predict with it."""
    return {
        "format": CHECKPOINT_FORMAT,
        "fingerprint": {"parameters": describe_parameters(estimator), "data": data.fingerprint},
        "seed": seed,
        "max_epochs": estimator.max_epochs,
        "feature_names": data.feature_names,
        **how_to_predict(estimator, data.classes, data.format),
    }


def how_to_predict(estimator: BaseEstimator, classes: np.ndarray, samples: SampleFormat) -> dict[str, Any]:
    """Return what it takes, beside the weights, to predict as ``estimator`` does: plain values, lists and dicts."""
    return {
        "estimator": type(estimator).__name__,
        "parameters": plain_parameters(estimator),
        "objects": describe_objects(estimator.get_params(deep=False)),
        "student": describe_student(estimator.student, samples.shape),
        "standardize": bool(estimator.standardize),
        "precision": estimator.precision,
        "classes": labels_to_json(classes),
        "sample_shape": list(samples.shape),
        "sample_dtype": samples.dtype,
        "sample_source": samples.source,
        "sample_range": [float(value) for value in samples.value_range or ()],
    }


def plain_parameters(estimator: BaseEstimator) -> dict[str, Any]:
    """Return the parameters that are numbers, texts, or lists and dicts of them, but for those of one run."""
    parameters = {name: plain_value(value) for name, value in estimator.get_params(deep=False).items()}
    if isinstance(parameters.get("class_weight"), Mapping):
        pairs = parameters["class_weight"].items()  # the names in JSON are texts, and labels need not be
        parameters["class_weight"] = [[label_to_json(label), plain_value(weight)] for label, weight in pairs]
    return {name: value for name, value in parameters.items() if name not in _OF_ONE_PLACE and _is_plain(value)}


def unkept_parameters(estimator: BaseEstimator) -> list[str]:
    """Return the names of the parameters that are lost in a file: functions and objects that are no data."""
    parameters = estimator.get_params(deep=False)
    kept = {*_OF_ONE_PLACE, *plain_parameters(estimator), *describe_objects(parameters)}
    return [name for name in parameters if name not in kept]


def _is_plain(value: Any) -> bool:
    if isinstance(value, dict):
        return all(isinstance(key, str) and _is_plain(entry) for key, entry in value.items())
    if isinstance(value, (list, tuple)):
        return all(map(_is_plain, value))
    return isinstance(value, PLAIN)


def read_checkpoint(folder: Path) -> dict[str, Any] | None:
    """Return what is in a folder's checkpoint; None if there is none.

    Nothing in the file is run: tensors, numbers and texts only.

    Raises
    ------
    InvalidFileError
        If the file is cut off, no checkpoint, or of another format.
    """
    path = folder / CHECKPOINT_FILE
    if not path.exists():
        return None
    with reading(path, "checkpoint of noisylabel", "Delete it to start anew."):
        saved: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        if not all(isinstance(saved[name], kind) for name, kind in _CONTENT.items()):
            raise TypeError(f"checkpoints have the entries {sorted(_CONTENT)}")
    if saved.get("format") != CHECKPOINT_FORMAT:
        raise InvalidFileError(
            f"{path} has the format {saved.get('format')!r}, and this version of noisylabel reads {CHECKPOINT_FORMAT}. "
            "Use the version that wrote it, or delete it to start anew."
        )
    return saved


@contextmanager
def opened_folder(checkpoint_dir: Any) -> Iterator[Path]:
    """Make the folder if need be, keep other fits out of it for a while, and free it of half-written files.

    The system forgets the lock when the process ends, however it ends. Its file stays: if it were removed, one fit
    could hold the lock of the old file and another that of a new one.

    Raises
    ------
    InvalidParameterError
        If nothing can be written there, or another fit is using it.
    """
    folder = local_path("checkpoint_dir", checkpoint_dir)
    lock = FileLock(folder / LOCK_FILE, timeout=0)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout as error:
        raise InvalidParameterError(
            f"'checkpoint_dir' {str(folder)!r} is in use by another fit. Wait for its end, or give each fit a folder "
            "of its own. In a search or cross-validation leave 'checkpoint_dir' out."
        ) from error
    except OSError as error:
        raise InvalidParameterError(
            f"'checkpoint_dir' must be a folder that can be written to. Got {checkpoint_dir!r}: {error}."
        ) from error
    try:
        for left_over in folder.glob(f".{Path(CHECKPOINT_FILE).stem}.*"):
            left_over.unlink()
        yield folder
    finally:
        lock.release()


def check_same_run(
    saved: dict[str, Any], header: dict[str, Any], folder: Path, classifier: type[BaseEstimator]
) -> None:
    """Refuse to continue a run with other parameters or other data.

    Parameters
    ----------
    saved : dict
        What is in the folder's checkpoint.
    header : dict
        Of the run that wants to go on; see :func:`checkpoint_header`.
    folder : Path
    classifier : type
        The class of the run's classifier. Its defaults hold for parameters that did not exist when the checkpoint was
        written.
    """
    defaults = {
        name: describe(parameter.default) for name, parameter in inspect.signature(classifier).parameters.items()
    }
    now_known = header["fingerprint"]["parameters"]
    known: dict[str, dict[str, str]] = {"parameters": {n: v for n, v in defaults.items() if n in now_known}}
    known["data"] = {"groups": "none"}  # which older checkpoints do not mention
    for kind, now in header["fingerprint"].items():
        then = _with_student(known[kind] | saved["fingerprint"][kind], saved)
        now = _with_student(now, header)
        changed = [name for name in {**then, **now} if then.get(name) != now.get(name)]
        unknown = [name for name, value in now.items() if not is_known(value)]
        if changed == ["max_epochs"]:
            raise InvalidParameterError(_other_length(folder, then["max_epochs"], now["max_epochs"]))
        if unknown:
            raise InvalidParameterError(
                f"'checkpoint_dir' {str(folder)!r} holds a training run, and there is no telling whether "
                f"{unknown[0]} is the same as then: it is {now[unknown[0]]}. Use another folder, or an object with "
                "attributes that say what it is."
            )
        if changed:
            shown = "; ".join(f"{name} was {then.get(name)}, is {now.get(name)}" for name in changed)
            raise InvalidParameterError(
                f"'checkpoint_dir' {str(folder)!r} holds a training run with other {kind}: {shown}. Use the same to go "
                "on, another folder for a new run, or delete this one. In a search or cross-validation leave "
                "'checkpoint_dir' out."
            )


def _with_student(described: dict[str, str], run: dict[str, Any]) -> dict[str, str]:
    """Return descriptions in which ``student="auto"`` is what it stands for, which another version may have changed."""
    if described.get("student") != describe("auto"):
        return described
    return described | {"student": describe(_meaning_of_auto(run))}


def _meaning_of_auto(saved: dict[str, Any]) -> str:
    """Return what ``student="auto"`` stood for when a file was written; see :func:`how_to_predict`."""
    before = "cnn" if len(saved["sample_shape"]) == 3 else "mlp"  # in files that do not say it
    meaning: str = (saved["student"] or {}).get("stands_for", before)
    return meaning


def _other_length(folder: Path, then: str, now: str) -> str:
    return (
        f"'checkpoint_dir' {str(folder)!r} holds a training run of {then} epochs, and 'max_epochs' is {now}. A run "
        "cannot be made longer or shorter: learning rate and curriculum follow the percent of training that is over, "
        "so its epochs would have been others. Use another folder; to begin with the weights of this one, pass "
        f"student=Pretrained(student, {str(folder / CHECKPOINT_FILE)!r}) there, once it has ended."
    )


def describe_student(student: Any, sample_shape: tuple[int, ...]) -> dict[str, Any] | None:
    """Return what it takes to build a student again; None for a network or function of the user's."""
    if isinstance(student, Pretrained):
        return describe_student(student.student, sample_shape)  # the weights are in the checkpoint
    if isinstance(student, str) and student == "auto":
        return {"name": "auto", "stands_for": default_student(sample_shape)}
    if isinstance(student, str):
        return {"name": student}
    parameters = student.get_params(deep=False) if isinstance(student, Student) else {}
    kind = type(student).__name__
    plain = all(isinstance(v, (*PLAIN, tuple, list)) for v in parameters.values())
    return {"class": kind, "parameters": parameters} if kind in _STUDENTS and plain else None


def rebuild_student(saved: dict[str, Any], student: Any) -> Any:
    """Return the student to use: the given one, or the one that the file describes; see :func:`how_to_predict`.

    ``"auto"`` stays if it still stands for the same, so that ``fit`` and ``save`` mean the network that is there.
    """
    student = _described_student(saved["student"]) if student is None else student
    if isinstance(student, str) and student == "auto":
        meaning = _meaning_of_auto(saved)
        return "auto" if meaning == default_student(tuple(saved["sample_shape"])) else meaning
    return student


def _described_student(described: dict[str, Any] | None) -> Any:
    if described is None:
        raise InvalidParameterError(
            "The student was a network or function of the user's, which files of data cannot hold. Pass the same as "
            "'student'."
        )
    if "name" in described:
        return described["name"]
    kind: Callable[..., Student] = _STUDENTS[described["class"]]
    parameters = described["parameters"].items()  # JSON makes lists of tuples
    return kind(**{name: tuple(value) if isinstance(value, list) else value for name, value in parameters})


def epochs_done(folder: Path) -> int:
    """Return how many epochs the run of a folder's checkpoint has had; 0 if there is none."""
    saved = read_checkpoint(folder)
    return 0 if saved is None else epochs_of(saved)


def epochs_of(saved: dict[str, Any]) -> int:
    """Return how many epochs a checkpoint that has been read has had."""
    return len(json.loads(saved["training"]["history"]))


def change_parameters(folder: Path, estimator: BaseEstimator) -> None:
    """Let the run of a folder's checkpoint go on with the parameters of another estimator.

    For schedules that are decided in the course of training: what they say about the past must be what happened.
    """
    saved = read_checkpoint(folder)
    assert saved is not None
    saved["fingerprint"]["parameters"] = describe_parameters(estimator)
    save_whole(folder / CHECKPOINT_FILE, saved)
