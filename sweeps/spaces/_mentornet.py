"""What to try of MentorNet."""

from sklearn.base import BaseEstimator

from noisylabel.curricula import SPCLLinear
from noisylabel.losses import LOSSES
from sweeps.spaces._base import Space, Suggestions
from sweeps.spaces._parts import suggest_curriculum, suggest_training

#: Grid for ``GridSearchCV(MentorNetClassifier(), MENTORNET_GRID)``; without noise-rate knowledge 0.5 to 0.9 covers it.
MENTORNET_GRID: dict[str, list[object]] = {
    "curriculum": ["uniform", "self_paced", "mentornet_pd", SPCLLinear(gamma=1.0), SPCLLinear(gamma=2.0)],
    "loss_percentile": ["auto", 0.5, 0.7, 0.9],
    "burn_in": [10, 18, 30],
}


class MentorNetSpace(Space):
    """Which MentorNet, pre-defined or learned, at which percentile, burn-in, dropout, learning rate and decay.

    The loss is drawn only if the limits name some: ``limits={"loss": ["cross_entropy", "gce"]}``.
    """

    def suggest(self, trial: Suggestions, estimator: BaseEstimator) -> None:
        """See :meth:`Space.suggest`."""
        suggest_curriculum(trial)
        if "loss" in trial.limits:
            trial.suggest_categorical("loss", tuple(LOSSES))
        suggest_training(trial, estimator)
