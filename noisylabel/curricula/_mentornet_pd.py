"""The pre-defined MentorNet."""

from torch import Tensor

from noisylabel.curricula._base import ClosedForm
from noisylabel.functional import mentornet_pd_weights


class MentorNetPD(ClosedForm):
    """Pre-defined MentorNet: uniform first, then self-paced, then SPCL linear.

    Up to 18 percent of training every sample has weight 1; from 19 to 89 percent those at or below the moving loss
    percentile; from 90 percent on, samples a little above it fade out linearly.

    Parameters
    ----------
    gamma : float in (0, inf), default=1.0
        Width of the fade of the last stage, in units of the loss.

    References
    ----------
    Jiang et al., "MentorNet: learning data-driven curriculum for very deep neural networks on corrupted labels",
    ICML 2018 (target function of the released pre-defined MentorNet).

    Examples
    --------
    >>> import torch
    >>> loss = torch.tensor([0.0, 1.0, 1.5])
    >>> MentorNetPD().weights(loss, loss - 1.0, torch.zeros(3), 95)
    tensor([1.0000, 1.0000, 0.5000])
    """

    def __init__(self, gamma: float = 1.0) -> None:
        self.gamma = gamma

    def stage(self, epoch_percent: float) -> int:
        """See :meth:`Curriculum.stage`."""
        return int(epoch_percent > 18) + int(epoch_percent >= 90)

    def weights(self, loss: Tensor, loss_diff: Tensor, label: Tensor, epoch_percent: float) -> Tensor:
        """See :meth:`Curriculum.weights`."""
        return mentornet_pd_weights(loss_diff, epoch_percent, self.gamma)
