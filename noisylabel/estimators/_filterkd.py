"""Filter-KD: a student that learns the filtered predictions of its teacher."""

import copy
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import torch

from noisylabel._support.constraints import Choice, Constraint, Count, Flag, Number, OrNone
from noisylabel._support.files import local_path
from noisylabel.curricula import Uniform
from noisylabel.estimators._base import BaseNoisyLabelClassifier
from noisylabel.estimators._mentornet import MentorNetClassifier
from noisylabel.estimators._run import Fitted, NetParts, SavedRun, Split, TrainingRun, split_rows
from noisylabel.estimators._shared import SHARED_CONSTRAINTS, with_shared_docs
from noisylabel.estimators.inputs._training_data import TrainingData
from noisylabel.exceptions import InvalidParameterError
from noisylabel.mentors import Mentor, PercentileMentor
from noisylabel.nets import (
    DistillingNet,
    LabelTargets,
    NetworkTargets,
    SampleRecord,
    TableTargets,
    Targets,
    WeightedNet,
)


@dataclass(frozen=True)
class Teaching:
    """What a student learns from.

    Attributes
    ----------
    targets : callable
        From the student's classifier, the data, and what the teacher's run found (None without a teacher) to the
        targets.
    has_teacher : bool
        Whether there is a teacher, whose predictions have a temperature.
    keeps_table : bool
        Whether the teacher must keep filtered predictions.
    keeps_last : bool
        Whether the teacher must keep its last network.
    """

    targets: Callable[[Any, TrainingData, Any], Targets]
    has_teacher: bool = True
    keeps_table: bool = False
    keeps_last: bool = False


def _filtered(clf: Any, data: TrainingData, fitted: Fitted) -> Targets:
    proba = fitted.record.proba_
    assert proba is not None  # the teacher keeps it
    rows = fitted.split.train_rows
    return TableTargets(proba if len(rows) == len(proba) else proba[torch.as_tensor(rows)])


def _last(clf: Any, data: TrainingData, fitted: Fitted) -> Targets:
    module = copy.deepcopy(fitted.net.module_)
    module.load_state_dict(fitted.trained.last_state)
    return NetworkTargets(module)


def _early_stopped(clf: Any, data: TrainingData, fitted: Fitted) -> Targets:
    return NetworkTargets(fitted.net.module_)


def _smoothed_labels(clf: Any, data: TrainingData, fitted: None) -> Targets:
    return LabelTargets(data.n_classes, clf.label_smoothing)


def _labels(clf: Any, data: TrainingData, fitted: None) -> Targets:
    return LabelTargets(data.n_classes)


TEACHINGS = {
    "filtered": Teaching(_filtered, keeps_table=True),
    "last": Teaching(_last, keeps_last=True),
    "early_stopped": Teaching(_early_stopped),
    "label_smoothing": Teaching(_smoothed_labels, has_teacher=False),
    "one_hot": Teaching(_labels, has_teacher=False),
}


@with_shared_docs
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
        As in ``MentorNetClassifier``; teacher and student hold out the same rows.
    checkpoint_dir : str or Path, optional
        As in ``MentorNetClassifier``, for the student; the teacher's is in the folder ``teacher`` below.
    callbacks : list of skorch callbacks, optional
        In addition to our own, for the teacher and then for the student.
    ema_decay : float in [0, 1), default=0.0
        As in ``MentorNetClassifier``; this and all that follow hold for teacher and student.
    {parameters}

    Attributes
    ----------
    teacher_ : MentorNetClassifier or None
        The teacher. With ``"filtered"`` its ``record_.proba_`` holds the filtered predictions, (N, C); of held-out rows
        it says what the network that was kept says of them.
    net_ : DistillingNet
        The student's skorch net.
    history_ : DataFrame
        A row an epoch of the student, as in ``MentorNetClassifier``.
    {attributes}

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
        class_weight: Mapping[Any, float] | str | None = None,
        student: Any = "auto",
        standardize: bool = True,
        optimizer: Any = "adamw",
        lr: float = 0.002,
        lr_schedule: str | Callable[[float], float] = "one_cycle",
        weight_decay: float = 0.0005,
        max_epochs: int = 50,
        batch_size: int = 128,
        augment: Any = None,
        predict_flipped: bool = False,
        precision: str = "fp32",
        device: Any = "cpu",
        n_workers: int = 1,
        sync_batchnorm: bool = False,
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
        self.class_weight = class_weight
        self.student = student
        self.standardize = standardize
        self.optimizer = optimizer
        self.lr = lr
        self.lr_schedule = lr_schedule
        self.weight_decay = weight_decay
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.augment = augment
        self.predict_flipped = predict_flipped
        self.precision = precision
        self.device = device
        self.n_workers = n_workers
        self.sync_batchnorm = sync_batchnorm
        self.validation_fraction = validation_fraction
        self.checkpoint_dir = checkpoint_dir
        self.callbacks = callbacks
        self.net_params = net_params
        self.random_state = random_state
        self.verbose = verbose

    constraints: ClassVar[Mapping[str, Constraint]] = {
        **SHARED_CONSTRAINTS,
        "teacher": Choice(tuple(TEACHINGS)),
        "filter_alpha": Number(0, 1, closed="right"),
        "temperature": Number(0, closed="neither"),
        "label_smoothing": Number(0, 1),
        "teacher_epochs": OrNone(Count()),
        "same_init": Flag(),
    }

    def _check_together(self) -> None:
        if self.teacher == "early_stopped" and self.validation_fraction == 0:
            raise InvalidParameterError(
                "teacher='early_stopped' is the teacher's network of the best epoch on held-out rows, and "
                "'validation_fraction' is 0, which holds none out. Set it above 0, for instance 0.1."
            )

    def make_mentor(self) -> Mentor:
        """See :meth:`BaseNoisyLabelClassifier.make_mentor`; it weighs nothing."""
        return PercentileMentor(Uniform())

    def make_net(self, mentor: Mentor, parts: NetParts, targets: Targets | None = None) -> WeightedNet:
        """See :meth:`BaseNoisyLabelClassifier.make_net`; ``targets`` are what the net learns, the labels by default."""
        mentor.start(parts.n_samples, parts.n_classes, parts.generator)
        return DistillingNet(
            parts.network,
            targets=targets or LabelTargets(parts.n_classes),
            temperature=self.temperature if TEACHINGS[self.teacher].has_teacher else 1.0,
            mentor=mentor,
            record=SampleRecord(parts.n_samples, parts.n_classes, parts.generator.device),
            **parts.options,
        )

    def runs_below(self) -> tuple[str, ...]:
        """See :meth:`BaseNoisyLabelClassifier.runs_below`."""
        return ("teacher",) if TEACHINGS[self.teacher].has_teacher else ()

    def _run(self, mentor: Mentor, data: TrainingData, saved: SavedRun) -> Fitted:
        """Train the teacher, if there is one, and then the student, from one seed and on the same rows."""
        teaching = TEACHINGS[self.teacher]
        with saved.below(*self.runs_below()) if teaching.has_teacher else nullcontext(SavedRun()) as teacher_saved:
            return self._run_both(mentor, data, saved, teacher_saved)

    def _run_both(self, mentor: Mentor, data: TrainingData, saved: SavedRun, teacher_saved: SavedRun) -> Fitted:
        teaching = TEACHINGS[self.teacher]
        seed = (teacher_saved if saved.content is None else saved).seed(self.random_state)
        split = split_rows(data.codes, self.validation_fraction, seed)
        checkpoint = saved.file_for(self, seed, data)  # before the teacher is trained: it may be another run's
        fitted, self.teacher_ = None, None
        if teaching.has_teacher:
            self.teacher_, fitted = self._teach(teaching, data, split, seed, teacher_saved)
        make_net = partial(self.make_net, mentor, targets=teaching.targets(self, data, fitted))
        student_seed = seed + 4 if teaching.has_teacher and not self.same_init else seed
        bar = type(self).__name__ if self.verbose else None
        return TrainingRun(self, data, make_net, split, seed, checkpoint, student_seed, bar).train()

    def _teacher_dir(self) -> Path | None:
        return None if self.checkpoint_dir is None else local_path("checkpoint_dir", self.checkpoint_dir) / "teacher"

    def _teach(
        self, teaching: Teaching, data: TrainingData, split: Split, seed: int, saved: SavedRun
    ) -> tuple[MentorNetClassifier, Fitted]:
        """Train the teacher on the same rows as the student; return it, and what its run found."""
        teacher = self._make_teacher(teaching)
        run = TrainingRun(
            teacher,
            data,
            partial(teacher.make_net, teacher.make_mentor().check_parameters()),
            split,
            seed,
            saved.file_for(teacher, seed, data),
            bar=f"teacher of {type(self).__name__}" if self.verbose else None,
            keep_last=teaching.keeps_last,
        )
        fitted = run.train()
        if fitted.trained.interrupt is not None:
            raise KeyboardInterrupt(f"In the training of the teacher: {fitted.trained.interrupt}")
        teacher.take_over(fitted, data)
        return teacher, fitted

    def _make_teacher(self, teaching: Teaching) -> MentorNetClassifier:
        """Return the unfitted teacher: plain training with the parameters that it shares with this classifier."""
        shared = self.get_params(deep=False).keys() & MentorNetClassifier().get_params(deep=False).keys()
        changes = {
            "max_epochs": self.max_epochs if self.teacher_epochs is None else self.teacher_epochs,
            "filter_alpha": self.filter_alpha if teaching.keeps_table else None,
            "checkpoint_dir": self._teacher_dir(),
            "loss_percentile": 0.7,  # only kept in the history, and in the checkpoints of earlier versions
        }
        return MentorNetClassifier("uniform", **{name: getattr(self, name) for name in shared} | changes)
