"""The mean weight of an epoch, gathered batch by batch."""

import warnings

from torch import Tensor

from noisylabel.exceptions import NoisyLabelWarning


class MeanWeight:
    """Mean over the rows seen since the last :meth:`take`.

    Examples
    --------
    >>> import torch
    >>> mean = MeanWeight()
    >>> mean.add(torch.tensor([1.0, 0.0]))
    0.5
    >>> mean.add(torch.tensor([1.0, 0.0]), counts=torch.tensor([6.0, 0.0]))
    1.0
    >>> mean.take()  # 7 of 8 rows
    0.875
    """

    def __init__(self) -> None:
        self._parts: list[tuple[float, float]] = []

    def add(self, weights: Tensor, counts: Tensor | None = None) -> float:
        """Return the mean weight of a batch, and remember it.

        Parameters
        ----------
        weights : Tensor of shape (B,)
        counts : Tensor of shape (B,), optional
            How many times each sample counts.
        """
        if counts is None:
            mean, n_rows = weights.mean().item(), float(len(weights))
        else:
            n_rows = counts.sum().item()
            mean = (weights * counts).sum().item() / max(n_rows, 1e-12)
        self._parts.append((mean, n_rows))
        return mean

    def take(self) -> float:
        """Return the mean of all rows so far, and start anew."""
        n_rows = sum(n for _, n in self._parts)
        mean = sum(mean * n for mean, n in self._parts) / max(n_rows, 1e-12)
        self._parts.clear()
        return mean


def warn_if_nothing_counts(utilization: float, epoch: int, what: str) -> None:
    """Warn if the mean weight of an epoch is 0; ``what`` is ``"sample"`` or ``"mix"``."""
    if utilization == 0:
        warnings.warn(
            f"In epoch {epoch} every {what} had weight 0: the curriculum believes no label. Raise 'loss_percentile', "
            "choose a softer 'curriculum' or lower 'example_dropout'.",
            NoisyLabelWarning,
            stacklevel=2,
        )
