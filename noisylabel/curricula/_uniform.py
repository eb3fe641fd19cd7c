"""Uniform weights: the curriculum that is off."""

from torch import Tensor

from noisylabel.curricula._base import Curriculum
from noisylabel.functional import uniform_weights


class Uniform(Curriculum):
    """Give every sample weight 1: plain training.

    Examples
    --------
    >>> import torch
    >>> loss = torch.tensor([0.0, 1.0, 2.0])
    >>> Uniform().weights(loss, loss - 1.0, torch.zeros(3), 50)
    tensor([1., 1., 1.])
    """

    def weights(self, loss: Tensor, loss_diff: Tensor, label: Tensor, epoch_percent: float) -> Tensor:
        """See :meth:`Curriculum.weights`."""
        return uniform_weights(loss)
