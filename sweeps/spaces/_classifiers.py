"""The spaces of the classifiers: what to try of each."""

from sklearn.base import BaseEstimator

from noisylabel.curricula import SPCLLinear
from noisylabel.losses import LOSSES
from sweeps.spaces._base import Space, Suggestions
from sweeps.spaces._parts import suggest_curriculum, suggest_mixing, suggest_training

#: Grid for ``GridSearchCV(MentorNetClassifier(), MENTORNET_GRID)``: the default, plain training, and named curricula.
MENTORNET_GRID: list[dict[str, list[object]]] = [
    {"curriculum": ["auto"], "loss_percentile": ["auto"], "burn_in": [10, 18, 30]},
    {"curriculum": ["uniform"]},
    {
        "curriculum": ["self_paced", "mentornet_pd", SPCLLinear(gamma=1.0), SPCLLinear(gamma=2.0)],
        "loss_percentile": ["auto", 0.5, 0.7, 0.9],
        "burn_in": [10, 18, 30],
    },
]


class MentorNetSpace(Space):
    """Which curriculum, the default among them, at which percentile, burn-in, dropout, learning rate and decay.

    The loss is drawn only if the limits name some: ``limits={"loss": ["cross_entropy", "gce"]}``.
    """

    def suggest(self, trial: Suggestions, estimator: BaseEstimator) -> None:
        """See :meth:`Space.suggest`."""
        suggest_curriculum(trial, estimator)
        if "loss" in trial.limits:
            trial.suggest_categorical("loss", tuple(LOSSES))
        suggest_training(trial, estimator)


class MentorMixSpace(Space):
    """As :class:`MentorNetSpace`, and how strongly samples are mixed, and whether mixes are weighted too."""

    def suggest(self, trial: Suggestions, estimator: BaseEstimator) -> None:
        """See :meth:`Space.suggest`."""
        suggest_mixing(trial, suggest_curriculum(trial, estimator))
        suggest_training(trial, estimator)


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
