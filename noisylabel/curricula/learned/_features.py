"""What a MentorNet sees of many samples at once."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True)
class MentorFeatures:
    """The four inputs of a MentorNet for n samples.

    Attributes
    ----------
    loss, loss_diff : Tensor of shape (n, K)
        A sample's last K losses and their distances from the moving percentile, oldest first; float32.
    label : Tensor of shape (n,)
        Given label codes.
    epoch_percent : Tensor of shape (n,)
        Percent of training, whole numbers from 0 to 99.
    """

    loss: Tensor
    loss_diff: Tensor
    label: Tensor
    epoch_percent: Tensor

    @classmethod
    def of(cls, loss: Any, loss_diff: Any, label: Any, epoch_percent: Any) -> "MentorFeatures":
        """Make features from arrays; one loss a sample may come with shape (n,).

        Examples
        --------
        >>> MentorFeatures.of([0.2, 3.0], [-0.8, 2.0], [0, 1], [50, 50]).loss.shape
        torch.Size([2, 1])
        """
        values = [torch.tensor(np.asarray(value), dtype=torch.float32) for value in (loss, loss_diff)]
        codes = [torch.tensor(np.asarray(value), dtype=torch.long) for value in (label, epoch_percent)]
        return cls(*(value.reshape(len(value), -1) for value in values), *codes)

    def __len__(self) -> int:
        return len(self.loss)

    def take(self, rows: Tensor) -> "MentorFeatures":
        """Return the features of some samples: row numbers, or a mask (n,)."""
        return MentorFeatures(self.loss[rows], self.loss_diff[rows], self.label[rows], self.epoch_percent[rows])

    def scaled(self, factors: Tensor) -> "MentorFeatures":
        """Return the features with each sample's losses and differences multiplied by its factor (n,)."""
        factor = factors.unsqueeze(1)
        return replace(self, loss=self.loss * factor, loss_diff=self.loss_diff * factor)
