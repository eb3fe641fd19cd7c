"""Classifiers with one thing made wrong on purpose, to see what it is worth."""

from noisylabel import MentorMixClassifier
from noisylabel.estimators import NetParts
from noisylabel.mentors import Mentor
from noisylabel.nets import IndexedNet


class UnscaledDecay(MentorMixClassifier):
    """MentorMix whose weight decay stays in full while the weights shrink the losses, as in plain PyTorch code."""

    def make_net(self, mentor: Mentor, parts: NetParts) -> IndexedNet:
        """See :meth:`MentorMixClassifier.make_net`."""
        net = super().make_net(mentor, parts)
        scaled = net.set_step_sizes
        net.set_step_sizes = lambda mean_weight: scaled(1.0)
        return net
