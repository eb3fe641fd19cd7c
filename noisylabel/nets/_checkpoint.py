"""The file that a training run leaves after each epoch."""

from pathlib import Path
from typing import Any

import torch
from skorch.callbacks import Callback, EarlyStopping

from noisylabel._support.files import reading, save_whole

CHECKPOINT_FILE = "checkpoint.pt"
CHECKPOINT_FORMAT = 1  # one more whenever what is in the file changes
_EARLY_STOPPING = ("misses_", "dynamic_threshold_", "best_epoch_", "best_model_weights_")


class CheckpointFile:
    """Everything that a training run needs to go on, in one file.

    The file is replaced as a whole: whatever kills the process, it holds the last complete epoch.

    Parameters
    ----------
    folder : Path
        Where ``checkpoint.pt`` goes.
    header : dict
        What run it is, and how to predict with it; numbers, texts, lists and dicts of them.
    content : dict, optional
        What the file holds: the run goes on from there. None starts anew.
    """

    def __init__(self, folder: Path, header: dict[str, Any], content: dict[str, Any] | None = None) -> None:
        self.path = folder / CHECKPOINT_FILE
        self.header = header
        self.content = content

    def take_content(self) -> dict[str, Any] | None:
        """Return what the file held, and let go of it: a run has a network's size of memory for other things."""
        content, self.content = self.content, None
        return content

    def save(self, state: dict[str, Any]) -> None:
        """Replace the file by the state after an epoch."""
        save_whole(self.path, {**self.header, **state, "finished": False})

    def read(self) -> dict[str, Any] | None:
        """Return the state that the file holds; None if there is no file yet."""
        if not self.path.exists():
            return None
        with reading(self.path, "checkpoint of noisylabel"):
            saved: dict[str, Any] = torch.load(self.path, map_location="cpu", weights_only=True)
        return saved

    def finish(self, final: dict[str, Any]) -> None:
        """Add the network that the run ends with, and mark it as over for those who watch it."""
        saved = self.read()
        assert saved is not None
        save_whole(self.path, saved | {"finished": True, "final": final})


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
