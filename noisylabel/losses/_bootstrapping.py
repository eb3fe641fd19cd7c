"""Bootstrapping: labels mixed with what the network says."""

from typing import Self

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from noisylabel._support.validation import check_number
from noisylabel.losses._base import Loss


class Bootstrapping(Loss):
    """Cross entropy against ``beta * label + (1 - beta) * own``, own being the network's most probable class.

    Parameters
    ----------
    beta : float in [0, 1], default=0.8
        Share of the given label in the target.

    References
    ----------
    Reed et al., "Training deep neural networks on noisy labels with bootstrapping", ICLR 2015 workshop, eq. 7 (hard),
    with their beta.

    Examples
    --------
    >>> logits = torch.tensor([[2.0, 0.0]])
    >>> Bootstrapping(beta=0)(logits, torch.tensor([1]), torch.tensor([0]))  # the given label has no say
    tensor([0.1269])
    """

    capturable = True

    def __init__(self, beta: float = 0.8) -> None:
        self.beta = beta

    def check_parameters(self) -> Self:
        """See :meth:`Loss.check_parameters`."""
        check_number("beta", self.beta, 0, 1)
        return self

    def start(self, n_samples: int, n_classes: int, device: torch.device) -> None:
        """See :meth:`Loss.start`."""
        self.check_parameters()

    def __call__(self, logits: Tensor, codes: Tensor, rows: Tensor) -> Tensor:
        """See :meth:`Loss.__call__`."""
        n_classes = logits.shape[1]
        own = one_hot(logits.detach().argmax(1), n_classes)
        targets = self.beta * one_hot(codes, n_classes) + (1 - self.beta) * own
        return -(targets * logits.log_softmax(1)).sum(1)
