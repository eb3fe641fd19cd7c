"""Self-paced learning."""

from torch import Tensor

from noisylabel.curricula._base import Curriculum
from noisylabel.functional import self_paced_weights


class SelfPaced(Curriculum):
    """Keep the samples whose loss is at most the moving loss percentile; ties are kept.

    References
    ----------
    Kumar, Packer, Koller, "Self-paced learning for latent variable models", NeurIPS 2010.

    Examples
    --------
    >>> import torch
    >>> loss = torch.tensor([0.0, 1.0, 2.0])
    >>> SelfPaced().weights(loss, loss - 1.0, torch.zeros(3), 50)
    tensor([1., 1., 0.])
    """

    def weights(self, loss: Tensor, loss_diff: Tensor, label: Tensor, epoch_percent: float) -> Tensor:
        """See :meth:`Curriculum.weights`."""
        return self_paced_weights(loss_diff)
