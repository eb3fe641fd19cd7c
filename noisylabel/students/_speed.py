"""A network for small images that learns fast: the design of cifar10-airbench."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from noisylabel._support.validation import check_count, check_number
from noisylabel.exceptions import InvalidParameterError
from noisylabel.students._base import Student, image_shape

_EPSILON = 5e-4  # of the mean variance, so that directions in which nothing varies are not blown up
_AT_A_TIME = 256  # images whose patches are taken out at once


class Whitening(nn.Module):
    """A fixed 2x2 convolution whose outputs on the training data are uncorrelated, of variance 1, each with both signs.

    Parameters
    ----------
    channels : int
        Of the images; there are 8 outputs for each.
    """

    weight: Tensor
    bias: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        identity = torch.eye(4 * channels).reshape(4 * channels, channels, 2, 2)
        self.register_buffer("weight", torch.cat([identity, -identity]))  # which no optimizer and no average touches
        self.register_buffer("bias", torch.zeros(8 * channels))

    def forward(self, x: Tensor) -> Tensor:
        """Return the whitened patches, (B, 8 channels, H - 1, W - 1)."""
        return F.conv2d(x, self.weight, self.bias)

    @torch.no_grad()
    def adapt(self, images: Tensor, share: Tensor) -> None:
        """Take the directions in which the 2x2 patches of some images vary.

        Parameters
        ----------
        images : Tensor of shape (n, channels, H, W)
        share : Tensor of shape (n,)
            How much each image counts; they sum to 1.
        """
        mean, square = _moments(images, share)
        variances, directions = torch.linalg.eigh(square - mean[:, None] * mean)
        floor = torch.maximum(variances.mean(), 1e-6 * square.trace() / len(mean))
        if floor > 0:  # else all images are 0
            filters = directions.T / (variances.clamp(min=0) + _EPSILON * floor).sqrt()[:, None]
            both = torch.cat([filters, -filters]).flip(0)
            self.weight.copy_(both.reshape(self.weight.shape))
            self.bias.copy_(-both @ mean)


def _moments(images: Tensor, share: Tensor) -> tuple[Tensor, Tensor]:
    """Return the mean 2x2 patch, (4 channels,), and the mean of its outer products; float64."""
    n_values = 4 * images.shape[1]
    mean, square = (torch.zeros(shape, dtype=torch.float64) for shape in ((n_values,), (n_values, n_values)))
    for x, s in zip(images.split(_AT_A_TIME), share.double().split(_AT_A_TIME), strict=True):
        patches = F.unfold(x.float(), 2).double()
        mean += s @ patches.mean(2)
        square += torch.tensordot(s, patches @ patches.mT / patches.shape[2], dims=1)
    return mean, square


class BiasNorm(nn.BatchNorm2d):
    """Batch normalisation with a bias and no scale: the next layer's weights can be of any size."""

    ones: Tensor

    def __init__(self, n_channels: int) -> None:
        super().__init__(n_channels, eps=1e-5, affine=False)
        self.shift = nn.Parameter(torch.zeros(n_channels))
        self.register_buffer("ones", torch.ones(n_channels), persistent=False)  # cuDNN wants a scale

    def forward(self, x: Tensor) -> Tensor:
        """Return the normalised and shifted batch."""
        momentum = 0.0 if self.momentum is None else self.momentum
        return F.batch_norm(
            x, self.running_mean, self.running_var, self.ones, self.shift, self.training, momentum, self.eps
        )


def _convolution(n_in: int, n_out: int) -> nn.Conv2d:
    """Return a 3x3 convolution that begins by handing its input on."""
    layer = nn.Conv2d(n_in, n_out, 3, padding=1, bias=False)
    nn.init.dirac_(layer.weight.data[:n_in])
    return layer


class SpeedBlock(nn.Module):
    """Convolution, pooling, norm, GELU; a second convolution; or more, to which what the first gave is added."""

    def __init__(self, n_in: int, n_out: int, depth: int, pool: bool) -> None:
        super().__init__()
        self.first = _convolution(n_in, n_out)
        self.pool = nn.MaxPool2d(2) if pool else nn.Identity()
        self.norm = BiasNorm(n_out)
        layers: list[nn.Module] = [_convolution(n_out, n_out), BiasNorm(n_out)]
        for _ in range(depth - 2):
            layers += [nn.GELU(), _convolution(n_out, n_out), BiasNorm(n_out)]
        self.rest = nn.Sequential(*layers)
        self.is_residual = depth > 2

    def forward(self, x: Tensor) -> Tensor:
        """Return the block's output."""
        x = F.gelu(self.norm(self.pool(self.first(x))))
        rest = self.rest(x)
        return F.gelu(x + rest if self.is_residual else rest)


class SpeedHead(nn.Module):
    """The maximum over all places of each channel, and small logits of it."""

    def __init__(self, n_in: int, n_classes: int, scale: float) -> None:
        super().__init__()
        self.linear = nn.Linear(n_in, n_classes, bias=False)
        self.scale = scale

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits."""
        logits: Tensor = self.linear(x.amax((2, 3))) * self.scale
        return logits


class Speed(Student):
    """Network for small images that learns fast, after cifar10-airbench; ``"speed_s"``, ``"speed_m"``, ``"speed_l"``.

    A fixed 2x2 convolution whitens the patches of the images: its filters are worked out from some hundred training
    images before the first step. Three blocks follow, each of a convolution, max pooling, batch norm without a scale,
    GELU, and a second such convolution. Each convolution begins by handing its input on. The head takes the maximum
    over all places, and gives logits a ninth as large, so that the network is at first unsure.

    Parameters
    ----------
    widths : tuple of int, default=(64, 256, 256)
        Channels of each block; each halves the side of the image, as long as a pixel is left.
    depth : int, default=2
        Convolutions in each block, at least 2. From 3 on the first one's output is added to the last one's.
    norm_lr : float in (0, inf), default=1.0
        Factor on the learning rate of the biases of the norms. With SGD these networks learn fastest at about 64; Adam,
        whose steps do not depend on the size of the gradients, wants 1.
    logit_scale : float in (0, inf), default=1/9
        Factor on the logits.

    See Also
    --------
    noisylabel.MentorNetClassifier.from_preset : The network with its learning rates, augmentation and loss.

    Notes
    -----
    Sizes by name: ``"speed_xs"`` is ``Speed((32, 128, 192))`` for a CPU, ``"speed_s"`` is ``Speed()``, ``"speed_m"`` is
    ``Speed((128, 384, 384))`` and ``"speed_l"`` is ``Speed((128, 384, 512), depth=3)``.

    It differs from the source in what would need an option: the bias of the whitening layer is not learned; it is set
    so that the layer's mean output is 0, whatever the scale of the inputs.

    References
    ----------
    Jordan, "94% on CIFAR-10 in 3.29 seconds on a single GPU", 2024, https://arxiv.org/abs/2404.00498, and
    https://github.com/KellerJordan/cifar10-airbench.

    Examples
    --------
    >>> network = Speed().build((3, 32, 32), 10)
    >>> round(sum(p.numel() for p in network.parameters()) / 1e6, 1)
    2.0
    """

    capturable = True

    def __init__(
        self,
        widths: tuple[int, ...] = (64, 256, 256),
        depth: int = 2,
        norm_lr: float = 1.0,
        logit_scale: float = 1 / 9,
    ) -> None:
        self.widths = widths
        self.depth = depth
        self.norm_lr = norm_lr
        self.logit_scale = logit_scale

    def build(self, sample_shape: tuple[int, ...], n_classes: int) -> nn.Module:
        """See :meth:`Student.build`."""
        channels, height, width = image_shape(self, sample_shape, min_size=2)
        check_number("norm_lr", self.norm_lr, 0, closed="neither")
        check_number("logit_scale", self.logit_scale, 0, closed="neither")
        depth = check_count("depth", self.depth, 2)
        if not isinstance(self.widths, (tuple, list)) or not self.widths:
            raise InvalidParameterError(f"'widths' must be the channels of each block. Got {self.widths!r}.")
        layers: list[nn.Module] = [Whitening(channels), nn.GELU()]
        n_in, side = 8 * channels, min(height, width) - 1
        for n_out in self.widths:
            layers.append(SpeedBlock(n_in, check_count("widths", n_out), depth, pool=side >= 2))
            n_in, side = n_out, max(side // 2, 1)
        return nn.Sequential(*layers, SpeedHead(n_in, n_classes, self.logit_scale))

    def adapt(self, module: nn.Module, samples: Tensor, share: Tensor) -> None:
        """See :meth:`Student.adapt`: whiten the patches of the training images."""
        whitening = module.get_submodule("0")
        assert isinstance(whitening, Whitening)
        whitening.adapt(samples, share)

    def lr_factors(self, module: nn.Module) -> dict[str, float]:
        """See :meth:`Student.lr_factors`."""
        if self.norm_lr == 1:
            return {}
        names = [name for name, layer in module.named_modules() if isinstance(layer, BiasNorm)]
        return {f"{name}.shift": float(self.norm_lr) for name in names}
