"""MentorNet: a student trained under a curriculum."""

import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from noisylabel._support.validation import check_choice, check_number
from noisylabel.curricula import Curriculum, DataDriven, Uniform, resolve_curriculum
from noisylabel.estimators._base import BaseNoisyLabelClassifier
from noisylabel.exceptions import InvalidParameterError, NoisyLabelWarning
from noisylabel.mentors import AutoPercentileMentor, DataDrivenMentor, MixedLossMentor, PercentileMentor
from noisylabel.nets import IndexedNet, MixingNet, SampleRecord, WeightedNet
from noisylabel.schedules import percent_of_training


class MentorNetClassifier(BaseNoisyLabelClassifier):
    """Deep classifier that learns from noisy labels under a MentorNet curriculum.

    A curriculum turns each sample's loss into a weight, so that samples whose label the network finds hard to believe
    count less or not at all. The clock of everything is the percent of training that is over, whatever the number of
    epochs.

    Parameters
    ----------
    curriculum : str, Path, Curriculum or callable, default="mentornet_pd"
        A name in :data:`noisylabel.curricula.CURRICULA` (``"uniform"`` is plain training), an object such as
        ``SPCLLinear(gamma=2)``, or a function of (loss, loss_diff, label, epoch_percent). Learned ones:
        ``"mentornet_dd"``, ``"zoo:NAME"``, the path of a ``.safetensors`` file, or ``"data_driven"``, which is learned
        during ``fit`` from the rows of ``y_trusted``. Several in turn, each with its percent of training:
        ``"self_paced,40,mentornet_pd,60"``.
    update_at : sequence of float in [1, 99], default=(21, 75)
        For ``"data_driven"``: the percents of training at which the MentorNet is learned; before the first, every
        weight is 1.
    loss_percentile : float in [0, 1], str or "auto", default=0.7
        Percentile of the losses that the curriculum compares with, as a fraction: about the share of labels that are
        right. A schedule ``"0.8,50,0.6,50"`` gives a value for each stretch of training. ``"auto"`` estimates it:
        2,000 rows (at least a fifth, at most two fifths of all) are held back during burn-in, and how far the network
        contradicts their labels tells the noise rate (see ``noise_rate_``). With ``"data_driven"`` it is the share of
        right labels among the trusted rows.
    percentile_decay : float in [0, 1), default=0.5
        Share of the past in the moving average of the percentile.
    percentile_by_class : bool, default=False
        Compare each loss with a percentile of its own class's losses. With one percentile of all, a class that is
        harder than the others can lose all its weight, and is then never learned. It presumes that classes have similar
        shares of wrong labels, and some 20 rows or more.
    burn_in : float, 0 or in [1, 100], default=18
        Percent (not a fraction) of training at the start during which every sample has weight 1.
    example_dropout : float in [0, 1], str or None, default=None
        Share of each batch that gets weight 0 at random, or a schedule as in the papers: ``"0.5,17,0.05,83"``.
    fixed_epoch_after_burn_in : bool, default=False
        Show the curriculum the end of the burn-in as the percent of training from then on.
    mixup_alpha : float in [0, inf), default=0.0
        Above 0: learn from mixes of samples instead of samples, as :class:`MentorMixClassifier` does, with shares drawn
        from Beta(alpha, alpha). 2 to 8 in the paper; with ``curriculum="uniform"`` it is plain mixup.
    mix_ratio : {"hard", "soft"}, default="hard"
        Whether the larger share goes to the sample if its weight is at least 0.5 and else to its partner, or is blended
        by the weight.
    second_reweight : bool or "auto", default=False
        Let the curriculum also weigh the losses of the mixes, against their own moving percentile. ``"auto"``: where
        few labels are right; :class:`MentorMixClassifier` says more.
    ema_decay : float in [0, 1), default=0.0
        Above 0: evaluate with a moving average of the parameters, whose decay grows to this from 0.1.
    filter_alpha : float in (0, 1], optional
        Keep filtered predictions in ``record_.proba_`` too, (N, C): averages over the visits of a row in which the
        latest counts this much. 0.05 in the Filter-KD paper; 4 bytes for each row and class.
    student : str, Student, nn.Module (class or object) or callable, default="auto"
        The network: a name in :data:`noisylabel.students.STUDENTS`, ``"timm:NAME"``, a network giving one logit a
        class, or a builder ``(sample_shape, n_classes)``. ``"auto"``: ``"cnn"`` for images, else ``"mlp"``.
    standardize : bool, default=True
        Make zero mean and unit variance of the inputs (a feature of a table, a channel of images) in a fixed first
        layer. False hands the samples to the student as they come.
    optimizer : {"adamw", "adam", "sgd", "momentum"} or Optimizer class, default="adamw"
        ``"sgd"`` has Nesterov momentum 0.9, ``"momentum"`` plain momentum 0.9.
    lr : float in (0, inf), default=0.002
        Largest learning rate.
    lr_schedule : str or callable, default="one_cycle"
        ``"one_cycle"``, ``"cosine"``, ``"linear"``, ``"constant"``, factors ``"1,50,0.1,50"`` over the percent of
        training, or a function from progress in [0, 1] to a factor.
    weight_decay : float in [0, inf), default=0.0005
        Applied to kernels only, and scaled by the mean weight of each batch.
    max_epochs : int, default=50
        Passes over the training rows.
    batch_size : int, default=128
        Largest batch; batches of one epoch differ by at most one sample.
    augment : {"shift_flip", "shift"}, callable or None, default=None
        For images: shift each by up to an eighth of its side; ``"shift_flip"`` also mirrors half of them. Or a function
        of (batch, generator).
    precision : {"fp32", "bf16"}, default="fp32"
        Arithmetic of the forward pass.
    device : str or torch.device, default="cpu"
        Where to train, for instance ``"cuda"``.
    validation_fraction : float in [0, 0.5], default=0.0
        Share of the rows, labels as noisy as the rest, to hold out. If above 0, the network of the epoch with the
        highest accuracy on them is kept.
    checkpoint_dir : str or Path, optional
        Folder for a checkpoint, written after each epoch. If it holds one of the same data and parameters, ``fit`` goes
        on from there, to the same result bit for bit on the CPU. :func:`noisylabel.load_checkpoint` makes a classifier
        of it, and ``noisylabel evaluate --watch`` follows it during training. Leave it out in a search or
        cross-validation, whose folds are different data.
    callbacks : list of skorch callbacks, optional
        In addition to our own.
    net_params : dict, optional
        Anything else that skorch's net takes, such as ``{"optimizer__momentum": 0.8}``.
    random_state : int, RandomState or None, default=None
        Seed; the global random streams are never touched.
    verbose : int, default=0
        1 shows a progress bar.

    Attributes
    ----------
    classes_ : ndarray of shape (C,)
        The labels, sorted.
    net_ : WeightedNet
        The trained skorch net.
    history_ : DataFrame
        A row an epoch: training loss, learning rate, ``data_utilization`` (mean weight), ``loss_threshold`` (moving
        percentile), validation loss and accuracy where rows are held out, seconds.
    record_ : SampleRecord
        What training saw of each row; see :class:`noisylabel.nets.SampleRecord` and :meth:`label_issues`.
    sample_weight_ : ndarray of shape (N,)
        Weight of each row at its last visit; NaN for held-out rows.
    noise_rate_ : float
        With ``loss_percentile="auto"``: estimated share of wrong labels; with ``"data_driven"``: their share among the
        trusted rows.
    curriculum_ : Curriculum
        The curriculum that was used; with ``"data_driven"`` the MentorNet learned last, which can be saved.
    best_epoch_ : int
        With held-out rows: the epoch whose network was kept, from 1.
    n_iter_ : int
        Epochs done.
    sample_shape_ : tuple
        Shape of one sample.
    sample_dtype_ : {"float32", "uint8", "dataset"}
        What the samples were.
    n_features_in_ : int
        Number of features of a table, or of channels of images.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Column names, if X was a DataFrame.

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
    >>> clf = MentorNetClassifier(loss_percentile=0.6, random_state=0).fit(X[:1200], noisy_y)
    >>> clf.score(X[1200:], y[1200:]) > 0.85
    True
    """

    def __init__(
        self,
        curriculum: str | Path | Curriculum | Callable[..., torch.Tensor] = "mentornet_pd",
        *,
        update_at: Sequence[float] = (21, 75),
        loss_percentile: float | str = 0.7,
        percentile_decay: float = 0.5,
        percentile_by_class: bool = False,
        burn_in: float = 18,
        example_dropout: float | str | None = None,
        fixed_epoch_after_burn_in: bool = False,
        mixup_alpha: float = 0.0,
        mix_ratio: str = "hard",
        second_reweight: bool | str = False,
        ema_decay: float = 0.0,
        filter_alpha: float | None = None,
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
        self.curriculum = curriculum
        self.update_at = update_at
        self.loss_percentile = loss_percentile
        self.percentile_decay = percentile_decay
        self.percentile_by_class = percentile_by_class
        self.burn_in = burn_in
        self.example_dropout = example_dropout
        self.fixed_epoch_after_burn_in = fixed_epoch_after_burn_in
        self.mixup_alpha = mixup_alpha
        self.mix_ratio = mix_ratio
        self.second_reweight = second_reweight
        self.ema_decay = ema_decay
        self.filter_alpha = filter_alpha
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

    def _make_mentor(self) -> PercentileMentor:
        options: dict[str, Any] = {
            "percentile_decay": self.percentile_decay,
            "percentile_by_class": self.percentile_by_class,
            "burn_in": self.burn_in,
            "example_dropout": self.example_dropout,
            "fixed_epoch_after_burn_in": self.fixed_epoch_after_burn_in,
        }
        curriculum = resolve_curriculum(self.curriculum)
        if isinstance(curriculum, DataDriven):
            return DataDrivenMentor(
                curriculum, update_at=self.update_at, loss_percentile=self.loss_percentile, **options
            )
        if isinstance(self.loss_percentile, str) and "," not in self.loss_percentile:
            check_choice("loss_percentile", self.loss_percentile.strip(), ["auto"])
            return AutoPercentileMentor(curriculum, **options)
        return PercentileMentor(curriculum, loss_percentile=self.loss_percentile, **options)

    def _check_parameters(self) -> None:
        super()._check_parameters()
        if self.percentile_by_class not in (False, True):
            raise InvalidParameterError(f"'percentile_by_class' must be a bool. Got {self.percentile_by_class!r}.")
        self._make_mentor().start(2, 2, torch.Generator())
        check_number("mixup_alpha", self.mixup_alpha, 0, hint="0 mixes nothing.")
        check_choice("mix_ratio", self.mix_ratio, ["hard", "soft"])
        if self.filter_alpha is not None:
            check_number("filter_alpha", self.filter_alpha, 0, 1, closed="right", hint="None keeps no predictions.")
        check_number("ema_decay", self.ema_decay, 0, 1, closed="left", hint="0 averages nothing.")
        if self.second_reweight not in (False, True, "auto"):
            raise InvalidParameterError(
                f"'second_reweight' must be True, False or 'auto'. Got {self.second_reweight!r}."
            )
        if self.second_reweight and self.second_reweight != "auto" and self.mixup_alpha == 0:
            raise InvalidParameterError(
                "'second_reweight' weighs mixes of samples, and 'mixup_alpha' is 0, which makes none. Set "
                "'mixup_alpha' above 0, or second_reweight=False."
            )

    def _make_net(
        self, module: nn.Module, n_samples: int, generator: torch.Generator, options: dict[str, Any]
    ) -> IndexedNet:
        mentor = self._make_mentor()
        mentor.start(n_samples, len(self.classes_), generator)
        record = SampleRecord(n_samples, len(self.classes_), generator.device, self.filter_alpha)
        options = {"mentor": mentor, "record": record, "ema_decay": self.ema_decay, **options}
        if self.mixup_alpha == 0:
            return WeightedNet(module, **options)
        mixed_mentor = None
        if self.second_reweight:
            mixed_mentor = MixedLossMentor(mentor, if_few_are_right=self.second_reweight == "auto")
            mixed_mentor.start(n_samples, len(self.classes_), generator)
        stream = torch.Generator(generator.device).manual_seed(generator.initial_seed() + 2)
        return MixingNet(
            module,
            mixup_alpha=self.mixup_alpha,
            mix_ratio=self.mix_ratio,
            mix_generator=stream,
            mixed_mentor=mixed_mentor,
            **options,
        )

    def _use_trusted(self, net: IndexedNet, is_right: torch.Tensor | None) -> None:
        if isinstance(net.mentor, DataDrivenMentor):
            net.mentor.teach(is_right)
        elif is_right is not None:
            raise InvalidParameterError(
                f"'y_trusted' teaches curriculum='data_driven'; 'curriculum' is {self.curriculum!r}, which does not "
                "learn. Set curriculum='data_driven', or leave y_trusted out."
            )

    def _keep_results(self, net: IndexedNet, train_rows: np.ndarray, valid: Any) -> None:
        mentor = net.mentor
        if net.clock_.step < net.clock_.n_steps and not isinstance(mentor.curriculum, Uniform):
            self._warn_if_within_burn_in(net)
        if isinstance(mentor, (AutoPercentileMentor, DataDrivenMentor)):
            self.noise_rate_ = mentor.noise_rate_
        self.curriculum_ = mentor.curriculum
        if isinstance(mentor, DataDrivenMentor):
            self.curriculum_ = mentor.result()
        super()._keep_results(net, train_rows, valid)

    def _warn_if_within_burn_in(self, net: IndexedNet) -> None:
        """Say so if training was stopped before its curriculum did anything."""
        if percent_of_training((net.clock_.step - 1) / net.clock_.n_steps) >= self.burn_in:
            return
        warnings.warn(
            f"Training ended after {len(net.history)} epochs, within the burn-in of {self.burn_in:g} percent of "
            f"'max_epochs' ({self.max_epochs}): the curriculum never acted. Stop later (a larger 'patience'), or lower "
            "'max_epochs' or 'burn_in'.",
            NoisyLabelWarning,
            stacklevel=5,
        )
