"""Forward correction by an estimated transition matrix."""

from typing import Any

import numpy as np
import torch
from sklearn.base import clone
from torch import Tensor

from benchmarks.methods._robust_loss import RobustLoss, RobustLossClassifier
from noisylabel import MentorNetClassifier

_ANCHOR_QUANTILE = 0.97


class ForwardCorrection(RobustLoss):
    """Cross entropy of what the noise makes of the predictions: ``-log (p @ matrix)_y``.

    Parameters
    ----------
    matrix : ndarray of shape (C, C)
        ``matrix[i, j] = P(noisy = j | true = i)``.

    References
    ----------
    Patrini et al., "Making deep neural networks robust to label noise: a loss correction approach", CVPR 2017,
    Theorem 2.
    """

    def __init__(self, matrix: np.ndarray) -> None:
        self.matrix = matrix

    def start(self, n_samples: int, n_classes: int, device: torch.device) -> None:
        """Bring the matrix to the device."""
        self.transition = torch.as_tensor(self.matrix, dtype=torch.float32, device=device)

    def __call__(self, logits: Tensor, codes: Tensor, rows: Tensor) -> Tensor:
        """See :meth:`RobustLoss.__call__`."""
        noisy = logits.softmax(1) @ self.transition
        return -noisy.gather(1, codes[:, None]).squeeze(1).clamp_min(1e-12).log()


def estimate_transition(proba: np.ndarray) -> np.ndarray:
    """Estimate ``P(noisy = j | true = i)`` from a network that was trained on noisy labels.

    The row of class i is what the network says of the sample that it is (almost) surest to be of class i: almost, the
    0.97 quantile, since the very surest may be an outlier.

    Parameters
    ----------
    proba : ndarray of shape (N, C)

    Returns
    -------
    ndarray of shape (C, C)
        Rows add up to 1.

    References
    ----------
    Patrini et al., CVPR 2017, eq. 12 and 13, and the quantile of their experiments.
    """
    position = round(_ANCHOR_QUANTILE * (len(proba) - 1))
    anchors = np.argsort(proba, axis=0, kind="stable")[position]
    matrix = proba[anchors].astype(float)
    normalised: np.ndarray = matrix / matrix.sum(1, keepdims=True)
    return normalised


class ForwardClassifier(RobustLossClassifier):
    """Plain training, from which the matrix is estimated, then training from new weights with the corrected loss.

    Each of the two has ``max_epochs`` epochs. What the callbacks see at last is the second.
    """

    def _fit(self, X: Any, y: Any, sample_weight: Any, y_trusted: Any = None, seed: int | None = None) -> Any:
        parameters = {name: value for name, value in self.get_params(deep=False).items() if name != "callbacks"}
        changes = {"curriculum": "uniform", "checkpoint_dir": None}  # only the second training goes on after a kill
        first = clone(MentorNetClassifier(**parameters | changes)).fit(X, y, sample_weight)
        self._matrix = estimate_transition(first.predict_proba(X))
        return super()._fit(X, y, sample_weight, y_trusted, seed)

    def _make_loss(self) -> RobustLoss:
        return ForwardCorrection(self._matrix)
