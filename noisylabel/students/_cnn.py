"""A small convolutional network, which learns 32x32 images in minutes on a laptop's CPU."""

from torch import nn

from noisylabel.students._base import Student, image_shape


def conv_bn_relu(n_in: int, n_out: int, *, pool: bool = False) -> nn.Sequential:
    """Return a 3x3 convolution, max pooling by 2 if ``pool``, batch norm and ReLU."""
    pooling = [nn.MaxPool2d(2)] if pool else []
    convolution = nn.Conv2d(n_in, n_out, 3, padding=1, bias=False)
    return nn.Sequential(convolution, *pooling, nn.BatchNorm2d(n_out), nn.ReLU(inplace=True))


class SmallCNN(Student):
    """VGG-like network that is fast on a CPU because every stage works on a quarter of the pixels of the one before.

    The first stage is a 4x4 convolution with stride 2 and a 3x3 convolution. Each further stage is two 3x3
    convolutions, the first of which is followed by max pooling. A stage that would leave less than one pixel does not
    pool.

    Parameters
    ----------
    widths : tuple of int, default=(32, 128, 192)
        Channels of each stage: at half the side of the image, at a quarter, at an eighth, ...

    Examples
    --------
    >>> import torch
    >>> SmallCNN().build((3, 32, 32), 10)(torch.zeros(2, 3, 32, 32)).shape
    torch.Size([2, 10])
    """

    capturable = True

    def __init__(self, widths: tuple[int, ...] = (32, 128, 192)) -> None:
        self.widths = widths

    def build(self, sample_shape: tuple[int, ...], n_classes: int) -> nn.Module:
        """See :meth:`Student.build`."""
        channels, height, width = image_shape(self, sample_shape, min_size=2)
        n_in, side = self.widths[0], min(height, width) // 2
        stem = nn.Conv2d(channels, n_in, 4, stride=2, padding=1, bias=False)
        layers: list[nn.Module] = [stem, nn.BatchNorm2d(n_in), nn.ReLU(inplace=True), conv_bn_relu(n_in, n_in)]
        for n_out in self.widths[1:]:
            pool = side >= 2
            layers += [conv_bn_relu(n_in, n_out, pool=pool), conv_bn_relu(n_out, n_out)]
            n_in, side = n_out, side // 2 if pool else side
        head = [nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(n_in, n_classes)]
        return nn.Sequential(*layers, *head)
