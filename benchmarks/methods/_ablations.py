"""Classifiers with one thing made wrong on purpose, to see what it is worth."""

from noisylabel import MentorMixClassifier
from noisylabel.nets import MixingNet


class UnscaledDecayNet(MixingNet):
    """Net whose weight decay stays in full while the weights shrink the losses, as in plain PyTorch code."""

    def set_step_sizes(self, mean_weight: float) -> None:
        """See :meth:`MixingNet.set_step_sizes`."""
        super().set_step_sizes(1.0)


class UnscaledDecay(MentorMixClassifier):
    """MentorMix with that net."""

    mixing_net = UnscaledDecayNet
