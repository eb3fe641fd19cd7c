"""skorch callbacks: they watch and record, and never touch the maths."""

from noisylabel.callbacks._best_epoch import BestEpoch
from noisylabel.callbacks._progress import EpochProgress
from noisylabel.callbacks._student_recorder import StudentRecorder

__all__ = ["BestEpoch", "EpochProgress", "StudentRecorder"]
