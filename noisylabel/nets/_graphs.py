"""Training steps as CUDA graphs: what a step does on the device is recorded once and then repeated."""

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import torch
from torch import Tensor
from torch.nn.modules.batchnorm import _NormBase

from noisylabel.exceptions import NoisyLabelError
from noisylabel.nets._base import IndexedNet, Step
from noisylabel.nets._batches import TrainingBatches
from noisylabel.nets.data import Batch, TensorData
from noisylabel.nets.steps import plain_network

_WARM_UP = 3  # eager steps before a recording, in which libraries and optimizer make what they keep
_OWN_GRAPHS = ("reduce-overhead", "max-autotune")  # modes of torch.compile that record graphs themselves

_CANNOT = (
    "The step of training cannot be recorded as a CUDA graph: {}\nSomething that says capturable = True, or whose "
    "method stage does not return None, is not: it reads from the device, as item(), bool() or an index by booleans do."
    " Mend it, or do not say so."
)

Replay = Callable[[], None]


class StepGraphs:
    """Make training steps: eagerly, or as replays of a recorded one.

    A graph is recorded for each stage of training and each size of a batch, after some eager steps. A replay runs no
    Python: it gathers the rows, augments, weighs, learns, steps and averages as the recorded step did, with new random
    numbers. What changes from step to step (row numbers, learning rates, the epoch) stands in tensors that are
    written before the replay.

    Attributes
    ----------
    why_eager : str or None
        Why no step of this epoch can be recorded; None if they can be.
    n_replays : int
        Replays in this epoch.
    """

    def __init__(self, net: IndexedNet) -> None:
        self._net = net
        self.why_eager: str | None = None
        self.n_replays = 0
        self._stage: Any = None
        self._network: Any = None
        self._pool: Any = None
        self._n_eager: dict[int, int] = {}
        self._recorded: dict[int, _Recorded] = {}

    def start_epoch(self, net: IndexedNet, batches: TrainingBatches) -> str | None:
        """Return why steps cannot be recorded now, if so; forget recorded ones if the network is another than then."""
        self.n_replays = 0
        self.why_eager = why_eager(net, batches)
        if self.why_eager is not None:
            return self.why_eager
        if not net.step_sizes_.has_tensors:
            net.step_sizes_.use_tensors()
        network = _recorded_numbers(net)
        if network != self._network:
            self._forget()
            self._network = network
        return None

    def __enter__(self) -> "StepGraphs":
        return self

    def __exit__(self, *error: object) -> None:
        """Let go of what was recorded and of its memory, in which the gradients are too."""
        if self._recorded:
            self._forget()
            for parameter in self._net.all_parameters_:
                parameter.grad = None
            _give_back_memory()

    def _forget(self) -> None:
        self._n_eager.clear()
        self._recorded.clear()
        self._pool = None  # no graph keeps its memory any more

    def make_step(self, net: IndexedNet, batches: TrainingBatches, source: Any) -> None:
        """Make the step with a batch."""
        net.advance()
        if self.why_eager is None and (stage := net.stage()) is not None:
            if stage != self._stage:
                self._forget()
                self._stage = stage
            batch, step = self._step_of_stage(net, batches, source)
        else:
            batch = batches.batch_of(source)
            step = net.make_step(batch)
        net.note_step(batch, step)

    def _step_of_stage(self, net: IndexedNet, batches: TrainingBatches, positions: Tensor) -> tuple[Batch, Step]:
        size = len(positions)
        if size not in self._recorded:
            if self._n_eager.setdefault(size, 0) < _WARM_UP:
                self._n_eager[size] += 1
                with _side_stream(positions.device):
                    batch = batches.batch_of(positions)
                    return batch, net.make_step(batch)
            if self._pool is None and positions.is_cuda:
                self._pool = torch.cuda.graph_pool_handle()
            self._recorded[size] = _Recorded(net, batches, positions, self._pool)
        self.n_replays += 1
        return self._recorded[size].replay(positions)


def _recorded_numbers(net: IndexedNet) -> list[Any]:
    """Return what of network and optimizer a recording holds as it is: callbacks may change it between epochs."""
    parameters = [(parameter.data_ptr(), parameter.requires_grad) for parameter in net.module_.parameters()]
    groups = [{k: v for k, v in group.items() if k not in ("params", "lr")} for group in net.optimizer_.param_groups]
    layers = [
        {k: v for k, v in vars(layer).items() if isinstance(v, (int, float, str, tuple))}
        for layer in net.module_.modules()
    ]
    return [parameters, groups, layers, net.step_sizes_.n_loaded]


class _Recorded:
    """A recorded step: where its row numbers go, and where its results are after a replay."""

    def __init__(self, net: IndexedNet, batches: TrainingBatches, positions: Tensor, pool: Any) -> None:
        self.positions = positions.clone()

        def step() -> None:
            batch = batches.batch_of(self.positions)
            made = net.make_step(batch)
            self.codes, self.logits, self.noted = batch[1], made["y_pred"].detach(), made.noted
            self.names = tuple(made.numbers)
            self.numbers = torch.stack(list(made.numbers.values()))

        self.run = record(step, net.recorded_streams(), pool, positions.device)

    def replay(self, positions: Tensor) -> tuple[Batch, Step]:
        """Make the step with other rows, and return its batch, without samples, and what it noted, as copies."""
        self.positions.copy_(positions)
        self.run()
        numbers = dict(zip(self.names, self.numbers.clone().unbind(), strict=True))
        return Batch(None, self.codes.clone(), positions), Step(
            {"y_pred": self.logits.clone()}, self.noted.clone(), numbers
        )


def record(step: Callable[[], None], generators: list[torch.Generator], pool: Any, device: torch.device) -> Replay:
    """Record a function as a CUDA graph, without running it on the device; return what runs it.

    Parameters
    ----------
    step : callable
        Nothing but operations on a CUDA device, whose results stay where they are.
    generators : list
        Random streams that it draws from, besides torch's default one of the device.
    pool : tuple
        Memory that graphs of a run share, since no two run at once.
    device : torch.device

    Raises
    ------
    NoisyLabelError
        If the step does what cannot be recorded, such as a read from the device.
    """
    graph = torch.cuda.CUDAGraph()
    for generator in generators:
        graph.register_generator_state(generator)
    _give_back_memory()  # which a recording could not do
    with _without_garbage_collection(), _side_stream(device):
        graph.capture_begin(pool=pool, capture_error_mode="thread_local")
        try:
            step()
        except BaseException as error:
            with suppress(RuntimeError):  # a recording that failed cannot be ended properly
                graph.capture_end()
            if isinstance(error, RuntimeError) and not isinstance(error, torch.OutOfMemoryError):
                raise NoisyLabelError(_CANNOT.format(error)) from error
            raise
        graph.capture_end()

    def replay() -> None:
        with torch.cuda.device(device):
            graph.replay()

    return replay


def _give_back_memory() -> None:
    """Let other processes, and other graphs, have the memory of graphs that are gone; torch keeps it until told."""
    if torch.cuda.is_initialized():
        torch.cuda.empty_cache()


@contextmanager
def _without_garbage_collection() -> Iterator[None]:
    """Let nothing old be freed in a recording: what frees it might not be allowed then."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


@contextmanager
def _side_stream(device: torch.device) -> Iterator[None]:
    """Run on another CUDA stream, as torch asks for before a recording."""
    if device.type != "cuda":
        yield
        return
    side = torch.cuda.Stream(device)
    side.wait_stream(torch.cuda.current_stream(device))
    with torch.cuda.stream(side):
        yield
    torch.cuda.current_stream(device).wait_stream(side)


def can_record(device: torch.device) -> bool:
    """Whether steps on a device can be recorded at all."""
    return device.type == "cuda"


_YOUR_OWN = "its Python may differ from step to step; if it does not, and reads nothing from the device, give it"


def why_eager(net: IndexedNet, batches: TrainingBatches) -> str | None:
    """Return why no step of a training can be recorded, for people; None if they can be."""
    network = plain_network(net.module_)
    norms = [layer for layer in network.modules() if isinstance(layer, _NormBase)]
    compile_mode = net.get_params_for("compile").get("mode") if net.compile else None
    reasons = {
        f"device is {net.device!r}, and steps are recorded on CUDA only": not can_record(torch.device(net.device)),
        "several workers make it together": net.group_ is not None,
        "X is a Dataset, whose samples come from the host": not isinstance(batches.dataset, TensorData),
        "a callback listens to steps": net.has_step_listener_,
        f"'student' is your own: {_YOUR_OWN} the attribute capturable = True": not getattr(
            network, "capturable", False
        ),
        f"'augment' is your own: {_YOUR_OWN} the attribute capturable = True": not (
            batches.augment is None or getattr(batches.augment, "capturable", False)
        ),
        "'optimizer' is not one of torch's fused ones, which can leave out a step": not net.step_sizes_.on_device,
        "a normalisation layer without momentum reads its count": any(norm.momentum is None for norm in norms),
        f"'loss' or 'curriculum' is your own: {_YOUR_OWN} the attribute capturable = True, or the method stage": (
            net.stage() is None
        ),
        f"torch.compile with mode={compile_mode!r} records by itself": compile_mode in _OWN_GRAPHS,
    }
    return next((reason for reason, holds in reasons.items() if holds), None)
