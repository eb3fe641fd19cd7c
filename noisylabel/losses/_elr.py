"""Early-learning regularisation."""

from typing import Any, Self

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from noisylabel._support.validation import check_number
from noisylabel.losses._base import Loss

_LEAST = 1e-4


class EarlyLearningRegularization(Loss):
    """Cross entropy plus ``strength * log(1 - <p, t>)``, t being a moving average of a row's own predictions.

    It keeps 4 bytes for each row and class.

    Parameters
    ----------
    strength : float in [0, inf), default=3.0
        Weight of the regularisation.
    memory : float in [0, 1), default=0.7
        Share of the past in the moving average.

    References
    ----------
    Liu et al., "Early-learning regularization prevents memorization of noisy labels", NeurIPS 2020, eq. 6 and 9, with
    their values for CIFAR-10 with symmetric noise.

    Examples
    --------
    >>> loss = EarlyLearningRegularization()
    >>> loss.start(n_samples=3, n_classes=2, device=torch.device("cpu"))
    >>> loss(torch.zeros(1, 2), torch.tensor([0]), torch.tensor([2]))  # log 2 + 3 log(1 - 0.15)
    tensor([0.2056])
    """

    capturable = True

    def __init__(self, strength: float = 3.0, memory: float = 0.7) -> None:
        self.strength = strength
        self.memory = memory

    def check_parameters(self) -> Self:
        """See :meth:`Loss.check_parameters`."""
        check_number("strength", self.strength, 0)
        check_number("memory", self.memory, 0, 1, closed="left")
        return self

    def start(self, n_samples: int, n_classes: int, device: torch.device) -> None:
        """See :meth:`Loss.start`; begins with targets of 0."""
        self.check_parameters()
        self.targets_ = torch.zeros(n_samples, n_classes, device=device)

    def state_dict(self) -> dict[str, Any]:
        """See :meth:`Loss.state_dict`."""
        return {"targets": self.targets_}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """See :meth:`Loss.load_state_dict`."""
        self.targets_.copy_(state["targets"])

    def __call__(self, logits: Tensor, codes: Tensor, rows: Tensor) -> Tensor:
        """See :meth:`Loss.__call__`; moves the rows' targets first."""
        proba = logits.softmax(1).clamp(_LEAST, 1 - _LEAST)
        said = proba.detach()
        targets = self.memory * self.targets_[rows] + (1 - self.memory) * said / said.sum(1, keepdim=True)
        self.targets_[rows] = targets
        agreement = (proba * targets).sum(1)
        return cross_entropy(logits, codes, reduction="none") + self.strength * (1 - agreement).log()
