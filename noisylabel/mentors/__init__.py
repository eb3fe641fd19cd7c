"""Mentors: curricula with memory.

A mentor sees each batch once a training step and answers with weights. :class:`PercentileMentor` is the standard one.
"""

from noisylabel.mentors._active_bias import ActiveBiasMentor
from noisylabel.mentors._auto import AutoPercentileMentor
from noisylabel.mentors._base import Mentor, Observation, Trainee
from noisylabel.mentors._data_driven import DataDrivenMentor
from noisylabel.mentors._label_posterior import LabelPosteriorMentor
from noisylabel.mentors._learning_to_reweight import LearningToReweightMentor
from noisylabel.mentors._learning_to_teach import LearningToTeachMentor
from noisylabel.mentors._listening import ListeningMentor, tells_nothing
from noisylabel.mentors._mixed import MixedLossMentor
from noisylabel.mentors._percentile import PercentileMentor
from noisylabel.mentors._resolve import NAMED, resolve_mentor
from noisylabel.mentors._spld import SPLDMentor

MENTORS: dict[str, type[Mentor]] = {
    "percentile": PercentileMentor,
    "auto_percentile": AutoPercentileMentor,
    "data_driven": DataDrivenMentor,
    "label_posterior": LabelPosteriorMentor,
    "active_bias": ActiveBiasMentor,
    "learning_to_reweight": LearningToReweightMentor,
    "spld": SPLDMentor,
    "learning_to_teach": LearningToTeachMentor,
}

__all__ = [
    "MENTORS",
    "NAMED",
    "ActiveBiasMentor",
    "AutoPercentileMentor",
    "DataDrivenMentor",
    "LabelPosteriorMentor",
    "LearningToReweightMentor",
    "LearningToTeachMentor",
    "ListeningMentor",
    "Mentor",
    "MixedLossMentor",
    "Observation",
    "PercentileMentor",
    "SPLDMentor",
    "Trainee",
    "resolve_mentor",
    "tells_nothing",
]
