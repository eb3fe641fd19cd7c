"""Any function as a curriculum."""

from collections.abc import Callable
from typing import Self

from torch import Tensor

from noisylabel.curricula._base import Curriculum
from noisylabel.exceptions import InvalidParameterError


class CallableCurriculum(Curriculum):
    """Use a function of (loss, loss_diff, label, epoch_percent) as a curriculum.

    Parameters
    ----------
    function : callable
        Gets three tensors of shape (B,) and a number in [0, 99]; returns weights (B,) in [0, 1].

    Examples
    --------
    >>> import torch
    >>> curriculum = CallableCurriculum(lambda loss, loss_diff, label, epoch_percent: (loss < 1).float())
    >>> loss = torch.tensor([0.5, 2.0])
    >>> curriculum.weights(loss, loss - 1, torch.zeros(2), 50)
    tensor([1., 0.])
    """

    def __init__(self, function: Callable[[Tensor, Tensor, Tensor, float], Tensor]) -> None:
        self.function = function

    def check_parameters(self) -> Self:
        """Nothing to check: what the function needs is not known."""
        return self

    def weights(self, loss: Tensor, loss_diff: Tensor, label: Tensor, epoch_percent: float) -> Tensor:
        """See :meth:`Curriculum.weights`."""
        weights = self.function(loss, loss_diff, label, epoch_percent)
        if not isinstance(weights, Tensor) or weights.shape != loss.shape:
            shape = tuple(weights.shape) if isinstance(weights, Tensor) else type(weights).__name__
            raise InvalidParameterError(
                f"A 'curriculum' function must return a tensor of shape {tuple(loss.shape)}, one weight a sample. "
                f"{self.function!r} returned {shape}."
            )
        if bool(loss.isfinite().all()) and not bool(((weights >= 0) & (weights <= 1)).all()):
            raise InvalidParameterError(
                f"A 'curriculum' function must return weights in [0, 1]. {self.function!r} returned values from "
                f"{float(weights.min()):g} to {float(weights.max()):g}. Clip them: weights.clamp(0, 1)."
            )
        return weights
