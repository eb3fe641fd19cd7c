"""What to try of Filter-KD."""

from sklearn.base import BaseEstimator

from sweeps.spaces._base import Space, Suggestions
from sweeps.spaces._parts import suggest_training


class FilterKDSpace(Space):
    """Which teacher, how slowly it is filtered, at which temperature, learning rate and weight decay."""

    def suggest(self, trial: Suggestions, estimator: BaseEstimator) -> None:
        """See :meth:`Space.suggest`."""
        teacher = trial.suggest_categorical("teacher", ("filtered", "last", "label_smoothing"))
        if teacher == "filtered":
            trial.suggest_float("filter_alpha", 0.01, 0.5, log=True)
        if teacher == "label_smoothing":
            trial.suggest_float("label_smoothing", 0.05, 0.5)
        else:
            trial.suggest_float("temperature", 0.5, 4.0, log=True)
        suggest_training(trial, estimator)
