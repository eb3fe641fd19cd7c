"""Curricula: what a sample's loss says about its weight.

A curriculum turns loss, loss difference, label and percent of training into a weight in [0, 1]. It keeps nothing
between batches; what has memory (moving percentile, burn-in, drop-out) lives in :mod:`noisylabel.mentors`.
"""

from noisylabel.curricula._base import Curriculum
from noisylabel.curricula._callable import CallableCurriculum
from noisylabel.curricula._focal import Focal
from noisylabel.curricula._mentornet_pd import MentorNetPD
from noisylabel.curricula._resolve import CURRICULA, resolve_curriculum
from noisylabel.curricula._robust import L1L2, Cauchy, Huber, Welsch
from noisylabel.curricula._schedule import CurriculumSchedule
from noisylabel.curricula._spcl import SPCLLinear, SPCLLogarithmic, SPCLMixture, SPCLPolynomial
from noisylabel.curricula._thresholds import HardExampleMining, SelfPaced, Uniform
from noisylabel.curricula.learned._data_driven import DataDriven
from noisylabel.curricula.learned._files import list_zoo
from noisylabel.curricula.learned._mentornet import MentorNet
from noisylabel.curricula.learned._network import MentorNetwork

__all__ = [
    "CURRICULA",
    "L1L2",
    "CallableCurriculum",
    "Cauchy",
    "Curriculum",
    "CurriculumSchedule",
    "DataDriven",
    "Focal",
    "HardExampleMining",
    "Huber",
    "MentorNet",
    "MentorNetPD",
    "MentorNetwork",
    "SPCLLinear",
    "SPCLLogarithmic",
    "SPCLMixture",
    "SPCLPolynomial",
    "SelfPaced",
    "Uniform",
    "Welsch",
    "list_zoo",
    "resolve_curriculum",
]
