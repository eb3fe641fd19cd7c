"""What a network makes of samples before its last layer decides."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from noisylabel.exceptions import InvalidParameterError
from noisylabel.mentors._base import Trainee

_AT_A_TIME = 1024


def check_has_features(module: nn.Module) -> None:
    """Refuse a network that has no linear layer, whose inputs the features are.

    Raises
    ------
    InvalidParameterError
    """
    if not any(isinstance(layer, nn.Linear) for layer in module.modules()):
        raise InvalidParameterError(
            "The curriculum looks at the student's features, which are what its last nn.Linear gets, and the student "
            "has none. Choose another 'student' or 'curriculum'."
        )


def student_features(trainee: Trainee, rows: Tensor) -> Iterator[Tensor]:
    """Yield the features (n, D) of some rows, in order, at most 1,024 at a time: what the last linear layer gets.

    The network is asked in evaluation mode, and left as it was.

    Parameters
    ----------
    trainee : Trainee
    rows : Tensor of shape (m,)
    """
    module = getattr(trainee.module, "_orig_mod", trainee.module)  # a compiled one ignores hooks
    for part in rows.split(_AT_A_TIME):
        with evaluating(module), _seen_by_linear_layers(module) as seen, torch.no_grad():
            module(trainee.inputs(part))
        yield seen[-1].detach().float().reshape(len(part), -1)


@contextmanager
def evaluating(module: nn.Module) -> Iterator[None]:
    """Put a network into evaluation mode for a while; some of its layers may have been there before."""
    training = [layer for layer in module.modules() if layer.training]
    module.eval()
    try:
        yield
    finally:
        for layer in training:
            layer.training = True


@contextmanager
def _seen_by_linear_layers(module: nn.Module) -> Iterator[list[Tensor]]:
    """Collect what the linear layers of a network get, in the order in which they are called."""
    seen: list[Tensor] = []

    def keep(layer: nn.Module, given: tuple[Any, ...]) -> None:
        seen[:] = given[:1]  # the last one counts

    hooks = [layer.register_forward_pre_hook(keep) for layer in module.modules() if isinstance(layer, nn.Linear)]
    try:
        yield seen
    finally:
        for hook in hooks:
            hook.remove()
