"""A recording of a training step on the CPU: what a CUDA graph does, without CUDA.

The operations of a step are written down once, with the very tensors that they read and wrote. A replay repeats them
on these tensors, without any of the Python in between: numbers that were Python's stay what they were.
"""

from contextlib import contextmanager

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from noisylabel.nets import _graphs, _loop


class _Tape(TorchDispatchMode):
    def __init__(self):
        super().__init__()
        self.calls = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        result = func(*args, **kwargs)
        self.calls.append((func, args, kwargs, tensors_of(result)))
        return result


def tensors_of(result):
    return [leaf for leaf in tree_leaves(result) if isinstance(leaf, torch.Tensor)]


def state_of(net):
    """Return the tensors that a step changes, besides the record."""
    memories = [vars(part).values() for part in (net.mentor, getattr(net, "mixed_mentor", None), net.loss) if part]
    average = [] if net.average_ is None else [*net.average_.averaged.parameters(), net.average_.n_updates]
    optimizer = [value for state in net.optimizer_.state.values() for value in state.values()]
    own = [*net.module_.parameters(), *net.module_.buffers(), *average, *optimizer]
    return [part for part in (*own, *(value for memory in memories for value in memory)) if isinstance(part, Tensor)]


def record_on_the_cpu(net):
    """Return what stands in for :func:`noisylabel.nets._graphs.record`."""

    def record(step, generators, pool, device):
        state = [(tensor, tensor.detach().clone()) for tensor in state_of(net[0])]
        streams = [(generator, generator.get_state()) for generator in (*generators, torch.default_generator)]
        tape = _Tape()
        with tape:
            step()
        with torch.no_grad():
            for tensor, before in state:
                tensor.copy_(before)
        for generator, before in streams:
            generator.set_state(before)

        @torch.no_grad()
        def replay():
            for func, args, kwargs, results in tape.calls:
                for old, new in zip(results, tensors_of(func(*args, **kwargs)), strict=True):
                    if old.data_ptr() != new.data_ptr():
                        old.copy_(new)

        return replay

    return record


@contextmanager
def recorded_on_the_cpu(monkeypatch):
    """Let steps on the CPU be recorded and replayed."""
    net = [None]
    why_eager = _graphs.why_eager

    def remembering(of, batches):
        net[0] = of
        return why_eager(of, batches)

    with monkeypatch.context() as patch:
        patch.setattr(_graphs, "why_eager", remembering)
        patch.setattr(_graphs, "record", record_on_the_cpu(net))
        for module in (_graphs, _loop):
            patch.setattr(module, "can_record", lambda device: True)
        yield
