"""skorch's net, fed with row-numbered batches: one optimiser step, and what lasts from step to step."""

import json
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from skorch import NeuralNet
from skorch.callbacks import Callback, EpochTimer, PrintLog
from skorch.history import History
from torch import Tensor
from torch.nn.modules.batchnorm import _NormBase

from noisylabel._support.random import torch_turn
from noisylabel.exceptions import InvalidParameterError, NoisyLabelError
from noisylabel.nets._averaging import ParameterAverage
from noisylabel.nets._batches import Batch, StreamedData, TensorData, count_batches
from noisylabel.schedules import Schedule


@dataclass
class Clock:
    """Steps done, of how many.

    An object of its own, since setting an attribute of a skorch net costs more than a step may.

    Attributes
    ----------
    n_steps : int
        Steps of the whole training.
    step : int
        Steps done.
    """

    n_steps: int
    step: int = 0

    @property
    def progress(self) -> float:
        """Share of training that is over, in [0, 1)."""
        return self.step / self.n_steps


def _is_frozen(layer: _NormBase) -> bool:
    """Whether a layer's parameters do not learn or, if it has none, its maker has marked it as ``frozen``."""
    return bool(getattr(layer, "frozen", False)) or (layer.weight is not None and not layer.weight.requires_grad)


def _listens_to_steps(callback: Callback) -> bool:
    """Whether a callback has anything to do at each step; telling one that has not would cost a small step dearly."""
    hooks = ("on_batch_begin", "on_grad_computed", "on_batch_end")
    return any(getattr(type(callback), hook, None) is not getattr(Callback, hook) for hook in hooks)


class IndexedNet(NeuralNet):
    """skorch net whose batches carry row numbers, with a learning-rate schedule on the percent-of-training clock.

    One training step is: zero the gradients, :meth:`train_step_single`, one optimiser step. Sub-classes say in
    :meth:`train_step_single` what is learnt from a batch.

    Parameters
    ----------
    module : nn.Module
        From a batch of samples to logits.
    lr_schedule : callable
        Progress in [0, 1] to a factor of the learning rate.
    precision : {"fp32", "bf16"}
        Arithmetic of the forward pass; weights and losses stay float32.
    ema_decay : float in [0, 1), default=0
        If above 0, evaluate with a moving average of the parameters, and end training with it.
    **kwargs
        Everything else skorch's ``NeuralNet`` takes.
    """

    def __init__(
        self, module: Any, *, lr_schedule: Schedule, precision: str = "fp32", ema_decay: float = 0.0, **kwargs: Any
    ) -> None:
        self.lr_schedule = lr_schedule
        self.precision = precision
        self.ema_decay = ema_decay
        super().__init__(module, criterion=torch.nn.CrossEntropyLoss, **kwargs)

    def on_train_begin(self, net: Any, X: Any = None, y: Any = None, **kwargs: Any) -> None:
        """Set the clock to zero."""
        self.clock_ = Clock(n_steps=self.max_epochs * count_batches(len(X), self.batch_size))
        groups = self.optimizer_.param_groups
        self.base_settings_ = [(group["lr"], group.get("weight_decay", 0.0)) for group in groups]
        self.learnable_ = [parameter for group in groups for parameter in group["params"]]
        self.named_parameters_ = list(self.module_.named_parameters())
        self.has_step_listener_ = any(_listens_to_steps(callback) for _, callback in self.callbacks_)
        self.average_ = ParameterAverage(self.module_, self.ema_decay) if self.ema_decay else None

    def keep_average(self) -> None:
        """End training with the parameters that evaluation has used."""
        if self.average_ is not None:
            self.module_.load_state_dict(self.evaluated_module().state_dict())
            self.average_ = None

    def evaluated_module(self) -> torch.nn.Module:
        """Return the network that evaluation uses: the trained one or, with ``ema_decay``, its average."""
        average = getattr(self, "average_", None)
        return self.module_ if average is None else average.network(self.module_)

    def _get_params_for_optimizer(self, prefix: str, named_parameters: Any) -> Any:
        """Group the parameters so that weight decay meets only kernels, not biases or normalisation layers."""
        learnable = [(name, parameter) for name, parameter in named_parameters if parameter.requires_grad]
        (groups,), kwargs = super()._get_params_for_optimizer(prefix, learnable)
        merged: dict[tuple[Any, ...], list[Tensor]] = {}
        for group in groups:
            options = {name: value for name, value in group.items() if name != "params"}
            for parameter in group["params"]:
                own = options if parameter.ndim > 1 else options | {"weight_decay": 0.0}
                merged.setdefault(tuple(own.items()), []).append(parameter)
        return ([{"params": parameters, **dict(key)} for key, parameters in merged.items()],), kwargs

    def _set_training(self, training: bool = True) -> None:
        """Set the mode of the network; normalisation layers whose parameters are frozen stay in evaluation mode."""
        super()._set_training(training)
        if training:
            for layer in self.module_.modules():
                if isinstance(layer, _NormBase) and _is_frozen(layer):
                    layer.eval()

    def infer(self, x: Tensor, module: torch.nn.Module | None = None, **fit_params: Any) -> Tensor:
        """Return float32 logits of the trained network, or of ``module``."""
        with self.autocast(x):
            logits = (self.module_ if module is None else module)(x)
        try:
            in_float32: Tensor = logits.float()
            return in_float32
        except AttributeError as error:
            raise InvalidParameterError(
                f"'student' must return one tensor of logits, in training too. It returns a {type(logits).__name__}: "
                "wrap it in a module whose forward returns the logits alone."
            ) from error

    def autocast(self, x: Tensor) -> AbstractContextManager[Any]:
        """Return the context of a forward pass in the net's precision, on the device of ``x``."""
        return torch.autocast(x.device.type, torch.bfloat16) if self.precision == "bf16" else nullcontext()

    def train_step(self, batch: Batch, **fit_params: Any) -> dict[str, Any]:
        """Make one step; a batch whose weights are all 0 moves no parameter, not even by momentum."""
        for parameter in self.learnable_:
            parameter.grad = None
        step = self.train_step_single(batch)
        if self.has_step_listener_:
            self.notify("on_grad_computed", named_parameters=self.named_parameters_, batch=batch, training=True)
        if step["mean_weight"] > 0:
            self.set_step_sizes(step["mean_weight"])
            self.optimizer_.step()
            if self.average_ is not None:
                self.average_.update(self.module_)
        self.clock_.step += 1
        return step

    def set_step_sizes(self, mean_weight: float) -> None:
        """Set each group's learning rate from the schedule, and scale its weight decay by the batch's mean weight."""
        factor = self.lr_schedule((self.clock_.step + 0.5) / self.clock_.n_steps)
        for group, (lr, weight_decay) in zip(self.optimizer_.param_groups, self.base_settings_, strict=True):
            group["lr"] = lr * factor
            group["weight_decay"] = weight_decay * mean_weight

    def record_epoch(self) -> None:
        """Write what an epoch of training showed into the history; sub-classes add to it."""
        self.history.record("lr", self.optimizer_.param_groups[0]["lr"])

    def fit(self, X: Any, y: Any = None, **fit_params: Any) -> "IndexedNet":
        """Refuse: a run of training has more to it than skorch's loop.

        Raises
        ------
        NoisyLabelError
        """
        raise NoisyLabelError("The net does not train by itself: call fit of the classifier that it belongs to.")

    partial_fit = fit

    def predict(self, X: Any) -> np.ndarray:
        """Return the label code of the most probable class of each sample, (N,)."""
        codes: np.ndarray = self.predict_proba(X).argmax(axis=1)
        return codes

    def training_state(self) -> dict[str, Any]:
        """Return all that training needs to go on after this epoch, as tensors, numbers and text."""
        self.evaluated_module()  # gives the average the buffers of now
        rows = [{key: value for key, value in row.items() if key != "batches"} for row in self.history]
        return {
            "module": self.module_.state_dict(),
            "optimizer": self.optimizer_.state_dict(),
            "average": None if self.average_ is None else self.average_.state_dict(),
            "step": self.clock_.step,
            "history": json.dumps(rows, default=float),
            "streams": [stream.get_state() for stream in self.streams()],
            "torch_stream": torch.get_rng_state(),
            "cuda_stream": torch.cuda.get_rng_state(self.device) if "cuda" in str(self.device) else None,
        }

    def restore_history(self, state: dict[str, Any]) -> None:
        """Take over the epochs of a saved state; before training begins, since callbacks read them then."""
        self.history_ = History({**row, "batches": []} for row in json.loads(state["history"]))

    def restore_training(self, state: dict[str, Any]) -> None:
        """Take over what :meth:`training_state` returned; after training has begun."""
        self.module_.load_state_dict(state["module"])
        self.optimizer_.load_state_dict(state["optimizer"])
        if self.average_ is not None:
            self.average_.load_state_dict(state["average"])
        self.clock_.step = state["step"]
        for stream, saved in zip(self.streams(), state["streams"], strict=True):
            stream.set_state(saved.cpu())
        torch.set_rng_state(state["torch_stream"].cpu())
        if state["cuda_stream"] is not None:
            torch.cuda.set_rng_state(state["cuda_stream"].cpu(), self.device)

    def streams(self) -> list[Any]:
        """Return the random streams of the net's own; sub-classes add theirs."""
        return [self.iterator_train__generator, self.iterator_train__augment_generator]

    def forget_training(self) -> None:
        """Let go of what only training needs, so that a fitted net holds no data and pickles small."""
        self.iterator_train__generator = None
        self.iterator_train__augment_generator = None
        del self.learnable_, self.named_parameters_

    def forward_iter(self, X: Any, training: bool = False, device: Any = "cpu") -> Iterator[Tensor]:
        """Yield the logits of each batch of TensorData or StreamedData, in evaluation mode."""
        if not isinstance(X, TensorData | StreamedData):
            raise NoisyLabelError(
                f"The net predicts its own kind of data. Got {type(X).__name__}: call predict_proba of the classifier, "
                "which checks its input."
            )
        self._set_training(training)
        module = self.evaluated_module()
        batches = iter(self.get_iterator(X, training=training))
        while (logits := self._next_logits(batches, module, device)) is not None:
            yield logits

    def _next_logits(self, batches: Iterator[Batch], module: torch.nn.Module, device: Any) -> Tensor | None:
        """Return the logits of the next batch, None after the last."""
        with torch_turn(), torch.inference_mode():
            batch = next(batches, None)
            return None if batch is None else self.infer(batch[0], module).to(device)

    @property
    def _default_callbacks(self) -> list[tuple[str, Any]]:
        return [("epoch_timer", EpochTimer()), ("print_log", PrintLog())]

    def _get_predict_nonlinearity(self) -> Any:
        return lambda logits: logits.double().softmax(-1)
