"""How a MentorNet is learned: from a closed form, or from the losses of samples whose right label is known."""

from noisylabel.learning._features import MentorFeatures
from noisylabel.learning._fit import learn_mentornet
from noisylabel.learning._from_records import learn_from_records
from noisylabel.learning._grid import grid_features
from noisylabel.learning._records import read_records, record_features, write_records
from noisylabel.learning._trusted import learn_from_trusted, right_from_wrong
from noisylabel.learning._vstar import fit_error, learn_from_vstar

__all__ = [
    "MentorFeatures",
    "fit_error",
    "grid_features",
    "learn_from_records",
    "learn_from_trusted",
    "learn_from_vstar",
    "learn_mentornet",
    "read_records",
    "record_features",
    "right_from_wrong",
    "write_records",
]
