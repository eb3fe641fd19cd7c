"""Classifiers with one thing made wrong on purpose, to see what it is worth."""

from typing import Any

from noisylabel import MentorMixClassifier
from noisylabel.nets import IndexedNet


class UnscaledDecay(MentorMixClassifier):
    """MentorMix whose weight decay stays in full while the weights shrink the losses, as in plain PyTorch code."""

    def _make_net(self, *args: Any, **kwargs: Any) -> IndexedNet:
        net = super()._make_net(*args, **kwargs)
        scaled = net._set_step_sizes
        net._set_step_sizes = lambda mean_weight: scaled(1.0)
        return net
