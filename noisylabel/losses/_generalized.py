"""Generalised cross entropy."""

from typing import Self

import torch
from torch import Tensor

from noisylabel._support.validation import check_number
from noisylabel.losses._base import Loss


class GeneralizedCrossEntropy(Loss):
    """``(1 - p_y ** q) / q``: between the cross entropy (q = 0) and the mean absolute error (q = 1).

    Parameters
    ----------
    q : float in (0, 1], default=0.7
        The larger, the less a sample counts whose label the network does not believe.

    References
    ----------
    Zhang and Sabuncu, "Generalized cross entropy loss for training deep neural networks with noisy labels", NeurIPS
    2018, eq. 6, with their q, without the truncation.

    Examples
    --------
    >>> GeneralizedCrossEntropy(q=1)(torch.zeros(1, 4), torch.tensor([2]), torch.tensor([0]))
    tensor([0.7500])
    """

    capturable = True

    def __init__(self, q: float = 0.7) -> None:
        self.q = q

    def check_parameters(self) -> Self:
        """See :meth:`Loss.check_parameters`."""
        check_number("q", self.q, 0, 1, closed="right", hint="0 would be loss='cross_entropy'.")
        return self

    def start(self, n_samples: int, n_classes: int, device: torch.device) -> None:
        """See :meth:`Loss.start`."""
        self.check_parameters()

    def __call__(self, logits: Tensor, codes: Tensor, rows: Tensor) -> Tensor:
        """See :meth:`Loss.__call__`."""
        log_proba = logits.log_softmax(1).gather(1, codes[:, None]).squeeze(1)
        return -(self.q * log_proba).expm1() / self.q
