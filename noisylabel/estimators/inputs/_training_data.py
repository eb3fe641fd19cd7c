"""From what users pass to ``fit`` to tensors on the training device and label codes."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from noisylabel._support.describe import hash_arrays
from noisylabel._support.sklearn_compat import check_sample_weight
from noisylabel._support.trusted import trusted_codes
from noisylabel.estimators.inputs._labels import dataset_labels, encode_labels, plain_labels
from noisylabel.estimators.inputs._samples import as_tensor, check_lengths, check_X, dataset_sample
from noisylabel.nets import Data, StreamedData, TensorData


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
    sample_shape : tuple of int
    sample_dtype : {"float32", "uint8", "dataset"}
    feature_names : list of str
        Of a DataFrame; else empty.
    device : torch.device
        Where samples are, or go batch by batch.
    """

    samples: Data
    codes: np.ndarray
    classes: np.ndarray
    right_codes: np.ndarray | None
    sample_shape: tuple[int, ...]
    sample_dtype: str
    feature_names: list[str]
    device: torch.device

    @cached_property
    def fingerprint(self) -> dict[str, str]:
        """Hashes of what is trained on, worked out once; of a Dataset only its labels and length."""
        weight = self.samples.sample_weight
        values = self.samples.all_X if isinstance(self.samples, TensorData) else torch.zeros(0)
        return {
            "X": f"{len(self.samples)} rows, hash {hash_arrays(values)}",
            "y": hash_arrays(self.codes, np.asarray(self.classes).astype(str)),
            "sample_weight": "none" if weight is None else hash_arrays(weight),
            "y_trusted": "none" if self.right_codes is None else hash_arrays(self.right_codes),
        }

    @property
    def n_classes(self) -> int:
        """Number of classes."""
        return len(self.classes)

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


def take_inputs(
    estimator: Any, X: Any, y: Any, sample_weight: Any, y_trusted: Any, device: torch.device
) -> TrainingData:
    """Check the arguments of ``fit`` and bring them to the device.

    scikit-learn's check notes the number and names of the features on ``estimator``.

    Raises
    ------
    ValueError
        If X, y or what goes with them cannot be used; the message says why.
    """
    if isinstance(X, Dataset):
        labels, values = dataset_labels(X, y), None
        shape, dtype = tuple(dataset_sample(X, 0).shape), "dataset"
        estimator.n_features_in_ = shape[0]
    else:
        y = None if y is None else plain_labels(y)
        check_lengths(X, y)
        values, labels = check_X(estimator, X, reset=True, y=y)
        shape, dtype = values.shape[1:], str(values.dtype)
    classes, codes = encode_labels(labels)
    weight = None
    if sample_weight is not None:
        checked = check_sample_weight(sample_weight, codes, dtype=np.float32, ensure_non_negative=True)
        weight = torch.as_tensor(checked).to(device)
    if values is None:
        samples: Data = StreamedData(X, codes, weight, device)
    else:
        samples = TensorData(as_tensor(values).to(device), torch.as_tensor(codes).to(device), weight)
    right_codes = None if y_trusted is None else trusted_codes(y_trusted, len(codes), classes)
    names = list(getattr(estimator, "feature_names_in_", []))
    return TrainingData(samples, codes, classes, right_codes, shape, dtype, names, device)
