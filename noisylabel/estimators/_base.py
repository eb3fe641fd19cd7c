"""What the classifiers share: fit as a list of steps, and prediction."""

import math
import warnings
from abc import ABC, abstractmethod
from collections.abc import Mapping
from functools import partial
from inspect import isclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import torch
from sklearn.base import BaseEstimator, ClassifierMixin

from noisylabel._support.constraints import Constraint, check_constraints
from noisylabel._support.files import local_path
from noisylabel._support.random import private_torch_stream
from noisylabel._support.sklearn_compat import available_if, check_is_fitted, check_sample_weight
from noisylabel._support.validation import check_number
from noisylabel.estimators._run import Fitted, NetParts, SavedRun, Split, TrainingRun, split_rows
from noisylabel.estimators._settings import resolve_device, resolve_optimizer
from noisylabel.estimators._shared import SHARED_CONSTRAINTS
from noisylabel.estimators._student import type_of_inputs
from noisylabel.estimators.inputs._datasets import as_dataset, take_scored
from noisylabel.estimators.inputs._format import SampleFormat, check_logits, check_mirrored, known_numbers
from noisylabel.estimators.inputs._labels import score_codes
from noisylabel.estimators.inputs._samples import as_tensor, check_X
from noisylabel.estimators.inputs._training_data import RowFacts, TrainingData, take_inputs
from noisylabel.estimators.saving._export import export_onnx, export_program
from noisylabel.estimators.saving._folder import save_classifier
from noisylabel.estimators.saving._pickling import check_picklable
from noisylabel.estimators.workers._checks import check_workers
from noisylabel.estimators.workers._launch import train_together
from noisylabel.exceptions import InvalidDataError, InvalidParameterError, NoisyLabelWarning
from noisylabel.issues import Evidence, label_issues, unpack_judged
from noisylabel.mentors import Mentor, tells_nothing
from noisylabel.nets import (
    Data,
    IteratedData,
    StreamedData,
    TensorData,
    WeightedNet,
    check_callbacks,
    check_net_params,
    plain_network,
)
from noisylabel.nets.data import RowStream
from noisylabel.schedules import resolve_lr_schedule
from noisylabel.students import Student, resolve_student

if TYPE_CHECKING:
    import pandas as pd


_OBJECTS = {"student": "student=MLP()", "curriculum": "curriculum=SPCLLinear()", "loss": "loss=Bootstrapping()"}


def _no_partial_fit(estimator: Any) -> bool:
    raise AttributeError(
        f"{type(estimator).__name__} has no partial_fit: its curriculum follows the percent of training that is over, "
        "which is unknown when data come in pieces. Call fit with all rows, or with a torch Dataset that loads them."
    )


class BaseNoisyLabelClassifier(ClassifierMixin, BaseEstimator, ABC):
    """Common part of the classifiers; sub-classes name their parameters and make their mentor and net.

    A method of one's own is a sub-class of a classifier that overrides :meth:`make_mentor`, :meth:`make_student` or
    :meth:`make_net`.
    """

    constraints: ClassVar[Mapping[str, Constraint]] = SHARED_CONSTRAINTS

    @abstractmethod
    def make_mentor(self) -> Mentor:
        """Return a new mentor with the classifier's parameters."""

    @abstractmethod
    def make_net(self, mentor: Mentor, parts: NetParts) -> WeightedNet:
        """Return an uninitialised net, whose step is the training rule.

        Parameters
        ----------
        mentor : Mentor
            Made by :meth:`make_mentor`, parameters checked, not yet started.
        parts : NetParts
        """

    def make_student(self, sample_shape: tuple[int, ...]) -> Student:
        """Return what builds the network for samples of this shape."""
        return resolve_student(self.student, sample_shape)

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None, y_trusted: Any = None, groups: Any = None) -> Self:
        """Train on samples and their noisy labels.

        Parameters
        ----------
        X : array-like, DataFrame or sparse matrix of shape (N, D), array of shape (N, channels, H, W), tensor, Dataset
            Samples. Images may be float or uint8. A Dataset yields samples, (sample, label) pairs, or dicts with one
            column of samples and one called ``label`` or ``labels``. An IterableDataset yields (row number, sample) or
            (row number, sample, label), a Ray Data dataset has a column ``row``; see "Data larger than memory".
        y : array-like of shape (N,)
            Noisy labels: integers, strings or booleans. With a Dataset it may be left out.
        sample_weight : array-like of shape (N,), optional
            How many times each row counts, at least 0: in the loss, the percentile and the statistics of the inputs.
            What a row of weight 0 holds changes nothing, but for batch normalisation. The result is that of repeated
            rows, up to rounding, if all of those fit into one batch and nothing is drawn for single rows: no mixes, no
            ``"auto"`` as curriculum or percentile, ``example_dropout``, held-out rows, augmentation or drop-out. Else
            the draws are others, and the results differ as those of two seeds do. Each held-out row counts once.
        y_trusted : array-like of shape (N,), pair (mask, labels) or structured array of shape (N,), optional
            The right label of the rows where it is known, and -1, NaN or None elsewhere (None or NaN if -1 is a class);
            or a boolean mask and the labels; or both in an array with two fields, which a cross-validation can cut, as
            it cannot a pair. The network learns these rows with their right labels. But the curricula
            ``"data_driven"``, ``"learning_to_reweight"``, ``"learning_to_teach"`` and ``"fidelity_weighted"`` learn
            from them what wrong labels look like: there the network is trained on ``y`` (and by
            ``"fidelity_weighted"`` on them), and held-out rows and rows of ``sample_weight`` 0 teach nothing. If all
            are right, ``"data_driven"`` becomes ``"mentornet_pd"``, and a warning says so.
            Not for ``FilterKDClassifier``.
        groups : array-like of shape (N,), optional
            For ``SPLDMentor(groups="given")``: which group each row belongs to, such as the camera of an image; any
            values that are not missing.

        Returns
        -------
        self

        Raises
        ------
        InvalidParameterError
            If a parameter is outside what it allows.
        ValueError
            If X or y cannot be used; the message says why.
        """
        self._forget()
        device = resolve_device(self.device)
        mentor = self._checked_mentor()
        self._check_use_of_trusted(mentor, is_given=y_trusted is not None)
        self._check_use_of_groups(mentor, is_given=groups is not None)
        with SavedRun.open(self.checkpoint_dir) as saved:
            rows_at = device if self.n_workers == 1 else torch.device("cpu")
            data = take_inputs(self, X, y, RowFacts(sample_weight, y_trusted, groups), rows_at)
            self._keep_inputs(data)
            try:
                check_mirrored(self.predict_flipped, data.sample_shape)
                run = self._run if self.n_workers == 1 else partial(train_together, self, device)
                fitted = run(mentor, data, saved)
            except BaseException:  # an interrupt too leaves nothing half-fitted
                self._forget()
                raise
        self._keep(fitted, data)
        if fitted.trained.interrupt is not None:
            warnings.warn(fitted.trained.interrupt, NoisyLabelWarning, stacklevel=2)
        return self

    def check_parameters(self) -> None:
        """Check what can be known without data, as ``fit`` does before it looks at them.

        Raises
        ------
        InvalidParameterError
            Naming the first parameter that is outside what it allows.
        """
        resolve_device(self.device)
        self._checked_mentor()

    def _checked_mentor(self) -> Mentor:
        """Check the parameters, and return the mentor that they make."""
        check_constraints(self, self.constraints)
        self._check_names()
        check_net_params(self.net_params, self.get_params(deep=False))
        check_callbacks(self.callbacks or [], self.net_params or {})
        resolve_optimizer(self, dict(self.net_params or {}).get("optimizer", self.optimizer))
        self._check_together()
        if self.n_workers > 1:
            check_workers(self)
        return self.make_mentor().check_parameters()

    def _check_names(self) -> None:
        """Check names that are looked up only when the network is built."""
        resolve_lr_schedule(self.lr_schedule)
        if type(self).make_student is BaseNoisyLabelClassifier.make_student:
            resolve_student(self.student, (1,))

    def _check_together(self) -> None:
        """Check parameters that depend on each other."""

    def _check_use_of_trusted(self, mentor: Mentor, is_given: bool) -> None:
        """Refuse trusted labels that nothing would learn from."""
        if is_given:
            raise InvalidParameterError(f"{type(self).__name__} has no use for 'y_trusted'. Leave it out.")

    def _check_use_of_groups(self, mentor: Mentor, is_given: bool) -> None:
        """Refuse groups that nothing would look at, and to do without where they are looked at."""
        if is_given and not mentor.uses_groups:
            raise InvalidParameterError(
                f"{type(self).__name__} has no use for 'groups', as its curriculum does not look at them. Leave them "
                'out, or set curriculum=SPLDMentor(groups="given").'
            )
        if mentor.uses_groups and not is_given:
            raise InvalidDataError(
                f"The curriculum {mentor!r} goes by the groups of rows. Pass them to fit as groups=, one a row of X."
            )

    def _run(self, mentor: Mentor, data: TrainingData, saved: SavedRun) -> Fitted:
        """Train the classifier."""
        is_new = saved.content is None
        seed = saved.seed(self.random_state)
        split = split_rows(data.codes, self.validation_fraction, seed)
        checkpoint = saved.file_for(self, seed, data)
        mentor = self._ready(mentor, data, split)
        if is_new:  # a run that goes on finds it in its checkpoint
            self._inform(mentor, data, split, seed)
        learned = data if mentor.uses_trusted else data.corrected()
        bar = type(self).__name__ if self.verbose else None
        make_net = partial(self.make_net, mentor)
        return TrainingRun(self, learned, make_net, split, seed, checkpoint, bar=bar).train()

    def runs_below(self) -> tuple[str, ...]:
        """Return the names of the runs before the main one that have a checkpoint, in a folder of that name below."""
        return ()

    def _ready(self, mentor: Mentor, data: TrainingData, split: Split) -> Mentor:
        """Return the mentor of this data, which may not be what another needs."""
        return mentor

    def _inform(self, mentor: Mentor, data: TrainingData, split: Split, seed: int) -> None:
        """Tell the mentor what it must know before training starts."""

    def take_over(self, fitted: Fitted, data: TrainingData) -> None:
        """Become the fitted classifier of a run on data that another classifier has checked."""
        self.n_features_in_ = data.sample_shape[0]
        if data.feature_names:
            self.feature_names_in_ = np.array(data.feature_names, dtype=object)
        self._keep_inputs(data)
        self._keep(fitted, data)

    def _keep_inputs(self, data: TrainingData) -> None:
        """Set the attributes that tell what the classifier was fitted on."""
        self.classes_ = data.classes
        self.sample_shape_, self.sample_dtype_ = data.sample_shape, data.sample_dtype
        self.sample_range_, self.sample_source_ = data.format.value_range, data.format.source

    def _keep(self, fitted: Fitted, data: TrainingData) -> None:
        """Set the learnt attributes, and let go of what only training needs."""
        weight = data.samples.sample_weight
        smallest = np.min_scalar_type(data.n_classes)  # kept for each row of fit, and pickled
        self._codes = data.codes.astype(smallest)
        self._has_say = None if weight is None else (weight > 0).cpu().numpy()
        right = data.right_codes
        self._right_codes = None if right is None else np.where(right < 0, data.n_classes, right).astype(smallest)
        self._judged: np.ndarray | None = None
        self.net_, self.record_, self.history_ = fitted.net, fitted.record, fitted.history()
        self.sample_dtype_ = type_of_inputs(plain_network(fitted.net.module_), data.sample_dtype)
        self.n_iter_ = fitted.net.clock_.epoch
        if fitted.trained.best_epoch is not None:
            self.best_epoch_ = fitted.trained.best_epoch
        fitted.net.forget_training()
        self.interrupted_ = fitted.trained.interrupt is not None

    @property
    def sample_weight_(self) -> np.ndarray:
        """The weight of each row of ``fit`` at its last visit, (N,); NaN for rows that were held out."""
        weights: np.ndarray = self.record_.column("weight").numpy().copy()
        return weights

    def set_params(self, **params: Any) -> Self:
        """Set parameters, and those of the objects among them as ``student__hidden``; return the classifier.

        Raises
        ------
        InvalidParameterError
            If ``name__parameter`` is of something that has no parameters, such as a name: ``student="auto"``.
        """
        for nested in [name for name in params if "__" in name]:
            name = nested.partition("__")[0]
            value = params.get(name, getattr(self, name, None))
            if name in self._get_param_names() and (isclass(value) or not hasattr(value, "set_params")):
                raise InvalidParameterError(
                    f"{nested!r} is a parameter of the object in {name!r}, and {name!r} is {value!r}, which has none. "
                    f"Set an object first, for instance {_OBJECTS.get(name, f'{name}=...')}."
                )
        return super().set_params(**params)

    @available_if(_no_partial_fit)
    def partial_fit(self, X: Any, y: Any) -> None:
        """Not offered; asking for it says why."""

    def __sklearn_tags__(self) -> Any:
        """Say that sparse tables are taken."""
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the class probabilities.

        Parameters
        ----------
        X : as in ``fit``
            Samples of the shape seen in ``fit``.

        Returns
        -------
        ndarray of shape (N, C)
            float64; columns in the order of ``classes_``. Each row sums to 1 within 1e-12.

        Raises
        ------
        NotFittedError
            Before ``fit``.
        ValueError
            If X has another shape or scale than in ``fit``, or holds NaN or infinity.
        """
        proba: np.ndarray = self._logits(X).softmax(1).numpy()
        return proba

    def predict_log_proba(self, X: Any) -> np.ndarray:
        """Return the logarithms of the class probabilities, (N, C), finite where the probability is rounded to 0."""
        log_proba: np.ndarray = self._logits(X).log_softmax(1).numpy()
        return log_proba

    def _logits(self, X: Any) -> torch.Tensor:
        """Check samples and return what the network says of them, (N, C), float64, on the CPU."""
        check_is_fitted(self, "net_")
        check_mirrored(self.predict_flipped, self.sample_shape_)
        device = torch.device(self.net_.device)
        dataset = as_dataset(X)
        if dataset is None:
            data: Data = TensorData(as_tensor(check_X(self, X, reset=False)).to(device))
        else:
            kind: Any = IteratedData if isinstance(dataset, RowStream) else StreamedData
            data = kind(dataset, None, None, device, prepare=SampleFormat.of(self).prediction_batch)
        with private_torch_stream(0, device), known_numbers(SampleFormat.of(self)):
            logits = torch.cat(list(self.net_.forward_iter(data, mirrored=self.predict_flipped))).double()
        check_logits(logits)
        return logits

    def predict(self, X: Any) -> np.ndarray:
        """Return the most probable class of each sample, (N,), with the labels' own type."""
        proba = self.predict_proba(X)
        labels: np.ndarray = self.classes_[proba.argmax(axis=1)]
        return labels

    def score(self, X: Any, y: Any = None, sample_weight: Any = None) -> float:
        """Return the accuracy of :meth:`predict`.

        Parameters
        ----------
        X : as in ``fit``
        y : array-like of shape (N,), optional
            The labels. With a Dataset whose samples come with labels it may be left out.
        sample_weight : array-like of shape (N,), optional

        Returns
        -------
        float

        Raises
        ------
        ValueError
            If there is not one label and one weight for each sample, or all weights are 0.
        """
        check_is_fitted(self, "net_")
        if y is None and as_dataset(X) is None:
            raise InvalidDataError("score needs y: only the samples of a Dataset may come with their labels.")
        X, labels = take_scored(X, y)
        if sample_weight is not None and not np.asarray(sample_weight).any():
            raise InvalidDataError("'sample_weight' is zero for every row, so there is nothing to score.")
        weight = None if sample_weight is None else check_sample_weight(sample_weight, labels, dtype=np.float64)
        is_right = score_codes(labels, self.classes_) == self.predict_proba(X).argmax(axis=1)
        return float(np.average(is_right, weights=weight))

    def label_issues(self, *, sort: bool = True, precision: float | None = None) -> "pd.DataFrame":
        """Rank the labels that ``fit`` was given, the least believable first.

        No second training and no cross-validation: it reads what the one training run saw of each row. Where training
        found out the noise (``curriculum="auto"`` or ``loss_percentile="auto"``), each label has the probability of
        being wrong, given what networks believe of the row and which labels become which. Else the mean loss over all
        visits tells: labels that fit the others are learnt early, wrong ones late or never. As many labels are called
        issues as are wrong by these probabilities.

        Parameters
        ----------
        sort : bool, default=True
            Whether the least believable label comes first; otherwise the rows keep the order that they have in ``fit``,
            as ``cleanlab.classification.CleanLearning(clf).fit(X, y, label_issues=table)`` wants them.
        precision : float in [0, 1], optional
            Call as many labels issues as keep the expected share of wrong ones among them at least so high.

        Returns
        -------
        DataFrame
            A row for each row of ``fit``, with its row number as index. Columns:

            - ``row``, ``given_label``;
            - ``suggested_label``, for an issue the most probable other class, else the given label, and
              ``suggested_probability``; ``second_label`` and ``second_probability``, the next best (not of two
              classes). Only where training found out the noise are there probabilities and second labels, and not for
              rows that were held out;
            - ``predicted_label``: another class if its logit was the higher on average, else the given label;
            - ``wrong_probability`` in [0, 1]: added up from the top, it says how many of the first n rows are wrong;
              ``label_quality`` is 1 minus it;
            - ``verdict``: ``"wrong"``, ``"fine"``, ``"unclear"`` (two classes fit) or ``"outlier"`` (none fits);
            - ``is_label_issue``;
            - ``loss``, ``margin`` and ``weight``, means over the visits (weight NaN for held-out rows), and
              ``forgetting``, how often a learnt label was forgotten.

            ``attrs["noise_rate"]`` is the mean of ``wrong_probability``; held-out rows and rows of ``sample_weight`` 0
            have no say in it. Held-out rows are judged by the final network alone; each has the probability of the
            trained row at the same place of the ranking by loss.

        Raises
        ------
        NotFittedError
            Before ``fit``.
        InvalidParameterError
            After plain mixup, which never sees unmixed samples.

        Examples
        --------
        >>> from noisylabel import MentorNetClassifier, corrupt
        >>> from noisylabel.datasets import load_digits
        >>> digits = load_digits()
        >>> noisy_y, manifest = corrupt(digits.target, "symmetric", rate=0.4, random_state=0)
        >>> clf = MentorNetClassifier(random_state=0).fit(digits.data, noisy_y)
        >>> issues = clf.label_issues()
        >>> worst = issues["row"].head(300)
        >>> bool((noisy_y[worst] != digits.target[worst]).mean() > 0.95)
        True
        >>> bool((issues["suggested_label"].head(300) == digits.target[worst]).mean() > 0.85)
        True
        """
        check_is_fitted(self, "record_")
        if precision is not None:
            check_number("precision", precision, 0, 1)
        judged = None if self._judged is None else unpack_judged(self._judged, len(self.classes_))
        known = self.record_, self._codes, self.classes_, self._has_say, judged, self._known_rate(), self._right_codes
        return label_issues(Evidence(*known), sort, precision)

    def _known_rate(self) -> float | None:
        """Return the noise rate that training found out; None if it did not try, or could not tell."""
        rate = getattr(self, "noise_rate_", math.nan)
        interval = getattr(self, "noise_rate_interval_", (rate, rate))
        return None if math.isnan(rate) or tells_nothing(interval, len(self._codes)) else rate

    def save(self, folder: Any) -> None:
        """Write what it takes to predict into a folder, as data: numbers and JSON, no code.

        ``noisylabel.load(folder)`` gives a classifier whose ``predict_proba``, ``predict`` and ``label_issues`` are the
        same bit for bit. The folder holds the network's weights, the classes, what the samples must look like, the
        record of ``label_issues`` (some 70 bytes a row) and those parameters that are numbers, texts, or losses,
        augmentations and schedules of noisylabel's; a warning names the others. Not kept: the state of the
        optimiser and of the mentor (see ``checkpoint_dir``), and a student that is a network or function of yours,
        which ``load`` then wants again.

        Parameters
        ----------
        folder : str or Path
            New, empty, or one that ``save`` has written, which is replaced; a killed process leaves the old or the new.

        Raises
        ------
        NotFittedError
            Before ``fit``.
        InvalidParameterError
            If the folder holds other files, or the class is not noisylabel's own: pickle such a classifier.
        FileWriteError
            If nothing can be written there, as on a full disk.

        Warns
        -----
        NoisyLabelWarning
            If a parameter is a function or object that is no data: ``load`` gives its default.

        Examples
        --------
        >>> import tempfile, noisylabel
        >>> from noisylabel.datasets import load_digits
        >>> digits, folder = load_digits(), tempfile.mkdtemp()
        >>> clf = noisylabel.MentorNetClassifier(max_epochs=2, random_state=0).fit(digits.data, digits.target)
        >>> clf.save(folder)
        >>> again = noisylabel.load(folder)
        >>> bool((again.predict_proba(digits.test_data) == clf.predict_proba(digits.test_data)).all())
        True
        """
        check_is_fitted(self, "net_")
        save_classifier(self, folder)

    def export_program(self) -> torch.export.ExportedProgram:
        """Return the network with its standardisation and a softmax as a program of ``torch.export``.

        It takes a batch of any size with samples as in ``fit``, and gives probabilities, float32 (N, C), in
        the order of ``classes_``, without this package. ``torch.export.save(program, path)`` writes it.

        Raises
        ------
        NotFittedError
            Before ``fit``.

        Examples
        --------
        >>> from noisylabel import MentorNetClassifier
        >>> from noisylabel.datasets import load_digits
        >>> digits = load_digits()
        >>> clf = MentorNetClassifier(max_epochs=2, random_state=0).fit(digits.data, digits.target)
        >>> clf.export_program().module()(torch.zeros(3, 64)).shape
        torch.Size([3, 10])
        """
        check_is_fitted(self, "net_")
        return export_program(self)

    def export_onnx(self, path: Any) -> None:
        """Write :meth:`export_program` as an ONNX file, with input ``X`` and output ``probabilities``.

        Parameters
        ----------
        path : str or Path

        Raises
        ------
        NotFittedError
            Before ``fit``.
        MissingDependencyError
            Without the packages onnx and onnxscript.
        """
        check_is_fitted(self, "net_")
        export_onnx(self, local_path("path", path))

    def __getstate__(self) -> dict[str, Any]:
        """Return what is pickled; say which parameter cannot be."""
        check_picklable(self)
        state: dict[str, Any] = super().__getstate__()
        return state

    def _forget(self) -> None:
        """Drop what an earlier fit learnt, so that a fit that fails leaves no half-fitted classifier."""
        for name in [name for name in vars(self) if name.endswith("_") and not name.startswith("_")]:
            delattr(self, name)
