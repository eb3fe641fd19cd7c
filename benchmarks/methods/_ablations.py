"""Classifiers with one thing made wrong on purpose, to see what it is worth."""

import torch

from noisylabel import MentorMixClassifier
from noisylabel.nets import MixingNet, StepSizes


class UnscaledDecaySizes(StepSizes):
    """The whole weight decay at each step, as in plain PyTorch code, while the weights shrink the losses."""

    def share_of_decay(self, mean_weight: torch.Tensor) -> torch.Tensor:
        """See :meth:`StepSizes.share_of_decay`."""
        return torch.ones_like(mean_weight)


class UnscaledDecayNet(MixingNet):
    """Net whose steps are such."""

    step_sizes = UnscaledDecaySizes


class UnscaledDecay(MentorMixClassifier):
    """MentorMix with that net."""

    mixing_net = UnscaledDecayNet
