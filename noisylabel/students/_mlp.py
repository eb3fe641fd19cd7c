"""Multi-layer perceptron, for tables and embeddings."""

import math

from torch import nn

from noisylabel.students._base import Student


class MLP(Student):
    """Fully connected network with ReLU; images are flattened.

    Parameters
    ----------
    hidden : tuple of int, default=(256, 256)
        Width of each hidden layer.
    dropout : float in [0, 1), default=0.0
        Share of each hidden layer that is dropped in training.

    Examples
    --------
    >>> MLP(hidden=(32,)).build((20,), 3)[-1].out_features
    3
    """

    capturable = True

    def __init__(self, hidden: tuple[int, ...] = (256, 256), dropout: float = 0.0) -> None:
        self.hidden = hidden
        self.dropout = dropout

    def build(self, sample_shape: tuple[int, ...], n_classes: int) -> nn.Module:
        """See :meth:`Student.build`."""
        layers: list[nn.Module] = [nn.Flatten()] if len(sample_shape) > 1 else []
        n_inputs = math.prod(sample_shape)
        for width in self.hidden:
            layers += [nn.Linear(n_inputs, width), nn.ReLU()]
            if self.dropout:
                layers.append(nn.Dropout(self.dropout))
            n_inputs = width
        return nn.Sequential(*layers, nn.Linear(n_inputs, n_classes))
