"""Mentors: curricula with memory.

A mentor sees each batch once a training step and answers with weights. :class:`PercentileMentor` is the standard one.
"""

import inspect
from typing import Any

from sklearn.base import clone

from noisylabel.exceptions import InvalidParameterError
from noisylabel.mentors._active_bias import ActiveBiasMentor
from noisylabel.mentors._auto import AutoPercentileMentor
from noisylabel.mentors._base import Mentor, Observation, Trainee
from noisylabel.mentors._data_driven import DataDrivenMentor
from noisylabel.mentors._fidelity_weighted import FidelityWeightedMentor
from noisylabel.mentors._label_posterior import LabelPosteriorMentor
from noisylabel.mentors._learning_to_reweight import LearningToReweightMentor
from noisylabel.mentors._learning_to_teach import LearningToTeachMentor
from noisylabel.mentors._listening import ListeningMentor, tells_nothing
from noisylabel.mentors._mixed import MixedLossMentor
from noisylabel.mentors._percentile import PercentileMentor
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
    "fidelity_weighted": FidelityWeightedMentor,
}

#: From a name to its mentor.
NAMED: dict[str, type[Mentor]] = {
    "active_bias": ActiveBiasMentor,
    "learning_to_reweight": LearningToReweightMentor,
    "spld": SPLDMentor,
    "learning_to_teach": LearningToTeachMentor,
    "fidelity_weighted": FidelityWeightedMentor,
}

__all__ = [
    "MENTORS",
    "NAMED",
    "ActiveBiasMentor",
    "AutoPercentileMentor",
    "DataDrivenMentor",
    "FidelityWeightedMentor",
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


def resolve_mentor(curriculum: Any) -> Mentor | None:
    """Return a new mentor if a curriculum is one, or the name of one; None if it is something else.

    Parameters
    ----------
    curriculum : object
        A name in :data:`NAMED` or a :class:`Mentor`, of which the mentor is a copy.

    Raises
    ------
    InvalidParameterError
        If it is the class of a mentor.
    """
    if isinstance(curriculum, Mentor):
        copied: Mentor = clone(curriculum)
        return copied
    if inspect.isclass(curriculum) and issubclass(curriculum, Mentor):
        raise InvalidParameterError(
            f"'curriculum' got the class {curriculum.__name__}. Pass an object: {curriculum.__name__}()."
        )
    return NAMED[curriculum]() if isinstance(curriculum, str) and curriculum in NAMED else None
