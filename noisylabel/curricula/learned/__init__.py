"""How a MentorNet is learned: from a closed form, or from the losses of samples whose right label is known."""

from noisylabel.curricula.learned._features import MentorFeatures
from noisylabel.curricula.learned._fit import learn_mentornet
from noisylabel.curricula.learned._from_records import learn_from_records
from noisylabel.curricula.learned._grid import grid_features
from noisylabel.curricula.learned._imitation import imitation_error, learn_from_weights
from noisylabel.curricula.learned._records import read_records, record_features, write_records
from noisylabel.curricula.learned._teaching_policy import TeachingPolicy
from noisylabel.curricula.learned._trusted import learn_from_trusted, right_from_wrong
from noisylabel.curricula.learned._vstar import fit_error, learn_from_vstar

__all__ = [
    "MentorFeatures",
    "TeachingPolicy",
    "fit_error",
    "grid_features",
    "imitation_error",
    "learn_from_records",
    "learn_from_trusted",
    "learn_from_vstar",
    "learn_from_weights",
    "learn_mentornet",
    "read_records",
    "record_features",
    "right_from_wrong",
    "write_records",
]
