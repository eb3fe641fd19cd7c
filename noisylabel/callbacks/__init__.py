"""skorch callbacks: they watch and record, and never touch the maths."""

from noisylabel.callbacks._best_epoch import BestEpoch
from noisylabel.callbacks._checkpoint import CHECKPOINT_FILE, TrainingCheckpoint, restore_callback
from noisylabel.callbacks._learning_paths import LearningPaths
from noisylabel.callbacks._progress import EpochProgress
from noisylabel.callbacks._student_recorder import StudentRecorder

__all__ = [
    "CHECKPOINT_FILE",
    "BestEpoch",
    "EpochProgress",
    "LearningPaths",
    "StudentRecorder",
    "TrainingCheckpoint",
    "restore_callback",
]
