"""Train one configuration, and report its score after each epoch."""

import math
import os
import shutil
import tempfile
import time
import traceback
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.metrics import get_scorer
from skorch.callbacks import Callback

from noisylabel.curricula import Curriculum
from noisylabel.exceptions import InvalidParameterError, NoisyLabelError
from noisylabel.nets import TensorData
from noisylabel.utils import short_lived_files, stop_if_interrupted
from sweeps.trial.channel import Channel
from sweeps.trial.draws import configure, needs_trusted
from sweeps.trial.stages import continue_with

METRIC = "score"


class SharedDataError(NoisyLabelError, RuntimeError):
    """A trial wrote into the data that all trials share."""


@dataclass
class Setup:
    """What all trials share, except the data.

    Attributes
    ----------
    estimator : BaseEstimator
        Unfitted; configurations change it.
    scoring : str or callable
        As scikit-learn's ``scoring``; higher is better.
    classes : ndarray of shape (C,)
        The labels that codes 0 to C-1 stand for.
    curricula : dict
        Curricula of files, by path.
    threads : int
        Of torch, in each trial.
    checkpoint_seconds : float
        At least so long from one checkpoint of a trial to the next.
    checkpoint_epochs : int, optional
        If given: a checkpoint every so many epochs instead.
    population : bool
        Whether curriculum and percentile of a configuration are for the training to come only.
    fingerprint : int, optional
        Of the data as the driver has them, see :func:`fingerprint`.
    """

    estimator: BaseEstimator
    scoring: Any = "accuracy"
    classes: np.ndarray = field(default_factory=lambda: np.arange(2))
    curricula: dict[str, Curriculum] = field(default_factory=dict)
    threads: int = 1
    checkpoint_seconds: float = 30.0
    checkpoint_epochs: int | None = None
    population: bool = False
    fingerprint: int | None = None


class Predictions(ClassifierMixin, BaseEstimator):
    """A classifier for scikit-learn's scorers that returns probabilities which were computed before."""

    def __init__(self, proba: np.ndarray, classes: np.ndarray) -> None:
        self.proba = proba
        self.classes = classes
        self.classes_ = classes

    def fit(self, X: Any, y: Any) -> "Predictions":
        """Do nothing."""
        return self

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the probabilities, (N, C)."""
        return self.proba

    def predict(self, X: Any) -> np.ndarray:
        """Return the most probable labels, (N,)."""
        labels: np.ndarray = self.classes_[self.proba.argmax(1)]
        return labels


@dataclass(frozen=True)
class Task:
    """What one trial has to do.

    Attributes
    ----------
    name : str
    params : dict
        The configuration.
    n_epochs : int
        Of all stages.
    folder : Path
        Where its checkpoints go, one folder each; all machines see it.
    checkpoint : str or None
        The one to go on from.
    n_checkpoints : int
        Number of the next one.
    questions : frozenset of int
        Epochs, those of a teacher included, after which the trial asks whether to go on.
    """

    name: str
    params: dict[str, Any]
    n_epochs: int
    folder: Path
    checkpoint: str | None = None
    n_checkpoints: int = 0
    questions: frozenset[int] = frozenset()


class EpochReports(Callback):
    """Report the score after each epoch, with a checkpoint now and then.

    An epoch with a checkpoint is reported when the next one begins, since the file is not written before. The last
    epoch is reported by :func:`train_trial`, which has the final classifier. With a teacher, the epochs of the student
    are counted on from the teacher's last.

    Parameters
    ----------
    setup : Setup
    data : mapping
        ``X_valid`` and ``y_valid``, as codes.
    task : Task
    channel : Channel
        Takes the reports.
    folder : Path
        Where the classifier writes its checkpoint.
    """

    def __init__(self, setup: Setup, data: Mapping[str, Any], task: Task, channel: Channel, folder: Path) -> None:
        self.setup = setup
        self.data = data
        self.task = task
        self.channel = channel
        self.folder = folder
        self.before_ = 0  # epochs of earlier stages
        self.n_checkpoints_ = task.n_checkpoints
        self.pending_: dict[str, Any] | None = None  # the report of an epoch whose checkpoint is being written
        self.last_saved_ = time.monotonic()
        self.start_ = time.monotonic()

    def on_train_begin(self, net: Any, X: Any = None, **kwargs: Any) -> None:
        """Put the validation samples where the net is, of the type that it is trained on; a Dataset stays one."""
        self.valid_ = self.data["X_valid"]
        if isinstance(self.valid_, np.ndarray):
            device = torch.device(net.device)
            self.valid_ = TensorData(torch.tensor(self.valid_, device=device, dtype=X.all_X.dtype))

    def on_epoch_begin(self, net: Any, **kwargs: Any) -> None:
        """Report the epoch before, if its checkpoint was written."""
        self._report_saved()

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """Measure and report."""
        epoch = self.before_ + len(net.history)
        if epoch >= self.task.n_epochs:
            return
        proba = torch.cat([logits.softmax(1).cpu() for logits in net.forward_iter(self.valid_)]).numpy()
        report = {METRIC: score(self.setup, proba, self.data), "epoch": epoch}
        if not math.isfinite(report[METRIC]):
            raise ArithmeticError(f"The score of epoch {epoch} is {report[METRIC]}.")
        if self._is_due(epoch):
            self.pending_ = report
        else:
            self._report(report)

    def wants_checkpoint(self, net: Any) -> bool:
        """Whether the classifier shall write a checkpoint after this epoch."""
        return self.pending_ is not None

    def on_train_end(self, net: Any, **kwargs: Any) -> None:
        """Report the last epoch of a stage that is not the last."""
        self._report_saved()
        self.before_ += len(net.history)

    def _report_saved(self) -> None:
        """Keep the checkpoint, and report its epoch."""
        if self.pending_ is None:
            return
        report, self.pending_ = self.pending_, None
        name = checkpoint_name(self.n_checkpoints_)
        keep_folder(self.folder, self.task.folder / name)
        self.n_checkpoints_ += 1
        self.last_saved_ = time.monotonic()
        self._report(report | {"checkpoint": name})

    def _report(self, report: dict[str, Any]) -> None:
        seconds = time.monotonic() - self.start_
        asks = report["epoch"] in self.task.questions
        self.channel.report(report | {"seconds": seconds}, urgent="checkpoint" in report, asks=asks)

    def _is_due(self, epoch: int) -> bool:
        if self.setup.checkpoint_epochs is not None:
            return epoch % self.setup.checkpoint_epochs == 0
        return time.monotonic() - self.last_saved_ >= self.setup.checkpoint_seconds


def checkpoint_name(number: int) -> str:
    """Return the name of a trial's checkpoint, by its number from 0.

    Examples
    --------
    >>> checkpoint_name(7)
    'checkpoint_000007'
    """
    return f"checkpoint_{number:06d}"


def keep_folder(source: Path, target: Path) -> None:
    """Copy a folder: whatever stops it, the target is there whole or not at all."""
    partial = target.with_name(f".{target.name}.{os.getpid()}.part")
    shutil.rmtree(partial, ignore_errors=True)
    shutil.copytree(source, partial, ignore=shutil.ignore_patterns(".*"))
    shutil.rmtree(target, ignore_errors=True)
    partial.rename(target)


def score(setup: Setup, proba: np.ndarray, data: Mapping[str, Any], name: str = "valid") -> float:
    """Return the score of class probabilities (N, C) by the labels ``y_valid``, or those of another name."""
    codes, weight = data[f"y_{name}"], data.get(f"weight_{name}")
    if setup.scoring == "accuracy":  # the same without scikit-learn's checks, which take as long as the forward pass
        return float(np.average(proba.argmax(1) == codes, weights=weight))
    labels = setup.classes[codes]
    options = {} if weight is None else {"sample_weight": weight}
    return float(get_scorer(setup.scoring)(Predictions(proba, setup.classes), data[f"X_{name}"], labels, **options))


def scorable(classes: np.ndarray) -> np.ndarray:
    """Return labels as scikit-learn's scorers take them: bytes and NumPy's variable strings as texts, others as are."""
    if classes.dtype.kind == "S" or all(isinstance(label, bytes) for label in classes.tolist()):
        return np.array([label.decode("latin-1") for label in classes.tolist()])
    return np.array(classes.tolist()) if classes.dtype.kind == "T" else classes


def check_scoring(setup: Setup, data: Mapping[str, Any]) -> None:
    """Refuse a scoring that cannot judge the held-out rows, before any trial fails by it.

    Parameters
    ----------
    setup : Setup
        Has the scoring.
    data : mapping of ndarray
        Has ``X_valid`` and ``y_valid``.

    Raises
    ------
    InvalidParameterError
        If it raises, or its score is not a finite number.
    """
    n_classes = len(setup.classes)
    weights = 1 + np.arange(len(data["y_valid"]) * n_classes, dtype=np.float32).reshape(-1, n_classes) % 7
    try:
        value = score(setup, weights / weights.sum(1, keepdims=True), data)
    except Exception as error:
        raise InvalidParameterError(f"'scoring' {setup.scoring!r} cannot be used here: {error}") from error
    if not np.isfinite(value):
        raise InvalidParameterError(
            f"'scoring' {setup.scoring!r} gives {value} on the held-out rows, of which some class may be missing. Hold "
            "more rows out, or use 'accuracy'."
        )


def train_trial(task: Task, setup: Setup, data: Mapping[str, Any], channel: Channel) -> dict[str, Any]:
    """Train a configuration, from its checkpoint if it has one, and return the last report.

    If the training raises, the trial has failed: the report has the message.

    Parameters
    ----------
    task : Task
    setup : Setup
    data : mapping of ndarray or Dataset
        ``X``, ``y``, ``X_valid``, ``y_valid`` and perhaps ``X_test``, ``y_test``, ``weight``, ``weight_valid`` and
        ``y_trusted`` (-1 where unknown); labels are codes. They are shared by all trials and must not be changed.
    channel : Channel
        Takes the reports of the epochs.

    Raises
    ------
    Halted
        If the answer to a report was not to go on.
    """
    torch.set_num_threads(setup.threads)
    with tempfile.TemporaryDirectory(prefix=f"{task.name}-", ignore_cleanup_errors=True) as folder, short_lived_files():
        try:
            _check_unchanged(setup, data)
            final = _train(task, setup, data, channel, Path(folder))
            _check_unchanged(setup, data)
        except Exception as error:
            final = failure(error)
        finally:
            if torch.cuda.is_available():
                torch.cuda.empty_cache()  # this process stays for the next trial, and others share its GPU
    return final


def _train(task: Task, setup: Setup, data: Mapping[str, Any], channel: Channel, folder: Path) -> dict[str, Any]:
    """Train and return the last report."""
    config = dict(task.params)
    if task.checkpoint is not None:
        shutil.copytree(task.folder / task.checkpoint, folder, dirs_exist_ok=True)
    if setup.population:
        config = continue_with(config, setup.estimator, folder)
    clf = configure(setup.estimator, config, setup.curricula)
    reports = EpochReports(setup, data, task, channel, folder)
    clf.set_params(checkpoint_dir=folder, callbacks=[*(clf.callbacks or []), ("epoch_reports", reports)], verbose=0)
    stop_if_interrupted(clf.fit(data["X"], data["y"], **_facts_for(clf, data)))
    proba = clf.predict_proba(data["X_valid"])
    final: dict[str, Any] = {
        METRIC: score(setup, proba, data),
        "epoch": reports.before_,
        "seconds": time.monotonic() - reports.start_,
        "finished": True,
    }
    if "weight_valid" not in data:  # rows that count alike can be compared one by one
        final["right"] = np.packbits(proba.argmax(1) == data["y_valid"]).tobytes().hex()
    if not math.isfinite(final[METRIC]):
        raise ArithmeticError(f"The final score is {final[METRIC]}.")
    if setup.population:
        final |= {"schedule": {name: config[name] for name in ("curriculum", "loss_percentile")}}
    if "X_test" in data:
        final["test_score"] = score(setup, clf.predict_proba(data["X_test"]), data, "test")
    return final


def _facts_for(clf: Any, data: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a classifier's ``fit`` is told of the rows besides their labels."""
    facts = {"sample_weight": data.get("weight")}
    return facts | ({"y_trusted": data["y_trusted"]} if needs_trusted(clf) else {})


def failure(error: BaseException) -> dict[str, Any]:
    """Return the report of a trial that raised."""
    message = f"{type(error).__name__}: {error}"
    return {METRIC: math.nan, "epoch": 0, "failed": True, "error": message, "traceback": traceback.format_exc()}


def _check_unchanged(setup: Setup, data: Mapping[str, Any]) -> None:
    """Refuse data that some trial has written to.

    Raises
    ------
    SharedDataError
    """
    if setup.fingerprint is not None and fingerprint(data) != setup.fingerprint:
        raise SharedDataError(
            "The training data, which all trials share, are not what they were: this trial, or one before or beside "
            "it, wrote into them. A student, callback or scorer must copy what it changes."
        )


def fingerprint(data: Mapping[str, Any]) -> int:
    """Return a checksum of the arrays, not of Datasets; a hundred megabytes take some milliseconds."""
    checksum = 0
    for array in (values for values in data.values() if isinstance(values, np.ndarray)):
        checksum = zlib.crc32(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data, checksum)
    return checksum
