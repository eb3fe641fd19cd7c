"""skorch callbacks: they watch and record, and never touch the maths."""

from noisylabel.callbacks._learning_paths import LearningPaths
from noisylabel.callbacks._mentor_recorder import MentorRecorder
from noisylabel.callbacks._progress import EpochProgress
from noisylabel.callbacks._student_recorder import StudentRecorder

__all__ = [
    "EpochProgress",
    "LearningPaths",
    "MentorRecorder",
    "StudentRecorder",
]
