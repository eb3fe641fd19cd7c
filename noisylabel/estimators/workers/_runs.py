"""Runs whose checkpoints are in memory: those of the workers, and those that end with what the workers left."""

import io
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from noisylabel.estimators._run import SavedRun
from noisylabel.estimators.inputs._training_data import TrainingData
from noisylabel.estimators.saving._checkpoints import check_same_run, checkpoint_header
from noisylabel.estimators.workers._posts import EpochEnded
from noisylabel.nets import Checkpoint, CheckpointFile

Contents = dict[str, bytes]  # of checkpoints, by the name of the run; "" is the main one
Post = Callable[[Any], None]


class PostedCheckpoint(Checkpoint):
    """A checkpoint that is sent away after each epoch.

    Parameters
    ----------
    header, content
        As of :class:`Checkpoint`.
    run : str
        See :class:`EpochEnded`.
    post : callable
        Where to send it.
    """

    def __init__(self, header: dict[str, Any], content: dict[str, Any] | None, run: str, post: Post) -> None:
        super().__init__(header, content)
        self.run = run
        self.post = post

    def save(self, state: dict[str, Any]) -> None:
        """See :meth:`Checkpoint.save`."""
        history = json.loads(state["training"]["history"])
        content = to_bytes({**self.header, **state, "finished": False})
        self.post(EpochEnded(self.run, history, self.header["max_epochs"], content))


class HeldRun(SavedRun):
    """A run that goes on from a checkpoint in memory, or starts anew with a seed that is given.

    Parameters
    ----------
    contents : dict of bytes
        The checkpoints of this run and those below.
    first_seed : int
        Of a run that has none.
    name : str
        Empty for the main run.
    folder : Path, optional
        Where the checkpoint is, for messages.
    """

    def __init__(self, contents: Contents, first_seed: int, name: str = "", folder: Path | None = None) -> None:
        super().__init__(folder, from_bytes(contents[name]) if name in contents else None)
        self.contents = contents
        self.first_seed = first_seed
        self.name = name

    def seed(self, random_state: Any) -> int:
        """See :meth:`SavedRun.seed`."""
        return self.first_seed if self.content is None else int(self.content["seed"])

    def _below(self, name: str) -> dict[str, Any]:
        folder = None if self.folder is None else self.folder / name
        return {"contents": self.contents, "first_seed": self.first_seed, "name": name, "folder": folder}

    def _header(self, estimator: Any, seed: int, data: TrainingData) -> dict[str, Any]:
        header = checkpoint_header(estimator, seed, data)
        if self.content is not None and self.folder is not None:
            check_same_run(self.content, header, self.folder, type(estimator))
        return header


class WorkersRun(HeldRun):
    """A run as a worker sees it; the first worker posts the checkpoints."""

    def __init__(self, *args: Any, post: Post | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.post = post

    @contextmanager
    def below(self, name: str) -> Iterator[SavedRun]:
        """See :meth:`SavedRun.below`."""
        yield WorkersRun(**self._below(name), post=self.post)

    def file_for(self, estimator: Any, seed: int, data: TrainingData) -> Checkpoint:
        """See :meth:`SavedRun.file_for`."""
        header = self._header(estimator, seed, data)
        content, self.content = self.content, None
        return (
            Checkpoint(header, content)
            if self.post is None
            else PostedCheckpoint(header, content, self.name, self.post)
        )


class FinalRun(HeldRun):
    """A run that the workers have brought to its end, or to an interrupt."""

    @contextmanager
    def below(self, name: str) -> Iterator[SavedRun]:
        """See :meth:`SavedRun.below`."""
        yield FinalRun(**self._below(name))

    def file_for(self, estimator: Any, seed: int, data: TrainingData) -> Checkpoint:
        """See :meth:`SavedRun.file_for`."""
        header = self._header(estimator, seed, data)
        content, self.content = self.content, None
        if self.folder is None:
            return Checkpoint(header, content, is_final=True)
        return CheckpointFile(self.folder, header, content, is_final=True)


def to_bytes(content: dict[str, Any]) -> bytes:
    """Return what a file of a checkpoint would hold."""
    file = io.BytesIO()
    torch.save(content, file)
    return file.getvalue()


def from_bytes(saved: bytes) -> dict[str, Any]:
    """Return a checkpoint; nothing in it is run."""
    content: dict[str, Any] = torch.load(io.BytesIO(saved), map_location="cpu", weights_only=True)
    return content
