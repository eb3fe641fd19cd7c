"""Cross entropy."""

from torch import Tensor
from torch.nn.functional import cross_entropy

from noisylabel.losses._base import Loss


class CrossEntropy(Loss):
    """``-log p_y``, p_y being the network's probability of the given label.

    Examples
    --------
    >>> import torch
    >>> CrossEntropy()(torch.zeros(1, 4), torch.tensor([2]), torch.tensor([0]))
    tensor([1.3863])
    """

    capturable = True

    def __call__(self, logits: Tensor, codes: Tensor, rows: Tensor) -> Tensor:
        """See :meth:`Loss.__call__`."""
        return cross_entropy(logits, codes, reduction="none")

    def cross_entropy(self, losses: Tensor, logits: Tensor, codes: Tensor) -> Tensor:
        """See :meth:`Loss.cross_entropy`."""
        return losses.detach()
