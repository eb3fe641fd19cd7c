"""What every student offers."""

from abc import ABC, abstractmethod

from sklearn.base import BaseEstimator
from torch import Tensor, nn

from noisylabel.exceptions import InvalidParameterError


class Student(BaseEstimator, ABC):
    """Settings of an architecture; :meth:`build` makes a new network that fits the data.

    Sub-classes store their settings in ``__init__`` and override :meth:`build`.

    Attributes
    ----------
    capturable : bool
        Whether the networks do the same at each step of training, whatever the data, and read nothing from the device:
        on a GPU a step is recorded once and repeated without their Python. False unless a class says so; a network
        with a true attribute of that name says so for itself.
    """

    capturable: bool = False

    @abstractmethod
    def build(self, sample_shape: tuple[int, ...], n_classes: int) -> nn.Module:
        """Return a new network from samples to logits.

        Parameters
        ----------
        sample_shape : tuple of int
            ``(D,)`` for a table, ``(channels, height, width)`` for images.
        n_classes : int
            Number of logits C.

        Returns
        -------
        nn.Module
            From a batch (B, ...) to logits (B, C).

        Raises
        ------
        InvalidParameterError
            If the architecture does not fit samples of this shape, or a setting is outside its range.
        """

    def lr_factors(self, module: nn.Module) -> dict[str, float]:
        """Return factors on the learning rate, for parameters of a built network that do not learn at the full rate.

        Parameters
        ----------
        module : nn.Module
            What :meth:`build` returned.

        Returns
        -------
        dict of str to float
            Factors of at least 0 by name of parameter; what is not named learns at the full rate.
        """
        return {}

    def adapt(self, module: nn.Module, samples: Tensor, share: Tensor) -> None:
        """Set what a new network takes from the inputs themselves, without their labels; by default nothing.

        Called once before training, and only if a sub-class overrides it.

        Parameters
        ----------
        module : nn.Module
            What :meth:`build` returned, on the CPU.
        samples : Tensor of shape (n, ...)
            Some hundred of the training samples, as the network gets them, on the CPU.
        share : Tensor of shape (n,)
            How much each counts; they sum to 1.
        """


def image_shape(student: object, sample_shape: tuple[int, ...], min_size: int = 1) -> tuple[int, int, int]:
    """Return (channels, height, width); refuse what is not images with sides of at least ``min_size`` pixels."""
    if len(sample_shape) != 3 or min(sample_shape[1:]) < min_size:
        raise InvalidParameterError(
            f"'student' {type(student).__name__} takes images of shape (channels, height, width) with sides of at "
            f"least {min_size}. Got samples of shape {tuple(sample_shape)}. For a table use student='mlp'."
        )
    channels, height, width = sample_shape
    return channels, height, width
