"""Draw parameters from a space, and set them on an estimator."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from ray import cloudpickle
from sklearn.base import BaseEstimator, clone

from noisylabel.curricula import CURRICULA, Curriculum, DataDriven, resolve_curriculum
from noisylabel.exceptions import InvalidParameterError
from noisylabel.losses import LOSSES, resolve_loss
from noisylabel.mentors import NAMED, Mentor, resolve_mentor
from noisylabel.utils import check_choice
from sweeps.spaces import Space, Suggestions, as_method, check_limits, method_of

_TRIED = 100


@dataclass
class BoundSpace:
    """A space with the estimator that it is for: what Optuna calls to draw a configuration.

    Attributes
    ----------
    space : Space
    estimator : BaseEstimator
    limits : mapping
        See :class:`sweeps.spaces.Suggestions`.
    """

    space: Space
    estimator: BaseEstimator
    limits: Mapping[str, Any] = field(default_factory=dict)

    def __call__(self, trial: Any) -> dict[str, Any]:
        """Draw, and return the parameters that were asked for and are fixed by the limits."""
        return self.draw(trial).fixed

    def examples(self) -> list[dict[str, Any]]:
        """Return some configurations, drawn at random, always the same."""
        return [{**fixed, **trial.params} for fixed, trial in self._drawn()]

    def own(self) -> dict[str, Any]:
        """Return the estimator's own settings, those of them that can be drawn: the ones to try first."""
        kinds: dict[str, list[BaseDistribution]] = {}
        for _, trial in self._drawn():
            for name, kind in trial.distributions.items():
                kinds.setdefault(name, []).append(kind)
        own = {k: v for k, v in own_settings(self.estimator).items() if isinstance(v, str | int | float | None)}
        return {name: own[name] for name in kinds if name in own and all(_holds(k, own[name]) for k in kinds[name])}

    def _drawn(self) -> list[tuple[dict[str, Any], optuna.Trial]]:
        study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
        trials = [study.ask() for _ in range(_TRIED)]
        return [(self(trial), trial) for trial in trials]

    def draw(self, trial: Any) -> Suggestions:
        """Draw a configuration from a trial."""
        suggestions = Suggestions(trial, self.limits)
        self.space.suggest(suggestions, self.estimator)
        return suggestions


def estimator_params(
    estimator: BaseEstimator, params: Mapping[str, Any], curricula: Mapping[str, Curriculum] | None = None
) -> dict[str, Any]:
    """Return a configuration as parameters for the ``set_params`` of the estimator.

    Parameters
    ----------
    estimator : BaseEstimator
    params : mapping
        ``"curriculum__gamma"`` goes to the curriculum that ``"curriculum"`` names, which becomes an object; so does
        ``"loss__q"`` to the loss. ``"method"``, if it is there, says of which classifier the others are parameters.
    curricula : mapping, optional
        Curricula by the name that stands for them, such as the path of a file that is on another machine.

    Raises
    ------
    InvalidParameterError
        If a name is no parameter of the estimator, its curriculum or its loss; the message has the nearest one.
    """
    of_method = {name: value for name, value in params.items() if name == "method"}
    if of_method:
        estimator = as_method(estimator, of_method["method"])
    flat = {name: value for name, value in params.items() if name not in of_method and not _is_inner(name)}
    known = estimator.get_params(deep=False)
    for name in flat:
        check_choice(f"parameter of {type(estimator).__name__}", name, known)
    for part, resolve in _OBJECTS.items():
        chosen = flat.get(part, known.get(part))
        if isinstance(chosen, str) and curricula and chosen in curricula:
            chosen = flat[part] = curricula[chosen]
        inner = {name.partition("__")[2]: value for name, value in params.items() if name.startswith(f"{part}__")}
        if inner:
            flat[part] = _with_params(resolve(chosen), inner)
    return of_method | flat


def _is_inner(name: str) -> bool:
    """Whether a name is that of a parameter of the curriculum or the loss."""
    return name.partition("__")[0] in _OBJECTS and "__" in name


def _with_params(part: Any, inner: Mapping[str, Any]) -> Any:
    """Return a copy of a curriculum or loss with other parameters."""
    for name in inner:
        check_choice(f"parameter of {type(part).__name__}", name, part.get_params())
    return clone(part).set_params(**inner)


def configure(
    estimator: BaseEstimator, params: Mapping[str, Any], curricula: Mapping[str, Curriculum] | None = None
) -> Any:
    """Return a clone of the estimator, or of the method that was drawn, with a configuration."""
    values = estimator_params(estimator, params, curricula)
    method = values.pop("method", None)
    return (clone(estimator) if method is None else as_method(estimator, method)).set_params(**values)


def curriculum_of(parameter: Any) -> Curriculum | Mentor:
    """Return the curriculum that a classifier's parameter stands for; ``"auto"`` for the one it is with a percentile.

    Examples
    --------
    >>> curriculum_of("auto"), curriculum_of("self_paced")
    (MentorNetPD(), SelfPaced())
    """
    is_auto = isinstance(parameter, str) and parameter.strip() == "auto"
    return resolve_mentor(parameter) or resolve_curriculum("mentornet_pd" if is_auto else parameter)


#: What may be a name or an object, whose parameters have its name before theirs.
_OBJECTS: dict[str, Callable[[Any], Any]] = {"curriculum": curriculum_of, "loss": resolve_loss}


def own_settings(estimator: BaseEstimator) -> dict[str, Any]:
    """Return the parameters of an estimator under the names that a space draws them by.

    Examples
    --------
    >>> from noisylabel import MentorNetClassifier
    >>> own = own_settings(MentorNetClassifier(loss_percentile=0.7))
    >>> own["curriculum"], own["curriculum__gamma"], own["loss_percentile"]
    ('mentornet_pd', 1.0, 0.7)
    """
    own = {"method": method_of(estimator)} | estimator.get_params(deep=False)
    chosen = own.get("curriculum")
    if chosen is not None and not (chosen == "auto" and own["loss_percentile"] == "auto"):
        own |= _settings_of("curriculum", chosen, curriculum_of(chosen), CURRICULA | NAMED)
    if own.get("loss") is not None:
        own |= _settings_of("loss", own["loss"], resolve_loss(own["loss"]), LOSSES)
    return own


def _settings_of(part: str, chosen: Any, resolved: Any, named: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters of a curriculum or loss under the names that a space draws them by, and its own name."""
    inner = {f"{part}__{name}": value for name, value in resolved.get_params(deep=False).items()}
    names = [name for name, kind in named.items() if kind is type(resolved)]
    is_named = isinstance(chosen, str) and chosen != "auto"
    return inner | ({} if is_named or not names else {part: names[0]})


def _holds(kind: BaseDistribution, value: Any) -> bool:
    """Return whether a value may be drawn."""
    if isinstance(kind, CategoricalDistribution):
        return any(value == choice and isinstance(value, bool) == isinstance(choice, bool) for choice in kind.choices)
    assert isinstance(kind, FloatDistribution | IntDistribution)
    if isinstance(value, bool) or not isinstance(value, int | float) or not kind.low <= value <= kind.high:
        return False
    steps = 0 if kind.step is None else (value - kind.low) / kind.step
    return abs(steps - round(steps)) < 1e-8


def check_space(bound: BoundSpace, has_trusted: bool = False) -> dict[str, Curriculum]:
    """Draw some configurations before a sweep starts, so that a mistake costs seconds and not a night.

    Parameters
    ----------
    bound : BoundSpace
    has_trusted : bool, default=False
        Whether there are trusted rows for curricula to learn from.

    Returns
    -------
    dict
        Curricula by name, of all that may be drawn and are files, to be sent along with the code.

    Raises
    ------
    InvalidParameterError
        If the estimator cannot be pickled; if the space names something that the estimator does not have, or has a
        value that the estimator refuses; or if a limit is of a parameter that the space never draws.
    """
    check_limits(bound.limits)
    _check_pickle(bound.estimator)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    curricula: dict[str, Curriculum] = {}
    used: set[str] = set()
    for _ in range(_TRIED):
        trial = study.ask()
        drawn = bound.draw(trial)
        params = {**trial.params, **drawn.fixed}
        if not params:
            raise InvalidParameterError(
                f"'space' {type(bound.space).__name__} draws nothing. Call trial.suggest_categorical or "
                "trial.suggest_float in its 'suggest'."
            )
        choices = [*drawn.choices.get("curriculum", ()), params.get("curriculum")]
        files = {str(name) for name in choices if isinstance(name, str) and name.endswith(".safetensors")}
        curricula |= {name: resolve_curriculum(name) for name in files - curricula.keys()}
        used |= drawn.asked
        clf = configure(bound.estimator, params, curricula)
        _check_can_be_swept(clf, has_trusted)
        clf.check_parameters()
    _check_all_limits_used(bound, used)
    return curricula


def needs_trusted(clf: Any) -> bool:
    """Whether the curriculum of a classifier learns from trusted rows during training."""
    curriculum = curriculum_of(getattr(clf, "curriculum", "uniform"))
    return isinstance(curriculum, DataDriven) or bool(getattr(curriculum, "needs_trusted", False))


def draws_trusted(bound: BoundSpace) -> bool:
    """Whether a space has a curriculum that learns from trusted rows."""
    check_limits(bound.limits)
    bound.estimator.check_parameters()
    return any(needs_trusted(configure(bound.estimator, params)) for params in bound.examples())


def _check_can_be_swept(clf: Any, has_trusted: bool) -> None:
    """Refuse what trains with ``fit`` but not in this sweep."""
    if needs_trusted(clf) and not has_trusted:
        raise InvalidParameterError(
            f"The curriculum {clf.curriculum!r} is learned from trusted rows during training. Pass 'y_trusted' to fit: "
            "half of these rows compare the trials, and half teach it. Or use a MentorNet that was learned before: "
            "'zoo:mentornet_dd', or a file."
        )
    if getattr(clf, "loss", None) == "forward":
        raise InvalidParameterError(
            "The loss 'forward' needs the matrix of the noise, which a name cannot hold. Set it on the estimator, as "
            "loss=ForwardCorrection(matrix), and leave 'loss' out of the limits."
        )


def _check_pickle(estimator: BaseEstimator) -> None:
    try:
        cloudpickle.dumps(estimator)
    except Exception as error:
        raise InvalidParameterError(
            f"'estimator' {type(estimator).__name__} cannot be pickled, which sending it to other processes needs: "
            f"{error}. Keep open files, locks and connections out of it."
        ) from error


def _check_all_limits_used(bound: BoundSpace, used: set[str]) -> None:
    for name in bound.limits:
        if name not in used:
            check_choice(f"limits of {type(bound.space).__name__}: parameter", name, sorted(used))
