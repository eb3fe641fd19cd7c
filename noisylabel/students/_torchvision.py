"""Any classifier of the torchvision library as a student."""

from torch import nn

from noisylabel.exceptions import InvalidParameterError, MissingDependencyError
from noisylabel.students._base import Student, image_shape


class TorchvisionModel(Student):
    """A model of torchvision with random weights, for the classes of the data; for images in colour.

    Parameters
    ----------
    name : str
        A name from ``torchvision.models.list_models(module=torchvision.models)``.

    Examples
    --------
    >>> TorchvisionModel("resnet18")
    TorchvisionModel(name='resnet18')
    """

    capturable = True

    def __init__(self, name: str) -> None:
        self.name = name

    def build(self, sample_shape: tuple[int, ...], n_classes: int) -> nn.Module:
        """See :meth:`Student.build`."""
        channels, _, _ = image_shape(self, sample_shape)
        try:
            from torchvision import models
        except ImportError as error:
            raise MissingDependencyError(
                f"student='torchvision:{self.name}' needs the torchvision package: pip install torchvision."
            ) from error
        names = models.list_models(module=models)
        if self.name not in names:
            near = [name for name in names if name.startswith(self.name[:4])][:5]
            raise InvalidParameterError(
                f"torchvision has no classifier {self.name!r}. Near: {near}. See "
                "torchvision.models.list_models(module=torchvision.models)."
            )
        if channels != 3:
            raise InvalidParameterError(
                f"torchvision's models take images of 3 channels. Got samples of shape {sample_shape}. Use "
                f"'timm:{self.name}', which takes any number, or repeat the channel: X.repeat(3, axis=1)."
            )
        model: nn.Module = models.get_model(self.name, weights=None, num_classes=n_classes)
        return model
