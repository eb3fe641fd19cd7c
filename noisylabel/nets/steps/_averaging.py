"""A moving average of a network's parameters, for evaluation."""

import copy
from typing import Any

import torch
from torch import Tensor, nn

from noisylabel.functional import ema_decay


def plain_network(module: nn.Module) -> nn.Module:
    """Return the network that torch.compile has wrapped, or ``module`` if it is not wrapped.

    Examples
    --------
    >>> linear = nn.Linear(2, 1)
    >>> plain_network(linear) is plain_network(torch.compile(linear)) is linear
    True
    """
    network: nn.Module = getattr(module, "_orig_mod", module)
    return network


class ParameterAverage:
    """A second network whose parameters follow those of the trained one, slowly.

    Buffers, such as batch norm's statistics, are the trained network's own, as they are. Parameters that are loaded
    into either network in training, as from a checkpoint of skorch's, are those of both.

    Parameters
    ----------
    module : nn.Module
        The network in training.
    limit : float in (0, 1)
        Decay that the warm-up of :func:`noisylabel.functional.ema_decay` leads to.
    """

    def __init__(self, module: nn.Module, limit: float) -> None:
        self.limit = limit
        self.trained = plain_network(module)
        self.averaged = copy.deepcopy(self.trained).requires_grad_(False)
        pairs = zip(self.averaged.parameters(), self.trained.parameters(), strict=True)
        self.pairs = [pair for pair in pairs if pair[0].is_floating_point() or pair[0].is_complex()]
        self.n_updates = torch.zeros((), device=self.pairs[0][0].device)
        self._hooks = [
            self.trained.register_load_state_dict_post_hook(self._restart),
            self.averaged.register_load_state_dict_post_hook(self._restart),
        ]

    @torch.no_grad()
    def _restart(self, loaded: nn.Module, _: Any) -> None:
        """Let both networks have what one of them was given."""
        other = self.averaged if loaded is self.trained else self.trained
        for own, given in zip(other.state_dict().values(), loaded.state_dict().values(), strict=True):
            own.copy_(given)

    def end(self) -> None:
        """Give the averages to the trained network, and let go of it."""
        for hook in self._hooks:
            hook.remove()
        self.trained.load_state_dict(self.network().state_dict())

    @torch.no_grad()
    def update(self, mean_weight: Tensor | None = None) -> None:
        """Move the averages towards the parameters; once an optimiser step.

        Parameters
        ----------
        mean_weight : Tensor of shape (), optional
            Of the step's batch: if it is 0, there was no step, and the averages stay.
        """
        is_made = 1.0 if mean_weight is None else (mean_weight > 0).float()
        decay = ema_decay(self.n_updates, self.limit)
        averages, parameters = zip(*self.pairs, strict=True)
        change = torch._foreach_sub(parameters, averages)
        torch._foreach_mul_(change, is_made * (1 - decay))
        torch._foreach_add_(averages, change)
        self.n_updates += is_made

    @torch.no_grad()
    def network(self) -> nn.Module:
        """Return the averaged network in evaluation mode, with the buffers that the trained one has now."""
        for own, current in zip(self.averaged.buffers(), self.trained.buffers(), strict=True):
            own.copy_(current)
        return self.averaged.eval()

    def state_dict(self) -> dict[str, Any]:
        """Return the averages and the number of updates."""
        return {"averaged": self.averaged.state_dict(), "n_updates": int(self.n_updates)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over what :meth:`state_dict` returned."""
        for own, saved in zip(self.averaged.state_dict().values(), state["averaged"].values(), strict=True):
            own.copy_(saved)
        self.n_updates.fill_(state["n_updates"])
