"""Weights of 0 or 1: all samples, those of low loss, those of high loss."""

from torch import Tensor

from noisylabel.curricula._base import ClosedForm
from noisylabel.functional import hard_example_mining_weights, self_paced_weights, uniform_weights


class Uniform(ClosedForm):
    """Give every sample weight 1: plain training.

    Examples
    --------
    >>> import torch
    >>> loss = torch.tensor([0.0, 1.0, 2.0])
    >>> Uniform().weights(loss, loss - 1.0, torch.zeros(3), 50)
    tensor([1., 1., 1.])
    """

    is_relative = False

    def weights(self, loss: Tensor, loss_diff: Tensor, label: Tensor, epoch_percent: float) -> Tensor:
        """See :meth:`Curriculum.weights`."""
        return uniform_weights(loss)


class SelfPaced(ClosedForm):
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


class HardExampleMining(ClosedForm):
    """Keep the samples whose loss is at least the moving loss percentile. Made for clean labels: it seeks wrong ones.

    References
    ----------
    Shrivastava, Gupta, Girshick, "Training region-based object detectors with online hard example mining", CVPR 2016.

    Examples
    --------
    >>> import torch
    >>> loss = torch.tensor([0.0, 1.0, 2.0])
    >>> HardExampleMining().weights(loss, loss - 1.0, torch.zeros(3), 50)
    tensor([0., 1., 1.])
    """

    def weights(self, loss: Tensor, loss_diff: Tensor, label: Tensor, epoch_percent: float) -> Tensor:
        """See :meth:`Curriculum.weights`."""
        return hard_example_mining_weights(loss_diff)
