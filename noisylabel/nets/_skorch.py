"""Checks of what users pass on to skorch, against the table of its features."""

import difflib
import inspect
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any

import skorch.callbacks
from skorch.callbacks import (
    BatchScoring,
    Callback,
    Checkpoint,
    EarlyStopping,
    EpochScoring,
    PassthroughScoring,
    WandbLogger,
)

from noisylabel._support.validation import check_count
from noisylabel.exceptions import InvalidParameterError, NoisyLabelError
from noisylabel.nets._features import SKORCH_FEATURES, Feature

_HOOKS = (*(name for name in vars(Callback) if name.startswith("on_")), "initialize", "get_params", "set_params")
_WATCH = (EarlyStopping.on_epoch_end, Checkpoint.on_epoch_end)  # sub-classes may watch something else
_LEAST = {
    "iterator_train__num_workers": 0,
    "iterator_valid__num_workers": 0,
    "iterator_train__prefetch_factor": 1,
    "iterator_valid__prefetch_factor": 1,
    "iterator_valid__batch_size": 1,
}
_HELD_OUT = ("valid_loss", "valid_acc", "valid_loss_best", "valid_acc_best")


def feature_of(name: str, kind: str) -> Feature | None:
    """Return the feature whose name fits best: in full, then with the longest text before the asterisk."""
    fitting = [feature for feature in SKORCH_FEATURES if feature.kind == kind and fnmatchcase(name, feature.name)]
    return max(fitting, key=lambda feature: ("*" not in feature.name, len(feature.name)), default=None)


def check_net_params(net_params: Any, own: Iterable[str] = ()) -> None:
    """Refuse what ``net_params`` cannot set.

    Parameters
    ----------
    net_params : dict or None
    own : iterable of str, optional
        Names of the classifier's own parameters.

    Raises
    ------
    InvalidParameterError
        Naming the entry, why it is not taken, and what to use instead.

    Examples
    --------
    >>> check_net_params({"optimizer__momentum": 0.8})
    >>> check_net_params({"train_split": None})
    Traceback (most recent call last):
        ...
    noisylabel.exceptions.InvalidParameterError: 'net_params' cannot set 'train_split': use validation_fraction=...
    """
    if net_params is None:
        return
    if not isinstance(net_params, Mapping) or not all(isinstance(name, str) for name in net_params):
        raise InvalidParameterError(
            f"'net_params' must be a dict such as {{'optimizer__momentum': 0.8}}, or None. Got {net_params!r}."
        )
    for name in net_params:
        feature = feature_of(name, "net_params")
        if feature is not None and feature.holds:
            continue
        if name in own:
            raise InvalidParameterError(
                f"'net_params' cannot set {name!r}: it is a parameter of the classifier, set it there"
            )
        if feature is None:
            raise InvalidParameterError(_unknown(name))
        raise InvalidParameterError(f"'net_params' cannot set {name!r}: {feature.note}")
    _check_loading(net_params)


def _check_loading(net_params: Mapping[str, Any]) -> None:
    """Refuse numbers of processes and batches that torch would refuse in the first epoch, or that would do nothing."""
    for name, low in _LEAST.items():
        if name in net_params:
            check_count(name, net_params[name], low)
    for part in ("iterator_train", "iterator_valid"):
        if f"{part}__prefetch_factor" in net_params and not net_params.get(f"{part}__num_workers"):
            raise InvalidParameterError(
                f"'net_params' has {part}__prefetch_factor, but no processes that could load ahead. Set "
                f"{part}__num_workers above 0, or leave it out."
            )


def _unknown(name: str) -> str:
    taken = [feature.name for feature in SKORCH_FEATURES if feature.kind == "net_params" and feature.holds]
    prefix, _, rest = name.partition("_")
    near = [prefix + "__" + rest.lstrip("_")] if prefix + "__*" in taken and rest else []
    near = near or difflib.get_close_matches(name, taken, n=1)
    guess = f"; did you mean {near[0]}?" if near else "."
    return f"'net_params' knows no {name!r}. It takes {', '.join(taken)}{guess}"


def check_callbacks(callbacks: Iterable[Any], net_params: Mapping[str, Any]) -> None:
    """Refuse what is no callback, and skorch's callbacks that would do nothing here.

    Parameters
    ----------
    callbacks : iterable of skorch callbacks, or of (name, callback)
    net_params : dict
        In which ``callbacks__NAME`` puts another callback in the place of one, or None.

    Raises
    ------
    InvalidParameterError
        Naming the callback and what to use instead.
    """
    is_place = {name: name.startswith("callbacks__") and name.count("__") == 1 for name in net_params}
    put = [entry for entry in net_params.items() if is_place[entry[0]] and entry[1] is not None]
    for entry in [*callbacks, *put]:
        callback = entry[1] if isinstance(entry, (tuple, list)) and len(entry) == 2 else entry
        kind = callback if inspect.isclass(callback) else type(callback)
        for feature in SKORCH_FEATURES:
            is_refused = feature.kind == "callbacks" and not feature.holds
            if is_refused and issubclass(kind, getattr(skorch.callbacks, feature.name)):
                raise InvalidParameterError(
                    f"'callbacks' has {feature.name}, which does not work here: {feature.note}."
                )
        missing = [hook for hook in _HOOKS if not hasattr(callback, hook)]
        if missing:
            raise InvalidParameterError(
                f"'callbacks' must be a list of skorch callbacks, or of pairs (name, callback). Got {entry!r}, which "
                f"has no {missing[0]}: make it a sub-class of skorch.callbacks.Callback."
            )


def check_held_out(callbacks: Iterable[tuple[str, Any]], has_held_out: bool) -> None:
    """Refuse callbacks that look at held-out rows where there are none; skorch's nets hold some out by default.

    Parameters
    ----------
    callbacks : iterable of (name, callback)
        Initialised.
    has_held_out : bool

    Raises
    ------
    InvalidParameterError
    """
    for _, callback in [] if has_held_out else callbacks:
        kind = type(callback).__name__
        if getattr(type(callback), "on_epoch_end", None) in _WATCH and callback.monitor in _HELD_OUT:
            what, instead = f"{kind} watches {callback.monitor!r}", "let it watch another column of the history"
        elif isinstance(callback, (EpochScoring, BatchScoring, PassthroughScoring)) and not callback.on_train:
            what, instead = f"{kind} scores held-out rows", "give it on_train=True"
        elif isinstance(callback, WandbLogger) and callback.save_model:
            what, instead = "WandbLogger(save_model=True) watches 'valid_loss'", "give it save_model=False"
        else:
            continue
        raise InvalidParameterError(
            f"'callbacks': {what}, and no row is held out. Set 'validation_fraction' above 0, for instance 0.1, or "
            f"{instead}."
        )


def refuse(name: str) -> None:
    """Refuse a method of skorch's net that does not hold here.

    Raises
    ------
    NoisyLabelError
        Saying what to call instead.
    """
    feature = feature_of(name, "net_")
    assert feature is not None
    raise NoisyLabelError(f"net_.{name} does not work here: {feature.note}.")
