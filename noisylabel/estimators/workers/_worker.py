"""What each worker does: the whole fit, in step with the others."""

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import skorch.callbacks as skorch_callbacks
import torch
import torch.distributed as dist

from noisylabel.distributed import in_group
from noisylabel.estimators.inputs._training_data import TrainingData
from noisylabel.estimators.workers._posts import Ended, Failed, Started
from noisylabel.estimators.workers._runs import Contents, WorkersRun
from noisylabel.exceptions import NoisyLabelWarning
from noisylabel.mentors import Mentor
from noisylabel.nets import TensorData

_SHOWING = tuple(  # callbacks that write or show; one of them is enough
    getattr(skorch_callbacks, name)
    for name in (
        "Checkpoint", "MlflowLogger", "NeptuneLogger", "PrintLog", "ProgressBar", "SacredLogger", "TensorBoard",
        "TrainEndCheckpoint", "WandbLogger",
    )
)  # fmt: skip


@dataclass(frozen=True)
class Job:
    """What workers get.

    Attributes
    ----------
    classifier : BaseNoisyLabelClassifier
    mentor : Mentor
    data : TrainingData
        On the CPU; samples in memory are left out.
    seed : int
    folder : Path or None
        Of the checkpoint, for messages.
    """

    classifier: Any
    mentor: Mentor
    data: TrainingData
    seed: int
    folder: Path | None

    def whole_data(self, samples: np.ndarray | None, device: torch.device) -> TrainingData:
        """Return the data with their samples, on a device; the CPU workers of a machine share them."""
        if samples is None:
            return self.data.to(device)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # they are read-only, and nothing writes to them
            X = torch.from_numpy(samples)
        own = self.data.samples
        return self.data.with_samples(TensorData(X, own.codes, own.sample_weight)).to(device)


def work(config: dict[str, Any]) -> None:
    """Train in step with the other workers; the first one tells how it goes, and any of them of an error."""
    import ray
    from ray import cloudpickle
    from ray.train.torch import get_device

    def post(what: Any) -> None:
        config["queue"].put(cloudpickle.dumps(what))  # as bytes, which the queue's process need not understand

    post(Started(ray.get_runtime_context().current_actor))
    job: Job = cloudpickle.loads(ray.get(config["job"]))
    samples = None if config["samples"] is None else ray.get(config["samples"])
    contents: Contents = ray.get(config["contents"])
    torch.set_num_threads(config["n_threads"])
    try:
        data = job.whole_data(samples, get_device())
        ended = _train(job, data, contents, post)
    except BaseException as error:
        if not _is_lost_connection(error):
            post(Failed.by(error))
        raise
    if dist.get_rank() == 0:
        post(ended)


def _train(job: Job, data: TrainingData, contents: Contents, post: Any) -> Ended:
    clf = job.classifier
    callbacks = list(clf.callbacks or [])
    with in_group() as group, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        if group.rank > 0 and callbacks:
            clf.callbacks = [entry for entry in callbacks if not isinstance(bare(entry), _SHOWING)]
        run = WorkersRun(contents, job.seed, folder=job.folder, post=post if group.rank == 0 else None)
        try:
            is_interrupted = clf._run(job.mentor, data, run).trained.interrupt is not None
        except KeyboardInterrupt:
            is_interrupted = True
        states = [_state_of(bare(entry)) for entry in callbacks] if group.rank == 0 else []
    return Ended(is_interrupted, [(entry.category, str(entry.message)) for entry in caught], states)


def bare(entry: Any) -> Any:
    """Return a callback of a list without its name, if it has one."""
    return entry[1] if isinstance(entry, (tuple, list)) else entry


def _state_of(callback: Any) -> dict[str, bytes]:
    """Return the attributes of a callback, pickled; warn of those that cannot be."""
    from ray import cloudpickle

    state, lost = {}, []
    for name, value in vars(callback).items():
        try:
            state[name] = cloudpickle.dumps(value)
        except Exception:  # whatever objects raise that cannot be pickled
            lost.append(name)
    if lost:
        warnings.warn(
            f"'callbacks': {', '.join(lost)} of {type(callback).__name__} cannot be sent back from the worker, and is "
            "not what it was there. Keep numbers and arrays instead.",
            NoisyLabelWarning,
            stacklevel=2,
        )
    return state


def _is_lost_connection(error: BaseException) -> bool:
    """Whether another worker has gone, which the one that started them finds out by itself."""
    return isinstance(error, dist.DistError) or (
        isinstance(error, RuntimeError) and any(name in str(error).lower() for name in ("gloo", "nccl"))
    )
