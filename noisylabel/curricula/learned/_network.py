"""The network inside a learned curriculum."""

import math
from typing import Any

import torch
from torch import Tensor, nn

N_PERCENTS = 100


class MentorNetwork(nn.Module):
    """MentorNet's network: from a sample's losses, label and the percent of training to a logit of its weight.

    A bidirectional recurrent cell of one unit reads the sample's last losses and loss differences; its two cell states,
    an embedding of the label and one of the percent of training go through a hidden layer of 20 tanh units. With one
    loss a sample, as in the released networks, the cell is ``sigmoid(i) * tanh(g)``.

    It has 257 parameters and 500 values of the epoch embedding.

    Parameters
    ----------
    history_length : int, default=1
        How many of a sample's last losses it reads.
    n_labels : int, default=2
        Rows of the label embedding.
    use_label : bool, default=False
        Whether it looks at labels at all. If not, every label counts as 0, and it serves any number of classes.
    generator : torch.Generator, optional
        Stream of the initial values; a private one of its own by default, never torch's global one.

    References
    ----------
    Jiang et al., "MentorNet", ICML 2018, Sec. 3.1; sizes and initial values of the released code.

    Examples
    --------
    >>> import torch
    >>> network = MentorNetwork(generator=torch.Generator().manual_seed(0))
    >>> losses = torch.tensor([[0.1], [2.0]])
    >>> network(losses, losses - 1.0, torch.zeros(2, dtype=torch.long), torch.tensor([50, 50])).shape
    torch.Size([2])
    """

    def __init__(
        self,
        history_length: int = 1,
        n_labels: int = 2,
        use_label: bool = False,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        generator = torch.Generator() if generator is None else generator
        self.history_length = history_length
        self.n_labels = n_labels
        self.use_label = use_label

        def normal(*shape: int) -> nn.Parameter:
            return nn.Parameter(torch.randn(shape, generator=generator))

        bound = math.sqrt(6 / (3 + 4))  # Glorot: 3 inputs (loss, difference, state), 4 gates
        self.label_embedding = normal(n_labels, 2)
        self.epoch_embedding = normal(N_PERCENTS, 5)
        self.cell_kernel = nn.Parameter((2 * torch.rand((2, 3, 4), generator=generator) - 1) * bound)
        self.cell_bias = nn.Parameter(torch.zeros(2, 1, 4))
        self.hidden_kernel = normal(9, 20)
        self.hidden_bias = normal(20)
        self.output_kernel = normal(20, 1)
        self.output_bias = normal(1)

    def config(self) -> dict[str, Any]:
        """Return the arguments that build a network of this shape."""
        return {"history_length": self.history_length, "n_labels": self.n_labels, "use_label": self.use_label}

    def forward(self, loss: Tensor, loss_diff: Tensor, label: Tensor, epoch_percent: Tensor) -> Tensor:
        """Return the logits (B,) of the weights.

        Parameters
        ----------
        loss, loss_diff : Tensor of shape (B, history_length)
            Oldest first.
        label : Tensor of shape (B,)
            Codes below ``n_labels``; not looked at without ``use_label``.
        epoch_percent : Tensor of shape (B,)
            Whole numbers from 0 to 99.
        """
        states = self.cell_states(torch.stack([loss, loss_diff], dim=-1))
        row = label if self.use_label else torch.zeros_like(epoch_percent)
        features = torch.cat([self.label_embedding[row], self.epoch_embedding[epoch_percent], states], dim=1)
        hidden = torch.addmm(self.hidden_bias, features, self.hidden_kernel).tanh()
        return torch.addmm(self.output_bias, hidden, self.output_kernel).squeeze(1)

    def cell_states(self, inputs: Tensor) -> Tensor:
        """Run the cell in both directions over ``inputs`` (B, K, 2) and return its two last cell states (B, 2)."""
        steps = torch.stack([inputs, inputs.flip(1)])
        hidden = cell = inputs.new_zeros(2, len(inputs), 1)
        for step in range(inputs.shape[1]):
            seen = torch.cat([steps[:, :, step], hidden], dim=2)
            keep_in, forget, candidate, out = torch.baddbmm(self.cell_bias, seen, self.cell_kernel).split(1, dim=2)
            cell = forget.sigmoid() * cell + keep_in.sigmoid() * candidate.tanh()
            hidden = out.sigmoid() * cell.tanh()
        return cell.squeeze(2).T

    def __sklearn_clone__(self) -> "MentorNetwork":
        return self  # a learned network is never changed, so copies may share it
