"""Generalised cross entropy."""

from torch import Tensor

from benchmarks.methods._robust_loss import RobustLoss, RobustLossClassifier


class GeneralizedCrossEntropy(RobustLoss):
    """``(1 - p_y ** q) / q``: between the cross entropy (q = 0) and the mean absolute error (q = 1).

    References
    ----------
    Zhang, Sabuncu, "Generalized cross entropy loss for training deep neural networks with noisy labels", NeurIPS 2018,
    eq. 6, with their q = 0.7 and without the truncation.
    """

    q = 0.7

    def __call__(self, logits: Tensor, codes: Tensor, rows: Tensor) -> Tensor:
        """See :meth:`RobustLoss.__call__`."""
        log_proba = logits.log_softmax(1).gather(1, codes[:, None]).squeeze(1)
        return -(self.q * log_proba).expm1() / self.q


class GCEClassifier(RobustLossClassifier):
    """Plain training with the generalised cross entropy."""

    def _make_loss(self) -> RobustLoss:
        return GeneralizedCrossEntropy()
