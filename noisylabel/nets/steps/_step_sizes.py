"""How far each step of the optimizer goes: learning rate, weight decay, and no step where every weight is 0."""

from typing import Any

import torch
from torch import Tensor

from noisylabel.exceptions import InvalidParameterError
from noisylabel.schedules import Schedule

_KNOWN = (torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW, torch.optim.Adagrad)


class StepSizes:
    """Set an optimizer's learning rates by a schedule, scale its weight decay, and step.

    The weight decay of a step is scaled by the mean weight of its batch, and a batch whose weights are all 0 moves
    nothing, not even by momentum. torch's fused optimizers can leave out a step on the device, so that nobody needs to
    look at the mean weight; their weight decay is done here. All others need the mean weight on the host, which is one
    read from the device a step.

    Parameters
    ----------
    optimizer : torch.optim.Optimizer
    schedule : callable
        Progress in [0, 1] to a factor of the learning rates.

    Attributes
    ----------
    base : list of (float, float)
        Learning rate and weight decay that each group began with.
    lrs : list of float
        Learning rate of each group in the latest step.
    on_device : bool
        Whether a step needs no read.
    """

    def __init__(self, optimizer: torch.optim.Optimizer, schedule: Schedule) -> None:
        self.optimizer = optimizer
        self.schedule = schedule
        self.base = [(float(group["lr"]), group.get("weight_decay", 0.0)) for group in optimizer.param_groups]
        self.lrs = [lr for lr, _ in self.base]
        self.on_device = all(map(self._can_leave_out_a_step, optimizer.param_groups))
        self.is_decoupled = isinstance(optimizer, torch.optim.AdamW) or bool(
            optimizer.defaults.get("decoupled_weight_decay")
        )
        self.has_tensors = False
        self._take_over()

    def _can_leave_out_a_step(self, group: dict[str, Any]) -> bool:
        has_first_step = group.get("momentum") and group["dampening"]  # which the kernel tells by Python
        return type(self.optimizer) in _KNOWN and bool(group.get("fused")) and not has_first_step

    def _take_over(self) -> None:
        """Take weight decay off the optimizer, and give it the momentum that a step left out could not begin with."""
        if self.on_device:
            for group in self.optimizer.param_groups:
                group["weight_decay"] = 0.0
                for parameter in group["params"] if group.get("momentum") else ():
                    state = self.optimizer.state[parameter]
                    if state.get("momentum_buffer") is None:
                        state["momentum_buffer"] = torch.zeros_like(parameter, memory_format=torch.preserve_format)
        self._known = self._settings_now()

    def use_tensors(self) -> None:
        """Keep the learning rates in tensors on the device, where a recorded step reads them."""
        self.has_tensors = True
        for group in self.optimizer.param_groups:
            device = group["params"][0].device
            group["lr"] = torch.tensor(float(group["lr"]), dtype=torch.float32, device=device)
            if "capturable" in group and device.type == "cuda":
                group["capturable"] = True
        self._known = self._settings_now()

    def _settings_now(self) -> list[tuple[Any, float]]:
        """Return what a callback may have changed; of a tensor how often it was, which needs no read."""
        lrs = [group["lr"] for group in self.optimizer.param_groups]
        seen = [(id(lr), lr._version) if isinstance(lr, Tensor) else lr for lr in lrs]
        decays = [group.get("weight_decay", 0.0) for group in self.optimizer.param_groups]
        return list(zip(seen, decays, strict=True))

    def check(self) -> None:
        """Refuse a learning rate or weight decay that is not the last one set here: the next step would undo it.

        Raises
        ------
        InvalidParameterError
        """
        if self._settings_now() != self._known:
            raise InvalidParameterError(
                "A callback has changed 'lr' or 'weight_decay' of the optimizer, which are set anew at each step. Use "
                "lr_schedule=..., for instance a function of the progress in [0, 1]."
            )

    def advance(self, progress: float) -> None:
        """Set the learning rates of the step at this progress."""
        factor = self.schedule(progress)
        for i, (group, (lr, _)) in enumerate(zip(self.optimizer.param_groups, self.base, strict=True)):
            self.lrs[i] = lr * factor
            if self.has_tensors:
                group["lr"].fill_(lr * factor)
            else:
                group["lr"] = lr * factor
        self._known = self._settings_now()

    def step(self, mean_weight: Tensor) -> None:
        """Step, with so much of the weight decay; not at all if the mean weight is 0.

        Parameters
        ----------
        mean_weight : Tensor of shape ()
        """
        share = self.share_of_decay(mean_weight)
        if not self.on_device:
            return self._step_by_number(float(mean_weight), float(share))
        for group, (_, weight_decay) in zip(self.optimizer.param_groups, self.base, strict=True):
            if weight_decay:
                _decay(group, weight_decay, share, self.is_decoupled)
        self.optimizer.found_inf = (mean_weight <= 0).float()  # type: ignore[attr-defined]
        self.optimizer.step()

    def share_of_decay(self, mean_weight: Tensor) -> Tensor:
        """Return how much of the weight decay a batch of this mean weight gets."""
        return mean_weight

    def _step_by_number(self, mean_weight: float, share: float) -> None:
        if mean_weight <= 0:
            return
        for group, (_, weight_decay) in zip(self.optimizer.param_groups, self.base, strict=True):
            if weight_decay:
                group["weight_decay"] = weight_decay * share
        self._known = self._settings_now()
        self.optimizer.step()

    def state_dict(self) -> dict[str, Any]:
        """Return the optimizer's state, with the settings that it began with."""
        state = self.optimizer.state_dict()
        for group, (lr, weight_decay) in zip(state["param_groups"], self.base, strict=True):
            group["lr"] = lr
            if "weight_decay" in group:
                group["weight_decay"] = weight_decay
        return state

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over what :meth:`state_dict` returned, or an optimizer's own state of this run."""
        self.optimizer.load_state_dict(state)
        self._take_over()
        if self.has_tensors:
            self.use_tensors()

    def end(self) -> None:
        """Give the optimizer back numbers for settings, and let go of it."""
        for group, (_, weight_decay), lr in zip(self.optimizer.param_groups, self.base, self.lrs, strict=True):
            group["lr"] = lr
            if "weight_decay" in group:
                group["weight_decay"] = weight_decay
        if self.on_device:
            self.optimizer.found_inf = None  # type: ignore[attr-defined]


def _decay(group: dict[str, Any], weight_decay: float, share: Tensor, is_decoupled: bool) -> None:
    """Add a group's weight decay to its gradients, as Adam and SGD do, or take it off its parameters, as AdamW does."""
    parameters = [parameter for parameter in group["params"] if parameter.grad is not None]
    if not parameters:
        return
    with torch.no_grad():
        if is_decoupled:
            torch._foreach_mul_(parameters, 1 - share * (group["lr"] * weight_decay))
            return
        sign = -1 if group.get("maximize") else 1
        decay = torch._foreach_mul(parameters, share * (sign * weight_decay))
        torch._foreach_add_([parameter.grad for parameter in parameters], decay)
