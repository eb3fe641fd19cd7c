"""The contract of a loss."""

import torch
from sklearn.base import clone
from torch import Tensor
from torch.nn.functional import cross_entropy

from noisylabel.losses import Loss

_ROWS = torch.tensor([7, 1, 3, 0, 9])
_CODES = torch.tensor([0, 1, 2, 0, 2])


def check_loss(loss: Loss) -> None:
    """Check that a loss gives a finite value and a gradient for each sample, and that its memory can be saved.

    Parameters
    ----------
    loss : Loss
        For three classes.

    Raises
    ------
    AssertionError
        Says which rule is broken.

    Examples
    --------
    >>> from noisylabel.losses import GeneralizedCrossEntropy
    >>> check_loss(GeneralizedCrossEntropy())
    """
    loss = _started(loss)
    logits = torch.randn(5, 3, generator=torch.Generator().manual_seed(0))
    losses = _losses(loss, logits)
    given = loss.cross_entropy(losses, logits, _CODES)
    assert not given.requires_grad, "the cross entropy that the curriculum sees must carry no gradient"
    expected = cross_entropy(logits, _CODES, reduction="none")
    assert torch.allclose(given, expected), f"the curriculum must see the cross entropy {expected}, not {given}"
    again = _started(clone(loss))
    again.load_state_dict(loss.state_dict())
    assert torch.equal(_losses(again, logits), _losses(loss, logits)), "a restored memory must go on as the saved one"


def _started(loss: Loss) -> Loss:
    loss.start(n_samples=10, n_classes=3, device=torch.device("cpu"))
    return loss


def _losses(loss: Loss, logits: Tensor) -> Tensor:
    """Return the losses of a batch after the checks that hold for every one."""
    inputs = logits.clone().requires_grad_()
    losses = loss(inputs, _CODES, _ROWS)
    assert losses.shape == _CODES.shape, f"losses have shape {tuple(losses.shape)} for {tuple(_CODES.shape)} labels"
    assert bool(losses.isfinite().all()), f"losses must be finite: {losses}"
    (gradient,) = torch.autograd.grad(losses.sum(), inputs)
    assert bool((gradient.abs().sum(1) > 0).all()), "each sample must have a gradient"
    assert torch.equal(inputs.detach(), logits), "logits were written to"
    return losses.detach()
