"""How well predicted probabilities agree with how often they are right."""

import torch
from torch import Tensor

from noisylabel._support.validation import check_count
from noisylabel.exceptions import InvalidDataError


def expected_calibration_error(proba: Tensor, labels: Tensor, n_bins: int = 10) -> Tensor:
    """Mean gap between confidence and accuracy, over bins of equal width.

    The confidence of a prediction is its largest probability. A bin includes its right end: with ten bins, 0.9 is in
    (0.8, 0.9].

    Parameters
    ----------
    proba : Tensor of shape (N, C)
        Predicted probabilities.
    labels : Tensor of shape (N,)
        Codes of the right labels.
    n_bins : int of at least 1, default=10
        Number of bins.

    Returns
    -------
    Tensor of shape ()
        In [0, 1]; 0 means perfectly calibrated.

    Raises
    ------
    InvalidParameterError
        If ``n_bins`` is below 1.
    InvalidDataError
        If there are no rows, not as many labels as rows, or ``proba`` has NaN or other numbers than probabilities.

    References
    ----------
    Guo et al., "On calibration of modern neural networks", ICML 2017, eq. 3.

    Examples
    --------
    >>> import torch
    >>> proba = torch.tensor([[0.95, 0.05], [0.9, 0.1], [0.6, 0.4]])
    >>> expected_calibration_error(proba, torch.tensor([0, 0, 1]))  # (0.05 + 0.1 + 0.6) / 3
    tensor(0.2500)
    """
    check_count("n_bins", n_bins)
    check_proba(proba, labels)
    confidence, predicted = proba.max(1)
    edges = torch.arange(1, n_bins, dtype=proba.dtype, device=proba.device) / n_bins
    gaps = confidence.double() - (predicted == labels).double()
    return torch.bincount(torch.bucketize(confidence, edges), gaps, n_bins).abs().sum().to(proba.dtype) / len(proba)


def check_proba(proba: Tensor, labels: Tensor) -> None:
    """Refuse what are no probabilities (N, C) with a label code each, NaN above all: it would count as unsure or right.

    Raises
    ------
    InvalidDataError
    """
    if proba.ndim != 2 or len(proba) == 0 or labels.shape != proba.shape[:1]:
        raise InvalidDataError(
            "'proba' must be of shape (N, C) and 'labels' of shape (N,), with N of at least 1. "
            f"Got {tuple(proba.shape)} and {tuple(labels.shape)}."
        )
    is_right = (proba >= 0) & (proba <= 1 + _ROUNDING)
    if not is_right.all():
        row = int((~is_right).any(1).int().argmax())
        raise InvalidDataError(
            f"'proba' must hold probabilities, numbers in [0, 1]. Row {row} is {proba[row, :5].tolist()}. Of logits "
            "take .softmax(1); leave out rows with NaN."
        )


_ROUNDING = 1e-3  # of half precision
