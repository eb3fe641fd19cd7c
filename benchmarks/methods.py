"""The methods of the tables: a row is a name and what it changes of the classifier."""

from typing import Any

from benchmarks.profiles import Profile
from noisylabel import MentorNetClassifier

METHODS: dict[str, dict[str, Any]] = {
    "plain": {"curriculum": "uniform"},
    "plain_tuned": {"curriculum": "uniform"},  # for its own best number of epochs
    "self_paced": {"curriculum": "self_paced", "loss_percentile": 0.6},
    "mentornet_pd": {"curriculum": "mentornet_pd", "loss_percentile": 0.6},
    "self_paced_auto": {"curriculum": "self_paced", "loss_percentile": "auto"},
}


def make_classifier(method: str, profile: Profile, seed: int, callbacks: list[Any]) -> MentorNetClassifier:
    """Return the classifier of a cell; all methods share the profile's student, data path and settings."""
    epochs = profile.tuned_epochs if method == "plain_tuned" else profile.max_epochs
    return MentorNetClassifier(
        **METHODS[method],
        **profile.settings,
        max_epochs=epochs,
        validation_fraction=profile.n_valid / (profile.n_train + profile.n_valid),
        random_state=seed,
        callbacks=callbacks,
    )
