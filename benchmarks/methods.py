"""The methods of the tables: a row is a name and what it changes of the classifier."""

from typing import Any

import numpy as np

from benchmarks.profiles import Profile
from noisylabel import MentorNetClassifier
from noisylabel.curricula import DataDriven

N_TRUSTED = (100, 300, 1000, 5000)

METHODS: dict[str, dict[str, Any]] = {
    "plain": {"curriculum": "uniform"},
    "plain_tuned": {"curriculum": "uniform"},  # for its own best number of epochs
    "self_paced": {"curriculum": "self_paced", "loss_percentile": 0.6},
    "mentornet_pd": {"curriculum": "mentornet_pd", "loss_percentile": 0.6},
    "self_paced_auto": {"curriculum": "self_paced", "loss_percentile": "auto"},
    "mentornet_dd": {"curriculum": "mentornet_dd", "loss_percentile": 0.6},
    # learned in fit from so many training rows whose right label is known
    **{f"data_driven_{n}": {"curriculum": DataDriven(), "loss_percentile": 0.6} for n in N_TRUSTED},
    # what each choice in it is worth
    "data_driven_one_loss_1000": {"curriculum": DataDriven(history_length=1), "loss_percentile": 0.6},
    "data_driven_probability_1000": {"curriculum": DataDriven(sharpness=1), "loss_percentile": 0.6},
    "data_driven_often_1000": {
        "curriculum": DataDriven(),
        "loss_percentile": 0.6,
        "update_at": (21, 30, 40, 50, 60, 70, 80, 90),
    },
    # the same knowledge used otherwise: the right labels put in place of the given ones
    **{f"self_paced_corrected_{n}": {"curriculum": "self_paced", "loss_percentile": 0.6} for n in (1000, 5000)},
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


def trusted_rows(method: str, profile: Profile, seed: int) -> np.ndarray | None:
    """Rows whose right label the method may know, or None: as many as its name says among the training rows.

    They are drawn from training and validation rows alike, so a few more are drawn than are trained on.
    """
    digits = method.rpartition("_")[2]
    if not digits.isdigit():
        return None
    n_rows = profile.n_train + profile.n_valid
    return np.random.default_rng(seed + 1000).permutation(n_rows)[: round(int(digits) * n_rows / profile.n_train)]
