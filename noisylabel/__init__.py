"""Train deep classifiers on labels nobody trusts."""

import logging

from noisylabel.estimators import FilterKDClassifier, MentorMixClassifier, MentorNetClassifier, load, load_checkpoint
from noisylabel.noise import corrupt

__version__ = "0.1.0"

logging.getLogger(__name__).addHandler(logging.NullHandler())  # silent, unless the user listens

__all__ = [
    "FilterKDClassifier",
    "MentorMixClassifier",
    "MentorNetClassifier",
    "__version__",
    "corrupt",
    "load",
    "load_checkpoint",
]
