"""Any model of the timm library as a student."""

from torch import nn

from noisylabel.exceptions import InvalidParameterError, MissingDependencyError
from noisylabel.students._base import Student, image_shape


class TimmModel(Student):
    """A model of timm (PyTorch Image Models) with random weights, for the channels and classes of the data.

    Parameters
    ----------
    name : str
        A name from ``timm.list_models()``.

    Examples
    --------
    >>> TimmModel("resnet18")
    TimmModel(name='resnet18')
    """

    capturable = True

    def __init__(self, name: str) -> None:
        self.name = name

    def build(self, sample_shape: tuple[int, ...], n_classes: int) -> nn.Module:
        """See :meth:`Student.build`."""
        channels, _, _ = image_shape(self, sample_shape)
        try:
            import timm
        except ImportError as error:
            raise MissingDependencyError(
                f"student='timm:{self.name}' needs the timm package: pip install timm."
            ) from error
        if not timm.is_model(self.name):
            near = timm.list_models(f"*{self.name[:6]}*")[:5]
            raise InvalidParameterError(f"timm has no model {self.name!r}. Near: {near}. See timm.list_models().")
        model: nn.Module = timm.create_model(self.name, pretrained=False, in_chans=channels, num_classes=n_classes)
        return model
