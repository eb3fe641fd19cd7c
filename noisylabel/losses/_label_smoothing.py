"""Cross entropy with smoothed labels."""

from typing import Self

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from noisylabel._support.validation import check_number
from noisylabel.losses._base import Loss


class LabelSmoothing(Loss):
    """Cross entropy to ``(1 - smoothing)`` of the given label and ``smoothing`` spread evenly over all classes.

    Curriculum, record and ``label_issues`` go by the plain cross entropy, as with every loss. The network's
    probabilities are less sure than they are right, so that small losses are closer to each other than without it.

    Parameters
    ----------
    smoothing : float in [0, 1], default=0.1
        0 is the plain cross entropy.

    References
    ----------
    Szegedy et al., "Rethinking the Inception architecture for computer vision", CVPR 2016; on wrong labels Lukasik et
    al., "Does label smoothing mitigate label noise?", ICML 2020.

    Examples
    --------
    >>> LabelSmoothing(0.2)(torch.zeros(1, 4), torch.tensor([2]), torch.tensor([0]))
    tensor([1.3863])
    """

    capturable = True

    def __init__(self, smoothing: float = 0.1) -> None:
        self.smoothing = smoothing

    def check_parameters(self) -> Self:
        """See :meth:`Loss.check_parameters`."""
        check_number("smoothing", self.smoothing, 0, 1)
        return self

    def start(self, n_samples: int, n_classes: int, device: torch.device) -> None:
        """See :meth:`Loss.start`."""
        self.check_parameters()

    def __call__(self, logits: Tensor, codes: Tensor, rows: Tensor) -> Tensor:
        """See :meth:`Loss.__call__`."""
        return cross_entropy(logits, codes, reduction="none", label_smoothing=float(self.smoothing))
