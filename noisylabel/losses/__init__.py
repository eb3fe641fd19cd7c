"""Losses: what is minimised, one value for each sample.

The cross entropy, and losses of other papers that wrong labels pull at less. Each may be combined with a curriculum.
"""

import inspect
from collections.abc import Callable
from typing import Any

from noisylabel._support.validation import check_choice
from noisylabel.exceptions import InvalidParameterError
from noisylabel.losses._base import Loss
from noisylabel.losses._bootstrapping import Bootstrapping
from noisylabel.losses._callable import CallableLoss
from noisylabel.losses._cross_entropy import CrossEntropy
from noisylabel.losses._elr import EarlyLearningRegularization
from noisylabel.losses._forward import ForwardCorrection, estimate_transition
from noisylabel.losses._generalized import GeneralizedCrossEntropy
from noisylabel.losses._label_smoothing import LabelSmoothing
from noisylabel.losses._symmetric import SymmetricCrossEntropy

LOSSES: dict[str, Callable[[], Loss]] = {
    "cross_entropy": CrossEntropy,
    "label_smoothing": LabelSmoothing,
    "gce": GeneralizedCrossEntropy,
    "symmetric_ce": SymmetricCrossEntropy,
    "bootstrapping": Bootstrapping,
    "forward": ForwardCorrection,
    "elr": EarlyLearningRegularization,
}


def resolve_loss(loss: str | Loss | Callable[..., Any]) -> Loss:
    """Turn a name, a :class:`Loss` or a function into a :class:`Loss`.

    Parameters
    ----------
    loss : str, Loss or callable
        A name in :data:`LOSSES`, an object, or a function of logits (B, C) and label codes (B,) that returns the
        losses (B,).

    Raises
    ------
    InvalidParameterError
        If a name is unknown or the type is wrong.

    Examples
    --------
    >>> resolve_loss("gce")
    GeneralizedCrossEntropy()
    """
    if isinstance(loss, Loss):
        return loss
    if isinstance(loss, str):
        return LOSSES[check_choice("loss", loss, LOSSES)]()
    if inspect.isclass(loss):
        raise InvalidParameterError(f"'loss' got the class {loss.__name__}. Pass an object: {loss.__name__}().")
    if callable(loss):
        return CallableLoss(loss)
    raise InvalidParameterError(f"'loss' must be one of {list(LOSSES)}, a Loss or a function. Got {loss!r}.")


__all__ = [
    "LOSSES",
    "Bootstrapping",
    "CallableLoss",
    "CrossEntropy",
    "EarlyLearningRegularization",
    "ForwardCorrection",
    "GeneralizedCrossEntropy",
    "LabelSmoothing",
    "Loss",
    "SymmetricCrossEntropy",
    "estimate_transition",
    "resolve_loss",
]
