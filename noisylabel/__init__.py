"""Train deep classifiers on labels nobody trusts."""

from noisylabel.estimators import MentorMixClassifier, MentorNetClassifier, load_checkpoint
from noisylabel.noise import corrupt

__version__ = "0.1.0"

__all__ = ["MentorMixClassifier", "MentorNetClassifier", "__version__", "corrupt", "load_checkpoint"]
