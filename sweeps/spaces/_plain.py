"""What to try of plain training, the baseline."""

from sklearn.base import BaseEstimator

from sweeps.spaces._base import Space, Suggestions
from sweeps.spaces._parts import suggest_training


class PlainSpace(Space):
    """No curriculum: learning rate, weight decay, and the number of epochs.

    The number of epochs is what helps plain training most, as it learns wrong labels late. Stopping early by a
    scheduler would compare trials whose learning rates fall at different times; use ``scheduler="none"``.
    """

    def suggest(self, trial: Suggestions, estimator: BaseEstimator) -> None:
        """See :meth:`Space.suggest`."""
        trial.suggest_categorical("curriculum", ("uniform",))
        most = estimator.max_epochs
        trial.suggest_int("max_epochs", max(1, most // 12), most, log=True)
        suggest_training(trial, estimator)
