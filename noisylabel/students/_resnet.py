"""Residual networks for small images."""

from torch import Tensor, nn

from noisylabel._support.validation import check_count
from noisylabel.exceptions import InvalidParameterError
from noisylabel.students._base import Student, image_shape


class PreActivationBlock(nn.Module):
    """Two 3x3 convolutions, each after batch norm and activation, plus a shortcut."""

    def __init__(self, n_in: int, n_out: int, stride: int, slope: float) -> None:
        super().__init__()
        self.norm1 = nn.BatchNorm2d(n_in)
        self.conv1 = nn.Conv2d(n_in, n_out, 3, stride=stride, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(n_out)
        self.conv2 = nn.Conv2d(n_out, n_out, 3, padding=1, bias=False)
        self.activation = nn.LeakyReLU(slope) if slope else nn.ReLU()
        same = stride == 1 and n_in == n_out
        self.shortcut = None if same else nn.Conv2d(n_in, n_out, 1, stride=stride, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return the block's output. A shortcut with a convolution starts from the activated input."""
        activated = self.activation(self.norm1(x))
        shortcut = x if self.shortcut is None else self.shortcut(activated)
        hidden = self.conv1(activated)
        return self.conv2(self.activation(self.norm2(hidden))) + shortcut


class ResNet(Student):
    """Pre-activation residual network of three stages for small images (3x3 stem, no early pooling).

    Parameters
    ----------
    depth : int, default=32
        Number of layers, ``6 n + 2`` for n blocks in each of the three stages: 8, 14, 20, 32, 44, 56, ...
    width : int, default=16
        Channels of the first stage; the next two have twice and four times as many.
    stem : int, optional
        Channels of the first convolution. By default as many as ``width``.
    negative_slope : float in [0, 1), default=0.0
        Slope of the leaky ReLU; 0 is a ReLU. The papers use 0.1.

    Notes
    -----
    Networks of the papers:

    - ResNet-32 is the default (0.47 M parameters).
    - MentorMix's "ResNet-32" is ``ResNet(32, width=128, stem=64, negative_slope=0.1)`` (29 M).
    - MentorNet's "ResNet-101" is ``ResNet(56, width=160, stem=16, negative_slope=0.1)``, with 9 blocks in each stage
      (85 M).

    ``ResNet(8, width=16)`` is fast on a CPU.

    References
    ----------
    He et al., "Identity mappings in deep residual networks", ECCV 2016; Zagoruyko and Komodakis, "Wide residual
    networks", BMVC 2016.

    Examples
    --------
    >>> network = ResNet(depth=32).build((3, 32, 32), 10)
    >>> round(sum(p.numel() for p in network.parameters()) / 1e6, 2)
    0.47
    """

    capturable = True

    def __init__(self, depth: int = 32, width: int = 16, stem: int | None = None, negative_slope: float = 0.0) -> None:
        self.depth = depth
        self.width = width
        self.stem = stem
        self.negative_slope = negative_slope

    def build(self, sample_shape: tuple[int, ...], n_classes: int) -> nn.Module:
        """See :meth:`Student.build`."""
        channels, _, _ = image_shape(self, sample_shape)
        if check_count("depth", self.depth, 8) % 6 != 2:
            raise InvalidParameterError(f"'depth' must be 6 n + 2: 8, 14, 20, 26, 32, ... Got {self.depth!r}.")
        n_in = self.width if self.stem is None else self.stem
        layers: list[nn.Module] = [nn.Conv2d(channels, n_in, 3, padding=1, bias=False)]
        for stage in range(3):
            n_out = self.width * 2**stage
            for block in range(self.depth // 6):
                stride = 2 if stage > 0 and block == 0 else 1
                layers.append(PreActivationBlock(n_in, n_out, stride, self.negative_slope))
                n_in = n_out
        activation = nn.LeakyReLU(self.negative_slope) if self.negative_slope else nn.ReLU()
        head = [nn.BatchNorm2d(n_in), activation, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(n_in, n_classes)]
        return nn.Sequential(*layers, *head)
