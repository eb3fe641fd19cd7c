"""Focal loss as a curriculum."""

from torch import Tensor

from noisylabel.curricula._base import ClosedForm
from noisylabel.functional import focal_weights


class Focal(ClosedForm):
    """Weight ``(1 - exp(-l))**gamma``: the harder, the heavier. Made for clean labels.

    Parameters
    ----------
    gamma : float in (0, inf), default=2.0
        Exponent; larger values push easy samples down further.

    References
    ----------
    Lin et al., "Focal loss for dense object detection", ICCV 2017.

    Examples
    --------
    >>> import torch
    >>> loss = torch.tensor([0.0, 1.0, 2.0])
    >>> Focal().weights(loss, loss - 1.0, torch.zeros(3), 50)
    tensor([0.0000, 0.3996, 0.7476])
    """

    is_relative = False

    def __init__(self, gamma: float = 2.0) -> None:
        self.gamma = gamma

    def weights(self, loss: Tensor, loss_diff: Tensor, label: Tensor, epoch_percent: float) -> Tensor:
        """See :meth:`Curriculum.weights`."""
        return focal_weights(loss, self.gamma)
