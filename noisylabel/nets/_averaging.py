"""A moving average of a network's parameters, for evaluation."""

import copy
from typing import Any

import torch
from torch import nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

from noisylabel.functional import ema_decay


class ParameterAverage:
    """A second network whose parameters follow those of the trained one, slowly.

    Buffers, such as batch norm's statistics, are the trained network's own, as they are.

    Parameters
    ----------
    module : nn.Module
        The network in training.
    limit : float in (0, 1)
        Decay that the warm-up of :func:`noisylabel.functional.ema_decay` leads to.
    """

    def __init__(self, module: nn.Module, limit: float) -> None:
        self.limit = limit
        self.averaged = copy.deepcopy(module).requires_grad_(False)
        self.n_updates = 0

    @torch.no_grad()
    def update(self, module: nn.Module) -> None:
        """Move the averages towards the parameters; once an optimiser step."""
        update = get_ema_multi_avg_fn(ema_decay(self.n_updates, self.limit))
        update(list(self.averaged.parameters()), list(module.parameters()), self.n_updates)
        self.n_updates += 1

    @torch.no_grad()
    def network(self, module: nn.Module) -> nn.Module:
        """Return the averaged network in evaluation mode, with the buffers that ``module`` has now."""
        for own, current in zip(self.averaged.buffers(), module.buffers(), strict=True):
            own.copy_(current)
        return self.averaged.eval()

    def state_dict(self) -> dict[str, Any]:
        """Return the averages and the number of updates."""
        return {"averaged": self.averaged.state_dict(), "n_updates": self.n_updates}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over what :meth:`state_dict` returned."""
        self.averaged.load_state_dict(state["averaged"])
        self.n_updates = state["n_updates"]
