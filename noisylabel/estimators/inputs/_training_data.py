"""From what users pass to ``fit`` to tensors on the training device and label codes."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from noisylabel._support.describe import hash_arrays
from noisylabel._support.trusted import trusted_codes
from noisylabel.estimators.inputs._datasets import as_dataset, find_labels, some_samples
from noisylabel.estimators.inputs._format import SampleFormat, check_layout, source_type
from noisylabel.estimators.inputs._labels import encode_labels, group_codes, label_texts, plain_labels
from noisylabel.estimators.inputs._samples import as_tensor, check_lengths, check_X
from noisylabel.estimators.inputs._statistics import input_statistics, statistics_rows, table_statistics
from noisylabel.estimators.inputs._weights import class_weights, row_weights
from noisylabel.exceptions import InvalidDataError
from noisylabel.nets import Data, IteratedData, StreamedData, TensorData
from noisylabel.nets.data import RowStream

_FINGERPRINT_ROWS = 16  # of a Dataset, whose samples may each take a while to load
_LOOKED_AT = 32  # samples of a Dataset, where nothing is worked out from them


@dataclass(frozen=True)
class TrainingData:
    """What ``fit`` was given, checked once and on the training device.

    Attributes
    ----------
    samples : TensorData or StreamedData
        With codes and sample weights, all N rows.
    codes : ndarray of shape (N,)
        Label codes, on the CPU.
    classes : ndarray of shape (C,)
        The labels that the codes stand for, sorted.
    right_codes : ndarray of shape (N,) or None
        Codes of the labels known to be right, -1 where unknown; None if nothing was said about them.
    format : SampleFormat
        Shape, type and scale of the samples.
    trial : Tensor of shape (2, ...)
        Two samples, on the CPU, as the network gets them.
    statistics : pair of Tensor, or None
        Mean and standard deviation of the inputs; None if they stay as they are.
    feature_names : list of str
        Of a DataFrame; else empty.
    device : torch.device
        Where samples are, or go batch by batch.
    class_weight : Tensor of shape (C,) or None
        How much the loss of a row of each class counts; None if all count alike.
    group_codes : ndarray of shape (N,) or None
        Codes of the groups that rows belong to, from 0; None if none were given.
    """

    samples: Data
    codes: np.ndarray
    classes: np.ndarray
    right_codes: np.ndarray | None
    format: SampleFormat
    trial: Tensor
    statistics: tuple[Tensor, Tensor] | None
    feature_names: list[str]
    device: torch.device
    class_weight: Tensor | None = None
    group_codes: np.ndarray | None = None

    @cached_property
    def fingerprint(self) -> dict[str, str]:
        """Hashes of what is trained on, worked out once; of a Dataset its labels, its length and some samples."""
        weight = self.samples.sample_weight
        if isinstance(self.samples, TensorData):
            values = self.samples.all_X
        else:
            rows = np.linspace(0, len(self.codes) - 1, _FINGERPRINT_ROWS).astype(np.int64)
            _, values = some_samples(self.samples.dataset, rows)
        return {
            "X": f"{len(self.samples)} rows, hash {hash_arrays(values)}",
            "y": hash_arrays(self.codes, label_texts(self.classes)),
            "sample_weight": "none" if weight is None else hash_arrays(weight),
            "y_trusted": "none" if self.right_codes is None else hash_arrays(self.right_codes),
            "groups": "none" if self.group_codes is None else hash_arrays(self.group_codes),
        }

    def to(self, device: torch.device) -> "TrainingData":
        """Return the data on a device; what is there already is shared."""
        weight = None if self.class_weight is None else self.class_weight.to(device)
        return self.with_samples(self.samples.to(device), class_weight=weight, device=device)

    def with_samples(self, samples: Data, **changes: Any) -> "TrainingData":
        """Return the data with the same samples in another place."""
        moved = replace(self, samples=samples, **changes)
        vars(moved)["fingerprint"] = self.fingerprint  # worked out but once
        return moved

    @property
    def sample_shape(self) -> tuple[int, ...]:
        """Shape of one sample."""
        return self.format.shape

    @property
    def sample_dtype(self) -> str:
        """What the samples are; see :class:`SampleFormat`."""
        return self.format.dtype

    @property
    def n_classes(self) -> int:
        """Number of classes."""
        return len(self.classes)

    def right_labels(self, rows: np.ndarray) -> Tensor | None:
        """Return the codes of the labels known to be right, -1 where unknown, (n,), on the training device.

        Rows of sample weight 0 do not count, so nothing is said of them. None if no trusted labels were given.
        """
        if self.right_codes is None:
            return None
        right = torch.as_tensor(self.right_codes[rows], device=self.device)
        if self.samples.sample_weight is None:
            return right
        return right.masked_fill(self.samples.sample_weight[torch.as_tensor(rows, device=self.device)] == 0, -1)

    def corrected(self) -> "TrainingData":
        """Return the same with each label that is known to be right in place of the given one; X is shared."""
        if self.right_codes is None:
            return self
        codes = np.where(self.right_codes >= 0, self.right_codes, self.codes)
        samples = self.samples.relabelled(torch.as_tensor(codes, device=self.device))
        return replace(self, codes=codes, samples=samples)

    def groups(self, rows: np.ndarray) -> Tensor | None:
        """Return the codes of the groups of some rows, (n,), on the training device; None if none were given."""
        return None if self.group_codes is None else torch.as_tensor(self.group_codes[rows], device=self.device)

    def is_right(self, rows: np.ndarray) -> Tensor | None:
        """Return 1 for rows whose label is known to be right, 0 for wrong, NaN for unknown, (n,).

        Rows of sample weight 0 do not count, so nothing is said of them. None if no trusted labels were given.
        """
        if self.right_codes is None:
            return None
        right = self.right_codes[rows]
        is_right = torch.as_tensor(np.where(right < 0, np.nan, right == self.codes[rows]), dtype=torch.float32)
        if self.samples.sample_weight is None:
            return is_right
        weight = self.samples.sample_weight[torch.as_tensor(rows)]
        return torch.where(weight == 0, torch.nan, is_right.to(weight.device))


@dataclass(frozen=True)
class RowFacts:
    """What ``fit`` may be told of the rows besides their labels, as users pass it; None for nothing."""

    sample_weight: Any = None
    y_trusted: Any = None
    groups: Any = None


def take_inputs(estimator: Any, X: Any, y: Any, facts: RowFacts, device: torch.device) -> TrainingData:
    """Check the arguments of ``fit`` and bring them to the device.

    scikit-learn's check notes the number and names of the features on ``estimator``.

    Raises
    ------
    ValueError
        If X, y or what goes with them cannot be used; the message says why.
    """
    dataset = as_dataset(X)
    values, are_listed = None, False
    if dataset is None:
        values, labels = _arrays(estimator, X, y)
    else:
        labels, are_listed = find_labels(dataset, y)
    classes, codes = encode_labels(labels)
    by_row = None if facts.sample_weight is None else row_weights(facts.sample_weight, codes)
    by_class = class_weights(estimator.class_weight, codes, classes, by_row)
    weight, class_weight = (None if w is None else torch.as_tensor(w).to(device) for w in (by_row, by_class))
    right_codes = None if facts.y_trusted is None else trusted_codes(facts.y_trusted, len(codes), classes)
    groups = None if facts.groups is None else group_codes(facts.groups, len(codes))
    samples: Data
    if values is not None:
        samples, seen = _in_memory(estimator, values, source_type(X), torch.as_tensor(codes), weight, device)
    else:
        samples, seen = _streamed(estimator, dataset, codes, weight, device)
        samples.labels = labels if are_listed else None
    names = list(getattr(estimator, "feature_names_in_", []))
    return TrainingData(samples, codes, classes, right_codes, *seen, names, device, class_weight, groups)


Seen = tuple[SampleFormat, Tensor, tuple[Tensor, Tensor] | None]


def _arrays(estimator: Any, X: Any, y: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return the checked samples and labels of what is no Dataset."""
    name = type(estimator).__name__
    if y is None:
        raise InvalidDataError(f"{name} requires y to be passed, but the target y is None.")
    labels = plain_labels(y)
    check_lengths(X, labels)
    values: np.ndarray = check_X(estimator, X, reset=True, whole=not estimator.standardize)
    if len(values) != len(labels):
        raise InvalidDataError(f"X has {len(values)} samples, but y has {len(labels)} labels.")
    return values, labels


def _in_memory(
    estimator: Any, values: np.ndarray, source: str, codes: Tensor, weight: Tensor | None, device: torch.device
) -> tuple[TensorData, Seen]:
    """Return samples in memory, and what was seen of them."""
    rows = statistics_rows(len(values), values.shape[1:], weight)
    counts = None if weight is None else weight[torch.as_tensor(rows)]
    statistics: tuple[Tensor, Tensor] | None
    if estimator.standardize and values.ndim == 2:
        chosen, statistics = table_statistics(torch.as_tensor(values[rows]), counts)
        values = values.astype(str(chosen.dtype).removeprefix("torch."), copy=False)
    else:
        values = values.astype(np.float32) if values.dtype == np.float64 else values
        chosen = torch.as_tensor(values[rows] if estimator.standardize else values[rows[:2]])
        statistics = input_statistics(chosen, counts) if estimator.standardize else None
    value_range = (float(values.min()), float(values.max()))
    data = TensorData(as_tensor(values).to(device), codes.to(device), weight)
    seen = SampleFormat(type(estimator).__name__, values.shape[1:], str(values.dtype), value_range, source)
    return data, (seen, chosen[:2], statistics)


def _streamed(
    estimator: Any, dataset: Any, codes: np.ndarray, weight: Tensor | None, device: torch.device
) -> tuple[StreamedData, Seen]:
    """Return the samples of a Dataset, and what was seen of some of them."""
    _, first = some_samples(dataset, np.arange(1))
    check_layout(tuple(first.shape[1:]), first.dtype == torch.uint8)
    estimator.n_features_in_ = first.shape[1]
    rows = statistics_rows(len(codes), tuple(first.shape[1:]), weight)
    if not estimator.standardize and len(rows) > _LOOKED_AT:
        rows = rows[np.linspace(0, len(rows) - 1, _LOOKED_AT).astype(np.int64)]  # sorted data too show their range
    rows, samples = some_samples(dataset, rows)
    counts = None if weight is None else weight[torch.as_tensor(rows)]
    source = source_type(samples)
    statistics: tuple[Tensor, Tensor] | None
    if estimator.standardize and samples.ndim == 2 and samples.dtype != torch.uint8:
        samples, statistics = table_statistics(samples, counts)
    else:
        is_whole = not estimator.standardize and samples.ndim < 4 and not samples.is_floating_point()
        if samples.dtype != torch.uint8:
            samples = samples.to(torch.int64 if is_whole else torch.float32)
        statistics = input_statistics(samples, counts) if estimator.standardize else None
    dtype = str(samples.dtype).removeprefix("torch.")
    value_range = (float(samples.min()), float(samples.max()))
    seen = SampleFormat(type(estimator).__name__, tuple(samples.shape[1:]), dtype, value_range, source)
    kind = IteratedData if isinstance(dataset, RowStream) else StreamedData
    data = kind(dataset, codes, weight, device, prepare=seen.training_batch)
    return data, (seen, samples[:2], statistics)
