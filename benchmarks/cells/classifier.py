"""The classifier of a cell, and the rows whose right label it may know."""

from typing import Any

import numpy as np
from skorch.callbacks import EarlyStopping

from benchmarks.cells.profile import Profile
from benchmarks.methods import find_method
from noisylabel import FilterKDClassifier, MentorNetClassifier

_OF_THE_RUN = ("callbacks", "checkpoint_dir")  # say nothing of what is learned


def _nowhere(text: str) -> None:
    """Say nothing."""


def make_classifier(
    name: str, rate: float, profile: Profile, seed: int, callbacks: list[Any]
) -> MentorNetClassifier | FilterKDClassifier:
    """Return the classifier of a cell; all methods share the profile's student, data path and settings.

    ``rate`` is the noise rate, for the methods that must be told it.
    """
    method = find_method(name)
    epochs = profile.tuned_epochs if method.tuned else round(method.epochs * profile.max_epochs)
    if method.patience is not None:
        patience = max(1, round(method.patience * epochs))
        stop = EarlyStopping("valid_acc", lower_is_better=False, patience=patience, load_best=True, sink=_nowhere)
        callbacks = [*callbacks, ("early_stopping", stop)]
    settings = _shared(profile, method.estimator, rate) | method.settings | method.by_rate(rate)
    if settings.get("mixup_alpha"):
        settings.pop("loss", None)
    return method.estimator(
        **settings,
        max_epochs=epochs,
        validation_fraction=_validation_fraction(profile),
        random_state=seed,
        callbacks=callbacks,
    )


def changed_settings(
    clf: MentorNetClassifier | FilterKDClassifier, profile: Profile, rate: float, seed: int
) -> dict[str, Any]:
    """Return the parameters of a cell's classifier that are not the profile's or, where it has none, the default.

    Parameters
    ----------
    clf : classifier
        From :func:`make_classifier`, with whatever has been set since.
    profile : Profile
    rate : float
        The noise rate, for profiles whose settings depend on it.
    seed : int

    Returns
    -------
    dict
        Plain values; an object as Python writes it.
    """
    usual = type(clf)(
        **_shared(profile, type(clf), rate),
        max_epochs=profile.max_epochs,
        validation_fraction=_validation_fraction(profile),
        random_state=seed,
    ).get_params(deep=False)
    actual = clf.get_params(deep=False)
    return {
        name: value if isinstance(value, int | float | str | None) else repr(value)
        for name, value in actual.items()
        if name not in _OF_THE_RUN and repr(value) != repr(usual[name])
    }


def _shared(profile: Profile, estimator: type[Any], rate: float) -> dict[str, Any]:
    """Return the parameters that all methods of a profile share, of those that an estimator has."""
    loss = {"loss": profile.loss} if profile.loss is not None and "loss" in estimator().get_params(deep=False) else {}
    return profile.settings | loss | profile.by_rate(rate)


def _validation_fraction(profile: Profile) -> float:
    return profile.n_valid / (profile.n_train + profile.n_valid)


def trusted_rows(method: str, profile: Profile, seed: int) -> np.ndarray:
    """Rows whose right label the method may know, drawn from training and held-out rows alike."""
    n_rows = profile.n_train + profile.n_valid
    n_trusted = round(find_method(method).n_trusted * n_rows / profile.n_train)
    return np.random.default_rng(seed + 1000).permutation(n_rows)[:n_trusted]
