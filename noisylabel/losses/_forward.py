"""Forward correction by a transition matrix."""

from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from noisylabel._support.probabilities import check_probabilities
from noisylabel._support.validation import check_number
from noisylabel.exceptions import InvalidParameterError
from noisylabel.losses._base import Loss


class ForwardCorrection(Loss):
    """Cross entropy of what the noise makes of the predictions: ``-log (p @ matrix)_y``.

    Parameters
    ----------
    matrix : array-like of shape (C, C), optional
        ``matrix[i, j] = P(noisy = j | true = i)``; rows add up to 1, in the order of ``classes_``. Training needs it:
        :func:`estimate_transition` estimates one from a network that was trained on the noisy labels.

    References
    ----------
    Patrini et al., "Making deep neural networks robust to label noise: a loss correction approach", CVPR 2017,
    Theorem 2.

    Examples
    --------
    >>> loss = ForwardCorrection([[0.8, 0.2], [0.0, 1.0]])
    >>> loss.start(n_samples=1, n_classes=2, device=torch.device("cpu"))
    >>> loss(torch.tensor([[20.0, 0.0]]), torch.tensor([1]), torch.tensor([0])).exp()  # 1 / 0.2
    tensor([5.])
    """

    capturable = True

    def __init__(self, matrix: Any = None) -> None:
        self.matrix = matrix

    def check_parameters(self) -> Self:
        """See :meth:`Loss.check_parameters`."""
        if self.matrix is None:
            raise InvalidParameterError(
                "ForwardCorrection needs 'matrix', the probabilities of the noisy labels given the true ones. Got "
                "none. Estimate it with noisylabel.losses.estimate_transition(proba)."
            )
        if hasattr(self.matrix, "columns"):
            raise InvalidParameterError(
                "'matrix' of ForwardCorrection got a DataFrame, whose names are not read. Put its rows and columns "
                "into the order of the sorted labels, and pass .to_numpy()."
            )
        matrix = np.asarray(self.matrix, dtype=float)
        if matrix.ndim != 2 or not (matrix >= 0).all() or not np.allclose(matrix.sum(1), 1, atol=1e-4):
            raise InvalidParameterError(
                "'matrix' of ForwardCorrection must hold probabilities whose rows add up to 1. Its rows add up to "
                f"{matrix.sum(-1).round(3).tolist()}; divide each row by its sum."
            )
        return self

    def start(self, n_samples: int, n_classes: int, device: torch.device) -> None:
        """See :meth:`Loss.start`; brings the matrix to the device."""
        matrix = np.asarray(self.check_parameters().matrix, dtype=float)
        if matrix.shape != (n_classes, n_classes):
            raise InvalidParameterError(
                f"ForwardCorrection needs 'matrix' for {n_classes} classes, of shape ({n_classes}, {n_classes}). Got "
                f"shape {matrix.shape}. Estimate it with noisylabel.losses.estimate_transition(proba)."
            )
        self.transition_ = torch.as_tensor(matrix, dtype=torch.float32, device=device)

    def __call__(self, logits: Tensor, codes: Tensor, rows: Tensor) -> Tensor:
        """See :meth:`Loss.__call__`."""
        noisy = logits.softmax(1) @ self.transition_
        return -noisy.gather(1, codes[:, None]).squeeze(1).clamp_min(1e-12).log()


def estimate_transition(proba: Any, quantile: float = 0.97) -> np.ndarray:
    """Estimate ``P(noisy = j | true = i)`` from what a network that was trained on noisy labels says.

    The row of class i is what the network says of the sample that it is (almost) surest to be of class i: almost,
    since the very surest may be an outlier.

    Parameters
    ----------
    proba : array-like of shape (N, C)
        Class probabilities.
    quantile : float in [0, 1], default=0.97
        Of the probabilities of class i, which sample speaks for it.

    Returns
    -------
    ndarray of shape (C, C)
        Rows add up to 1.

    Raises
    ------
    InvalidParameterError
        If ``quantile`` is outside [0, 1], or ``proba`` has no rows, missing values, or rows that do not sum to 1.

    References
    ----------
    Patrini et al., CVPR 2017, eq. 12 and 13, and the quantile of their experiments.

    Examples
    --------
    >>> estimate_transition([[0.8, 0.2], [0.6, 0.4], [0.1, 0.9]], quantile=1)
    array([[0.8, 0.2],
           [0.1, 0.9]])
    """
    proba = check_probabilities("proba", proba)
    if len(proba) < 1:
        raise InvalidParameterError("'proba' must have at least one row. Got none.")
    position = round(check_number("quantile", quantile, 0, 1) * (len(proba) - 1))
    anchors = np.argsort(proba, axis=0, kind="stable")[position]
    matrix = proba[anchors].astype(float)
    normalised: np.ndarray = matrix / matrix.sum(1, keepdims=True)
    return normalised
