"""Parameters that several spaces draw in the same way."""

from typing import Any

from noisylabel.losses import LOSSES
from noisylabel.mentors import NAMED, PercentileMentor
from sweeps.spaces._base import Suggestions

AUTO = "auto"
#: The default, which learns the noise; pre-defined curricula; and the MentorNet that was learned from data.
CURRICULA = (
    AUTO,
    "uniform",
    "self_paced",
    "spcl_linear",
    "spcl_logarithmic",
    "mentornet_pd",
    "focal",
    "zoo:mentornet_dd",
)
#: Parameters of the curricula, with the interval to look in; a learned MentorNet has none.
_OF_CURRICULUM: dict[str, tuple[str, float, float]] = {
    "spcl_linear": ("gamma", 0.5, 8.0),
    "mentornet_pd": ("gamma", 0.5, 8.0),
    "focal": ("gamma", 0.5, 4.0),
    "huber": ("lam", 0.3, 3.0),
    "cauchy": ("lam", 0.3, 3.0),
    "l1_l2": ("lam", 0.3, 3.0),
    "welsch": ("lam", 0.3, 3.0),
    "spld": ("gamma", 0.25, 4.0),
}
#: Curricula that look at the losses themselves, without the moving percentile.
_WITHOUT_PERCENTILE = ("uniform", "baseline", "focal", "focal_loss", "huber", "cauchy", "l1_l2", "welsch")
_NO_BURN_IN = ("uniform", "baseline")
#: Parameters of the losses, with the interval to look in.
_OF_LOSS: dict[str, dict[str, tuple[float, float]]] = {
    "label_smoothing": {"smoothing": (0.05, 0.5)},
    "gce": {"q": (0.3, 0.9)},
    "symmetric_ce": {"alpha": (0.0, 1.0), "beta": (0.1, 2.0)},
    "bootstrapping": {"beta": (0.5, 0.95)},
    "elr": {"strength": (1.0, 7.0), "memory": (0.5, 0.9)},
}
_PERCENTILES = ("auto", 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
_BURN_IN = (5, 10, 18)
_DROPOUT = (None, "0.5,17,0.05,83")


def suggest_curriculum(trial: Suggestions, estimator: Any) -> str:
    """Draw a curriculum and the parameters that it uses: its own, percentile, burn-in and dropout of samples."""
    curriculum: str = trial.suggest_categorical("curriculum", CURRICULA)
    if curriculum == AUTO:
        _suggest_auto(trial, estimator)
        return curriculum
    if curriculum in _OF_CURRICULUM:
        name, low, high = _OF_CURRICULUM[curriculum]
        trial.suggest_float(f"curriculum__{name}", low, high, log=True)
    uses = _parameters_of(curriculum)
    if "loss_percentile" in uses:
        trial.suggest_categorical("loss_percentile", _with_own(_PERCENTILES, estimator.loss_percentile))
        trial.suggest_categorical("percentile_by_class", (False, True))
    if "burn_in" in uses:
        trial.suggest_categorical("burn_in", _with_own(_BURN_IN, estimator.burn_in))
    if "example_dropout" in uses:
        trial.suggest_categorical("example_dropout", _with_own(_DROPOUT, estimator.example_dropout))
    else:
        trial.fix("example_dropout", None)
    return curriculum


def _parameters_of(curriculum: str) -> set[str]:
    """Return which of the classifier's parameters a curriculum uses."""
    if curriculum in NAMED:
        return set(NAMED[curriculum]().get_params(deep=False))
    uses = {"loss_percentile": curriculum not in _WITHOUT_PERCENTILE, "burn_in": curriculum not in _NO_BURN_IN}
    return {name for name, is_used in uses.items() if is_used} | {"example_dropout"}


def _suggest_auto(trial: Suggestions, estimator: Any) -> None:
    """Draw what the curriculum that learns the noise uses, and set what it needs, whatever the estimator has."""
    trial.fix("loss_percentile", "auto")  # with a number it would be MentorNet-PD
    trial.fix("example_dropout", None)
    if estimator.second_reweight is True:
        trial.fix("second_reweight", "auto")
    trial.suggest_categorical("burn_in", _with_own(_BURN_IN, estimator.burn_in))


def _with_own(choices: tuple[Any, ...], own: Any) -> tuple[Any, ...]:
    """Return choices with what the estimator has among them."""
    return choices if own in choices else (*choices, own)


def suggest_mixing(trial: Suggestions, curriculum: str) -> None:
    """Draw how samples are mixed under a curriculum; one without a percentile weighs no mixes."""
    trial.suggest_float("mixup_alpha", 0.2, 8.0, log=True)
    trial.suggest_categorical("mix_ratio", ("hard", "soft"))
    if curriculum != AUTO and issubclass(NAMED.get(curriculum, PercentileMentor), PercentileMentor):
        trial.suggest_categorical("second_reweight", (False, True, "auto"))


def suggest_loss(trial: Suggestions) -> None:
    """Draw a loss and its own parameters."""
    loss = trial.suggest_categorical("loss", tuple(name for name in LOSSES if name != "forward"))
    for name, (low, high) in _OF_LOSS.get(loss, {}).items():
        trial.suggest_float(f"loss__{name}", low, high)


def suggest_training(trial: Suggestions, estimator: Any) -> None:
    """Draw learning rate, around the estimator's, and weight decay."""
    trial.suggest_float("lr", estimator.lr / 4, estimator.lr * 4, log=True)
    trial.suggest_float("weight_decay", 1e-5, 1e-2, log=True)
