"""Early-learning regularisation."""

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from benchmarks.methods._robust_loss import RobustLoss, RobustLossClassifier


class EarlyLearningRegularization(RobustLoss):
    """Cross entropy plus ``strength * log(1 - <p, t>)``, t being a moving average of a row's own predictions.

    References
    ----------
    Liu et al., "Early-learning regularization prevents memorization of noisy labels", NeurIPS 2020, eq. 6 and 9, with
    their strength 3 and memory 0.7 for CIFAR-10 with symmetric noise.
    """

    strength, memory, least = 3.0, 0.7, 1e-4

    def start(self, n_samples: int, n_classes: int, device: torch.device) -> None:
        """Begin with targets of 0."""
        self.targets = torch.zeros(n_samples, n_classes, device=device)

    def state(self) -> dict[str, Tensor]:
        """See :meth:`RobustLoss.state`."""
        return {"targets": self.targets}

    def restore(self, state: dict[str, Tensor]) -> None:
        """See :meth:`RobustLoss.restore`."""
        self.targets = state["targets"].to(self.targets.device)

    def __call__(self, logits: Tensor, codes: Tensor, rows: Tensor) -> Tensor:
        """See :meth:`RobustLoss.__call__`; moves the rows' targets first."""
        proba = logits.softmax(1).clamp(self.least, 1 - self.least)
        said = proba.detach()
        self.targets[rows] = self.memory * self.targets[rows] + (1 - self.memory) * said / said.sum(1, keepdim=True)
        agreement = (proba * self.targets[rows]).sum(1)
        return cross_entropy(logits, codes, reduction="none") + self.strength * (1 - agreement).log()


class ELRClassifier(RobustLossClassifier):
    """Plain training with early-learning regularisation."""

    def _make_loss(self) -> RobustLoss:
        return EarlyLearningRegularization()
