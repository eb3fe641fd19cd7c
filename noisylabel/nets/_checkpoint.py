"""The file that a training run leaves after each epoch."""

from pathlib import Path
from typing import Any

import torch
from skorch.callbacks import Callback, EarlyStopping

from noisylabel._support.files import reading, save_whole

CHECKPOINT_FILE = "checkpoint.pt"
CHECKPOINT_FORMAT = 1  # one more whenever what is in the file changes
_EARLY_STOPPING = ("misses_", "dynamic_threshold_", "best_epoch_", "best_model_weights_")


class Checkpoint:
    """Everything that a training run needs to go on; here in memory, and never written.

    Parameters
    ----------
    header : dict
        What run it is, and how to predict with it; numbers, texts, lists and dicts of them.
    content : dict, optional
        What an earlier run left: this one goes on from there. None starts anew.
    is_final : bool, default=False
        Whether the run ends with that content, in the middle as after an interrupt or at its end.

    Attributes
    ----------
    path : Path or None
        The file; None if there is none.
    """

    path: Path | None = None

    def __init__(self, header: dict[str, Any], content: dict[str, Any] | None = None, is_final: bool = False) -> None:
        self.header = header
        self.content = content
        self.is_final = is_final

    def take_content(self) -> dict[str, Any] | None:
        """Return what the file held, and let go of it: a run has a network's size of memory for other things."""
        content = self.content
        if not self.is_final:
            self.content = None
        return content

    def read(self) -> dict[str, Any] | None:
        """Return the state of the last epoch, as far as it is known here; None if there was none yet."""
        return self.content

    def save(self, state: dict[str, Any]) -> None:
        """Take the state after an epoch."""

    def finish(self, final: dict[str, Any]) -> None:
        """Take the network that the run ends with."""


class CheckpointFile(Checkpoint):
    """A checkpoint in one file.

    The file is replaced as a whole: whatever kills the process, it holds the last complete epoch.

    Parameters
    ----------
    folder : Path
        Where ``checkpoint.pt`` goes.
    header, content, is_final
        As of :class:`Checkpoint`; the content is what the file holds.
    """

    def __init__(
        self, folder: Path, header: dict[str, Any], content: dict[str, Any] | None = None, is_final: bool = False
    ) -> None:
        super().__init__(header, content, is_final)
        self.path = self._file = folder / CHECKPOINT_FILE

    def save(self, state: dict[str, Any]) -> None:
        """Replace the file by the state after an epoch."""
        save_whole(self._file, {**self.header, **state, "finished": False})

    def read(self) -> dict[str, Any] | None:
        """Return the state that the file holds; None if there is no file yet."""
        if not self._file.exists():
            return None
        with reading(self._file, "checkpoint of noisylabel"):
            saved: dict[str, Any] = torch.load(self._file, map_location="cpu", weights_only=True)
        return saved

    def finish(self, final: dict[str, Any]) -> None:
        """Add the network that the run ends with, and mark it as over for those who watch it."""
        saved = self.read()
        assert saved is not None
        save_whole(self._file, saved | {"finished": True, "final": final})


def callback_states(callbacks: list[tuple[str, Callback]]) -> dict[str, Any]:
    """Return, by name, what callbacks must remember across a restart, as far as we know of it."""
    states = {name: _state_of(callback) for name, callback in callbacks}
    return {name: state for name, state in states.items() if state is not None}


def restore_callbacks(callbacks: list[tuple[str, Callback]], states: dict[str, Any]) -> None:
    """Give callbacks back what :func:`callback_states` returned."""
    for name, callback in callbacks:
        if name not in states:
            continue
        if hasattr(callback, "load_state_dict"):
            callback.load_state_dict(states[name])
        else:
            vars(callback).update(states[name])


def _state_of(callback: Callback) -> dict[str, Any] | None:
    if hasattr(callback, "state_dict"):
        state: dict[str, Any] = callback.state_dict()
        return state
    if isinstance(callback, EarlyStopping):
        return {name: getattr(callback, name) for name in _EARLY_STOPPING}
    return None
