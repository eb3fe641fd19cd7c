"""Save the state of a training run after each epoch."""

from pathlib import Path
from typing import Any

import torch
from skorch.callbacks import Callback, EarlyStopping

from noisylabel._support.files import written_whole

CHECKPOINT_FILE = "checkpoint.pt"
_EARLY_STOPPING = ("misses_", "dynamic_threshold_", "best_epoch_", "best_model_weights_")


def callback_state(callback: Callback) -> dict[str, Any] | None:
    """Return what a callback must remember across a restart; None if it has nothing that we know of."""
    if hasattr(callback, "state_dict"):
        state: dict[str, Any] = callback.state_dict()
        return state
    if isinstance(callback, EarlyStopping):
        return {name: getattr(callback, name) for name in _EARLY_STOPPING}
    return None


def restore_callback(callback: Callback, state: dict[str, Any]) -> None:
    """Give a callback back what :func:`callback_state` returned."""
    if hasattr(callback, "load_state_dict"):
        callback.load_state_dict(state)
    else:
        vars(callback).update(state)


class TrainingCheckpoint(Callback):
    """Write everything that a training run needs to go on, after each epoch, into one file.

    The file is replaced as a whole: whatever kills the process, it holds the last complete epoch.

    Parameters
    ----------
    folder : Path
        Where ``checkpoint.pt`` goes.
    header : dict
        What else to keep in the file; numbers, texts, lists and dicts of them.
    """

    def __init__(self, folder: Path, header: dict[str, Any]) -> None:
        self.folder = folder
        self.header = header

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """Save; the last of the callbacks, so that the others have had their say about the epoch."""
        states = {name: callback_state(callback) for name, callback in net.callbacks_}
        states = {name: state for name, state in states.items() if state is not None}
        self._write({**self.header, "training": net.training_state(), "callbacks": states, "finished": False})

    def on_train_end(self, net: Any, **kwargs: Any) -> None:
        """Add the network that the run ends with, and mark it as over for those who watch it."""
        saved = torch.load(self.folder / CHECKPOINT_FILE, map_location="cpu", weights_only=True)
        self._write(saved | {"finished": True, "final": net.module_.state_dict()})

    def _write(self, content: dict[str, Any]) -> None:
        written_whole(self.folder / CHECKPOINT_FILE, lambda partial: torch.save(content, partial))
