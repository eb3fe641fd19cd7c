"""Several methods in one space: which one is drawn first, then what it needs."""

import inspect
from typing import Any

from sklearn.base import clone

from noisylabel import FilterKDClassifier, MentorMixClassifier, MentorNetClassifier
from noisylabel.estimators import BaseNoisyLabelClassifier
from noisylabel.utils import check_choice
from sweeps.spaces._base import Space, Suggestions
from sweeps.spaces._classifiers import FilterKDSpace, MentorMixSpace, MentorNetSpace
from sweeps.spaces._parts import suggest_loss, suggest_training

#: What a space may draw as ``"method"``, and whose parameters the other names are then.
METHODS: dict[str, type[BaseNoisyLabelClassifier]] = {
    "mentornet": MentorNetClassifier,
    "mentormix": MentorMixClassifier,
    "filterkd": FilterKDClassifier,
    "loss": MentorNetClassifier,
}


class LossSpace(Space):
    """No curriculum, but a loss that wrong labels pull at less: which, its own parameters, learning rate and decay."""

    def suggest(self, trial: Suggestions, estimator: Any) -> None:
        """See :meth:`Space.suggest`."""
        trial.fix("curriculum", "uniform")
        for name, plain in [("mixup_alpha", 0.0), ("second_reweight", False), ("example_dropout", None)]:
            if getattr(estimator, name) != plain:
                trial.fix(name, plain)  # mixes are learned by cross entropy only
        suggest_loss(trial)
        suggest_training(trial, estimator)


class MethodsSpace(Space):
    """Which method (MentorNet, MentorMix, Filter-KD, or a loss without a curriculum), and below it what its space has.

    The other methods than that of the estimator get those of its parameters that they have too and that are not its
    defaults.
    """

    def suggest(self, trial: Suggestions, estimator: Any) -> None:
        """See :meth:`Space.suggest`."""
        method = trial.suggest_categorical("method", tuple(METHODS))
        if method in _SPACES:
            _SPACES[method]().suggest(trial, as_method(estimator, method))


_SPACES: dict[str, type[Space]] = {
    "mentornet": MentorNetSpace,
    "mentormix": MentorMixSpace,
    "filterkd": FilterKDSpace,
    "loss": LossSpace,
}


def method_of(estimator: Any) -> str | None:
    """Return the name in :data:`METHODS` that stands for the class of an estimator; None if none does.

    Examples
    --------
    >>> method_of(MentorMixClassifier()), method_of(FilterKDClassifier())
    ('mentormix', 'filterkd')
    """
    names = (name for kind in type(estimator).__mro__ for name, method in METHODS.items() if method is kind)
    return next(names, None)


def as_method(estimator: Any, method: str) -> Any:
    """Return an unfitted classifier of a method with the parameters that an estimator was given.

    Parameters
    ----------
    estimator : classifier
        Parameters at their defaults are left to the method's own; those that the method does not have are left out. If
        the estimator is of the method already, it is cloned.
    method : str
        A key of :data:`METHODS`.

    Raises
    ------
    InvalidParameterError
        If there is no such method.

    Examples
    --------
    >>> as_method(MentorNetClassifier(max_epochs=20, loss="gce"), "mentormix")
    MentorMixClassifier(max_epochs=20)
    """
    kind, own = METHODS[check_choice("method", method, METHODS)], method_of(estimator)
    if own is not None and METHODS[own] is kind:
        return clone(estimator)
    usual, known = inspect.signature(type(estimator)).parameters, kind().get_params(deep=False)
    given = {k: v for k, v in clone(estimator).get_params(deep=False).items() if k in known and k in usual}
    return kind(**{name: value for name, value in given.items() if not _is_default(value, usual[name].default)})


def _is_default(value: Any, default: Any) -> bool:
    return value is default or (type(value) is type(default) and bool(value == default))
