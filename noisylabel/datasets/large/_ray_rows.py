"""Rows of a Ray Data dataset, read where the cluster has them."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch.utils.data import IterableDataset

from noisylabel.exceptions import InvalidDataError

_AT_A_TIME = 1024


class RayRows(IterableDataset):
    """A Ray Data dataset as a stream of samples with row numbers, which classifiers take as X.

    ``fit`` makes one itself of a Ray Data dataset whose columns have the default names.

    Parameters
    ----------
    dataset : ray.data.Dataset
        The cluster reads and transforms; blocks come here one after the other. Read anew in each pass.
    row : str, default="row"
        Column of row numbers: each integer from 0 to N - 1 once.
    label : str or None, default="label"
        Column of labels. None, or a column that is not there: pass ``y`` to ``fit``.
    samples : str or sequence of str, optional
        Column of arrays of one shape, such as images, or several columns of numbers. All other columns by default.

    Raises
    ------
    InvalidDataError
        If a column is not there.

    Examples
    --------
    >>> data = ray.data.read_parquet("s3://bucket/table")  # doctest: +SKIP
    >>> clf.fit(RayRows(data, row="id", label="kind"))  # doctest: +SKIP
    """

    def __init__(
        self, dataset: Any, *, row: str = "row", label: str | None = "label", samples: str | Sequence[str] | None = None
    ) -> None:
        self.dataset = dataset
        self.row, self.label, self.samples = row, label, samples
        columns = list(dataset.schema().names)
        self._check("row", row, columns)
        self.label_ = label if label in columns else None
        others = [name for name in columns if name not in (row, self.label_)]
        self.columns_ = others if samples is None else [samples] if isinstance(samples, str) else list(samples)
        for name in self.columns_:
            self._check("samples", name, columns)
        if not self.columns_:
            raise InvalidDataError(f"The Ray dataset has no column of samples beside {', '.join(map(repr, columns))}.")

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        for batch in self.dataset.iter_batches(batch_size=_AT_A_TIME, batch_format="numpy"):
            samples = torch.as_tensor(self._samples(batch))
            parts = [batch[self.row].tolist(), samples]
            if self.label_ is not None:
                parts.append(batch[self.label_].tolist())
            yield from zip(*parts, strict=True)

    def _samples(self, batch: Mapping[str, np.ndarray]) -> np.ndarray:
        columns = [batch[name] for name in self.columns_]
        values = columns[0] if len(columns) == 1 and columns[0].ndim > 1 else np.stack(columns, axis=1)
        if values.dtype == object or values.dtype.kind not in "biuf":
            raise InvalidDataError(
                f"The columns {', '.join(map(repr, self.columns_))} of the Ray dataset must be numbers, or one of "
                f"arrays of one shape. Got {values.dtype}. Name others as 'samples', or convert them with map_batches."
            )
        return np.array(values)  # Ray's own may not be written to

    def _check(self, what: str, name: str, columns: list[str]) -> None:
        if name not in columns:
            raise InvalidDataError(
                f"The Ray dataset has no column {name!r}; it has {', '.join(map(repr, columns))}. Pass "
                f"RayRows(dataset, {what}=...) with the name of the one that "
                + ("numbers the rows from 0, or add it where the data are written." if what == "row" else "you mean.")
            )
