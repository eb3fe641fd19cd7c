"""A batch that knows its row numbers."""

from typing import Any

from torch import Tensor


class Batch(tuple):
    """A pair (X, y), as skorch expects, that also carries rows and sample weights.

    Attributes
    ----------
    rows : Tensor of shape (B,) or None
        Row numbers among the rows that are trained on; None in prediction.
    sample_weight : Tensor of shape (B,) or None
    """

    rows: Any
    sample_weight: Tensor | None

    def __new__(
        cls, X: Any, y: Tensor | None, rows: Tensor | None = None, sample_weight: Tensor | None = None
    ) -> "Batch":
        """Make the pair and hang the rest on it."""
        batch = super().__new__(cls, (X, y))
        batch.rows = rows
        batch.sample_weight = sample_weight
        return batch


def as_float32(X: Tensor) -> Tensor:
    """Return float tensors of any precision as float32, and others, such as uint8 images, as they are."""
    return X.float() if X.is_floating_point() else X
