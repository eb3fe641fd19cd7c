"""Which features of skorch hold for our nets, and which do not: as data, which the guide shows and ``fit`` checks."""

import difflib
import inspect
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from skorch.callbacks import Checkpoint, EarlyStopping, LoadInitState, LRScheduler

from noisylabel.exceptions import InvalidParameterError


class Feature(NamedTuple):
    """A feature of skorch.

    Attributes
    ----------
    name : str
        As skorch names it; ``*`` stands for any text.
    kind : str
        Where it is given: ``"net_params"``, ``"callbacks"`` or ``"net_"``, the fitted net.
    holds : bool
        Whether it does here what it does in skorch.
    note : str
        What it does; or what to use instead.
    """

    name: str
    kind: str
    holds: bool
    note: str


_OURS = "it is a parameter of the classifier, set it there"
SKORCH_FEATURES = (
    Feature("optimizer__*", "net_params", True, "options of the optimizer, also for groups of parameters"),
    Feature("iterator_train__num_workers", "net_params", True, "processes that load the samples of a Dataset"),
    Feature("iterator_valid__num_workers", "net_params", True, "the same for held-out rows and prediction"),
    Feature("iterator_valid__batch_size", "net_params", True, "samples at a time in prediction"),
    Feature("callbacks__*", "net_params", True, "a callback's parameters, by its name; None switches it off"),
    Feature("compile", "net_params", True, "torch.compile for the network; not with checkpoint_dir"),
    Feature("compile__*", "net_params", True, "options of torch.compile"),
    Feature("torch_load_kwargs", "net_params", True, "options of torch.load when the net is unpickled"),
    Feature("callbacks__print_log*", "net_params", False, "there is no printed table: use verbose=1 and history_"),
    Feature("module", "net_params", False, "use student=..."),
    Feature("module__*", "net_params", False, "use student=... with an object or a function that builds the network"),
    Feature("criterion*", "net_params", False, "use loss=..."),
    Feature("optimizer", "net_params", False, _OURS),
    Feature("lr", "net_params", False, _OURS),
    Feature("max_epochs", "net_params", False, _OURS),
    Feature("batch_size", "net_params", False, _OURS),
    Feature("device", "net_params", False, _OURS),
    Feature("callbacks", "net_params", False, _OURS),
    Feature("verbose", "net_params", False, _OURS),
    Feature("train_split", "net_params", False, "use validation_fraction=..."),
    Feature("iterator_train*", "net_params", False, "batches carry row numbers and are made by the net"),
    Feature("iterator_valid*", "net_params", False, "batches are made by the net"),
    Feature("dataset*", "net_params", False, "give fit a torch Dataset"),
    Feature("predict_nonlinearity", "net_params", False, "the network gives logits, which become probabilities"),
    Feature("warm_start", "net_params", False, "use checkpoint_dir=..., which goes on with a training"),
    Feature("use_caching", "net_params", False, "give it to EpochScoring"),
    Feature(
        "EpochScoring",
        "callbacks",
        True,
        "held-out rows; on_train=True: training rows; use_caching=False: a function only",
    ),
    Feature("EarlyStopping", "callbacks", True, "needs validation_fraction; load_best=True only with ema_decay=0"),
    Feature("Checkpoint", "callbacks", True, "saves the network in training; load_best=True only with ema_decay=0"),
    Feature("GradientNormClipping", "callbacks", True, "as in skorch"),
    Feature("PassthroughScoring", "callbacks", True, "as in skorch"),
    Feature("your own", "callbacks", True, "all hooks are called; on_batch_* costs time only if a class defines it"),
    Feature("LRScheduler", "callbacks", False, "use lr_schedule=..., which sets the learning rate at each step"),
    Feature("LoadInitState", "callbacks", False, "use checkpoint_dir=..., which goes on with a training"),
    Feature("history", "net_", True, "skorch's; history_ of the classifier is the same as a table"),
    Feature("module_", "net_", True, "the trained network, logits out, with the inputs' standardisation in front"),
    Feature("save_params", "net_", True, "as in skorch"),
    Feature("predict_proba", "net_", False, "call predict_proba of the classifier, which checks its input"),
    Feature("predict", "net_", False, "call predict of the classifier, which knows the labels"),
    Feature("fit", "net_", False, "call fit of the classifier"),
    Feature("partial_fit", "net_", False, "call fit of the classifier: the curriculum needs the whole training"),
)


def check_net_params(net_params: Any) -> None:
    """Refuse what ``net_params`` cannot set.

    Parameters
    ----------
    net_params : dict or None

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
        feature = _feature_of(name)
        if feature is None:
            raise InvalidParameterError(_unknown(name))
        if not feature.holds:
            raise InvalidParameterError(f"'net_params' cannot set {name!r}: {feature.note}")


def _feature_of(name: str) -> Feature | None:
    """Return the feature whose name fits best: in full, then with the longest text before the asterisk."""
    fitting = [f for f in SKORCH_FEATURES if f.kind == "net_params" and fnmatchcase(name, f.name)]
    return max(fitting, key=lambda f: ("*" not in f.name, len(f.name)), default=None)


def _unknown(name: str) -> str:
    taken = [feature.name for feature in SKORCH_FEATURES if feature.kind == "net_params" and feature.holds]
    prefix, _, rest = name.partition("_")
    near = [prefix + "__" + rest.lstrip("_")] if prefix + "__*" in taken and rest else []
    near = near or difflib.get_close_matches(name, taken, n=1)
    guess = f"; did you mean {near[0]}?" if near else "."
    return f"'net_params' knows no {name!r}. It takes {', '.join(taken)}{guess}"


def check_callbacks(callbacks: Iterable[Any], ema_decay: float) -> None:
    """Refuse skorch's callbacks that would do nothing here, or not what they say.

    Parameters
    ----------
    callbacks : iterable of skorch callbacks, or of (name, callback)
    ema_decay : float in [0, 1)

    Raises
    ------
    InvalidParameterError
        Naming the callback and what to use instead.
    """
    for entry in callbacks:
        callback = entry[1] if isinstance(entry, tuple) else entry
        kind = callback if inspect.isclass(callback) else type(callback)
        for refused in (LRScheduler, LoadInitState):
            if issubclass(kind, refused):
                note = next(f.note for f in SKORCH_FEATURES if (f.name, f.kind) == (refused.__name__, "callbacks"))
                raise InvalidParameterError(f"'callbacks' has {refused.__name__}, which does not work here: {note}.")
        if ema_decay and issubclass(kind, (EarlyStopping, Checkpoint)) and getattr(callback, "load_best", False):
            raise InvalidParameterError(
                f"{kind.__name__}(load_best=True) would bring back the parameters of its best epoch and not their "
                "average, which 'ema_decay' evaluates. Use load_best=False with 'validation_fraction', which keeps the "
                "best epoch."
            )
