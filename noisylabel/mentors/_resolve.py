"""Mentors that ``curriculum=`` names: those that need more than losses, differences, labels and the time."""

import inspect
from typing import Any

from sklearn.base import clone

from noisylabel.exceptions import InvalidParameterError
from noisylabel.mentors._active_bias import ActiveBiasMentor
from noisylabel.mentors._base import Mentor
from noisylabel.mentors._learning_to_reweight import LearningToReweightMentor
from noisylabel.mentors._learning_to_teach import LearningToTeachMentor
from noisylabel.mentors._spld import SPLDMentor

#: From a name to its mentor.
NAMED: dict[str, type[Mentor]] = {
    "active_bias": ActiveBiasMentor,
    "learning_to_reweight": LearningToReweightMentor,
    "spld": SPLDMentor,
    "learning_to_teach": LearningToTeachMentor,
}


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
