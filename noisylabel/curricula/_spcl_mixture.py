"""Self-paced curriculum learning with mixture weighting."""

from torch import Tensor

from noisylabel._validation import check_number
from noisylabel.curricula._base import Curriculum
from noisylabel.functional import spcl_mixture_weights


class SPCLMixture(Curriculum):
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
