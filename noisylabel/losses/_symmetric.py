"""Symmetric cross entropy."""

from typing import Self

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from noisylabel._support.validation import check_number
from noisylabel.losses._base import Loss


class SymmetricCrossEntropy(Loss):
    """``alpha * CE + beta * RCE``; in the reverse cross entropy, ``-sum_k p_k log(label_k)``, log(0) is taken as A.

    Parameters
    ----------
    alpha : float in [0, inf), default=0.1
        Weight of the cross entropy.
    beta : float in [0, inf), default=1.0
        Weight of the reverse cross entropy.
    log_zero : float in (-inf, 0], default=-4.0
        A.

    References
    ----------
    Wang et al., "Symmetric cross entropy for robust learning with noisy labels", ICCV 2019, eq. 5 and 7, with their
    values for CIFAR-10.

    Examples
    --------
    >>> SymmetricCrossEntropy(alpha=0)(torch.zeros(1, 4), torch.tensor([2]), torch.tensor([0]))
    tensor([3.])
    """

    capturable = True

    def __init__(self, alpha: float = 0.1, beta: float = 1.0, log_zero: float = -4.0) -> None:
        self.alpha = alpha
        self.beta = beta
        self.log_zero = log_zero

    def check_parameters(self) -> Self:
        """See :meth:`Loss.check_parameters`."""
        check_number("alpha", self.alpha, 0)
        check_number("beta", self.beta, 0)
        check_number("log_zero", self.log_zero, high=0)
        return self

    def start(self, n_samples: int, n_classes: int, device: torch.device) -> None:
        """See :meth:`Loss.start`."""
        self.check_parameters()

    def __call__(self, logits: Tensor, codes: Tensor, rows: Tensor) -> Tensor:
        """See :meth:`Loss.__call__`."""
        proba = logits.softmax(1).gather(1, codes[:, None]).squeeze(1)
        reverse = -self.log_zero * (1 - proba)  # all that is not of the given label
        return self.alpha * cross_entropy(logits, codes, reduction="none") + self.beta * reverse
