"""Symmetric cross entropy."""

from torch import Tensor
from torch.nn.functional import cross_entropy

from benchmarks.methods._robust_loss import RobustLoss, RobustLossClassifier


class SymmetricCrossEntropy(RobustLoss):
    """``alpha * CE + beta * RCE``; in the reverse cross entropy, ``-sum_k p_k log(label_k)``, log(0) is taken as A.

    References
    ----------
    Wang et al., "Symmetric cross entropy for robust learning with noisy labels", ICCV 2019, eq. 5 and 7, with their
    alpha = 0.1, beta = 1 and A = -4 for CIFAR-10.
    """

    alpha, beta, log_zero = 0.1, 1.0, -4.0

    def __call__(self, logits: Tensor, codes: Tensor, rows: Tensor) -> Tensor:
        """See :meth:`RobustLoss.__call__`."""
        proba = logits.softmax(1).gather(1, codes[:, None]).squeeze(1)
        reverse = -self.log_zero * (1 - proba)  # all that is not of the given label
        return self.alpha * cross_entropy(logits, codes, reduction="none") + self.beta * reverse


class SymmetricCEClassifier(RobustLossClassifier):
    """Plain training with the symmetric cross entropy."""

    def _make_loss(self) -> RobustLoss:
        return SymmetricCrossEntropy()
