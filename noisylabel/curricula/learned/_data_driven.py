"""The curriculum that is learned while the student trains."""

from typing import Self

import torch
from torch import Tensor

from noisylabel._support.validation import check_count, check_number
from noisylabel.curricula._base import Curriculum


class DataDriven(Curriculum):
    """Learn a MentorNet during ``fit`` from rows whose right label is known (``y_trusted``).

    It stands for a curriculum that does not exist yet: by itself every weight is 1. What it says of the network to be
    learned is read by :class:`noisylabel.mentors.DataDrivenMentor`.

    Parameters
    ----------
    history_length : int, default=5
        How many of a sample's last losses the network reads.
    sharpness : float in (0, inf), default=10.0
        What the logits of the learned network are multiplied with. 1 makes the weight the probability that the label
        is right, as in the released code; 10 makes it nearly a decision.

    References
    ----------
    Jiang et al., "MentorNet", ICML 2018, Sec. 3.2 and Algorithm 1, step 6.

    Examples
    --------
    >>> import torch
    >>> DataDriven().weights(torch.ones(2), torch.zeros(2), torch.zeros(2), 50)
    tensor([1., 1.])
    """

    def __init__(self, history_length: int = 5, sharpness: float = 10.0) -> None:
        self.history_length = history_length
        self.sharpness = sharpness

    def check_parameters(self) -> Self:
        """See :meth:`Curriculum.check_parameters`."""
        check_count("history_length", self.history_length)
        check_number("sharpness", self.sharpness, 0, closed="neither")
        return self

    def stage(self, epoch_percent: float) -> tuple[()]:
        """See :meth:`Curriculum.stage`."""
        return ()

    def weights(self, loss: Tensor, loss_diff: Tensor, label: Tensor, epoch_percent: float) -> Tensor:
        """See :meth:`Curriculum.weights`."""
        return torch.ones(len(loss), dtype=loss.dtype, device=loss.device)
