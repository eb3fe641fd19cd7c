"""From what users write for a curriculum to an object."""

import inspect
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from noisylabel._support.validation import check_choice
from noisylabel.curricula._base import Curriculum
from noisylabel.curricula._callable import CallableCurriculum
from noisylabel.curricula._closed_forms import CLOSED_FORMS
from noisylabel.curricula._schedule import CurriculumSchedule
from noisylabel.curricula.learned._data_driven import DataDriven
from noisylabel.curricula.learned._mentornet import MentorNet
from noisylabel.exceptions import InvalidParameterError

CURRICULA: dict[str, Callable[[], Curriculum]] = {
    **CLOSED_FORMS,
    "mentornet_dd": partial(MentorNet.from_zoo, "mentornet_dd"),
    "data_driven": DataDriven,
}


def resolve_curriculum(curriculum: str | Path | Curriculum | Callable[..., Any]) -> Curriculum:
    """Turn a name, a file, a :class:`Curriculum` or a function into a :class:`Curriculum`.

    Parameters
    ----------
    curriculum : str, Path, Curriculum or callable
        A name in :data:`CURRICULA`, ``"zoo:NAME"`` for a MentorNet that comes with the package, the path of a learned
        one (``.safetensors``), an object, or a function of (loss, loss_diff, label, epoch_percent). Several in turn as
        ``"self_paced,40,mentornet_pd,60"``, each with its percent of training: see :class:`CurriculumSchedule`.

    Raises
    ------
    InvalidParameterError
        If a name is unknown (the message has the nearest one) or the type is wrong.
    InvalidFileError
        If a file is missing or no MentorNet.

    Examples
    --------
    >>> resolve_curriculum("self_paced")
    SelfPaced()
    """
    if isinstance(curriculum, Curriculum):
        return curriculum
    if isinstance(curriculum, str) and "," in curriculum:
        return _parse_schedule(curriculum)
    if isinstance(curriculum, Path) or (isinstance(curriculum, str) and curriculum.endswith(".safetensors")):
        return MentorNet.load(curriculum)
    if isinstance(curriculum, str) and curriculum.startswith("zoo:"):
        return MentorNet.from_zoo(curriculum.removeprefix("zoo:"))
    if isinstance(curriculum, str):
        return CURRICULA[check_choice("curriculum", curriculum, CURRICULA)]()
    if inspect.isclass(curriculum):
        raise InvalidParameterError(
            f"'curriculum' got the class {curriculum.__name__}. Pass an object: {curriculum.__name__}()."
        )
    if callable(curriculum):
        return CallableCurriculum(curriculum)
    raise InvalidParameterError(
        "'curriculum' must be a name, a MentorNet's file, a Curriculum or a function of (loss, loss_diff, label, "
        f"epoch_percent). Got {curriculum!r}."
    )


def _parse_schedule(text: str) -> CurriculumSchedule:
    """Return the schedule that a text ``"name,percent,name,percent,..."`` describes."""
    parts = [part.strip() for part in text.split(",")]
    names, percents = parts[::2], parts[1::2]
    if len(names) != len(percents) or not all(p.isdecimal() and int(p) > 0 for p in percents):
        raise InvalidParameterError(
            f"'curriculum' got the schedule {text!r}. Write 'name,percent,name,percent,...' with whole percents of "
            "training that add up to 100: 'self_paced,40,mentornet_pd,60'."
        )
    if sum(map(int, percents)) != 100:
        raise InvalidParameterError(
            f"'curriculum' got the schedule {text!r}, which covers {sum(map(int, percents))} percent of training. The "
            "percents must add up to 100."
        )
    return CurriculumSchedule(
        [(resolve_curriculum(name), int(percent)) for name, percent in zip(names, percents, strict=True)]
    )
