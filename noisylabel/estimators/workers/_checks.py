"""What several workers cannot do, said before training."""

from importlib.util import find_spec
from typing import Any

import torch
from skorch.callbacks import Checkpoint

from noisylabel.exceptions import InvalidParameterError, MissingDependencyError


def check_workers(estimator: Any) -> None:
    """Refuse what does not work with more than one worker.

    Raises
    ------
    InvalidParameterError
        Naming the parameter and what to do.
    MissingDependencyError
        If Ray is not installed.
    """
    n_workers = estimator.n_workers
    if find_spec("ray") is None:
        raise MissingDependencyError(
            f"'n_workers' is {n_workers}, and several workers need Ray, which is not installed: pip install "
            "'.[workers]' in a clone of noisylabel. Or set n_workers=1."
        )
    if estimator.batch_size < n_workers:
        raise InvalidParameterError(
            f"'n_workers' is {n_workers} and 'batch_size' {estimator.batch_size}: each worker needs a row of every "
            "batch. Use larger batches or fewer workers."
        )
    if torch.device("cpu" if estimator.device == "auto" else estimator.device).index is not None:
        raise InvalidParameterError(
            f"'device' is {estimator.device!r}, and 'n_workers' {n_workers}: Ray gives each worker a GPU of its own. "
            "Use device='cuda', and CUDA_VISIBLE_DEVICES to leave some out."
        )
    if (estimator.net_params or {}).get("compile"):
        raise InvalidParameterError(
            f"'net_params' has compile=True, and 'n_workers' is {n_workers}: a compiled network is trained by one "
            "worker. Leave it out, or set n_workers=1."
        )
    for entry in estimator.callbacks or []:
        callback = entry[1] if isinstance(entry, (tuple, list)) else entry
        if isinstance(callback, Checkpoint) and callback.load_best:
            raise InvalidParameterError(
                f"'callbacks' has a Checkpoint with load_best=True, and 'n_workers' is {n_workers}: one worker alone "
                "would load it. Set 'validation_fraction' above 0, which keeps the best network."
            )


def check_machines(n_workers: int, on_gpu: bool) -> None:
    """Refuse more workers than Ray, which has been started, has CPUs or GPUs for: it would wait without end.

    Raises
    ------
    InvalidParameterError
    """
    import ray

    kind = "GPU" if on_gpu else "CPU"
    there = ray.cluster_resources().get(kind, 0)
    if there < n_workers:
        raise InvalidParameterError(
            f"'n_workers' is {n_workers}, each with a {kind}, and Ray has {there:g}. Use fewer workers, or start Ray "
            "on more machines."
        )
