"""Samples in memory: batches are sliced from tensors."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from noisylabel.nets.data._batch import Batch


class TensorData(Dataset):
    """Samples in memory, as tensors on the training device; some of them, if ``rows`` says which.

    Parameters
    ----------
    X : Tensor of shape (N, ...)
        All samples.
    codes : Tensor of shape (n,), optional
        Label codes of the samples in use.
    sample_weight : Tensor of shape (n,), optional
    rows : Tensor of shape (n,), optional
        Which rows of ``X`` are in use; all by default. They are looked up batch by batch, never copied as a whole.

    Attributes
    ----------
    all_X : Tensor of shape (N, ...)
        All samples, those out of use too.
    is_part : bool
        Whether ``rows`` says which samples are in use.
    """

    def __init__(
        self, X: Tensor, codes: Tensor | None = None, sample_weight: Tensor | None = None, rows: Tensor | None = None
    ) -> None:
        self.all_X = X
        self.codes = codes
        self.sample_weight = sample_weight
        self.rows = rows
        self.is_part = rows is not None

    def __len__(self) -> int:
        return len(self.all_X if self.rows is None else self.rows)

    def __getitem__(self, position: int) -> tuple[Tensor, Tensor]:
        row = position if self.rows is None else self.rows[position]
        return self.all_X[row], torch.tensor(0) if self.codes is None else self.codes[position]

    def take(self, positions: np.ndarray) -> "TensorData":
        """Return the data of some rows; the samples are shared."""
        chosen = torch.as_tensor(positions, device=self.all_X.device)
        weight = None if self.sample_weight is None else self.sample_weight[chosen]
        codes = None if self.codes is None else self.codes[chosen]
        return TensorData(self.all_X, codes, weight, chosen if self.rows is None else self.rows[chosen])

    def relabelled(self, codes: Tensor) -> "TensorData":
        """Return the same samples with other label codes (n,), on their device."""
        return TensorData(self.all_X, codes, self.sample_weight, self.rows)

    def to(self, device: torch.device) -> "TensorData":
        """Return the data on a device; what is there already is shared."""
        parts = (self.all_X, self.codes, self.sample_weight, self.rows)
        return TensorData(*(None if part is None else part.to(device) for part in parts))  # type: ignore[arg-type]

    def batch_of(self, positions: Tensor) -> Batch:
        """Return the batch of some positions, a tensor (B,)."""
        weight = None if self.sample_weight is None else self.sample_weight.index_select(0, positions)
        codes = None if self.codes is None else self.codes.index_select(0, positions)
        rows = positions if self.rows is None else self.rows.index_select(0, positions)
        return Batch(self.all_X.index_select(0, rows), codes, positions, weight)

    def slices(self, batch_size: int) -> Iterator[Batch]:
        """Yield the samples in use in order, without row numbers; as copies, since a network may write to its input."""
        for start in range(0, len(self), batch_size):
            part = slice(start, start + batch_size)
            X = self.all_X[part].clone() if self.rows is None else self.all_X.index_select(0, self.rows[part])
            yield Batch(X, None if self.codes is None else self.codes[part])
