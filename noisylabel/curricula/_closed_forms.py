"""The curricula that are a formula, by name."""

from collections.abc import Callable
from typing import Any

from noisylabel._support.validation import check_choice
from noisylabel.curricula._base import Curriculum
from noisylabel.curricula._callable import CallableCurriculum
from noisylabel.curricula._focal import Focal
from noisylabel.curricula._mentornet_pd import MentorNetPD
from noisylabel.curricula._robust import L1L2, Cauchy, Huber, Welsch
from noisylabel.curricula._spcl import SPCLLinear, SPCLLogarithmic, SPCLMixture, SPCLPolynomial
from noisylabel.curricula._thresholds import HardExampleMining, SelfPaced, Uniform

CLOSED_FORMS: dict[str, Callable[[], Curriculum]] = {
    "uniform": Uniform,
    "baseline": Uniform,  # its name in the MentorNet tables
    "self_paced": SelfPaced,
    "spcl_linear": SPCLLinear,
    "spcl_logarithmic": SPCLLogarithmic,
    "spcl_mixture": SPCLMixture,
    "spcl_polynomial": SPCLPolynomial,
    "hard_example_mining": HardExampleMining,
    "focal": Focal,
    "focal_loss": Focal,  # its name in the MentorNet tables
    "mentornet_pd": MentorNetPD,
    "huber": Huber,
    "cauchy": Cauchy,
    "l1_l2": L1L2,
    "welsch": Welsch,
}


def resolve_closed_form(vstar: str | Curriculum | Callable[..., Any]) -> Curriculum:
    """Turn the name of a closed form, a :class:`Curriculum` or a function into a :class:`Curriculum`.

    Raises
    ------
    InvalidParameterError
        If the name is unknown.
    """
    if isinstance(vstar, Curriculum):
        return vstar
    return CallableCurriculum(vstar) if callable(vstar) else CLOSED_FORMS[check_choice("vstar", vstar, CLOSED_FORMS)]()
