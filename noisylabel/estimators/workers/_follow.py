"""Follow the workers of a fit: their checkpoints, errors and losses, and an interrupt from here."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from noisylabel._support.files import write_whole
from noisylabel.callbacks import EpochProgress
from noisylabel.estimators.workers._posts import Ended, EpochEnded, Failed, Started
from noisylabel.estimators.workers._runs import Contents
from noisylabel.estimators.workers._worker import bare, work
from noisylabel.exceptions import NoisyLabelError
from noisylabel.nets import CHECKPOINT_FILE, log_epoch

_LOGGER = logging.getLogger(__name__)
_MOST_LOSSES = 3  # of workers, one after the other, without an epoch between them
_PATIENCE = 0.2  # seconds between two looks whether the workers are still there


class Following:
    """A training by workers, as the process that started them sees it.

    Parameters
    ----------
    clf : BaseNoisyLabelClassifier
    contents : dict of bytes
        The checkpoints to go on from.
    folder : Path or None
        Where checkpoints are written.

    Attributes
    ----------
    contents : dict of bytes
        The latest checkpoint of each run.
    is_interrupted : bool
        Whether training ended before its time, by Ctrl-C here or by a callback there.
    warnings : list of (class, str)
        What the workers warned of.
    """

    def __init__(self, clf: Any, contents: Contents, folder: Path | None) -> None:
        self.clf = clf
        self.contents = contents
        self.folder = folder
        self.is_interrupted = False
        self.warnings: list[tuple[type[Warning], str]] = []
        self._n_epochs = 0
        self._ended: Ended | None = None
        self._error: BaseException | None = None
        self._actors: list[Any] = []
        self._bars: dict[str, EpochProgress] = {}

    def train(self, config: dict[str, Any], on_gpu: bool, storage: str) -> None:
        """Train until the end or an interrupt; after the loss of a worker, go on from the last checkpoint.

        Raises
        ------
        NoisyLabelError
            If workers are lost again and again.
        Exception
            What training raised in a worker.
        """
        from ray.train import WorkerGroupError

        n_losses = 0
        while True:
            n_epochs = self._n_epochs
            failure = self._attempt(config, on_gpu, storage)
            if self._error is not None:
                raise self._error
            if self._ended is not None or self.is_interrupted:
                return
            if not isinstance(failure, WorkerGroupError):
                raise NoisyLabelError(f"Ray cannot train with 'n_workers' {self.clf.n_workers}: {failure}") from failure
            n_losses = 1 if self._n_epochs > n_epochs else n_losses + 1
            if n_losses > _MOST_LOSSES:
                raise NoisyLabelError(
                    f"Workers of {type(self.clf).__name__} were lost {n_losses} times without an epoch between them. "
                    f"Is there enough memory for {self.clf.n_workers}? Ray says: {failure}"
                ) from failure
            _LOGGER.warning("a worker was lost; training goes on from the last checkpoint (%s)", failure)

    def _attempt(self, config: dict[str, Any], on_gpu: bool, storage: str) -> BaseException | None:
        """Start the workers and take their posts until they have ended; return how Ray says that they failed."""
        import ray
        from ray.train import RunConfig, ScalingConfig
        from ray.train.torch import TorchTrainer
        from ray.util.queue import Queue

        queue = Queue(actor_options={"num_cpus": 0})
        trainer = TorchTrainer(
            work,
            train_loop_config={**config, "queue": queue, "contents": ray.put(self.contents)},
            scaling_config=ScalingConfig(num_workers=self.clf.n_workers, use_gpu=on_gpu),
            run_config=RunConfig(storage_path=storage),
        )
        fit = _InThread(trainer.fit)
        try:
            while fit.is_running():
                self._wait_for_post(queue, _PATIENCE)
        except KeyboardInterrupt:
            self.is_interrupted = True
            self._stop(queue, fit)
        except BaseException:  # such as of a full disk
            self.folder = None
            self._stop(queue, fit)
            raise
        while self._wait_for_post(queue, 0):
            pass
        queue.shutdown()
        return fit.error

    def _wait_for_post(self, queue: Any, seconds: float) -> bool:
        """Take a post, if one comes in time; return whether there was one."""
        from ray import cloudpickle
        from ray.util.queue import Empty

        try:
            post = cloudpickle.loads(queue.get(block=seconds > 0, timeout=seconds or None))
        except Empty:
            return False
        self.take(post)
        return True

    def take(self, post: Any) -> None:
        """Take what a worker tells."""
        if isinstance(post, Started):
            self._actors.append(post.actor)
        elif isinstance(post, EpochEnded):
            self._note(post)
        elif isinstance(post, Failed):
            self._error = self._error or post.error()
        elif isinstance(post, Ended):
            self._ended = post
            self.is_interrupted = post.is_interrupted
            self.warnings = post.warnings

    def _note(self, post: EpochEnded) -> None:
        """Keep the checkpoint, write it where one is wanted, and show the progress."""
        self.contents = {**self.contents, post.run: post.checkpoint}
        self._n_epochs += 1
        if self.folder is not None:
            write_whole(self.folder / post.run / CHECKPOINT_FILE, post.checkpoint)
        log_epoch(post.history[-1], len(post.history), post.n_epochs)
        if self.clf.verbose:
            net = SimpleNamespace(history=post.history, max_epochs=post.n_epochs)
            if post.run not in self._bars:
                name = type(self.clf).__name__
                self._bars[post.run] = EpochProgress(f"{post.run} of {name}" if post.run else name)
                self._bars[post.run].on_train_begin(net)
            self._bars[post.run].on_epoch_end(net)

    @contextmanager
    def showing(self) -> Iterator[None]:
        """Close, at the end of a ``with`` block, the bars that were shown."""
        try:
            yield
        finally:
            for bar in self._bars.values():
                bar.on_train_end(None)

    def _stop(self, queue: Any, fit: "_InThread") -> None:
        """End the workers now; those that have not started yet, as soon as they do."""
        import ray

        while fit.is_running():
            for actor in self._actors:
                ray.kill(actor)
            self._actors.clear()
            self._wait_for_post(queue, _PATIENCE)

    def give_back_callbacks(self) -> None:
        """Let the user's callbacks have the attributes that the first worker's have in the end."""
        from ray import cloudpickle

        states = [] if self._ended is None else self._ended.callbacks
        for entry, state in zip(self.clf.callbacks or [], states, strict=False):
            vars(bare(entry)).update({name: cloudpickle.loads(value) for name, value in state.items()})


class _InThread:
    """A call in a thread of its own, where Ray leaves the signals of this process alone.

    Attributes
    ----------
    error : BaseException or None
        What it raised.
    """

    def __init__(self, call: Any) -> None:
        self.error: BaseException | None = None
        self._call = call
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._call()
        except BaseException as error:
            self.error = error

    def is_running(self) -> bool:
        """Whether the call has not returned."""
        return self._thread.is_alive()
