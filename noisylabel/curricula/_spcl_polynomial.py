"""Self-paced curriculum learning with polynomial weighting."""

from torch import Tensor

from noisylabel._validation import check_number
from noisylabel.curricula._base import Curriculum
from noisylabel.functional import spcl_polynomial_weights


class SPCLPolynomial(Curriculum):
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
