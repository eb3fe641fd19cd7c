"""How well labels can be predicted at all."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from noisylabel.functional.calibration import check_proba

_SURE = 3.0  # standard errors: one in 700 by chance


@dataclass(frozen=True)
class Learnability:
    """What :func:`measure_learnability` found.

    Attributes
    ----------
    agreement : float in [0, 1]
        Share of the rows whose given label is the predicted one.
    guessing : float in [0, 1]
        What always saying the most common label would get.
    agreement_by_class : tuple of float
        Of the rows that are labelled with each class, the share that is predicted so; NaN for a class without rows.
    standard_errors : float
        How far the agreement lies above that of predictions which have nothing to do with the labels.
    """

    agreement: float
    guessing: float
    agreement_by_class: tuple[float, ...]
    standard_errors: float

    @property
    def has_signal(self) -> bool:
        """Whether the samples tell anything about the labels: more than 3 standard errors."""
        return self.standard_errors > _SURE


def measure_learnability(proba: Tensor, labels: Tensor) -> Learnability:
    """Compare given labels with predictions by networks that have not learned them.

    Parameters
    ----------
    proba : Tensor of shape (n, C)
        Class probabilities.
    labels : Tensor of shape (n,)
        Given label codes; at least one.

    Returns
    -------
    Learnability

    Raises
    ------
    InvalidDataError
        If ``proba`` holds no probabilities, or not one row for each label.

    References
    ----------
    The standard error of the agreement that chance gives is that of kappa: Fleiss, Cohen and Everitt, "Large sample
    standard errors of kappa and weighted kappa", Psychological Bulletin 1969.

    Examples
    --------
    >>> import torch
    >>> labels = torch.tensor([0, 1] * 50)
    >>> known = measure_learnability(torch.eye(2)[labels], labels)
    >>> known.agreement, known.guessing, known.standard_errors, known.has_signal
    (1.0, 0.5, 10.0, True)
    >>> measure_learnability(torch.tensor([[0.6, 0.4]] * 100), labels).has_signal
    False
    """
    check_proba(proba, labels)
    n_rows, n_classes = proba.shape
    predicted, labels = proba.argmax(1), labels.long()
    is_same = (predicted == labels).double()
    given = labels.bincount(minlength=n_classes).double() / n_rows
    said = predicted.bincount(minlength=n_classes).double() / n_rows
    by_chance = float(given @ said)
    variance = by_chance + by_chance**2 - float((given * said * (given + said)).sum())
    agreement = float(is_same.mean())
    error = math.sqrt(max(variance, 0.0) / n_rows)
    by_class = torch.zeros_like(given).index_add_(0, labels, is_same) / (n_rows * given)
    return Learnability(
        agreement,
        float(given.max()),
        tuple(by_class.tolist()),
        (agreement - by_chance) / error if error > 1e-9 else 0.0,
    )
