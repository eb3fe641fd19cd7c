"""Self-paced curriculum learning: weights that fall from 1 to 0 in four closed forms."""

from torch import Tensor

from noisylabel._support.validation import check_number
from noisylabel.curricula._base import ClosedForm
from noisylabel.functional import (
    spcl_linear_weights,
    spcl_logarithmic_weights,
    spcl_mixture_weights,
    spcl_polynomial_weights,
)


class SPCLLinear(ClosedForm):
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


class SPCLLogarithmic(ClosedForm):
    """Fade from 1 at zero loss to 0 at ``lam`` along a logarithm.

    Parameters
    ----------
    lam : float in (0, 1), optional
        Loss from which on the weight is 0. By default the moving loss percentile, held inside [0.01, 0.99].

    References
    ----------
    After Jiang et al., "Easy samples first: self-paced reranking for zero-example multimedia search", ACM MM 2014.

    Examples
    --------
    >>> import torch
    >>> loss = torch.tensor([0.0, 0.5, 2.0])
    >>> SPCLLogarithmic(lam=0.8).weights(loss, loss - 1.0, torch.zeros(3), 50)
    tensor([1.0000, 0.2216, 0.0000])
    """

    def __init__(self, lam: float | None = None) -> None:
        self.lam = lam

    def weights(self, loss: Tensor, loss_diff: Tensor, label: Tensor, epoch_percent: float) -> Tensor:
        """See :meth:`Curriculum.weights`."""
        if self.lam is None:
            return spcl_logarithmic_weights(loss, (loss - loss_diff).clamp(0.01, 0.99))
        return spcl_logarithmic_weights(loss, check_number("lam", self.lam, 0, 1, closed="neither"))


class SPCLMixture(ClosedForm):
    """Weight 1 up to ``lam2 = ratio * lam``, 0 from ``lam`` on, hyperbolic between.

    Parameters
    ----------
    lam : float in (0, inf), optional
        Loss from which on the weight is 0. By default the moving loss percentile.
    ratio : float in (0, 1), default=0.5
        ``lam2 / lam``: the share of ``lam`` below which a sample counts in full.

    References
    ----------
    After Jiang et al., "Easy samples first: self-paced reranking for zero-example multimedia search", ACM MM 2014.

    Examples
    --------
    >>> import torch
    >>> loss = torch.tensor([0.5, 1.0, 2.0])
    >>> SPCLMixture(lam=2, ratio=0.25).weights(loss, loss - 1.0, torch.zeros(3), 50)
    tensor([1.0000, 0.3333, 0.0000])
    """

    def __init__(self, lam: float | None = None, ratio: float = 0.5) -> None:
        self.lam = lam
        self.ratio = ratio

    def weights(self, loss: Tensor, loss_diff: Tensor, label: Tensor, epoch_percent: float) -> Tensor:
        """See :meth:`Curriculum.weights`."""
        ratio = check_number("ratio", self.ratio, 0, 1, closed="neither")
        if self.lam is None:
            lam1: Tensor = (loss - loss_diff).clamp_min(1e-12)
            return spcl_mixture_weights(loss, lam1, ratio * lam1)
        lam = check_number("lam", self.lam, 0, closed="neither")
        return spcl_mixture_weights(loss, lam, ratio * lam)


class SPCLPolynomial(ClosedForm):
    """Fade from 1 at zero loss to 0 at ``lam`` as ``(1 - l / lam)**(1 / (t - 1))``.

    Parameters
    ----------
    lam : float in (0, inf), optional
        Loss from which on the weight is 0. By default the moving loss percentile.
    t : float in (1, inf), default=3.0
        Shape: 2 is the linear weighting of the paper, larger values stay near 1 for longer.

    References
    ----------
    After Gong et al., "Why curriculum learning and self-paced learning work in big/noisy data", 2016.

    Examples
    --------
    >>> import torch
    >>> loss = torch.tensor([0.0, 1.0, 4.0])
    >>> SPCLPolynomial(lam=4).weights(loss, loss - 1.0, torch.zeros(3), 50)
    tensor([1.0000, 0.8660, 0.0000])
    """

    def __init__(self, lam: float | None = None, t: float = 3.0) -> None:
        self.lam = lam
        self.t = t

    def weights(self, loss: Tensor, loss_diff: Tensor, label: Tensor, epoch_percent: float) -> Tensor:
        """See :meth:`Curriculum.weights`."""
        if self.lam is None:
            return spcl_polynomial_weights(loss, (loss - loss_diff).clamp_min(1e-12), self.t)
        return spcl_polynomial_weights(loss, check_number("lam", self.lam, 0, closed="neither"), self.t)
