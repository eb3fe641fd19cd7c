"""What every student offers."""

from abc import ABC, abstractmethod

from sklearn.base import BaseEstimator
from torch import nn


class Student(BaseEstimator, ABC):
    """Settings of an architecture; :meth:`build` makes a new network that fits the data.

    Sub-classes store their settings in ``__init__`` and override :meth:`build`.
    """

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
            Factors in [0, 1] by name of parameter.
        """
        return {}
