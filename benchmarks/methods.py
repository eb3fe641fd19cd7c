"""The methods of the tables: a row is a name and what it changes of the classifier."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.profiles import Profile
from noisylabel import MentorNetClassifier
from noisylabel.curricula import DataDriven


@dataclass(frozen=True)
class Method:
    """What a method changes of the classifier, and what it may know.

    Attributes
    ----------
    settings : dict
        Parameters of the classifier.
    tuned : bool
        Whether it gets the profile's ``tuned_epochs``.
    n_trusted : int
        Training rows whose right label it may know, on average over the draws of the held-out rows.
    corrects : bool
        Whether these labels replace the given ones, instead of teaching the curriculum.
    """

    settings: dict[str, Any]
    tuned: bool = False
    n_trusted: int = 0
    corrects: bool = False


def _data_driven(n_trusted: int, **changes: Any) -> Method:
    return Method({"curriculum": DataDriven(), "loss_percentile": 0.6} | changes, n_trusted=n_trusted)


_SELF_PACED = {"curriculum": "self_paced", "loss_percentile": 0.6}
METHODS: dict[str, Method] = {
    "plain": Method({"curriculum": "uniform"}),
    "plain_tuned": Method({"curriculum": "uniform"}, tuned=True),
    "self_paced": Method(_SELF_PACED),
    "mentornet_pd": Method({"curriculum": "mentornet_pd", "loss_percentile": 0.6}),
    "self_paced_auto": Method({"curriculum": "self_paced", "loss_percentile": "auto"}),
    # its 757 numbers were learned from CIFAR-10 images, some of which the profiles train on
    "mentornet_dd": Method({"curriculum": "mentornet_dd", "loss_percentile": 0.6}),
    # learned in fit from rows whose right label is known
    **{f"data_driven_{n}": _data_driven(n) for n in (50, 100, 300, 1000, 5000)},
    # what each choice in it is worth
    "data_driven_one_loss_1000": _data_driven(1000, curriculum=DataDriven(history_length=1)),
    "data_driven_probability_1000": _data_driven(1000, curriculum=DataDriven(sharpness=1)),
    "data_driven_often_1000": _data_driven(1000, update_at=(21, 30, 40, 50, 60, 70, 80, 90)),
    # the same knowledge used otherwise
    **{f"self_paced_corrected_{n}": Method(_SELF_PACED, n_trusted=n, corrects=True) for n in (1000, 5000)},
}


def make_classifier(method: str, profile: Profile, seed: int, callbacks: list[Any]) -> MentorNetClassifier:
    """Return the classifier of a cell; all methods share the profile's student, data path and settings."""
    epochs = profile.tuned_epochs if METHODS[method].tuned else profile.max_epochs
    return MentorNetClassifier(
        **METHODS[method].settings,
        **profile.settings,
        max_epochs=epochs,
        validation_fraction=profile.n_valid / (profile.n_train + profile.n_valid),
        random_state=seed,
        callbacks=callbacks,
    )


def trusted_rows(method: str, profile: Profile, seed: int) -> np.ndarray:
    """Rows whose right label the method may know, drawn from training and held-out rows alike."""
    n_rows = profile.n_train + profile.n_valid
    n_trusted = round(METHODS[method].n_trusted * n_rows / profile.n_train)
    return np.random.default_rng(seed + 1000).permutation(n_rows)[:n_trusted]
