"""Weights that robust losses imply: the derivative of the loss transform, falling with the loss itself."""

from torch import Tensor

from noisylabel.curricula._base import ClosedForm
from noisylabel.functional import cauchy_weights, huber_weights, l1_l2_weights, welsch_weights


class Huber(ClosedForm):
    """Weight ``min(1, lam / sqrt(l))``: an implicit regulariser, soft at every loss.

    Parameters
    ----------
    lam : float in (0, inf), default=1.0
        Scale; its square is in units of the loss.

    References
    ----------
    After Fan et al., "Self-paced learning: an implicit regularization perspective", AAAI 2017.

    Examples
    --------
    >>> import torch
    >>> loss = torch.tensor([0.0, 1.0, 2.0])
    >>> Huber().weights(loss, loss - 1.0, torch.zeros(3), 50)
    tensor([1.0000, 1.0000, 0.7071])
    """

    is_relative = False

    def __init__(self, lam: float = 1.0) -> None:
        self.lam = lam

    def weights(self, loss: Tensor, loss_diff: Tensor, label: Tensor, epoch_percent: float) -> Tensor:
        """See :meth:`Curriculum.weights`."""
        return huber_weights(loss, self.lam)


class Cauchy(ClosedForm):
    """Weight ``1 / (1 + l / lam**2)``: an implicit regulariser, soft at every loss.

    Parameters
    ----------
    lam : float in (0, inf), default=1.0
        Scale; its square is in units of the loss.

    References
    ----------
    After Fan et al., "Self-paced learning: an implicit regularization perspective", AAAI 2017.

    Examples
    --------
    >>> import torch
    >>> loss = torch.tensor([0.0, 1.0, 2.0])
    >>> Cauchy().weights(loss, loss - 1.0, torch.zeros(3), 50)
    tensor([1.0000, 0.5000, 0.3333])
    """

    is_relative = False

    def __init__(self, lam: float = 1.0) -> None:
        self.lam = lam

    def weights(self, loss: Tensor, loss_diff: Tensor, label: Tensor, epoch_percent: float) -> Tensor:
        """See :meth:`Curriculum.weights`."""
        return cauchy_weights(loss, self.lam)


class L1L2(ClosedForm):
    """Weight ``1 / sqrt(1 + l / lam**2)``: an implicit regulariser, soft at every loss.

    Parameters
    ----------
    lam : float in (0, inf), default=1.0
        Scale; its square is in units of the loss.

    References
    ----------
    After Fan et al., "Self-paced learning: an implicit regularization perspective", AAAI 2017.

    Examples
    --------
    >>> import torch
    >>> loss = torch.tensor([0.0, 1.0, 2.0])
    >>> L1L2().weights(loss, loss - 1.0, torch.zeros(3), 50)
    tensor([1.0000, 0.7071, 0.5774])
    """

    is_relative = False

    def __init__(self, lam: float = 1.0) -> None:
        self.lam = lam

    def weights(self, loss: Tensor, loss_diff: Tensor, label: Tensor, epoch_percent: float) -> Tensor:
        """See :meth:`Curriculum.weights`."""
        return l1_l2_weights(loss, self.lam)


class Welsch(ClosedForm):
    """Weight ``exp(-l / lam**2)``: an implicit regulariser, soft at every loss.

    Parameters
    ----------
    lam : float in (0, inf), default=1.0
        Scale; its square is in units of the loss.

    References
    ----------
    After Fan et al., "Self-paced learning: an implicit regularization perspective", AAAI 2017.

    Examples
    --------
    >>> import torch
    >>> loss = torch.tensor([0.0, 1.0, 2.0])
    >>> Welsch().weights(loss, loss - 1.0, torch.zeros(3), 50)
    tensor([1.0000, 0.3679, 0.1353])
    """

    is_relative = False

    def __init__(self, lam: float = 1.0) -> None:
        self.lam = lam

    def weights(self, loss: Tensor, loss_diff: Tensor, label: Tensor, epoch_percent: float) -> Tensor:
        """See :meth:`Curriculum.weights`."""
        return welsch_weights(loss, self.lam)
