"""What to try of MentorMix."""

from sklearn.base import BaseEstimator

from sweeps.spaces._base import Space, Suggestions
from sweeps.spaces._parts import suggest_curriculum, suggest_mixing, suggest_training


class MentorMixSpace(Space):
    """As :class:`MentorNetSpace`, and how strongly samples are mixed, and whether mixes are weighted too."""

    def suggest(self, trial: Suggestions, estimator: BaseEstimator) -> None:
        """See :meth:`Space.suggest`."""
        suggest_curriculum(trial)
        suggest_mixing(trial)
        suggest_training(trial, estimator)
