"""Start the workers of a fit, and finish here what they did."""

import copy
import os
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch

from noisylabel._support.ray import ray_session
from noisylabel.estimators._run import Fitted, SavedRun
from noisylabel.estimators.inputs._training_data import TrainingData
from noisylabel.estimators.workers._checks import check_machines
from noisylabel.estimators.workers._follow import Following
from noisylabel.estimators.workers._runs import FinalRun, to_bytes
from noisylabel.estimators.workers._worker import Job
from noisylabel.exceptions import InvalidParameterError
from noisylabel.mentors import Mentor
from noisylabel.nets import TensorData


def train_together(clf: Any, device: torch.device, mentor: Mentor, data: TrainingData, saved: SavedRun) -> Fitted:
    """Train a classifier on its workers, and return what ``clf._run`` would.

    Workers send their checkpoint after each epoch. From the last one the run is finished here, as one that goes on and
    has nothing left to do.

    Parameters
    ----------
    clf : BaseNoisyLabelClassifier
    device : torch.device
        Where the network is to be in the end; those of the workers are of the same kind.
    mentor : Mentor
    data : TrainingData
        On the CPU.
    saved : SavedRun
    """
    with ExitStack() as stack:
        runs = {"": saved, **{name: stack.enter_context(saved.below(name)) for name in clf.runs_below()}}
        contents = {name: to_bytes(run.content) for name, run in runs.items() if run.content is not None}
        seed = saved.seed(clf.random_state)
        following = Following(clf, contents, saved.folder)
        job = _pickled(Job(copy.copy(clf), mentor, _without_samples(data), seed, saved.folder))
        with _ray(clf.n_workers, device), following.showing(), tempfile.TemporaryDirectory() as storage:
            following.train(_config(clf.n_workers, job, data), device.type == "cuda", storage)
        if "" not in following.contents:
            raise KeyboardInterrupt
        run = FinalRun(following.contents, seed, folder=saved.folder)
        with _own_and(following.warnings):
            fitted: Fitted = clf._run(mentor, data.to(device), run)
    following.give_back_callbacks()
    return fitted


@contextmanager
def _ray(n_workers: int, device: torch.device) -> Iterator[None]:
    """Use the Ray that runs, or one of our own; refuse more workers than it has machines for."""
    ours = {"py_modules": [sys.modules["noisylabel"]]}
    with ray_session(os.environ.get("RAY_ADDRESS"), max(os.cpu_count() or 1, n_workers), ours):
        check_machines(n_workers, device.type == "cuda")
        _hide_warnings_of_ray()
        yield


def _hide_warnings_of_ray() -> None:
    """Let Ray set up its data context without its warnings of its own settings, which some users make errors."""
    from ray.data import DataContext

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        DataContext.get_current()


def _without_samples(data: TrainingData) -> TrainingData:
    """Return the data without the samples in memory, which reach the workers as an array that they share."""
    own = data.samples
    if not isinstance(own, TensorData):
        return data
    return data.with_samples(TensorData(own.all_X[:0], own.codes, own.sample_weight))


def _pickled(job: Job) -> bytes:
    """Return what workers get, or say which parameter cannot be sent to another process.

    Raises
    ------
    InvalidParameterError
    """
    from ray import cloudpickle

    parts = {**job.classifier.get_params(deep=False), "X": job.data.samples}
    try:
        pickled: bytes = cloudpickle.dumps(job)
        return pickled
    except Exception as error:  # whatever objects raise that cannot be pickled
        for name, value in parts.items():
            try:
                cloudpickle.dumps(value)
            except Exception as own:
                raise InvalidParameterError(
                    f"{name!r} cannot be sent to the {job.classifier.n_workers} processes of 'n_workers': {own}. "
                    "Give an object that can be pickled, or set n_workers=1."
                ) from error
        raise


def _config(n_workers: int, job: bytes, data: TrainingData) -> dict[str, Any]:
    """Put into Ray's store what the workers get."""
    import ray

    samples = ray.put(data.samples.all_X.numpy()) if isinstance(data.samples, TensorData) else None
    n_nodes = sum(node["Alive"] for node in ray.nodes())
    n_threads = max(1, torch.get_num_threads() // -(-n_workers // n_nodes))
    return {"job": ray.put(job), "samples": samples, "n_threads": n_threads}


@contextmanager
def _own_and(others: list[tuple[type[Warning], str]]) -> Iterator[None]:
    """Give out what is warned of here and what the workers warned of, each once."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    own = [(entry.category, str(entry.message)) for entry in caught]
    for category, text in dict.fromkeys([*others, *own]):
        warnings.warn(text, category, stacklevel=5)
