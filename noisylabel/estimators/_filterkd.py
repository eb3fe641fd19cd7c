"""Filter-KD: a student that learns the filtered predictions of its teacher."""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from skorch.callbacks import Callback
from torch import nn

from noisylabel._support.validation import check_choice, check_count, check_number
from noisylabel.callbacks import EpochProgress
from noisylabel.curricula import Uniform
from noisylabel.estimators._base import BaseNoisyLabelClassifier
from noisylabel.estimators._checkpoints import read_checkpoint
from noisylabel.estimators._mentornet import MentorNetClassifier
from noisylabel.exceptions import InvalidParameterError
from noisylabel.mentors import PercentileMentor
from noisylabel.nets import (
    DistillingNet,
    IndexedNet,
    LabelTargets,
    NetworkTargets,
    SampleRecord,
    TableTargets,
    Targets,
)


class LastNetwork(Callback):
    """Remember the network of the latest epoch, whichever epoch's is kept in the end."""

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """Copy the weights that evaluation uses."""
        self.state_ = copy.deepcopy(net.evaluated_module().state_dict())

    def state_dict(self) -> dict[str, Any]:
        """Return what to remember across a restart."""
        return {"state": self.state_}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over what :meth:`state_dict` returned."""
        self.state_ = state["state"]


@dataclass(frozen=True)
class Teaching:
    """What a student learns from.

    Attributes
    ----------
    targets : callable
        From the classifier, whose teacher is fitted, and its training rows to the targets.
    has_teacher : bool
        Whether there is a teacher, whose predictions have a temperature.
    keeps_table : bool
        Whether the teacher must keep filtered predictions.
    keeps_last : bool
        Whether the teacher must keep its last network.
    """

    targets: Callable[[Any, np.ndarray], Targets]
    has_teacher: bool = True
    keeps_table: bool = False
    keeps_last: bool = False


def _filtered(clf: Any, train_rows: np.ndarray) -> Targets:
    return TableTargets(clf.teacher_.record_.proba_[torch.as_tensor(train_rows)])


def _last(clf: Any, train_rows: np.ndarray) -> Targets:
    net = clf.teacher_.net_
    module = copy.deepcopy(net.module_)
    module.load_state_dict(dict(net.callbacks_)["last_network"].state_)
    return NetworkTargets(module)


def _early_stopped(clf: Any, train_rows: np.ndarray) -> Targets:
    return NetworkTargets(clf.teacher_.net_.module_)


def _smoothed_labels(clf: Any, train_rows: np.ndarray) -> Targets:
    return LabelTargets(len(clf.classes_), clf.label_smoothing)


def _labels(clf: Any, train_rows: np.ndarray) -> Targets:
    return LabelTargets(len(clf.classes_))


TEACHINGS = {
    "filtered": Teaching(_filtered, keeps_table=True),
    "last": Teaching(_last, keeps_last=True),
    "early_stopped": Teaching(_early_stopped),
    "label_smoothing": Teaching(_smoothed_labels, has_teacher=False),
    "one_hot": Teaching(_labels, has_teacher=False),
}


class FilterKDClassifier(BaseNoisyLabelClassifier):
    """Deep classifier that learns the filtered predictions of a teacher instead of the labels.

    A teacher is trained on the noisy labels as they are. Before each step it says what it thinks of the samples; an
    average of that over training, which the latest visits do not dominate, is kept for each row. Wrong labels are
    learnt late, so the average still knows better. Then a second network, the student, learns the averages.

    Standard distillation from the teacher's last or best network, label smoothing and plain training are here too, for
    comparison.

    Parameters
    ----------
    teacher : {"filtered", "last", "early_stopped", "label_smoothing", "one_hot"}, default="filtered"
        What the student learns: the filtered predictions of the teacher; what the teacher's last network says of the
        student's own (augmented) batches; what its network of the best epoch on held-out rows says of them
        (``validation_fraction`` must be above 0); smoothed labels; or the labels as they are. The last two have no
        teacher.
    filter_alpha : float in (0, 1], default=0.05
        Share of the latest visit in the filtered predictions.
    temperature : float in (0, inf), default=1.0
        Above 1 it flattens what the student learns from a teacher, and what it says itself while it learns; below 1 it
        sharpens both.
    label_smoothing : float in [0, 1], default=0.1
        For ``"label_smoothing"``: share of each label that is spread evenly over all classes.
    teacher_epochs : int, optional
        Passes of the teacher over the training rows; as many as ``max_epochs`` by default. Few are better where it soon
        learns wrong labels by heart: the filter remembers some ``1 / filter_alpha`` visits.
    same_init : bool, default=False
        Let the student start from the very weights that the teacher started from, instead of another draw. (A network
        given as an object starts from its own weights both times.)
    max_epochs : int, default=50
        Passes of the student over the training rows.
    validation_fraction : float in [0, 0.5], default=0.0
        As in :class:`MentorNetClassifier`; teacher and student hold out the same rows.
    checkpoint_dir : str or Path, optional
        As in :class:`MentorNetClassifier`, for the student; the teacher's is in the folder ``teacher`` below.
    callbacks : list of skorch callbacks, optional
        In addition to our own, for the teacher and then for the student.
    ema_decay, student, standardize, optimizer, lr, lr_schedule, weight_decay, batch_size, augment, precision, device
        As in :class:`MentorNetClassifier`, for teacher and student.
    net_params, random_state, verbose
        As in :class:`MentorNetClassifier`, for teacher and student.

    Attributes
    ----------
    teacher_ : MentorNetClassifier or None
        The teacher. With ``"filtered"`` its ``record_.proba_`` holds the filtered predictions, (N, C); of held-out rows
        it says what the network that was kept says of them.
    net_ : DistillingNet
        The student's skorch net.
    history_ : DataFrame
        A row an epoch of the student, as in :class:`MentorNetClassifier`.
    record_ : SampleRecord
        What the student's training saw of each row and its given label.
    classes_, sample_weight_, best_epoch_, n_iter_, sample_shape_, sample_dtype_, n_features_in_, feature_names_in_
        As in :class:`MentorNetClassifier`.

    References
    ----------
    Ren, Guo, Sutherland, "Better supervisory signals by observing learning paths", ICLR 2022,
    https://openreview.net/forum?id=Iog0djAdbHj

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from noisylabel import FilterKDClassifier
    >>> from noisylabel.noise import corrupt
    >>> X, y = load_digits(return_X_y=True)
    >>> noisy_y, manifest = corrupt(y[:1200], "symmetric", rate=0.4, random_state=0)
    >>> clf = FilterKDClassifier(max_epochs=20, random_state=0).fit(X[:1200], noisy_y)
    >>> clf.score(X[1200:], y[1200:]) > 0.85
    True
    """

    def __init__(
        self,
        teacher: str = "filtered",
        *,
        filter_alpha: float = 0.05,
        temperature: float = 1.0,
        label_smoothing: float = 0.1,
        teacher_epochs: int | None = None,
        same_init: bool = False,
        ema_decay: float = 0.0,
        student: Any = "auto",
        standardize: bool = True,
        optimizer: Any = "adamw",
        lr: float = 0.002,
        lr_schedule: str | Callable[[float], float] = "one_cycle",
        weight_decay: float = 0.0005,
        max_epochs: int = 50,
        batch_size: int = 128,
        augment: Any = None,
        precision: str = "fp32",
        device: Any = "cpu",
        validation_fraction: float = 0.0,
        checkpoint_dir: str | Path | None = None,
        callbacks: list[Any] | None = None,
        net_params: dict[str, Any] | None = None,
        random_state: Any = None,
        verbose: int = 0,
    ) -> None:
        self.teacher = teacher
        self.filter_alpha = filter_alpha
        self.temperature = temperature
        self.label_smoothing = label_smoothing
        self.teacher_epochs = teacher_epochs
        self.same_init = same_init
        self.ema_decay = ema_decay
        self.student = student
        self.standardize = standardize
        self.optimizer = optimizer
        self.lr = lr
        self.lr_schedule = lr_schedule
        self.weight_decay = weight_decay
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.augment = augment
        self.precision = precision
        self.device = device
        self.validation_fraction = validation_fraction
        self.checkpoint_dir = checkpoint_dir
        self.callbacks = callbacks
        self.net_params = net_params
        self.random_state = random_state
        self.verbose = verbose

    def _check_parameters(self) -> None:
        super()._check_parameters()
        check_choice("teacher", self.teacher, TEACHINGS)
        check_number("filter_alpha", self.filter_alpha, 0, 1, closed="right")
        check_number("temperature", self.temperature, 0, closed="neither")
        check_number("label_smoothing", self.label_smoothing, 0, 1)
        check_number("ema_decay", self.ema_decay, 0, 1, closed="left", hint="0 averages nothing.")
        if self.teacher_epochs is not None:
            check_count("teacher_epochs", self.teacher_epochs)
        if self.same_init not in (False, True):
            raise InvalidParameterError(f"'same_init' must be a bool. Got {self.same_init!r}.")
        if self.teacher == "early_stopped" and self.validation_fraction == 0:
            raise InvalidParameterError(
                "teacher='early_stopped' is the teacher's network of the best epoch on held-out rows, and "
                "'validation_fraction' is 0, which holds none out. Set it above 0, for instance 0.1."
            )

    def _make_net(
        self, module: nn.Module, n_samples: int, generator: torch.Generator, options: dict[str, Any]
    ) -> IndexedNet:
        mentor = PercentileMentor(Uniform())
        mentor.start(n_samples, len(self.classes_), generator)
        temperature = self.temperature if TEACHINGS[self.teacher].has_teacher else 1.0
        record = SampleRecord(n_samples, len(self.classes_), generator.device)
        options = {"mentor": mentor, "record": record, "ema_decay": self.ema_decay, **options}
        until_taught = LabelTargets(len(self.classes_))
        return DistillingNet(module, targets=until_taught, temperature=temperature, **options)

    def _run_seed(self, saved: dict[str, Any] | None) -> int:
        """Return the seed of both stages; a run that was stopped in the first has it in the teacher's checkpoint."""
        if saved is None and self.checkpoint_dir is not None and TEACHINGS[self.teacher].has_teacher:
            saved = read_checkpoint(Path(self.checkpoint_dir) / "teacher")
        return super()._run_seed(saved)

    def _stream_seed(self, seed: int) -> int:
        """Let a student start from other weights than its teacher, which starts from those of ``seed``."""
        return seed + 4 if TEACHINGS[self.teacher].has_teacher and not self.same_init else seed

    def _teach(
        self, net: IndexedNet, seed: int, train_rows: np.ndarray, X: Any, y: np.ndarray, sample_weight: Any
    ) -> None:
        """Train the teacher from the same seed, so that it holds out the same rows, and ask it."""
        teaching = TEACHINGS[self.teacher]
        self.teacher_ = None
        if teaching.has_teacher:
            self.teacher_ = self._make_teacher(teaching)._fit(X, y, sample_weight, seed=seed)
            for _, callback in net.callbacks_:
                callback.initialize()  # the user's have watched the teacher
        net.targets = teaching.targets(self, train_rows)

    def _make_teacher(self, teaching: Teaching) -> MentorNetClassifier:
        """Return the unfitted teacher: plain training with the parameters that it shares with this classifier."""
        shared = self.get_params(deep=False).keys() & MentorNetClassifier().get_params(deep=False).keys()
        own = [("last_network", LastNetwork())] if teaching.keeps_last else []
        bar = [("teacher_progress", EpochProgress(f"teacher of {type(self).__name__}"))] if self.verbose else []
        changes = {
            "max_epochs": self.max_epochs if self.teacher_epochs is None else self.teacher_epochs,
            "filter_alpha": self.filter_alpha if teaching.keeps_table else None,
            "checkpoint_dir": None if self.checkpoint_dir is None else Path(self.checkpoint_dir) / "teacher",
            "callbacks": [*own, *bar, *(self.callbacks or [])],
            "verbose": 0,
        }
        return MentorNetClassifier("uniform", **{name: getattr(self, name) for name in shared} | changes)
