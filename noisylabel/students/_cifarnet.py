"""The small network that MentorNet's released tables call "Inception"."""

from torch import nn

from noisylabel.students._base import Student, image_shape


class CifarNet(Student):
    """Two 5x5 convolutions and two hidden layers: the network behind the "Inception" rows of MentorNet's README.

    Each convolution has 64 channels, pooling and local response normalisation. The hidden layers have 384 units, with
    dropout, and 192 units. There is no Inception module in it.

    Parameters
    ----------
    dropout : float in [0, 1), default=0.2
        Share of the first hidden layer that is dropped in training. The release keeps 0.8.

    Examples
    --------
    >>> import torch
    >>> CifarNet().build((3, 32, 32), 10)(torch.zeros(2, 3, 32, 32)).shape
    torch.Size([2, 10])
    """

    capturable = True

    def __init__(self, dropout: float = 0.2) -> None:
        self.dropout = dropout

    def build(self, sample_shape: tuple[int, ...], n_classes: int) -> nn.Module:
        """See :meth:`Student.build`."""
        channels, height, width = image_shape(self, sample_shape, min_size=4)
        n_flat = 64 * (height // 4) * (width // 4)
        return nn.Sequential(
            nn.Conv2d(channels, 64, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.LocalResponseNorm(9, alpha=0.009),
            nn.Conv2d(64, 64, 5, padding=2), nn.ReLU(), nn.LocalResponseNorm(9, alpha=0.009), nn.MaxPool2d(2),
            nn.Flatten(), nn.Linear(n_flat, 384), nn.ReLU(), nn.Dropout(self.dropout),
            nn.Linear(384, 192), nn.ReLU(), nn.Linear(192, n_classes),
        )  # fmt: skip
