"""scikit-learn estimators that train on labels nobody trusts."""

from noisylabel.estimators._mentornet import MentorNetClassifier

__all__ = ["MentorNetClassifier"]
