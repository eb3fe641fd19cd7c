"""Call a function for each of many items: here, in several processes, or on a Ray cluster."""

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeVar

import torch
from joblib import Parallel, delayed

from noisylabel.utils import ray_session, short_warnings

Item = TypeVar("Item")
Result = TypeVar("Result")

_ROOT = Path(__file__).parents[2]
_STAYS_HERE = [".git", ".venv", "build", "site", "benchmarks/results"]


def call_here(function: Callable[[Item], Result], items: Iterable[Item], jobs: int) -> Iterator[Result]:
    """Yield the results as they come, of ``jobs`` processes at a time, which share the cores.

    Parameters
    ----------
    function : callable
        Of one item; it can be pickled if ``jobs`` is above 1.
    items : iterable
    jobs : int
    """
    if jobs == 1:
        yield from map(function, items)
        return
    threads = max(1, (os.cpu_count() or 1) // jobs)
    parallel = Parallel(n_jobs=jobs, return_as="generator_unordered", pre_dispatch="n_jobs", batch_size=1)
    yield from parallel(delayed(_with_threads)(function, item, threads) for item in items)


def _with_threads(function: Callable[[Item], Result], item: Item, threads: int) -> Result:
    torch.set_num_threads(threads)
    with short_warnings():
        return function(item)


def call_on_ray(
    function: Callable[[Item], Result], items: Iterable[Item], address: str, gpus: float
) -> Iterator[Result]:
    """Yield the results as they come, of tasks on a Ray cluster, each on one core and a share of a GPU.

    The nodes get a copy of this repository's code; what it imports must be installed there, and the data home must be
    at the same place.

    Parameters
    ----------
    function : callable
        Of one item; it can be pickled.
    items : iterable
    address : str
        Of a running cluster, ``"auto"`` for the one that this machine belongs to, ``"local"`` for a new one here.
    gpus : float
        Share of a GPU that each task takes.

    Raises
    ------
    MissingDependencyError
        If Ray is not installed.
    NoisyLabelError
        If no cluster answers there.
    """
    variables = {name: os.environ[name] for name in ("NOISYLABEL_DATA",) if name in os.environ}
    nodes = {"working_dir": str(_ROOT), "excludes": _STAYS_HERE, "env_vars": variables}
    with ray_session(None if address == "local" else address, runtime_env=nodes):
        import ray

        remote = ray.remote(num_cpus=1, num_gpus=gpus)(_with_threads)
        pending = [remote.remote(function, item, 1) for item in items]
        while pending:
            done, pending = ray.wait(pending)
            yield ray.get(done[0])
