"""The processes that train: actors of Ray, each of which trains one trial after the other."""

import math
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import ray
import torch
from ray import cloudpickle
from ray.exceptions import RayError, RayTaskError

from noisylabel.exceptions import NoisyLabelError
from sweeps.engine.trials import Trial
from sweeps.trial.channel import Channel, Halted
from sweeps.trial.training import Setup, Task, failure, train_trial

_REPORT_SECONDS = 0.5  # after which reports are sent that are not urgent
_LOOK_SECONDS = 1.0  # after which machines that have come or gone are noticed
_FAILED_STARTS = 8  # workers in a row that die before they are ready
_OPTIONS = {"cpu": "num_cpus", "gpu": "num_gpus", "memory": "memory"}
_RAY_NAMES = {"cpu": "CPU", "gpu": "GPU"}


class Worker:
    """What runs in the process: a thread trains, while the process answers the driver.

    Parameters
    ----------
    pickled : bytes
        The setup, as cloudpickle has it; :meth:`read` reads it.
    data : dict of ndarray
        In Ray's object store; all workers of a machine share it.
    """

    def __init__(self, pickled: bytes, data: dict[str, Any]) -> None:
        self.pickled = pickled
        self.data = data
        self.channel = Channel()
        self.thread = threading.Thread()
        torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))])  # loads much of torch, which no trial's time shall hold

    def reports(self) -> list[dict[str, Any]]:
        """Return what the training has reported since the last call, at the latest after half a second."""
        return self.channel.take(_REPORT_SECONDS)

    def train(self, task: Task) -> list[dict[str, Any]]:
        """Begin to train a trial."""
        self.channel = Channel()
        self.thread = threading.Thread(target=self._train, args=(task, self.channel), name=task.name, daemon=True)
        self.thread.start()
        return self.reports()

    def go_on(self) -> list[dict[str, Any]]:
        """Let the training that asked go on."""
        self.channel.answer(True)
        return self.reports()

    def halt(self) -> list[dict[str, Any]]:
        """End the training that asked, and return no reports."""
        self.channel.answer(False)
        self.thread.join()
        return []

    def read(self) -> list[dict[str, Any]]:
        """Read the setup, and return no reports; if it cannot be read here, one that says why."""
        try:
            self.setup: Setup = cloudpickle.loads(self.pickled)
        except Exception as error:
            return [{"unreadable": f"{type(error).__name__}: {error}"}]
        return []

    def _train(self, task: Task, channel: Channel) -> None:
        try:
            final = train_trial(task, self.setup, self.data, channel)
        except Halted:
            return
        except BaseException as error:  # such as a student that ends the process; it ends its thread only
            final = failure(error)
        channel.report(final, urgent=True)


@dataclass(eq=False)
class Slot:
    """A worker, and the call to it whose answer is awaited.

    Attributes
    ----------
    actor, call : Ray's
    is_ready : bool
        Whether it can be given a trial.
    trial : Trial or None
        What it trains.
    """

    actor: Any
    call: Any
    is_ready: bool = False
    trial: Trial | None = None


class Pool:
    """The workers on all machines.

    Parameters
    ----------
    resources : mapping
        Of each worker, such as ``{"cpu": 1, "gpu": 0.25}``.
    setup : Setup
    data : dict of ndarray
    may_grow : bool
        Ask for one worker more than there is room for, so that a cluster that can grow does so.
    """

    def __init__(self, resources: Mapping[str, float], setup: Setup, data: dict[str, Any], may_grow: bool) -> None:
        self.resources = {name: amount for name, amount in resources.items() if amount}
        known = {"num_cpus": 0} | {_OPTIONS[name]: n for name, n in self.resources.items() if name in _OPTIONS}
        others = {name: amount for name, amount in self.resources.items() if name not in _OPTIONS}
        self.worker = ray.remote(Worker).options(**known, resources=others)
        self.shared = ray.put(cloudpickle.dumps(setup)), ray.put(data)
        self.may_grow = may_grow
        self.slots: list[Slot] = []
        self._n_failed_starts = 0
        self._room, self._room_at = 0, -math.inf

    def resize(self, n_trials: int) -> None:
        """Have as many workers as there is room for, and no more than trials."""
        if time.monotonic() - self._room_at > _LOOK_SECONDS:
            self._room, self._room_at = room_for(self.resources), time.monotonic()
        wanted = min(n_trials, self._room + self.may_grow)
        idle = [slot for slot in self.slots if slot.trial is None]
        for slot in idle[: max(0, len(self.slots) - wanted)]:
            self._drop(slot)
        while len(self.slots) < wanted:
            actor = self.worker.remote(*self.shared)
            self.slots.append(Slot(actor, actor.read.remote()))

    def idle(self) -> list[Slot]:
        """Return the workers that have nothing to do."""
        return [slot for slot in self.slots if slot.is_ready and slot.trial is None]

    def train(self, slot: Slot, trial: Trial, task: Task) -> None:
        """Let a worker train a trial."""
        slot.trial = trial
        slot.call = slot.actor.train.remote(task)

    def wait(self, seconds: float) -> list[tuple[Slot, list[dict[str, Any]] | None]]:
        """Return the workers that have answered, with the reports; None if a worker has died, which is then gone.

        Raises
        ------
        NoisyLabelError
            If no worker can start.
        """
        calls = {slot.call: slot for slot in self.slots if slot.trial is not None or not slot.is_ready}
        if not calls:
            time.sleep(seconds)
            return []
        ray.wait(list(calls), timeout=seconds)
        answered, _ = ray.wait(list(calls), num_returns=len(calls), timeout=0)
        return [(calls[call], self._answer(calls[call])) for call in answered]

    def _answer(self, slot: Slot) -> list[dict[str, Any]] | None:
        try:
            reports: list[dict[str, Any]] = ray.get(slot.call)
        except RayTaskError:
            raise
        except RayError as error:
            self._drop(slot)
            self._n_failed_starts = 0 if slot.is_ready else self._n_failed_starts + 1
            if self._n_failed_starts > _FAILED_STARTS:
                raise NoisyLabelError(f"The processes of the trials die before they are ready: {error}") from error
            return None
        if reports and "unreadable" in reports[0]:
            why = reports[0]["unreadable"]
            raise NoisyLabelError(
                f"A worker process cannot read the estimator or the scoring ({why}). Put the module into an "
                "installed package or on the PYTHONPATH of the machines where Ray was started."
            )
        slot.is_ready, self._n_failed_starts = True, 0
        return reports

    def listen(self, slot: Slot, answers: bool = False) -> None:
        """Ask a worker for further reports; if its training waits for an answer, let it go on."""
        slot.call = slot.actor.go_on.remote() if answers else slot.actor.reports.remote()

    def halt(self, slot: Slot) -> None:
        """End the training that waits for an answer; the worker is idle a little later."""
        slot.trial, slot.is_ready, slot.call = None, False, slot.actor.halt.remote()

    def close(self) -> None:
        """End all workers."""
        for slot in list(self.slots):
            self._drop(slot)

    def _drop(self, slot: Slot) -> None:
        self.slots.remove(slot)
        ray.kill(slot.actor)


def room_for(resources: Mapping[str, float]) -> int:
    """Return how many trials with these resources fit on the machines that are there."""
    wanted = {_RAY_NAMES.get(name, name): amount for name, amount in resources.items() if amount}
    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    fits = (min(node.get(name, 0) / amount for name, amount in wanted.items()) for node in nodes)
    return sum(math.floor(n + 1e-9) for n in fits)
