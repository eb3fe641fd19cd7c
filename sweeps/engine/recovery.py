"""The checkpoints of the trials: which there are, which one to go on from, which are needed no longer."""

import shutil
from pathlib import Path

from noisylabel.estimators import read_checkpoint
from noisylabel.exceptions import InvalidFileError
from noisylabel.nets import CHECKPOINT_FILE
from sweeps.engine.trials import Trial
from sweeps.trial.stages import read_stages
from sweeps.trial.training import checkpoint_name, keep_folder

TRIALS_FOLDER = "trials"  # below the sweep's
_KEPT = 2  # checkpoints of a trial


class Checkpoints:
    """The folders of checkpoints below a sweep's.

    A checkpoint may be gone or damaged. It is no harm: the trial goes on from the one before, or anew. One whose report
    is not in the log is not used, since the score of its epoch would be missing. Nothing in a file is run.

    Parameters
    ----------
    sweep : Path
        The folder of the sweep.
    """

    def __init__(self, sweep: Path) -> None:
        self.folder = sweep / TRIALS_FOLDER
        self._seen: set[Path] = set()  # that were found to be whole, or written under our eyes

    def of(self, trial: Trial) -> Path:
        """Return the folder of a trial's checkpoints."""
        return self.folder / trial.name

    def written(self, trial: Trial, name: str) -> None:
        """Note that a trial has just written a checkpoint, which need not be looked at again."""
        self._seen.add(self.of(trial) / name)

    def newest(self, trial: Trial) -> str | None:
        """Return the newest checkpoint of a trial that can be read, and forget those that cannot; None without any."""
        while trial.checkpoints:
            name = next(reversed(trial.checkpoints))
            path = self.of(trial) / name
            if path in self._seen or is_whole(path):
                self._seen.add(path)
                return name
            del trial.checkpoints[name]
        return None

    def copy(self, model: Trial, trial: Trial) -> bool:
        """Give a trial the newest checkpoint of another one, as its own newest; return whether there is one."""
        name = self.newest(model)
        if name is None:
            return False
        own = checkpoint_name(trial.n_checkpoints)
        keep_folder(self.of(model) / name, self.of(trial) / own)
        self.written(trial, own)
        trial.n_checkpoints += 1
        trial.checkpoints[own] = model.checkpoints[name]
        return True

    def prune(self, trial: Trial) -> None:
        """Remove what is needed no longer: all but two checkpoints, or all of a trial that is over."""
        if trial.is_over:
            trial.checkpoints.clear()
            shutil.rmtree(self.of(trial), ignore_errors=True)
        for name in list(trial.checkpoints)[:-_KEPT]:
            del trial.checkpoints[name]
            shutil.rmtree(self.of(trial) / name, ignore_errors=True)

    def names(self) -> list[str]:
        """Return the names of the trials that have a folder."""
        return [path.name for path in self.folder.iterdir()] if self.folder.is_dir() else []


def is_whole(folder: Path) -> bool:
    """Whether a folder holds at least one checkpoint (with a teacher there are two), and all of it can be read."""
    files = list(folder.rglob(CHECKPOINT_FILE))
    try:
        read_stages(folder)
        return len(files) > 0 and all(read_checkpoint(file.parent) is not None for file in files)
    except InvalidFileError:
        return False
