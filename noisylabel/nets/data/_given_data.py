"""Samples as callbacks and users give them to a net, and as callbacks get them."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from skorch.dataset import Dataset as SkorchDataset
from torch import Tensor
from torch.utils.data import Dataset, IterableDataset

from noisylabel.exceptions import InvalidDataError
from noisylabel.nets.data._batch import as_float32
from noisylabel.nets.data._iterated import IteratedData
from noisylabel.nets.data._row_stream import RowStream
from noisylabel.nets.data._streamed import StreamedData
from noisylabel.nets.data._tensors import TensorData

Data = TensorData | StreamedData
Prepare = Callable[[Tensor], Tensor]
_ADVICE = "Call predict or predict_proba of the classifier, which converts its input."


class ScoredData(SkorchDataset):
    """Rows as skorch's callbacks expect them: a Dataset with ``X`` and ``y``.

    Parameters
    ----------
    data : TensorData or StreamedData
    """

    def __init__(self, data: Data) -> None:
        self.data = data

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, position: int) -> tuple[Any, Any]:
        assert self.data.codes is not None
        if isinstance(self.data, TensorData):
            return self.data[position]
        item = self.data.dataset[int(self.data.rows[position])]
        return (item[0] if isinstance(item, (tuple, list)) else item), self.data.codes[position]

    @property
    def X(self) -> Any:
        """The samples as a tensor (n, ...) or, where they are loaded when needed, the data themselves."""
        if isinstance(self.data, StreamedData):
            return self.data
        return self.data.all_X if self.data.rows is None else self.data.all_X.index_select(0, self.data.rows)

    @property
    def y(self) -> Any:
        """The label codes, (n,)."""
        return None if self.data.codes is None else self.data.codes.cpu().numpy()


def as_data(X: Any, prepare: Prepare | None, device: torch.device) -> Data:
    """Return the data of a net's prediction.

    Parameters
    ----------
    X : ndarray or Tensor of shape (N, ...), Dataset, ScoredData, TensorData or StreamedData
    prepare : callable, optional
        Called with what is not yet checked; see :class:`noisylabel.nets.IndexedNet`.
    device : torch.device

    Raises
    ------
    InvalidDataError
        If X is something else, or ``prepare`` refuses it.
    """
    if isinstance(X, ScoredData):
        return X.data
    if isinstance(X, TensorData | StreamedData):
        return X
    if isinstance(X, (np.ndarray, Tensor)) and X.ndim > 1:
        try:
            values = X.detach().clone() if isinstance(X, Tensor) else torch.from_numpy(np.array(X))  # both are copies
        except TypeError:
            raise InvalidDataError(f"The net predicts arrays of numbers. Got dtype {X.dtype}. {_ADVICE}") from None
        return TensorData((as_float32 if prepare is None else prepare)(values.cpu()).to(device))
    if isinstance(X, IterableDataset):
        stream = X if isinstance(X, RowStream) else RowStream(X)
        return IteratedData(stream, None, None, device, prepare=prepare)
    if isinstance(X, Dataset) and not isinstance(X, SkorchDataset):
        return StreamedData(X, None, None, device, prepare=prepare)
    raise InvalidDataError(
        f"The net predicts arrays (N, ...) as in fit, tensors and torch Datasets. Got {type(X).__name__}. {_ADVICE}"
    )
