"""Self-paced curriculum learning with linear weighting."""

from torch import Tensor

from noisylabel.curricula._base import Curriculum
from noisylabel.functional import spcl_linear_weights


class SPCLLinear(Curriculum):
    """Fade from 1 at the moving loss percentile to 0 at ``gamma`` above it.

    Parameters
    ----------
    gamma : float in (0, inf), default=1.0
        Width of the fade, in units of the loss.

    References
    ----------
    Jiang et al., "Self-paced curriculum learning", AAAI 2015; MentorNet, ICML 2018 (released form).

    Examples
    --------
    >>> import torch
    >>> loss = torch.tensor([0.0, 1.0, 2.0])
    >>> SPCLLinear(gamma=2).weights(loss, loss - 1.0, torch.zeros(3), 50)
    tensor([1.0000, 1.0000, 0.5000])
    """

    def __init__(self, gamma: float = 1.0) -> None:
        self.gamma = gamma

    def weights(self, loss: Tensor, loss_diff: Tensor, label: Tensor, epoch_percent: float) -> Tensor:
        """See :meth:`Curriculum.weights`."""
        return spcl_linear_weights(loss_diff, self.gamma)
