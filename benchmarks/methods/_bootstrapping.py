"""Bootstrapping: labels mixed with what the network says."""

from torch import Tensor
from torch.nn.functional import one_hot

from benchmarks.methods._robust_loss import RobustLoss, RobustLossClassifier


class Bootstrapping(RobustLoss):
    """Cross entropy against ``beta * label + (1 - beta) * own``, own being the network's most probable class.

    References
    ----------
    Reed et al., "Training deep neural networks on noisy labels with bootstrapping", ICLR 2015 workshop, eq. 7 (hard),
    with their beta = 0.8.
    """

    beta = 0.8

    def __call__(self, logits: Tensor, codes: Tensor, rows: Tensor) -> Tensor:
        """See :meth:`RobustLoss.__call__`."""
        n_classes = logits.shape[1]
        own = one_hot(logits.detach().argmax(1), n_classes)
        targets = self.beta * one_hot(codes, n_classes) + (1 - self.beta) * own
        return -(targets * logits.log_softmax(1)).sum(1)


class BootstrappingClassifier(RobustLossClassifier):
    """Plain training with hard bootstrapping."""

    def _make_loss(self) -> RobustLoss:
        return Bootstrapping()
