"""A small convolutional network that learns 32x32 images in minutes on a laptop's CPU."""

from torch import nn

from noisylabel.students._base import Student
from noisylabel.students._shapes import image_shape


def conv_bn_relu(n_in: int, n_out: int, *, pool: bool = False) -> nn.Sequential:
    """3x3 convolution, max pooling by 2 if ``pool``, batch norm, ReLU."""
    pooling = [nn.MaxPool2d(2)] if pool else []
    convolution = nn.Conv2d(n_in, n_out, 3, padding=1, bias=False)
    return nn.Sequential(convolution, *pooling, nn.BatchNorm2d(n_out), nn.ReLU(inplace=True))


class SmallCNN(Student):
    """VGG-like network: a 2x2 convolution, then stages of two 3x3 convolutions, each halving the side.

    The first convolution of a stage is followed at once by the pooling, so that everything after it runs on a
    quarter of the pixels. Stages that would leave less than one pixel keep their size.

    Parameters
    ----------
    stem : int, default=24
        Channels after the 2x2 convolution.
    widths : tuple of int, default=(32, 128, 256)
        Channels of each stage.

    Examples
    --------
    >>> import torch
    >>> SmallCNN().build((3, 32, 32), 10)(torch.zeros(2, 3, 32, 32)).shape
    torch.Size([2, 10])
    """

    def __init__(self, stem: int = 24, widths: tuple[int, ...] = (32, 128, 256)) -> None:
        self.stem = stem
        self.widths = widths

    def build(self, sample_shape: tuple[int, ...], n_classes: int) -> nn.Module:
        """See :meth:`Student.build`."""
        channels, height, width = image_shape(self, sample_shape, min_size=2)
        layers: list[nn.Module] = [nn.Conv2d(channels, self.stem, 2), nn.ReLU(inplace=True)]
        side, n_in = min(height, width) - 1, self.stem
        for n_out in self.widths:
            pool = side >= 2
            layers += [conv_bn_relu(n_in, n_out, pool=pool), conv_bn_relu(n_out, n_out)]
            side, n_in = side // 2 if pool else side, n_out
        head = [nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(n_in, n_classes)]
        return nn.Sequential(*layers, *head)
