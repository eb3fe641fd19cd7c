"""MentorNet: a network trained under a curriculum."""

import copy
import inspect
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import torch
from sklearn.base import clone

from noisylabel._support.constraints import Choice, Constraint, Flag, NameOr, Number, OrNone
from noisylabel._support.validation import check_choice
from noisylabel.curricula import Curriculum, DataDriven, Uniform, resolve_curriculum
from noisylabel.estimators._advice import noise_advice
from noisylabel.estimators._base import BaseNoisyLabelClassifier
from noisylabel.estimators._pilot import fewest_rows, pilot_batch_size, pilot_epochs, pilot_rounds, predict_by_others
from noisylabel.estimators._presets import find_recipe
from noisylabel.estimators._run import Fitted, NetParts, Split
from noisylabel.estimators._shared import SHARED_CONSTRAINTS, with_shared_docs
from noisylabel.estimators.inputs._training_data import TrainingData
from noisylabel.exceptions import DivergedError, InvalidDataError, InvalidParameterError, NoisyLabelWarning
from noisylabel.issues import JUDGED, LOOKS_OF_AVERAGED, LOOKS_OF_LEARNED, judge_rows, pack_judged
from noisylabel.losses import LOSSES, CrossEntropy, Loss, resolve_loss
from noisylabel.mentors import (
    AutoPercentileMentor,
    DataDrivenMentor,
    LabelPosteriorMentor,
    ListeningMentor,
    Mentor,
    MixedLossMentor,
    PercentileMentor,
    resolve_mentor,
)
from noisylabel.nets import MixingNet, SampleRecord, WeightedNet
from noisylabel.schedules import percent_of_training

_ANY_PERCENTILE = 0.7  # where nothing but the history shows it
_PLAIN: dict[str, Any] = {  # training without a curriculum, which leaves nothing behind
    "curriculum": "uniform",
    "loss": "cross_entropy",
    "mixup_alpha": 0.0,
    "second_reweight": False,
    "example_dropout": None,
    "percentile_by_class": False,
    "ema_decay": 0.0,
    "filter_alpha": None,
    "callbacks": None,
    "checkpoint_dir": None,
    "verbose": 0,
}
_OF_MENTORS = (  # parameters of a mentor that are the classifier's
    "loss_percentile",
    "percentile_decay",
    "percentile_by_class",
    "burn_in",
    "example_dropout",
    "fixed_epoch_after_burn_in",
)
_LOST = 0.05  # mean weight of a class
_FEW = 20  # rows, of which chance may take the weight


@with_shared_docs
class MentorNetClassifier(BaseNoisyLabelClassifier):
    """Deep classifier that learns from noisy labels under a MentorNet curriculum.

    A curriculum turns each sample's loss into a weight, so that samples whose label the network finds hard to believe
    count less or not at all. The clock of everything is the percent of training that is over, whatever the number of
    epochs.

    Parameters
    ----------
    curriculum : str, Path, Curriculum or callable, default="auto"
        ``"auto"`` learns the noise by itself, whatever its kind: see the notes. With a number as ``loss_percentile``
        it is ``"mentornet_pd"``, the curriculum of the paper. Others are a name in
        ``noisylabel.curricula.CURRICULA`` (``"uniform"`` is plain training), an object such as ``SPCLLinear(gamma=2)``,
        or a function of (loss, loss_diff, label, epoch_percent). Learned ones: ``"mentornet_dd"``, ``"zoo:NAME"``, the
        path of a ``.safetensors`` file, or ``"data_driven"``, which is learned during ``fit`` from the rows of
        ``y_trusted``. With a memory: ``"active_bias"``, ``"spld"``, ``"learning_to_teach"``, or a mentor such as
        ``SPLDMentor(gamma=2)``, whose percentile and burn-in are the classifier's. Asking the rows of ``y_trusted``:
        ``"learning_to_reweight"``, ``"fidelity_weighted"``. Several in turn, each with its percent of training:
        ``"self_paced,40,mentornet_pd,60"``.
    update_at : sequence of float in [1, 99], default=(21, 75)
        For ``"data_driven"``: the percents of training at which the MentorNet is learned; before the first, every
        weight is 1.
    loss_percentile : float in [0, 1], str or "auto", default="auto"
        Percentile of the losses that the curriculum compares with, as a fraction: about the share of labels that are
        right. A schedule ``"0.8,50,0.6,50"`` gives a value for each stretch of training. ``"auto"``, for a curriculum
        that is named, is 1 minus ``noise_rate_``, which short trainings find out first (see the notes); with
        ``percentile_by_class`` each class has that of its own labels. Where no noise is seen, training is the plain
        one. With ``"data_driven"`` it is the share of right labels among the trusted rows.
    percentile_decay : float in [0, 1), default=0.5
        Share of the past in the moving average of the percentile.
    percentile_by_class : bool, default=False
        Compare each loss with a percentile of its own class's losses; ``curriculum="auto"`` compares none. With one
        percentile of all, a class that is harder than the others can lose all its weight, and is then never learned. It
        presumes that classes have similar shares of wrong labels, and some 20 rows or more.
    burn_in : float, 0 or in [1, 100], default=18
        Percent (not a fraction) of training at the start during which every sample has weight 1; with
        ``curriculum="auto"``, during which a row's probabilities are those of the short trainings alone.
    example_dropout : float in [0, 1], str or None, default=None
        Share of each batch that gets weight 0 at random, or a schedule as in the papers: ``"0.5,17,0.05,83"``.
    fixed_epoch_after_burn_in : bool, default=False
        Show the curriculum the end of the burn-in as the percent of training from then on.
    mixup_alpha : float in [0, inf), default=0.0
        Above 0: learn from mixes of samples instead of samples, as ``MentorMixClassifier`` does, with shares drawn
        from Beta(alpha, alpha). 2 to 8 in the paper; with ``curriculum="uniform"`` it is plain mixup.
    mix_ratio : {"hard", "soft"}, default="hard"
        Whether the larger share goes to the sample if its weight is at least 0.5 and else to its partner, or is blended
        by the weight.
    second_reweight : bool or "auto", default=False
        Let the curriculum also weigh the losses of the mixes, against their own moving percentile. ``"auto"``: where
        few labels are right; ``MentorMixClassifier`` says more.
    loss : str, Loss or callable, default="cross_entropy"
        What is minimised: a name in ``noisylabel.losses.LOSSES`` (``"label_smoothing"``, ``"gce"``,
        ``"symmetric_ce"``, ``"bootstrapping"``, ``"elr"``), an object such as ``GeneralizedCrossEntropy(q=0.5)`` or
        ``ForwardCorrection(matrix)``, or a function of logits (B, C) and label codes (B,) that returns the losses (B,).
        An object is copied. The curriculum goes by the cross entropy, whatever the loss. Mixes are learned by cross
        entropy only.
    ema_decay : float in [0, 1), default=0.0
        Above 0: evaluate with a moving average of the parameters, whose decay grows to this from 0.1.
    {parameters}

    Attributes
    ----------
    net_ : WeightedNet
        The trained skorch net.
    noise_rate_ : float
        Estimated share of wrong labels, with ``loss_percentile="auto"`` (unless the curriculum compares no losses with
        a percentile, such as ``"focal"``); NaN if there were too few rows to learn it from. With ``"data_driven"``:
        their share among the trusted rows.
    noise_rate_interval_ : tuple of float
        Where the rate is estimated: bounds that are meant to hold the true rate in 9 of 10 cases. A lower one of 0 says
        that there may be no noise; ``advice_`` says what training did about it, and what it assumed if rows were few.
    noise_rate_by_class_, noise_rate_by_class_interval_ : ndarray of shape (C,) and (2, C)
        The same of the rows that truly are of each class.
    noise_matrix_, noise_matrix_interval_ : ndarray of shape (C, C) and (2, C, C)
        ``noise_matrix_[i, j]`` is the share of the rows of class i that are labelled j.
    learnability_ : Learnability
        Where the rate is estimated: how well networks predict labels that they have not learned, in all and of each
        class, and whether the samples tell anything about the labels; see
        :func:`noisylabel.functional.measure_learnability`.
    advice_ : str
        Where the rate is estimated: what was found, what was done about it, and what would help.
    curriculum_ : Curriculum, TeachingPolicy or None
        The curriculum that was used; with ``"data_driven"`` the MentorNet learned last, and with
        ``"learning_to_teach"`` the policy, which can be saved; None with ``"auto"`` and other mentors with a memory.
    {attributes}

    Notes
    -----
    With ``loss_percentile="auto"``, two short trainings on one half of the rows each, of 15 % of the epochs, predict
    the other half, whose labels they have not learned; 1,000 rows and fewer are cut in five parts instead, up to three
    times, and the predictions averaged. That tells how many labels of each class are wrong and what they became
    (:func:`noisylabel.functional.estimate_noise`). If there may be none, training is plain training to the last bit
    (unless 1,000 rows or fewer leave open whether there is none or 40 % and more). Else a named curriculum has its
    percentile (:class:`noisylabel.mentors.AutoPercentileMentor`). With ``curriculum="auto"`` each row gets a
    probability of each class, given its label and what is predicted for it, and the network learns all of them as its
    target (:class:`noisylabel.mentors.LabelPosteriorMentor`). Another ``loss`` than the cross entropy is weighted by
    the probability of the given label instead. It costs 20 to 40 % more than plain training (of 1,000 rows and fewer,
    twice to seven times as much), and 4 bytes for each row and class, some times as much for a moment. Fewer than 20
    rows a class on average are too few; a warning says so.

    References
    ----------
    Jiang, Zhou, Leung, Li, Fei-Fei, "MentorNet: learning data-driven curriculum for very deep neural networks on
    corrupted labels", ICML 2018, https://arxiv.org/abs/1712.05055

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from noisylabel import MentorNetClassifier
    >>> from noisylabel.noise import corrupt
    >>> X, y = load_digits(return_X_y=True)
    >>> noisy_y, manifest = corrupt(y[:1200], "symmetric", rate=0.4, random_state=0)
    >>> clf = MentorNetClassifier(random_state=0).fit(X[:1200], noisy_y)
    >>> clf.score(X[1200:], y[1200:]) > 0.85
    True
    >>> abs(clf.noise_rate_ - manifest.realised_rate) < 0.05
    True
    """

    def __init__(
        self,
        curriculum: str | Path | Curriculum | Callable[..., torch.Tensor] = "auto",
        *,
        update_at: Sequence[float] = (21, 75),
        loss_percentile: float | str = "auto",
        percentile_decay: float = 0.5,
        percentile_by_class: bool = False,
        burn_in: float = 18,
        example_dropout: float | str | None = None,
        fixed_epoch_after_burn_in: bool = False,
        loss: str | Loss | Callable[..., torch.Tensor] = "cross_entropy",
        mixup_alpha: float = 0.0,
        mix_ratio: str = "hard",
        second_reweight: bool | str = False,
        ema_decay: float = 0.0,
        filter_alpha: float | None = None,
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
        self.curriculum = curriculum
        self.update_at = update_at
        self.loss_percentile = loss_percentile
        self.percentile_decay = percentile_decay
        self.percentile_by_class = percentile_by_class
        self.burn_in = burn_in
        self.example_dropout = example_dropout
        self.fixed_epoch_after_burn_in = fixed_epoch_after_burn_in
        self.loss = loss
        self.mixup_alpha = mixup_alpha
        self.mix_ratio = mix_ratio
        self.second_reweight = second_reweight
        self.ema_decay = ema_decay
        self.filter_alpha = filter_alpha
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

    @classmethod
    def from_preset(cls, name: str, **changes: Any) -> Self:
        """Return a classifier with the settings of a fast training of small images.

        Parameters
        ----------
        name : {"speed_xs", "speed_s", "speed_m", "speed_l"}
            The network, of ``noisylabel.estimators.RECIPES``, with its optimizer, learning rates and their schedule,
            label smoothing, augmentation, and number of epochs. ``"speed_xs"`` is for a CPU; the others are those of
            cifar10-airbench, which reaches 94, 95 and 96 % on the 50,000 right labels of CIFAR-10 in 10, 15 and 37
            epochs (it predicts from six views of each image).
        **changes
            Parameters to set otherwise. ``lr`` is for batches of ``batch_size``, 1,024 but for ``"speed_xs"``: take a
            share of it with smaller ones, as for few rows.

        Returns
        -------
        MentorNetClassifier

        Raises
        ------
        InvalidParameterError
            If there is no preset of this name.

        Examples
        --------
        >>> clf = MentorNetClassifier.from_preset("speed_s", batch_size=128, lr=1.5 / 8)
        >>> clf.student, clf.max_epochs
        (Speed(norm_lr=64), 10)
        """
        return cls(**(find_recipe(name) | changes))

    mixing_net: ClassVar[type[MixingNet]] = MixingNet
    constraints: ClassVar[Mapping[str, Constraint]] = {
        **SHARED_CONSTRAINTS,
        "percentile_by_class": Flag(),
        "fixed_epoch_after_burn_in": Flag(),
        "loss": NameOr(LOSSES, "a Loss or a function"),
        "mixup_alpha": Number(0, hint="0 mixes nothing."),
        "mix_ratio": Choice(("hard", "soft")),
        "filter_alpha": OrNone(Number(0, 1, closed="right", hint="None keeps no predictions.")),
        "second_reweight": Flag(("auto",)),
    }

    def _check_together(self) -> None:
        loss = resolve_loss(self.loss).check_parameters()
        if self.second_reweight and self.second_reweight != "auto" and self.mixup_alpha == 0:
            raise InvalidParameterError(
                "'second_reweight' weighs mixes of samples, and 'mixup_alpha' is 0, which makes none. Set "
                "'mixup_alpha' above 0, or second_reweight=False."
            )
        if self._learns_noise() and self.second_reweight is True:
            raise InvalidParameterError(
                "'second_reweight' weighs mixes by a percentile of their losses, and curriculum='auto' has none. Set "
                "second_reweight='auto', or name a 'curriculum' such as 'mentornet_pd'."
            )
        if self._learns_noise() and self.example_dropout is not None:
            raise InvalidParameterError(
                f"'example_dropout' is {self.example_dropout!r}, and curriculum='auto' drops nothing. Leave it None, "
                "or name a 'curriculum' such as 'mentornet_pd'."
            )
        if self.mixup_alpha and not isinstance(loss, CrossEntropy):
            raise InvalidParameterError(
                f"'loss' is {self.loss!r}, and 'mixup_alpha' above 0 learns mixes of labels, by cross entropy only. "
                "Set mixup_alpha=0, or loss='cross_entropy'."
            )

    def _learns_noise(self) -> bool:
        """Whether the curriculum is the one that is told nothing."""
        return _is_auto(self.curriculum) and _is_auto(self.loss_percentile)

    def make_mentor(self) -> Mentor:
        """See :meth:`BaseNoisyLabelClassifier.make_mentor`."""
        if self._learns_noise():
            PercentileMentor(Uniform(), percentile_decay=self.percentile_decay).check_parameters()  # though unused
            return LabelPosteriorMentor(burn_in=self.burn_in)
        named = resolve_mentor(self.curriculum)
        if named is not None:
            shared = self._parameters_of(named)
            if self.example_dropout is not None and "example_dropout" not in shared:
                raise InvalidParameterError(
                    f"'example_dropout' is {self.example_dropout!r}, and 'curriculum', {self.curriculum!r}, drops "
                    "nothing. Leave it None, or choose another 'curriculum' such as 'mentornet_pd'."
                )
            return named.set_params(**shared)
        options: dict[str, Any] = {
            "percentile_decay": self.percentile_decay,
            "percentile_by_class": self.percentile_by_class,
            "burn_in": self.burn_in,
            "example_dropout": self.example_dropout,
            "fixed_epoch_after_burn_in": self.fixed_epoch_after_burn_in,
        }
        curriculum = resolve_curriculum("mentornet_pd" if _is_auto(self.curriculum) else self.curriculum)
        if isinstance(curriculum, DataDriven):
            return DataDrivenMentor(
                curriculum, update_at=self.update_at, loss_percentile=self.loss_percentile, **options
            )
        percentile = self.loss_percentile
        if isinstance(percentile, str) and "," not in percentile:
            check_choice("loss_percentile", percentile.strip(), ["auto"])
            if curriculum.is_relative:
                return AutoPercentileMentor(curriculum, **options)
            percentile = _ANY_PERCENTILE
        return PercentileMentor(curriculum, loss_percentile=percentile, **options)

    def _parameters_of(self, named: Mentor) -> dict[str, Any]:
        """Return the parameters of a mentor that are the classifier's; refuse another value that it was made with."""
        made_with, usual = named.get_params(deep=False), inspect.signature(type(named)).parameters
        shared = {name: getattr(self, name) for name in _OF_MENTORS if name in made_with}
        for name, value in shared.items():
            if made_with[name] not in (value, usual[name].default):
                raise InvalidParameterError(
                    f"'curriculum' is {named!r}, and {name!r} of the classifier, {value!r}, is the one that counts. "
                    f"Set {name}={made_with[name]!r} there, and leave it out of the mentor."
                )
        return shared

    def make_loss(self) -> Loss:
        """Return a new loss, not yet started; an object is copied, since it may remember."""
        loss = resolve_loss(self.loss)
        return clone(loss) if loss is self.loss else loss

    def make_net(self, mentor: Mentor, parts: NetParts) -> WeightedNet:
        """See :meth:`BaseNoisyLabelClassifier.make_net`."""
        mentor.tell(parts.right_labels, parts.groups)
        mentor.start(parts.n_samples, parts.n_classes, parts.generator)
        if isinstance(mentor, DataDrivenMentor):
            mentor.teach(parts.is_right)
        record = SampleRecord(parts.n_samples, parts.n_classes, parts.generator.device, self.filter_alpha)
        shared = {"mentor": mentor, "record": record, **parts.options}
        if self.mixup_alpha == 0:
            return WeightedNet(parts.network, loss=self.make_loss(), **shared)
        mixed_mentor = None
        if self.second_reweight is True and not isinstance(mentor, PercentileMentor):
            raise InvalidParameterError(
                f"'second_reweight' follows a PercentileMentor, and make_mentor returned {mentor!r}. Set "
                "second_reweight=False."
            )
        if self.second_reweight and isinstance(mentor, PercentileMentor):
            mixed_mentor = MixedLossMentor(mentor, if_few_are_right=self.second_reweight == "auto")
            mixed_mentor.start(parts.n_samples, parts.n_classes, parts.generator)
        stream = torch.Generator(parts.generator.device).manual_seed(parts.generator.initial_seed() + 2)
        return self.mixing_net(
            parts.network,
            mixup_alpha=self.mixup_alpha,
            mix_ratio=self.mix_ratio,
            mix_generator=stream,
            mixed_mentor=mixed_mentor,
            **shared,
        )

    def _ready(self, mentor: Mentor, data: TrainingData, split: Split) -> Mentor:
        """See :meth:`BaseNoisyLabelClassifier._ready`; one that learns from trusted rows must have both kinds."""
        is_right = data.is_right(split.train_rows)
        if isinstance(mentor, DataDrivenMentor) and not mentor.tells_apart(is_right):
            return self._mentor_without_teacher(is_right)
        return mentor

    def _inform(self, mentor: Mentor, data: TrainingData, split: Split, seed: int) -> None:
        """Tell a mentor that learns the noise what networks say of rows that they have not learned."""
        if not (isinstance(mentor, ListeningMentor) and mentor.listens):
            return
        asks = "curriculum='auto'" if isinstance(mentor, LabelPosteriorMentor) else "loss_percentile='auto'"
        rows, weight = split.train_rows, data.samples.sample_weight
        place = torch.as_tensor(rows, device=data.device)
        counts = None if weight is None else weight[place] > 0
        n_rows = len(rows) if counts is None else int(counts.sum())
        if n_rows < fewest_rows(data.n_classes):
            warnings.warn(
                f"{asks} needs {fewest_rows(1)} rows a class to learn the noise from, "
                f"{fewest_rows(data.n_classes)} in all, and there are {n_rows}. Every row has weight 1, as in plain "
                "training. If you know about how many labels are right, give that as 'loss_percentile', 0.7 for "
                "instance.",
                NoisyLabelWarning,
                stacklevel=4,
            )
            return
        try:
            pilot, rounds = self.make_pilot(n_rows), pilot_rounds(n_rows)
            proba = predict_by_others(pilot, data, rows, rounds, seed, shows_bar=bool(self.verbose))
        except DivergedError as error:
            warnings.warn(
                f"A short training from which {asks} learns the noise diverged, so that every row has weight 1, "
                f"as in plain training. It has no callbacks. {error}",
                NoisyLabelWarning,
                stacklevel=4,
            )
            return
        mentor.listen(proba, torch.as_tensor(data.codes, device=data.device)[place], counts)

    def make_pilot(self, n_rows: int) -> "MentorNetClassifier":
        """Return the unfitted classifier of the short trainings before the main one, which are plain.

        Parameters
        ----------
        n_rows : int
            From how many rows the noise is to be learned; each training learns a part of them.
        """
        pilot = copy.copy(self)  # its network is built as the main one's
        for name, value in _PLAIN.items():
            setattr(pilot, name, value)
        pilot.net_params = {k: v for k, v in (self.net_params or {}).items() if not k.startswith("callbacks__")}
        pilot.max_epochs = pilot_epochs(self.max_epochs)
        if self.optimizer in ("adam", "adamw", "sgd"):  # others may need another learning rate
            pilot.batch_size = pilot_batch_size(n_rows, pilot.max_epochs, self.batch_size)
        if self.optimizer == "sgd":  # whose rate goes with the batch
            pilot.lr = self.lr * min(1, pilot.batch_size / self.batch_size)
        return pilot

    def _mentor_without_teacher(self, is_right: torch.Tensor | None) -> Mentor:
        """Return a mentor that learns nothing, since the trusted rows tell no right label from a wrong one."""
        assert is_right is not None
        known = is_right[~is_right.isnan()]
        warnings.warn(
            f"Of the rows that training uses, {len(known)} have a trusted label, and 'y' is {_of_all(known)} for them: "
            "there is nothing to tell apart. The curriculum is 'mentornet_pd' instead of a learned one, with the same "
            f"'loss_percentile' ({self.loss_percentile!r}). Check more rows; in a cross-validation, use fewer folds.",
            NoisyLabelWarning,
            stacklevel=2,
        )
        untaught = copy.copy(self)
        untaught.curriculum = "mentornet_pd"
        return untaught.make_mentor().check_parameters()

    def _check_use_of_trusted(self, mentor: Mentor, is_given: bool) -> None:
        if mentor.needs_trusted and not is_given:
            raise InvalidDataError(
                f"The curriculum {self.curriculum!r} learns from rows whose right label is known. Pass them to fit as "
                "y_trusted (the right label where known, -1 elsewhere)."
            )

    def _keep(self, fitted: Fitted, data: TrainingData) -> None:
        net, mentor = fitted.net, fitted.net.mentor
        curriculum = mentor.get_params(deep=False).get("curriculum")  # one with a memory has none
        if (
            net.clock_.step < net.clock_.n_steps
            and "burn_in" in mentor.get_params(deep=False)
            and not (isinstance(curriculum, Uniform) or isinstance(mentor, LabelPosteriorMentor))
        ):
            self._warn_if_within_burn_in(net)
        if isinstance(mentor, ListeningMentor) and mentor.listens:
            self._keep_noise(mentor, data)
        elif isinstance(mentor, DataDrivenMentor):
            self.noise_rate_ = mentor.noise_rate_
        elif (is_right := data.is_right(fitted.split.train_rows)) is not None and self.make_mentor().uses_trusted:
            self.noise_rate_ = 1 - float(is_right.nanmean())
        self.curriculum_ = mentor.result()
        super()._keep(fitted, data)
        self._judge_labels(mentor, fitted.split, data)
        if mentor.doubts:
            _warn_of_lost_classes(self.sample_weight_, self._has_say, data)

    def _keep_noise(self, mentor: ListeningMentor, data: TrainingData) -> None:
        """Set what is known of the noise, and say it in words."""
        noise = mentor.noise_
        self.noise_rate_ = float("nan") if noise is None else noise.rate
        self.advice_ = noise_advice(noise, mentor.assumed_rate_, mentor.deed, data.classes)
        if noise is None:
            return
        self.noise_rate_interval_ = noise.rate_interval
        for name in ("matrix", "matrix_interval", "rate_by_class", "rate_by_class_interval"):
            setattr(self, f"noise_{name}_", getattr(noise, name).cpu().numpy())

    def _judge_labels(self, mentor: Mentor, split: Split, data: TrainingData) -> None:
        """Keep what the mentor's view of the rows says of their labels, and let go of the view."""
        found = mentor.row_beliefs() if isinstance(mentor, ListeningMentor) else None
        if not isinstance(mentor, ListeningMentor) or found is None:
            return
        rows, (beliefs, matrix) = split.train_rows, found
        looks = LOOKS_OF_AVERAGED if self.mixup_alpha > 0 else LOOKS_OF_LEARNED
        rate = None if mentor.heard_ is None else mentor.noise_rate_
        if rate is not None and self.record_.proba_ is not None:  # of all of training, not of its start
            beliefs, looks = self.record_.proba_[rows].nan_to_num(1 / data.n_classes), LOOKS_OF_AVERAGED
        judged = np.full((len(data.codes), len(JUDGED)), np.nan, dtype=np.float32)
        if (is_right := data.is_right(rows)) is not None:  # of the others, fewer are wrong than of all
            is_open = is_right.isnan()
            if rate is not None:
                rate = max(rate * len(rows) - int((is_right == 0).sum()), 0) / max(int(is_open.sum()), 1)
            rows, beliefs = rows[is_open.cpu().numpy()], beliefs[is_open.to(beliefs.device)]
        judged[rows] = judge_rows(beliefs, matrix, torch.as_tensor(data.codes[rows]), looks, rate)
        self._judged = pack_judged(judged, data.n_classes)
        self.learnability_ = mentor.learnability_
        mentor.heard_ = None

    def _warn_if_within_burn_in(self, net: WeightedNet) -> None:
        """Say so if training was stopped before its curriculum did anything."""
        if percent_of_training((net.clock_.step - 1) / net.clock_.n_steps) >= self.burn_in:
            return
        warnings.warn(
            f"Training ended after {len(net.history)} epochs, within the burn-in of {self.burn_in:g} percent of "
            f"'max_epochs' ({self.max_epochs}): the curriculum never acted. Stop later (a larger 'patience'), or lower "
            "'max_epochs' or 'burn_in'.",
            NoisyLabelWarning,
            stacklevel=4,
        )


def _warn_of_lost_classes(weights: np.ndarray, has_say: np.ndarray | None, data: TrainingData) -> None:
    """Name the classes whose labels have all but no weight in the end."""
    seen = ~np.isnan(weights) & (True if has_say is None else has_say)
    codes = data.codes[seen]
    n_rows = np.bincount(codes, minlength=data.n_classes)
    mean = np.bincount(codes, weights[seen], minlength=data.n_classes) / np.maximum(n_rows, 1)
    lost = (n_rows >= _FEW) & (mean < _LOST)
    if lost.any() and not lost[n_rows > 0].all():  # of all together the net has warned
        names = ", ".join(f"{data.classes[code]!s} ({n_rows[code]} rows)" for code in lost.nonzero()[0][:5])
        warnings.warn(
            f"Labels of {lost.sum()} of {data.n_classes} classes ended with a mean weight below {_LOST}: {names}. The "
            "network has all but stopped learning them. If they are rare or hard rather than wrong, set "
            "class_weight='balanced' or, with a named curriculum, percentile_by_class=True.",
            NoisyLabelWarning,
            stacklevel=4,
        )


def _is_auto(value: Any) -> bool:
    return isinstance(value, str) and value.strip() == "auto"


def _of_all(known: torch.Tensor) -> str:
    return "right" if known[0] else "wrong"
