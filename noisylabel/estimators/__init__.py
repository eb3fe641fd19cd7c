"""scikit-learn estimators that train on labels nobody trusts."""

from noisylabel.estimators._filterkd import FilterKDClassifier
from noisylabel.estimators._load_checkpoint import load_checkpoint
from noisylabel.estimators._mentormix import MentorMixClassifier
from noisylabel.estimators._mentornet import MentorNetClassifier
from noisylabel.estimators._presets import PRESETS

__all__ = ["PRESETS", "FilterKDClassifier", "MentorMixClassifier", "MentorNetClassifier", "load_checkpoint"]
