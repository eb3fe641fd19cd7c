"""Students from a user's own network or builder."""

import copy
import inspect
from collections.abc import Callable

from torch import nn

from noisylabel.exceptions import InvalidParameterError
from noisylabel.students._base import Student


class GivenModule(Student):
    """Train a copy of a network; the given one is never changed.

    Parameters
    ----------
    module : nn.Module
        From a batch of samples to logits.
    """

    def __init__(self, module: nn.Module) -> None:
        self.module = module

    def build(self, sample_shape: tuple[int, ...], n_classes: int) -> nn.Module:
        """See :meth:`Student.build`."""
        return copy.deepcopy(self.module).cpu()


class BuilderStudent(Student):
    """Call a function or a class for each new network.

    Parameters
    ----------
    builder : callable
        Called as ``builder(sample_shape, n_classes)`` if it takes two arguments, as ``builder()`` if it takes none.
    """

    def __init__(self, builder: Callable[..., nn.Module]) -> None:
        self.builder = builder

    def build(self, sample_shape: tuple[int, ...], n_classes: int) -> nn.Module:
        """See :meth:`Student.build`."""
        signature = inspect.signature(self.builder)
        for arguments in ((sample_shape, n_classes), ()):
            try:
                signature.bind(*arguments)
            except TypeError:
                continue
            try:
                module = self.builder(*arguments)
            except TypeError as error:
                call = f"builder({', '.join(map(repr, arguments))})"
                raise InvalidParameterError(f"'student' {self.builder!r} failed as {call}: {error}") from error
            if not isinstance(module, nn.Module):
                raise InvalidParameterError(f"'student' {self.builder!r} must return an nn.Module. Got {module!r}.")
            return module
        raise InvalidParameterError(
            f"'student' {self.builder!r} must take (sample_shape, n_classes) or nothing. Its arguments are "
            f"{signature}. Wrap it: student=lambda sample_shape, n_classes: ..."
        )
