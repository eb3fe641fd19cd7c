"""What the classifiers share: checks, randomness, data, the student, and prediction."""

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from sklearn.base import BaseEstimator, ClassifierMixin
from skorch.callbacks import EarlyStopping
from skorch.helper import predefined_split
from torch import Tensor, nn
from torch.utils.data import Dataset

from noisylabel._support.describe import plain_value
from noisylabel._support.random import draw_seed, private_torch_stream
from noisylabel._support.sklearn_compat import available_if, check_is_fitted, check_sample_weight
from noisylabel._support.trusted import trusted_codes
from noisylabel._support.validation import check_choice, check_count, check_number
from noisylabel.callbacks import BestEpoch, EpochProgress, TrainingCheckpoint, restore_callback
from noisylabel.estimators._checkpoints import (
    check_same_run,
    describe_data,
    describe_parameters,
    describe_student,
    open_folder,
    read_checkpoint,
)
from noisylabel.estimators._inputs import (
    as_tensor,
    check_sample_shape,
    check_X,
    dataset_labels,
    dataset_sample,
    encode_labels,
    input_statistics,
    plain_labels,
    statistics_rows,
    validation_rows,
)
from noisylabel.estimators._settings import prediction_batch_size, resolve_augment, resolve_device, resolve_optimizer
from noisylabel.exceptions import InvalidDataError, InvalidParameterError
from noisylabel.issues._table import label_issues
from noisylabel.nets import IndexedNet, OrderedBatches, StreamedData, TensorData, TrainingBatches, as_float32
from noisylabel.schedules import resolve_lr_schedule
from noisylabel.students import Standardize, resolve_student

if TYPE_CHECKING:
    import pandas as pd


def _no_partial_fit(estimator: Any) -> bool:
    raise AttributeError(
        f"{type(estimator).__name__} has no partial_fit: its curriculum follows the percent of training that is over, "
        "which is unknown when data come in pieces. Call fit with all rows, or with a torch Dataset that loads them."
    )


def _train(net: IndexedNet, data: TensorData | StreamedData, saved: dict[str, Any] | None) -> None:
    """Run the training loop, or what is left of a ``saved`` one.

    skorch's EarlyStopping ends it by a KeyboardInterrupt, which is then no error; the callbacks after it have not seen
    the last epoch, so the checkpoint is written here.
    """
    if saved is not None:
        net.restore_history(saved["training"])
    net.notify("on_train_begin", X=data, y=None)
    if saved is not None:
        net.restore_training(saved["training"])
        for name, callback in net.callbacks_:
            if name in saved["callbacks"]:
                restore_callback(callback, saved["callbacks"][name])
    try:
        if not _has_stopped(net):
            net.fit_loop(data, epochs=net.max_epochs - len(net.history))
    except KeyboardInterrupt:
        if not _has_stopped(net):
            raise
        for _, callback in net.callbacks_:
            if isinstance(callback, TrainingCheckpoint):
                callback.on_epoch_end(net)
    net.notify("on_train_end", X=data, y=None)


def _objects(callbacks: Any) -> list[Any]:
    """Return callbacks without the names that skorch lets them have."""
    return [entry[1] if isinstance(entry, tuple) else entry for entry in callbacks or []]


def _has_stopped(net: IndexedNet) -> bool:
    """Whether skorch's EarlyStopping has had enough."""
    stoppers = [callback for _, callback in net.callbacks_ if isinstance(callback, EarlyStopping)]
    return any(stopper.misses_ >= stopper.patience for stopper in stoppers)


def _known_right(
    train: TensorData | StreamedData, codes: np.ndarray, right_codes: np.ndarray | None, train_rows: np.ndarray
) -> Tensor | None:
    """Return 1 for training rows whose label is known to be right, 0 for wrong, NaN for unknown; None if all are."""
    if right_codes is None:
        return None
    right = right_codes[train_rows]
    is_right = torch.as_tensor(np.where(right < 0, np.nan, right == codes), dtype=torch.float32)
    if train.sample_weight is None:
        return is_right
    is_right = is_right.to(train.sample_weight.device)
    return torch.where(train.sample_weight == 0, torch.nan, is_right)  # rows that do not count have no say


class BaseNoisyLabelClassifier(ClassifierMixin, BaseEstimator, ABC):
    """Common part of the classifiers; sub-classes name their parameters and make their net."""

    @abstractmethod
    def _make_net(
        self, module: nn.Module, n_samples: int, generator: torch.Generator, options: dict[str, Any]
    ) -> IndexedNet:
        """Return an uninitialised net for ``module`` with the skorch ``options``."""

    def _run_seed(self, saved: dict[str, Any] | None) -> int:
        """Return the seed of a run, or of the ``saved`` one that goes on."""
        return draw_seed(self.random_state) if saved is None else int(saved["seed"])

    def _stream_seed(self, seed: int) -> int:
        """Return the seed of the first weights, and of all that the student itself draws, such as drop-out."""
        return seed

    def _teach(
        self, net: IndexedNet, seed: int, train_rows: np.ndarray, X: Any, y: np.ndarray, sample_weight: Any
    ) -> None:
        """Train a teacher, and let the net learn from it, where the method has one."""

    def _use_trusted(self, net: IndexedNet, is_right: Tensor | None) -> None:
        """Take over which labels of the training rows are right (1), wrong (0) or unknown (NaN), where that helps."""
        if is_right is not None:
            raise InvalidParameterError(f"{type(self).__name__} has no use for 'y_trusted'. Leave it out.")

    def fit(
        self, X: Any, y: Any = None, sample_weight: Any = None, y_trusted: Any = None
    ) -> "BaseNoisyLabelClassifier":
        """Train on samples and their noisy labels.

        Parameters
        ----------
        X : array-like or DataFrame of shape (N, D), array of shape (N, channels, H, W), tensor or torch Dataset
            Samples. Images may be float or uint8. A Dataset yields samples or (sample, label) pairs.
        y : array-like of shape (N,)
            Noisy labels: integers, strings or booleans. With a Dataset it may be left out.
        sample_weight : array-like of shape (N,), optional
            How many times each row counts; at least 0.
        y_trusted : array-like of shape (N,) or pair (mask, labels), optional
            For ``curriculum="data_driven"``: the right label of the rows where it is known, and -1, NaN or None
            elsewhere (None or NaN if -1 is a class); or a boolean mask and the labels, which a cross-validation
            cannot cut. They only teach the curriculum: the network is trained on ``y``. Held-out rows and rows of
            ``sample_weight`` 0 teach nothing.

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
        return self._fit(X, y, sample_weight, y_trusted)

    def _fit(
        self, X: Any, y: Any, sample_weight: Any, y_trusted: Any = None, seed: int | None = None
    ) -> "BaseNoisyLabelClassifier":
        """Train from the run's seed; a new run draws it from ``random_state`` unless it is given."""
        self._forget()
        device = resolve_device(self.device)
        self._check_parameters()
        folder = None if self.checkpoint_dir is None else open_folder(self.checkpoint_dir)
        saved = None if folder is None else read_checkpoint(folder)
        seed = self._run_seed(saved) if seed is None else seed
        data, codes = self._training_data(X, y, sample_weight, device)
        right_codes = None if y_trusted is None else trusted_codes(y_trusted, len(codes), self.classes_)
        checkpoint = None
        if folder is not None:
            header = self._checkpoint_header(seed, describe_data(data, codes, self.classes_, right_codes))
            checkpoint = TrainingCheckpoint(folder, header)
            if saved is not None:
                check_same_run(saved, header["fingerprint"], folder)
        with private_torch_stream(self._stream_seed(seed), device):
            module, slow = self._build_module(data, len(self.classes_))
            train, valid, train_rows = self._hold_out(data, codes, np.random.default_rng(seed))
            net = self._build_net(module, train, valid, device, seed, {"optimizer__param_groups": slow}, checkpoint)
            self._use_trusted(net, _known_right(train, codes[train_rows], right_codes, train_rows))
            self._teach(net, seed, train_rows, X, self.classes_[codes], sample_weight)
            _train(net, train, saved)
        self._codes = codes
        self._has_say = None if data.sample_weight is None else (data.sample_weight > 0).cpu().numpy()
        self._keep_results(net, train_rows, valid)
        return self

    @available_if(_no_partial_fit)
    def partial_fit(self, X: Any, y: Any) -> None:
        """Not offered; asking for it says why."""

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the class probabilities.

        Parameters
        ----------
        X : as in ``fit``
            Samples of the shape seen in ``fit``.

        Returns
        -------
        ndarray of shape (N, C)
            float32; columns in the order of ``classes_``.

        Raises
        ------
        NotFittedError
            Before ``fit``.
        ValueError
            If X has another shape than in ``fit``.
        """
        check_is_fitted(self, "net_")
        device = torch.device(self.net_.device)
        if isinstance(X, Dataset):
            check_sample_shape(self, tuple(dataset_sample(X, 0).shape))
            data: TensorData | StreamedData = StreamedData(X, None, None, device)
        else:
            values = as_tensor(check_X(self, X, reset=False)).to(device)
            data = TensorData(values if self.standardize else values.clone())  # a student may write to its input
        with private_torch_stream(0, device):
            proba: np.ndarray = self.net_.predict_proba(data)
        return proba

    def predict(self, X: Any) -> np.ndarray:
        """Return the most probable class of each sample, (N,), with the labels' own type."""
        proba = self.predict_proba(X)
        labels: np.ndarray = self.classes_[proba.argmax(axis=1)]
        return labels

    def label_issues(self) -> "pd.DataFrame":
        """Rank the labels that ``fit`` was given, the least believable first.

        No second training and no cross-validation: it reads what the one training run saw of each row. Labels that fit
        the others are learnt early, wrong ones late or never, so the mean loss over all visits tells them apart. As
        many labels are called issues as are estimated to be wrong.

        Returns
        -------
        DataFrame
            A row for each row of ``fit``, with its row number as index. Columns: ``row``; ``given_label``;
            ``suggested_label``, for an issue the most probable other class, else the given label;
            ``predicted_label``, the most probable other class if its logit was the higher on average, else the given
            label; ``label_quality`` in [0, 1], ``exp(-mean loss)``; ``is_label_issue``; ``loss``, ``margin`` and
            ``weight``, means over the visits (weight NaN for held-out rows); ``forgetting``, how often a learnt label
            was forgotten. ``attrs["noise_rate"]`` is the estimated share of wrong labels, in which held-out rows and
            rows of ``sample_weight`` 0 have no say. Held-out rows are judged by the final network alone.

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
        >>> clf = MentorNetClassifier(loss_percentile="auto", random_state=0).fit(digits.data, noisy_y)
        >>> issues = clf.label_issues()
        >>> worst = issues["row"].head(300)
        >>> bool((noisy_y[worst] != digits.target[worst]).mean() > 0.95)
        True
        >>> bool((issues["suggested_label"].head(300) == digits.target[worst]).mean() > 0.85)
        True
        """
        check_is_fitted(self, "record_")
        return label_issues(self.record_, self._codes, self.classes_, self._has_say)

    def _forget(self) -> None:
        """Drop what an earlier fit learnt, so that a fit that fails leaves no half-fitted classifier."""
        for name in [name for name in vars(self) if name.endswith("_") and not name.startswith("_")]:
            delattr(self, name)

    def _check_parameters(self) -> None:
        check_count("max_epochs", self.max_epochs)
        check_count("batch_size", self.batch_size)
        check_number("lr", self.lr, 0, closed="neither")
        check_number("weight_decay", self.weight_decay, 0)
        check_number("validation_fraction", self.validation_fraction, 0, 0.5, hint="0 holds nothing out.")
        check_choice("precision", self.precision, ["fp32", "bf16"])
        if not isinstance(self.callbacks, (list, tuple, type(None))):
            raise InvalidParameterError(f"'callbacks' must be a list of skorch callbacks. Got {self.callbacks!r}.")
        if self.ema_decay and any(isinstance(c, EarlyStopping) and c.load_best for c in _objects(self.callbacks)):
            raise InvalidParameterError(
                "EarlyStopping(load_best=True) would bring back the parameters of its best epoch and not their "
                "average, which 'ema_decay' evaluates. Use load_best=False with 'validation_fraction', which keeps the "
                "best epoch."
            )

    def _training_data(
        self, X: Any, y: Any, sample_weight: Any, device: torch.device
    ) -> tuple[TensorData | StreamedData, np.ndarray]:
        """Check the data, learn the classes, and put everything where training wants it."""
        if isinstance(X, Dataset):
            labels, values = dataset_labels(X, y), None
            self.sample_shape_ = tuple(dataset_sample(X, 0).shape)
            self.n_features_in_, self.sample_dtype_ = self.sample_shape_[0], "dataset"
        else:
            values, labels = check_X(self, X, reset=True, y=None if y is None else plain_labels(y))
            self.sample_shape_, self.sample_dtype_ = values.shape[1:], str(values.dtype)
        self.classes_, codes = encode_labels(labels)
        weight = None
        if sample_weight is not None:
            checked = check_sample_weight(sample_weight, codes, dtype=np.float32, ensure_non_negative=True)
            weight = torch.as_tensor(checked).to(device)
        if values is None:
            return StreamedData(X, codes, weight, device), codes
        return TensorData(as_tensor(values).to(device), torch.as_tensor(codes).to(device), weight), codes

    def _build_module(
        self, data: TensorData | StreamedData, n_classes: int
    ) -> tuple[nn.Module, list[tuple[str, dict[str, float]]]]:
        """Build the student, with the inputs' standardisation before it, and try it on two samples.

        Also return skorch's parameter groups of what the student wants to learn at another rate.
        """
        maker = resolve_student(self.student, self.sample_shape_)
        student = maker.build(self.sample_shape_, n_classes)
        rates = {name: {"lr": self.lr * factor} for name, factor in maker.lr_factors(student).items()}
        rows = statistics_rows(len(data), self.sample_shape_, data.sample_weight)
        samples = self._samples(data, rows if self.standardize else rows[:2])
        if self.standardize:
            weight = None if data.sample_weight is None else data.sample_weight[torch.as_tensor(rows)]
            student = nn.Sequential(Standardize(*input_statistics(samples, weight)), student)
        elif samples.dtype == torch.uint8:
            student = nn.Sequential(Standardize(torch.zeros(1), torch.ones(1)), student)  # as they are, as floats
        self._try_student(student, as_float32(samples[:2]), n_classes)
        module = student.to(memory_format=torch.channels_last) if len(self.sample_shape_) == 3 else student
        prefix = "1." if isinstance(student, nn.Sequential) and isinstance(student[0], Standardize) else ""
        return module, [(prefix + name, options) for name, options in rates.items()]

    @staticmethod
    def _samples(data: TensorData | StreamedData, rows: np.ndarray) -> Tensor:
        if isinstance(data, TensorData):
            return data.X[torch.as_tensor(rows, device=data.X.device)].cpu()
        try:
            return torch.stack([dataset_sample(data.dataset, int(row)) for row in rows])
        except RuntimeError as error:
            raise InvalidDataError(f"The Dataset's samples must all have one shape: {error}.") from error

    def _try_student(self, module: nn.Module, samples: Tensor, n_classes: int) -> None:
        """Say at once if the student cannot take the samples or has another number of outputs than classes."""
        module.eval()
        try:
            with torch.no_grad():
                shape = tuple(module(samples).shape)
        except RuntimeError as error:
            raise InvalidParameterError(
                f"'student' {self.student!r} cannot take samples of shape {self.sample_shape_}: {error}"
            ) from error
        if shape != (len(samples), n_classes):
            raise InvalidParameterError(
                f"'student' {self.student!r} must give {n_classes} outputs a sample, one for each class in y. "
                f"It gives shape {shape[1:]}: change its last layer to {n_classes} outputs."
            )

    def _hold_out(
        self, data: TensorData | StreamedData, codes: np.ndarray, rng: np.random.Generator
    ) -> tuple[Any, Any, np.ndarray]:
        """Split off the noisy validation rows; return training data, validation data or None, and training rows."""
        everything = np.arange(len(codes))
        if self.validation_fraction == 0:
            return data, None, everything
        valid_rows = validation_rows(codes, self.validation_fraction, rng)
        train_rows = np.setdiff1d(everything, valid_rows)
        return data.take(train_rows), data.take(valid_rows), train_rows

    def _checkpoint_header(self, seed: int, data: dict[str, str]) -> dict[str, Any]:
        """Return what a checkpoint says besides the state of training: what run it is, and how to predict with it."""
        return {
            "fingerprint": {"parameters": describe_parameters(self), "data": data},
            "seed": seed,
            "estimator": type(self).__name__,
            "max_epochs": self.max_epochs,
            "student": describe_student(self.student),
            "standardize": bool(self.standardize),
            "precision": self.precision,
            "classes": {"dtype": self.classes_.dtype.str, "labels": [plain_value(c) for c in self.classes_.tolist()]},
            "sample_shape": list(self.sample_shape_),
            "sample_dtype": self.sample_dtype_,
            "feature_names": getattr(self, "feature_names_in_", np.array([])).tolist(),
        }

    def _build_net(
        self,
        module: nn.Module,
        train: Any,
        valid: Any,
        device: torch.device,
        seed: int,
        student_options: dict[str, Any],
        checkpoint: TrainingCheckpoint | None,
    ) -> IndexedNet:
        """Collect the skorch options, let the sub-class make the net, and initialise it."""
        mentor_stream = torch.Generator(device).manual_seed(seed + 1)
        options = {
            "lr_schedule": resolve_lr_schedule(self.lr_schedule),
            "precision": self.precision,
            "lr": self.lr,
            "max_epochs": self.max_epochs,
            "batch_size": self.batch_size,
            "iterator_train": TrainingBatches,
            "iterator_train__generator": torch.Generator().manual_seed(seed),
            "iterator_train__augment": resolve_augment(self.augment, self.sample_shape_),
            "iterator_train__augment_generator": torch.Generator(device).manual_seed(seed + 2),
            "iterator_valid": OrderedBatches,
            "iterator_valid__batch_size": prediction_batch_size(self.sample_shape_),
            "optimizer__weight_decay": self.weight_decay,
            "train_split": None if valid is None else predefined_split(valid),
            "callbacks": self._callbacks(valid is not None, checkpoint),
            "callbacks__print_log": None,
            "device": str(device),
            "verbose": 0,
            **resolve_optimizer(self.optimizer),
            **student_options,
            **(self.net_params or {}),
        }
        net = self._make_net(module, len(train), mentor_stream, options)
        net.initialize()
        return net

    def _callbacks(self, has_validation: bool, checkpoint: TrainingCheckpoint | None) -> list[Any]:
        own: list[Any] = [("best_epoch", BestEpoch())] if has_validation else []
        if self.verbose:
            own.append(("progress", EpochProgress(type(self).__name__)))
        last = [] if checkpoint is None else [("checkpoint", checkpoint)]
        return own + list(self.callbacks or []) + last

    def _keep_results(self, net: IndexedNet, train_rows: np.ndarray, valid: Any) -> None:
        """Set the learnt attributes, and let go of the training data's traces in the net."""
        import pandas as pd

        self.net_ = net
        self.n_iter_ = len(net.history)
        self.history_ = pd.DataFrame(
            [{k: v for k, v in row.items() if k != "batches" and not k.endswith("_best")} for row in net.history]
        )
        self.history_ = self.history_.dropna(axis="columns", how="all")
        n_samples = len(self._codes)
        self.record_ = net.record.spread(train_rows, n_samples)
        if valid is not None:
            self._note_held_out(net, valid, np.setdiff1d(np.arange(n_samples), train_rows))
        self.sample_weight_ = self.record_.column("weight").numpy().copy()
        if self.validation_fraction:
            self.best_epoch_ = dict(net.callbacks_)["best_epoch"].best_epoch_
        net.forget_training()

    def _note_held_out(self, net: IndexedNet, valid: Any, rows: np.ndarray) -> None:
        """Write into the record what the final network says of the rows that it was not trained on."""
        start = 0
        for logits in net.forward_iter(valid):
            part = rows[start : start + len(logits)]
            start += len(logits)
            weights = torch.full((len(part),), torch.nan)
            self.record_.note(torch.as_tensor(part), torch.as_tensor(self._codes[part]), logits, weights)
        self.record_.flush()
