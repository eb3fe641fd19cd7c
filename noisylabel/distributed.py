"""Processes that train one model together: each works out a part of every batch, and all know the whole."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.parallel import DistributedDataParallel

__all__ = ["WorkerGroup", "current_group", "in_group", "synchronize_norms"]


@dataclass(frozen=True)
class WorkerGroup:
    """The group that this process is in, of ``torch.distributed``'s default process group.

    All of them draw the same batches and make the same steps. Of a batch each has a part to compute, by its place in
    the batch: parts differ by at most one row, whichever rows were drawn.

    Attributes
    ----------
    rank : int
        Of this process, from 0.
    size : int
        Processes in the group.
    """

    rank: int
    size: int

    def part(self, n: int) -> slice:
        """Return which of ``n`` rows are this process's.

        Examples
        --------
        >>> [WorkerGroup(rank, 2).part(5) for rank in (0, 1)]
        [slice(0, 3, None), slice(3, 5, None)]
        """
        return self._part_of(self.rank, n)

    def _part_of(self, rank: int, n: int) -> slice:
        least, more = divmod(n, self.size)
        start = rank * least + min(rank, more)
        return slice(start, start + least + (rank < more))

    def whole(self, own: Tensor, n: int) -> Tensor:
        """Return all ``n`` rows, of which ``own`` are this process's; gradients go back to those."""
        joined: Tensor = _Joined.apply(own, self, n)
        return joined

    def gathered(self, own: Tensor, n: int) -> Tensor:
        """Return all ``n`` rows, without gradient."""
        longest = -(-n // self.size)
        sent = own.contiguous()
        if len(own) < longest:
            sent = torch.cat([sent, sent.new_zeros(longest - len(own), *sent.shape[1:])])
        received = sent.new_empty(self.size, *sent.shape)
        dist.all_gather(list(received.unbind()), sent)
        lengths = [part.stop - part.start for part in (self._part_of(rank, n) for rank in range(self.size))]
        return torch.cat([rows[:length] for rows, length in zip(received, lengths, strict=True)])

    def from_first(self, tensor: Tensor) -> Tensor:
        """Return the first process's tensor, in the place of this one's."""
        dist.broadcast(tensor, 0)
        return tensor

    def agrees(self, numbers: Tensor) -> bool:
        """Whether all processes have the same numbers; all get the same answer."""
        same = (self.from_first(numbers.clone()) == numbers).all().int()
        dist.all_reduce(same, dist.ReduceOp.MIN)
        return bool(same)

    def parallel(self, network: nn.Module, has_unused: bool) -> nn.Module:
        """Return the network whose gradients are the sums of those of all processes."""
        device = next(network.parameters()).device
        return DistributedDataParallel(
            network,
            device_ids=[device] if device.type == "cuda" else None,
            find_unused_parameters=has_unused,
        )


def synchronize_norms(network: nn.Module, group: WorkerGroup) -> None:
    """Let batch normalisation go by the whole batch of a group, not by each process's part.

    torch's ``SyncBatchNorm`` does it on GPUs only. The layers stay what they are, for what copies or saves them.
    """
    for layer in network.modules():
        if isinstance(layer, _BatchNorm):
            layer.forward = partial(_normalize, layer, group)  # type: ignore[method-assign]


def _normalize(layer: _BatchNorm, group: WorkerGroup, x: Tensor) -> Tensor:
    """Return what a layer of batch normalisation gives in training, by the statistics of all processes."""
    if not layer.training:
        return type(layer).forward(layer, x)
    values = x.float()
    dims = [0, *range(2, x.ndim)]
    shape = [1, -1, *[1] * (x.ndim - 2)]
    own = values.new_full((1,), values.numel() / values.shape[1])
    n, total = _sum(torch.cat([own, values.sum(dims)])).split([1, values.shape[1]])
    mean = total / n
    centred = values - mean.view(shape)
    variance = _sum(centred.square().sum(dims)) / n
    _follow(layer, mean.detach(), (variance * n / (n - 1)).detach())
    result = centred * (variance + layer.eps).rsqrt().view(shape)
    if layer.weight is not None:
        result = result * layer.weight.view(shape) + layer.bias.view(shape)
    return result.to(x.dtype)


class _Sum(torch.autograd.Function):
    """The sum over all processes, whose gradient is that of each one's part."""

    @staticmethod
    def forward(ctx: Any, own: Tensor) -> Tensor:
        whole = own.clone()
        dist.all_reduce(whole)
        return whole

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        whole = gradient.clone()
        dist.all_reduce(whole)
        return whole


def _sum(own: Tensor) -> Tensor:
    whole: Tensor = _Sum.apply(own)
    return whole


@torch.no_grad()
def _follow(layer: _BatchNorm, mean: Tensor, variance: Tensor) -> None:
    """Move the running statistics of a layer, if it keeps any."""
    if not layer.track_running_stats or layer.running_mean is None or layer.running_var is None:
        return
    assert layer.num_batches_tracked is not None
    layer.num_batches_tracked += 1
    share = 1 / layer.num_batches_tracked if layer.momentum is None else layer.momentum
    layer.running_mean.lerp_(mean, share)
    layer.running_var.lerp_(variance, share)


class _Joined(torch.autograd.Function):
    """All rows of a batch, of which this process has worked out some."""

    @staticmethod
    def forward(ctx: Any, own: Tensor, group: WorkerGroup, n: int) -> Tensor:
        ctx.group, ctx.n = group, n
        return group.gathered(own.detach(), n)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        # the gradients of all processes are then averaged, and their sum is meant
        return gradient[ctx.group.part(ctx.n)] * ctx.group.size, None, None


_groups: list[WorkerGroup] = []


def current_group() -> WorkerGroup | None:
    """Return the group that this process trains in; None if it trains alone.

    A callback of one's own runs in every worker; this tells which one it is in.

    Examples
    --------
    >>> current_group() is None
    True
    """
    return _groups[-1] if _groups else None


@contextmanager
def in_group() -> Iterator[WorkerGroup]:
    """Train, inside a ``with`` block, together with the processes of torch's default process group."""
    _groups.append(WorkerGroup(dist.get_rank(), dist.get_world_size()))
    try:
        yield _groups[-1]
    finally:
        _groups.pop()
