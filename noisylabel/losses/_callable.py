"""A function as loss."""

from collections.abc import Callable

from torch import Tensor

from noisylabel.exceptions import InvalidParameterError
from noisylabel.losses._base import Loss


class CallableLoss(Loss):
    """A loss given as a function.

    Parameters
    ----------
    function : callable
        From logits (B, C) and label codes (B,) to losses (B,), with their gradient.

    Examples
    --------
    >>> import torch
    >>> loss = CallableLoss(lambda logits, codes: logits.logsumexp(1) - logits.gather(1, codes[:, None])[:, 0])
    >>> loss(torch.zeros(1, 4), torch.tensor([2]), torch.tensor([0]))
    tensor([1.3863])
    """

    def __init__(self, function: Callable[[Tensor, Tensor], Tensor]) -> None:
        self.function = function

    def __call__(self, logits: Tensor, codes: Tensor, rows: Tensor) -> Tensor:
        """See :meth:`Loss.__call__`.

        Raises
        ------
        InvalidParameterError
            If the function does not return a loss a sample.
        """
        losses = self.function(logits, codes)
        if not isinstance(losses, Tensor) or losses.shape != codes.shape:
            came = f"shape {tuple(losses.shape)}" if isinstance(losses, Tensor) else type(losses).__name__
            raise InvalidParameterError(
                f"'loss' must return a tensor with a loss for each sample, here of shape {tuple(codes.shape)}. "
                f"Got {came}: leave the mean out, for instance with reduction='none'."
            )
        return losses
