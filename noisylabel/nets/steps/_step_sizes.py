"""How far each step of the optimizer goes: learning rate, weight decay, and no step where every weight is 0."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from noisylabel.exceptions import InvalidParameterError
from noisylabel.schedules import Schedule

_BY_DEFAULT = (torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW)  # fused in training, unless told otherwise
_KNOWN = (torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW, torch.optim.Adagrad)
Group = dict[str, Any]


class StepSizes:
    """Set an optimizer's learning rates by a schedule, scale its weight decay, and step.

    The weight decay of a step is scaled by the mean weight of its batch, and a batch whose weights are all 0 moves
    nothing, not even by momentum. torch's fused optimizers can leave out a step on the device, so that nobody needs to
    look at the mean weight; their weight decay is done here, and while training lasts, groups that differ in nothing
    else are one. All other optimizers need the mean weight on the host, which is one read from the device a step.

    Parameters
    ----------
    optimizer : torch.optim.Optimizer
    schedule : callable
        Progress in [0, 1] to a factor of the learning rates.
    has_sparse : bool, default=False
        Whether gradients may be sparse, which fused optimizers do not take.

    Attributes
    ----------
    base : list of (float, float)
        Learning rate and weight decay that each of the optimizer's own groups began with.
    lrs : list of float
        Learning rate of each group of the latest step.
    on_device : bool
        Whether a step needs no read.
    n_loaded : int
        How often the optimizer's state was loaded, which puts it elsewhere.
    """

    def __init__(self, optimizer: torch.optim.Optimizer, schedule: Schedule, has_sparse: bool = False) -> None:
        self.optimizer = optimizer
        self.schedule = schedule
        self.own_groups: list[Group] = optimizer.param_groups
        self.base = [(float(group["lr"]), group.get("weight_decay", 0.0)) for group in self.own_groups]
        self.on_device = not has_sparse and all(map(self._can_leave_out_a_step, self.own_groups))
        self.is_decoupled = isinstance(optimizer, torch.optim.AdamW) or any(
            group.get("decoupled_weight_decay") for group in self.own_groups
        )
        self.has_tensors = False
        self.n_loaded = 0
        self._lr_tensors: list[Tensor] = []
        self._left_out = torch.zeros((), device=self.own_groups[0]["params"][0].device)
        self._take_over()

    def _can_leave_out_a_step(self, group: Group) -> bool:
        has_first_step = group.get("momentum") and group["dampening"]  # which the kernel tells by Python
        is_free = group.get("fused") is None and not (group.get("foreach") or group.get("differentiable"))
        is_float = all(parameter.is_floating_point() for parameter in group["params"])
        is_fused = group.get("fused") or (is_free and is_float and type(self.optimizer) in _BY_DEFAULT)
        return type(self.optimizer) in _KNOWN and bool(is_fused) and not has_first_step

    def _take_over(self) -> None:
        """Let the optimizer have groups for training, if weight decay is done here."""
        self._decayed: list[tuple[list[Tensor], float, Group]] = []
        groups = self.own_groups
        if self.on_device:
            groups = self.optimizer.param_groups = self._merged_groups()
            self.optimizer.found_inf = self._left_out  # type: ignore[attr-defined]
        self._base_lrs = [float(group["lr"]) for group in groups]
        self.lrs = list(self._base_lrs)
        self._known = self._settings_now()

    def _merged_groups(self) -> list[Group]:
        """Return one group for all that differ in their weight decay only, without it; and note what decays."""
        merged: dict[tuple[Any, ...], Group] = {}
        for own in self.own_groups:
            options = {name: value for name, value in own.items() if name not in ("params", "weight_decay")}
            group = merged.setdefault(
                tuple(options.values()), {**options, "params": [], "weight_decay": 0.0, "fused": True}
            )
            group["params"] += own["params"]
            if own["weight_decay"]:
                self._decayed.append((own["params"], own["weight_decay"], group))
            for parameter in own["params"]:
                self._complete(parameter, bool(own.get("momentum")))
        return list(merged.values())

    def _complete(self, parameter: Tensor, has_momentum: bool) -> None:
        """Begin the momentum, which a step left out could not; a count of steps that was loaded goes to the device."""
        if has_momentum and self.optimizer.state[parameter].get("momentum_buffer") is None:
            zeros = torch.zeros_like(parameter, memory_format=torch.preserve_format)
            self.optimizer.state[parameter]["momentum_buffer"] = zeros
        state = self.optimizer.state.get(parameter, {})
        if isinstance(state.get("step"), Tensor):
            state["step"] = state["step"].to(parameter.device)

    def use_tensors(self) -> None:
        """Keep the learning rates in tensors on the device, where a recorded step reads them."""
        self.has_tensors = True
        if not self._lr_tensors:  # they stay the same for good: recordings read them
            lrs = [(float(group["lr"]), group["params"][0].device) for group in self.optimizer.param_groups]
            self._lr_tensors = [torch.tensor(lr, dtype=torch.float32, device=device) for lr, device in lrs]
        for group, tensor in zip(self.optimizer.param_groups, self._lr_tensors, strict=True):
            group["lr"], device = tensor, tensor.device
            if "capturable" in group and device.type == "cuda":
                group["capturable"] = True
        self._known = self._settings_now()

    def _settings_now(self) -> list[Any]:
        """Return what a callback may have changed; of a tensor how often it was, which needs no read."""
        found: list[Any] = []
        for group in self.optimizer.param_groups:
            lr = group["lr"]
            found += [(id(lr), lr._version) if isinstance(lr, Tensor) else lr, group.get("weight_decay")]
        return found

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
        for i, group in enumerate(self.optimizer.param_groups):
            self.lrs[i] = self._base_lrs[i] * factor
            if self.has_tensors:
                group["lr"].fill_(self.lrs[i])
            else:
                group["lr"] = self.lrs[i]
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
        for parameters, weight_decay, group in self._decayed:
            self._decay(parameters, weight_decay, group, share)
        torch.le(mean_weight, 0, out=self._left_out)
        self.optimizer.step()

    def share_of_decay(self, mean_weight: Tensor) -> Tensor:
        """Return how much of the weight decay a batch of this mean weight gets."""
        return mean_weight

    def _decay(self, parameters: list[Tensor], weight_decay: float, group: Group, share: Tensor) -> None:
        """Add weight decay to the gradients, as Adam and SGD do, or take it off the parameters, as AdamW does."""
        parameters = [parameter for parameter in parameters if parameter.grad is not None]
        values = [parameter.detach() for parameter in parameters]
        if not parameters:
            return
        if self.is_decoupled:
            torch._foreach_mul_(values, 1 - share * (group["lr"] * weight_decay))
        else:
            gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
            sign = -1 if group.get("maximize") else 1
            if share.is_cuda:  # one kernel for all
                torch._foreach_add_(gradients, torch._foreach_mul(values, share), alpha=sign * weight_decay)
            else:
                torch._foreach_addcmul_(gradients, values, [share] * len(values), value=sign * weight_decay)

    def _step_by_number(self, mean_weight: float, share: float) -> None:
        if mean_weight <= 0:
            return
        for group, (_, weight_decay) in zip(self.own_groups, self.base, strict=True):
            if weight_decay:
                group["weight_decay"] = weight_decay * share
        self._known = self._settings_now()
        self.optimizer.step()

    @contextmanager
    def own(self) -> Iterator[None]:
        """Let the optimizer have its own groups, with the settings that they began with, for what saves or loads it."""
        lrs = self.lrs
        self._give_back()
        try:
            yield
        finally:
            if self.optimizer.param_groups is not self.own_groups:  # loading makes new ones, and a new state
                self.own_groups = self.optimizer.param_groups
                self.n_loaded += 1
            self._give_back()
            self._take_over()
            self.lrs = lrs
            if self.has_tensors:
                self.use_tensors()

    def _give_back(self) -> None:
        """Give the optimizer its own groups, with the settings that they began with."""
        if self.on_device:
            self.optimizer.param_groups = self.own_groups
        for group, (lr, weight_decay) in zip(self.own_groups, self.base, strict=True):
            group["lr"] = lr
            if "weight_decay" in group:
                group["weight_decay"] = weight_decay

    def state_dict(self) -> dict[str, Any]:
        """Return the optimizer's state, by its own groups, with the settings that it began with."""
        with self.own():
            return self.optimizer.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over what :meth:`state_dict` returned, but for its settings, which are those of this run."""
        with self.own():
            self.optimizer.load_state_dict(state)

    def end(self) -> None:
        """Give the optimizer back its own groups, with the learning rates of the last step, and let go of it."""
        groups = self.optimizer.param_groups
        last = {id(p): lr for group, lr in zip(groups, self.lrs, strict=True) for p in group["params"]}
        self._give_back()
        for group in self.own_groups:
            group["lr"] = last[id(group["params"][0])]
        if self.on_device:
            self.optimizer.found_inf = None  # type: ignore[attr-defined]
