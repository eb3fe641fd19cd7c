"""The network for tables: an MLP that is shown where the numbers of a column lie."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from noisylabel.students._base import Student

_LEVELS = (-0.8, 0.0, 0.8)
_REACH = 0.8  # to both sides of a level
_MOST_COLUMNS = 40  # with places; where there are more, as of pixels, these help to remember wrong labels and no more
_WIDEST = 256  # beyond it tables are embeddings, or texts, of whose columns each says little by itself
_BOUND = 3.0
_LARGEST = 1e12  # whose square float32 can hold


class NumberFeatures(nn.Module):
    """Softly bounded columns, and for those that hold numbers their place between three levels.

    A plain MLP is slow to learn what hinges on a small difference in one column, which a tree cuts at once.

    Parameters
    ----------
    n_columns : int

    Attributes
    ----------
    n_outputs : int
    """

    shift: Tensor
    scale: Tensor
    columns: Tensor
    steepness: Tensor
    offset: Tensor

    def __init__(self, n_columns: int) -> None:
        super().__init__()
        n_chosen = min(n_columns, _MOST_COLUMNS) if n_columns <= _WIDEST else 0
        self.n_outputs = n_columns + n_chosen * len(_LEVELS)
        self.register_buffer("shift", torch.zeros(n_columns))
        self.register_buffer("scale", torch.ones(n_columns))
        self.register_buffer("columns", torch.arange(n_chosen))
        self.register_buffer("steepness", torch.full((n_chosen, 1), 1 / _REACH))
        self.register_buffer("offset", -torch.tensor(_LEVELS).repeat(n_chosen, 1) / _REACH)

    def forward(self, x: Tensor) -> Tensor:
        """Return the bounded columns and then the places, (B, n_outputs)."""
        if not x.is_floating_point():  # whole numbers may be codes, which lie nowhere
            raise TypeError(f"numbers of a table are floats, not {x.dtype}")
        x = torch.addcmul(self.shift, x, self.scale).clamp(-_LARGEST, _LARGEST)
        x = x * torch.rsqrt(1 + (x / _BOUND) ** 2)
        if len(self.columns) == 0:
            return x
        chosen = x.index_select(1, self.columns).unsqueeze(2)
        places = torch.addcmul(self.offset, chosen, self.steepness).clamp(-1, 1)
        return torch.cat([x, places.flatten(1)], 1)

    @torch.no_grad()
    def adapt(self, samples: Tensor, share: Tensor) -> None:
        """Take from some samples where each column lies, and which columns have more than two values.

        Parameters
        ----------
        samples : Tensor of shape (n, n_columns)
        share : Tensor of shape (n,)
            How much each counts; they sum to 1.
        """
        values, share = samples.double(), share.double()
        mean = share @ values
        std = (share @ (values - mean) ** 2).sqrt().clamp(min=1)  # standardised columns stay as they are
        self.shift.copy_(-mean / std)
        self.scale.copy_(1 / std)
        is_number = ((samples != samples.amin(0)) & (samples != samples.amax(0))).any(0)
        chosen = is_number.int().argsort(descending=True, stable=True)[: len(self.columns)]
        counts = is_number[chosen] & (is_number.sum() <= len(chosen))
        self.columns.copy_(chosen)
        self.steepness.mul_(counts[:, None])
        self.offset.mul_(counts[:, None])


def _blind_to_places(features: NumberFeatures, width: int) -> nn.Linear:
    """Return a layer that begins as one of the columns alone, with weights of 0 for their places.

    If all begin at random, a network remembers wrong labels sooner.
    """
    n_columns = len(features.shift)
    layer = nn.Linear(n_columns, width)
    layer.weight = nn.Parameter(F.pad(layer.weight.detach(), (0, features.n_outputs - n_columns)))
    layer.in_features = features.n_outputs
    return layer


class TableNet(Student):
    """Fully connected network with ReLU for tables, and the default for them.

    A fixed layer in front bounds each column softly and, where at most 40 columns have more than two values, says
    where each of these lies between three levels. Tables of more than 256 columns, such as embeddings, do without.
    The network begins as an MLP of the bounded columns, and learns to use their places.
    Images are flattened.

    Parameters
    ----------
    hidden : tuple of int, default=(256, 256)
        Width of each hidden layer.

    Examples
    --------
    >>> network = TableNet().build((20,), 3)
    >>> network(torch.zeros(2, 20)).shape
    torch.Size([2, 3])

    References
    ----------
    Gorishniy et al., "On embeddings for numerical features in tabular deep learning", NeurIPS 2022.
    """

    capturable = True

    def __init__(self, hidden: tuple[int, ...] = (256, 256)) -> None:
        self.hidden = hidden

    def build(self, sample_shape: tuple[int, ...], n_classes: int) -> nn.Module:
        """See :meth:`Student.build`."""
        layers: list[nn.Module] = [nn.Flatten()] if len(sample_shape) > 1 else []
        features = NumberFeatures(math.prod(sample_shape))
        layers.append(features)
        first, *others = (*self.hidden, n_classes)
        layers.append(_blind_to_places(features, first))
        for n_inputs, n_outputs in zip(self.hidden, others, strict=True):
            layers += [nn.ReLU(), nn.Linear(n_inputs, n_outputs)]
        return nn.Sequential(*layers)

    def adapt(self, module: nn.Module, samples: Tensor, share: Tensor) -> None:
        """See :meth:`Student.adapt`."""
        for layer in module.modules():
            if isinstance(layer, NumberFeatures):
                layer.adapt(samples.flatten(1), share)
