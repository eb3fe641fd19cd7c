"""skorch's net, fed with row-numbered batches: one optimiser step, and what lasts from step to step."""

import json
from collections.abc import Hashable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from sklearn.base import ClassifierMixin
from skorch import NeuralNet
from skorch.callbacks import Callback, EpochTimer, PrintLog
from skorch.history import History
from torch import Tensor
from torch.nn.modules.batchnorm import _NormBase

from noisylabel._support.random import torch_turn, user_code
from noisylabel.distributed import WorkerGroup, current_group, synchronize_norms
from noisylabel.exceptions import InvalidDataError, InvalidParameterError, NoisyLabelError
from noisylabel.nets._batches import count_batches
from noisylabel.nets._features import SKORCH_FEATURES
from noisylabel.nets._skorch import feature_of, refuse
from noisylabel.nets.data import Batch, IteratedData, Prepare, as_data, sorted_by_row
from noisylabel.nets.steps import EpochNumbers, ParameterAverage, StepSizes, plain_network
from noisylabel.schedules import Schedule
from noisylabel.students import Standardize


@dataclass
class Clock:
    """Steps and epochs done, of how many.

    An object of its own, since setting an attribute of a skorch net costs more than a step may.

    Attributes
    ----------
    n_steps : int
        Steps of the whole training.
    step : int
        Steps done.
    epoch : int
        Epochs done.
    """

    n_steps: int
    step: int = 0
    epoch: int = 0

    @property
    def progress(self) -> float:
        """Share of training that is over, in [0, 1)."""
        return self.step / self.n_steps


class Step(dict[str, Any]):
    """What callbacks are told of a step, by name, that also carries what the net itself remembers of it.

    Parameters
    ----------
    told : dict
        ``loss``, ``y_pred`` (logits), ``mean_weight`` and more.
    noted : Tensor of shape (B,)
        Weights for the record.
    numbers : dict of Tensors of shape ()
        For the epoch's means.
    """

    def __init__(self, told: Mapping[str, Any], noted: Tensor, numbers: dict[str, Tensor]) -> None:
        super().__init__(told)
        self.noted = noted
        self.numbers = numbers


def _is_frozen(layer: _NormBase) -> bool:
    """Whether a layer's parameters do not learn or, if it has none, its maker has marked it as ``frozen``."""
    return bool(getattr(layer, "frozen", False)) or (layer.weight is not None and not layer.weight.requires_grad)


def _listens_to_steps(callback: Any) -> bool:
    """Whether a callback or its class has a hook for steps; telling one that has none would cost a step dearly."""
    hooks = ("on_batch_begin", "on_grad_computed", "on_batch_end")
    return any(
        getattr(getattr(callback, hook, None), "__func__", None) is not getattr(Callback, hook) for hook in hooks
    )


_SETTABLE = ("verbose",)
_BY_SCHEDULE = ("optimizer__lr", "optimizer__weight_decay")


class IndexedNet(ClassifierMixin, NeuralNet):
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
    sync_batchnorm : bool, default=False
        In a group of workers, let batch normalisation go by the whole batch.
    prepare_samples : callable, optional
        Called in prediction with samples that are not yet checked: returns them in the type that the network gets, or
        refuses them. By default floats become float32.
    **kwargs
        Everything else skorch's ``NeuralNet`` takes.
    """

    step_sizes = StepSizes

    def __init__(  # noqa: PLR0913 - what all training rules share
        self,
        module: Any,
        *,
        lr_schedule: Schedule,
        precision: str = "fp32",
        ema_decay: float = 0.0,
        sync_batchnorm: bool = False,
        prepare_samples: Prepare | None = None,
        **kwargs: Any,
    ) -> None:
        self.lr_schedule = lr_schedule
        self.precision = precision
        self.ema_decay = ema_decay
        self.sync_batchnorm = sync_batchnorm
        self.prepare_samples = prepare_samples
        super().__init__(module, criterion=torch.nn.CrossEntropyLoss, **kwargs)

    def on_train_begin(self, net: Any, X: Any = None, y: Any = None, **kwargs: Any) -> None:
        """Set the clock to zero."""
        self.clock_ = Clock(n_steps=self.max_epochs * count_batches(len(X), self.batch_size))
        layers = self.module_.modules()
        has_sparse = any(getattr(layer, "sparse", False) for layer in layers)  # an embedding's gradients
        self.step_sizes_ = self.step_sizes(self.optimizer_, self.lr_schedule, has_sparse)
        self.why_eager_: str | None = None
        self.base_settings_ = self.step_sizes_.base
        self.numbers_ = EpochNumbers()
        self.all_parameters_ = [parameter for group in self.optimizer_.param_groups for parameter in group["params"]]
        self.named_parameters_ = list(self.get_all_learnable_params())
        self.average_ = ParameterAverage(self.module_, self.ema_decay) if self.ema_decay else None
        self.group_ = current_group()
        if self.group_ is not None:
            if self.sync_batchnorm:
                synchronize_norms(self.module_, self.group_)
            self.learning_: list[bool] = []
            self.one_sample_ = next(iter(X.take(np.arange(1)).slices(1)))[0]

    def start_epoch(self) -> None:
        """Look which callbacks listen to steps, and at what callbacks have changed between epochs.

        Raises
        ------
        InvalidParameterError
            If every parameter is frozen, or a callback has set a learning rate or a weight decay, in vain.
        """
        self.step_sizes_.check()
        listeners = [callback for _, callback in self.callbacks_ if _listens_to_steps(callback)]
        self.has_step_listener_ = bool(listeners)
        # skorch's own print or log the losses of batches; others may take a tensor, which needs no read
        self.tells_numbers_ = any(type(listener).__module__.startswith("skorch.") for listener in listeners)
        if not any(parameter.requires_grad for parameter in self.all_parameters_):
            raise InvalidParameterError(
                f"Nothing can learn in epoch {len(self.history)}: every parameter of the network is frozen "
                "(requires_grad is False). Leave a layer of 'student' free, or give Freezer a pattern that fits fewer "
                "parameters."
            )
        if self.group_ is not None:
            self._join(self.group_)

    def _join(self, group: WorkerGroup) -> None:
        """Let the network that now learns get the gradients of all workers; what it draws itself differs in each."""
        learning = [parameter.requires_grad for parameter in self.module_.parameters()]
        if learning != self.learning_:
            self.learning_ = learning
            self.__dict__["parallel_"] = group.parallel(self.module_, self._has_unused_parameters())
        with torch_turn():
            torch.manual_seed(self.streams()[0].initial_seed() + 1000 * self.clock_.epoch + group.rank)

    def _has_unused_parameters(self) -> bool:
        """Whether the logits do not depend on some parameter that learns."""
        self._set_training(False)  # batch statistics must stay as they are
        learning = [parameter for parameter in self.module_.parameters() if parameter.requires_grad]
        with torch_turn():
            logits = self._logits(plain_network(self.module_), self.one_sample_.clone())
        return None in torch.autograd.grad(logits.sum(), learning, allow_unused=True)

    def end_epoch(self) -> None:
        """Have one network again after an epoch in which each worker had batch statistics of its own."""
        if self.group_ is not None:
            for buffer in self.module_.buffers():
                self.group_.from_first(buffer)

    def keep_average(self) -> None:
        """End training with the parameters that evaluation has used."""
        if self.average_ is not None:
            self.average_.end()
            self.average_ = None

    def evaluated_module(self) -> torch.nn.Module:
        """Return the network that evaluation uses: the trained one or, with ``ema_decay``, its average."""
        average = getattr(self, "average_", None)
        return self.module_ if average is None else average.network()

    @contextmanager
    def evaluating(self) -> Iterator[None]:
        """Let ``module_`` be the network that evaluation uses, for callbacks that keep or score it.

        What they change in it, other than by loading, does not reach training.
        """
        trained = self.module_
        self.__dict__["module_"] = self.evaluated_module()
        try:
            yield
        finally:
            self.__dict__["module_"] = trained

    def save_params(self, *args: Any, **kwargs: Any) -> None:
        """Save as skorch does; in training the network that evaluation uses, and the optimizer by its own groups."""
        with self.evaluating(), self._own_optimizer():
            super().save_params(*args, **kwargs)

    def load_params(self, *args: Any, **kwargs: Any) -> None:
        """Load as skorch does; in training the optimizer by its own groups."""
        with self._own_optimizer():
            super().load_params(*args, **kwargs)

    def _own_optimizer(self) -> AbstractContextManager[None]:
        sizes = getattr(self, "step_sizes_", None)
        return nullcontext() if sizes is None else sizes.own()

    def get_all_learnable_params(self) -> Iterator[tuple[str, torch.nn.Parameter]]:
        """Yield name and parameter, by the names that they have in the student."""
        module = plain_network(self.module_)
        layers = list(module.children()) if isinstance(module, torch.nn.Sequential) else []
        is_standardised = len(layers) == 2 and isinstance(layers[0], Standardize)  # which has no parameters
        prefix = "1." if is_standardised else ""
        for name, parameter in module.named_parameters():
            yield name.removeprefix(prefix), parameter

    def initialize_optimizer(self, triggered_directly: Any = None) -> "IndexedNet":
        """Make the optimizer, or say by name that it cannot be made.

        Raises
        ------
        InvalidParameterError
        """
        try:
            super().initialize_optimizer()
        except (TypeError, ValueError, RuntimeError) as error:
            name = getattr(self.optimizer, "__name__", repr(self.optimizer))
            given = {k: v for k, v in self.get_params_for("optimizer").items() if k not in ("fused", "param_groups")}
            raise InvalidParameterError(
                f"'optimizer' {name} cannot be made with {given}: {error}. Change what 'net_params' sets by "
                "'optimizer__...', 'lr' or 'weight_decay', or use another 'optimizer'."
            ) from error
        return self

    def _get_params_for_optimizer(self, prefix: str, named_parameters: Any) -> Any:
        """Group the parameters so that weight decay meets only kernels, not biases or normalisation layers."""
        (groups,), kwargs = super()._get_params_for_optimizer(prefix, named_parameters)
        takes_decay = "weight_decay" in kwargs
        merged: dict[tuple[Any, ...], list[Tensor]] = {}
        for group in groups:
            options = {name: value for name, value in group.items() if name != "params"}
            for parameter in group["params"]:
                own = options if parameter.ndim > 1 or not takes_decay else options | {"weight_decay": 0.0}
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
        """Return float32 logits of the trained network, or of ``module``.

        In training the workers of a group share the work; all of them call it.
        """
        if module is None and self.module_.training:
            parallel = getattr(self, "parallel_", None)
            return self.infer_together(
                x, parallel if parallel is not None and torch.is_grad_enabled() else self.module_
            )
        return self._logits(self.module_ if module is None else module, x)

    def infer_together(self, x: Tensor, module: torch.nn.Module) -> Tensor:
        """Return float32 logits, of which each worker of a group, all of which call it, works out a part."""
        group = getattr(self, "group_", None)
        if group is None:
            return self._logits(module, x)
        return group.whole(self._logits(module, x[group.part(len(x))]), len(x))

    def _logits(self, module: torch.nn.Module, x: Tensor) -> Tensor:
        with self.autocast(x):
            logits = module(x)
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

    def train_step(self, batch: Batch, **fit_params: Any) -> Step:
        """Make one step; a batch whose weights are all 0 moves no parameter, not even by momentum."""
        self.advance()
        step = self.make_step(batch)
        self.note_step(batch, step)
        return step

    def advance(self) -> None:
        """Do, on the host, what a step needs that changes with time; sub-classes add to it."""
        self.step_sizes_.advance((self.clock_.step + 0.5) / self.clock_.n_steps)

    def stage(self) -> Hashable | None:
        """Return what decides which operations :meth:`make_step` makes now; None if they cannot be recorded."""
        return ()

    def make_step(self, batch: Batch) -> Step:
        """Do all of a step that happens on the device: no read, and nothing that a recorded step would miss."""
        for parameter in self.all_parameters_:
            parameter.grad = None
        step: Step = self.train_step_single(batch)
        if self.has_step_listener_:
            with user_code():
                self.notify("on_grad_computed", named_parameters=self.named_parameters_, batch=batch, training=True)
            self.step_sizes_.check()
        if self.group_ is not None:
            self.group_.from_first(step["mean_weight"])  # a last digit that differs would make two networks
        self.step_sizes_.step(step["mean_weight"])
        if self.average_ is not None:
            self.average_.update(step["mean_weight"])
        return step

    def note_step(self, batch: Batch, step: Step) -> None:
        """Remember, on the host, what :meth:`make_step` returned; sub-classes add to it."""
        self.numbers_.note(len(batch.rows), step.numbers)
        self.clock_.step += 1

    def initialize_callbacks(self) -> "IndexedNet":
        """Make the callbacks, and refuse parameters of one that is not there.

        Raises
        ------
        InvalidParameterError
        """
        given = {name.split("__")[1] for name in vars(self) if name.startswith("callbacks__")}
        unknown = sorted(given - {name for name, _ in self._uniquely_named_callbacks()})
        if unknown:
            names = sorted(name for name, _ in self._uniquely_named_callbacks())
            raise InvalidParameterError(
                f"'net_params' has callbacks__{unknown[0]}, and there is no callback of that name. There are: "
                f"{', '.join(names)}. Add ({unknown[0]!r}, callback) to 'callbacks', or correct the name."
            )
        return super().initialize_callbacks()

    def set_params(self, **kwargs: Any) -> "IndexedNet":
        """Set what ``net_params`` takes, and ``verbose``.

        Raises
        ------
        NoisyLabelError
            For anything else, which would change nothing: the classifier is where it is set.
        """
        for name in kwargs:
            feature = feature_of(name, "net_params")
            if name not in _SETTABLE and (feature is None or not feature.holds or name in _BY_SCHEDULE):
                raise NoisyLabelError(
                    f"net_.set_params cannot set {name!r}: set it on the classifier before fit. For a learning rate "
                    "that changes, use lr_schedule=..."
                )
        direct = {name: kwargs.pop(name) for name in list(kwargs) if name.startswith("iterator_")}
        self.__dict__.update(direct)  # skorch would look for something to make again
        return super().set_params(**kwargs)

    def record_epoch(self, numbers: Mapping[str, np.ndarray], sizes: np.ndarray) -> None:
        """Write what an epoch of training showed into the history; sub-classes add to it.

        Parameters
        ----------
        numbers : dict of ndarrays of shape (steps,)
            What the steps noted, by name.
        sizes : ndarray of shape (steps,)
            Of their batches.
        """
        lrs = self.step_sizes_.lrs
        groups = zip(self.optimizer_.param_groups, lrs, strict=True)
        learning = [lr for group, lr in groups if any(parameter.requires_grad for parameter in group["params"])]
        self.history.record("lr", learning[-1] if learning else lrs[-1])  # groups of other rates come first

    def predict(self, X: Any) -> np.ndarray:
        """Return the label code of the most probable class of each sample, (N,)."""
        codes: np.ndarray = self.predict_proba(X).argmax(axis=1)
        return codes

    def lasting_state(self) -> dict[str, Any]:
        """Return what of training outlives it, as tensors and numbers; sub-classes add to it."""
        self.evaluated_module()  # gives the average the buffers of now
        return {
            "module": plain_network(self.module_).state_dict(),
            "average": None if self.average_ is None else self.average_.state_dict(),
            "step": self.clock_.step,
        }

    def restore_lasting(self, state: dict[str, Any]) -> None:
        """Take over what :meth:`lasting_state` returned, of this training, and forget the epochs after it."""
        plain_network(self.module_).load_state_dict(state["module"])
        if self.average_ is not None:
            self.average_.load_state_dict(state["average"])
        self.clock_.step = state["step"]
        self.clock_.epoch = self.clock_.step * self.max_epochs // self.clock_.n_steps
        del self.history[self.clock_.epoch :]

    def training_state(self) -> dict[str, Any]:
        """Return all that training needs to go on after this epoch, as tensors, numbers and text."""
        rows = [{key: value for key, value in row.items() if key != "batches"} for row in self.history]
        return self.lasting_state() | {
            "learnable": [parameter.requires_grad for parameter in self.module_.parameters()],
            "optimizer": self.step_sizes_.state_dict(),
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
        self.restore_lasting(state)
        for parameter, learns in zip(self.module_.parameters(), state.get("learnable", ()), strict=False):
            parameter.requires_grad_(learns)
        self.step_sizes_.load_state_dict(state["optimizer"])
        for stream, saved in zip(self.streams(), state["streams"], strict=True):
            stream.set_state(saved.cpu())
        torch.set_rng_state(state["torch_stream"].cpu())
        if state["cuda_stream"] is not None:
            torch.cuda.set_rng_state(state["cuda_stream"].cpu(), self.device)

    def streams(self) -> list[Any]:
        """Return the random streams of the net's own; sub-classes add theirs."""
        return [self.iterator_train__generator, self.iterator_train__augment_generator]

    def recorded_streams(self) -> list[torch.Generator]:
        """Return the random streams on the device that a step draws from; sub-classes add theirs."""
        return [stream for stream in self.streams() if stream.device.type == torch.device(self.device).type]

    def forget_training(self) -> None:
        """Let go of what only training needs, so that a fitted net holds no data and pickles small."""
        self.step_sizes_.end()
        self.iterator_train__generator = None
        self.iterator_train__augment_generator = None
        del self.all_parameters_, self.named_parameters_, self.step_sizes_, self.numbers_, self.group_
        for name in ("parallel_", "learning_", "one_sample_"):
            self.__dict__.pop(name, None)

    def forward_iter(
        self, X: Any, training: bool = False, device: Any = "cpu", mirrored: bool = False
    ) -> Iterator[Tensor]:
        """Yield the logits of each batch, in order; the mode of the network is afterwards what it was.

        Parameters
        ----------
        X : array or Tensor of shape (N, ...), Dataset, or what callbacks are given
            Samples as in ``fit``.
        training : bool, default=False
            Whether the network is in training mode.
        device : str or torch.device, default="cpu"
            Where the logits go.
        mirrored : bool, default=False
            Whether the logits are means over each image and its mirror image.

        Raises
        ------
        InvalidDataError
            If X cannot be used, or has another shape or type than in ``fit``.
        """
        data = as_data(X, self.prepare_samples, torch.device(self.device))
        was_training = self.module_.training
        self._set_training(training)
        module = self.module_ if training else self.evaluated_module()
        batches = iter(self.get_iterator(data, training=False))
        found = iter(partial(self._next_logits, batches, module, training, mirrored), None)
        try:
            for logits, _ in sorted_by_row(found) if isinstance(data, IteratedData) else found:
                yield logits.to(device)
        finally:
            if was_training != training:
                self._set_training(was_training)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the accuracy on samples and their label codes.

        Raises
        ------
        InvalidDataError
            If ``y`` holds something else than label codes.
        """
        codes = np.asarray(y)
        if not np.isin(codes, self.classes_).all():
            raise InvalidDataError(
                f"net_.score takes label codes, 0 to {len(self.classes_) - 1}. Call score of the classifier, which "
                "takes the labels."
            )
        return float(super().score(X, codes, sample_weight))

    def _next_logits(
        self, batches: Iterator[Batch], module: torch.nn.Module, training: bool, mirrored: bool
    ) -> tuple[Tensor, Tensor | None] | None:
        """Return the logits of the next batch and its row numbers, None after the last."""
        with torch.inference_mode(not training):
            batch = next(batches, None)
            if batch is None:
                return None
            views = [batch[0], batch[0].flip(-1)] if mirrored else [batch[0]]
            with torch_turn():
                logits = [self.infer(view, module) for view in views]
            rows = batch.rows if isinstance(batch, Batch) else None  # a DataLoader of skorch makes plain ones
            return (logits[0] if len(logits) == 1 else (logits[0] + logits[1]) / 2), rows

    @property
    def _default_callbacks(self) -> list[tuple[str, Any]]:
        return [("epoch_timer", EpochTimer()), ("print_log", PrintLog())]

    def _get_predict_nonlinearity(self) -> Any:
        return lambda logits: logits.double().softmax(-1)


def _refusing(name: str) -> Any:
    """Return a method that says what to call instead of it."""

    def method(self: IndexedNet, *args: Any, **kwargs: Any) -> None:
        refuse(name)

    return method


for _feature in SKORCH_FEATURES:
    if _feature.kind == "net_" and not _feature.holds:
        setattr(IndexedNet, _feature.name, _refusing(_feature.name))
