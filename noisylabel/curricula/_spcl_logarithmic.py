"""Self-paced curriculum learning with logarithmic weighting."""

from torch import Tensor

from noisylabel._validation import check_number
from noisylabel.curricula._base import Curriculum
from noisylabel.functional import spcl_logarithmic_weights


class SPCLLogarithmic(Curriculum):
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
