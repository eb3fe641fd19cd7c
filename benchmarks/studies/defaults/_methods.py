"""What learns: our defaults as they come, and what they are compared with."""

from collections.abc import Callable
from typing import Any

from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression

from benchmarks.methods._choosing import HeldOutChoiceClassifier
from benchmarks.methods._pruning import PruneAndRefitClassifier
from benchmarks.studies.defaults._data import SHORT, SHORT_EPOCHS, is_table, is_text
from noisylabel import MentorMixClassifier, MentorNetClassifier

_EPOCHS = 50  # of the networks to compare with, whatever the defaults' budget may be
_TUNED_EPOCHS = 10
_Maker = Callable[[int, float], Any]


def _network(estimator: type[MentorNetClassifier] = MentorNetClassifier, **settings: Any) -> _Maker:
    """Return a maker of a network that is told nothing, and has no curriculum."""
    shared = {"curriculum": "uniform", "max_epochs": _EPOCHS} | settings
    return lambda seed, rate: estimator(**shared, random_state=seed)


def _told(seed: int, rate: float) -> MentorNetClassifier:
    return MentorNetClassifier(
        "mentornet_pd",
        loss_percentile=1 - rate,
        percentile_by_class=False,
        max_epochs=_EPOCHS,
        random_state=seed,
    )


#: From a name to a classifier with a seed, which may be told the share of wrong labels.
METHODS: dict[str, _Maker] = {
    "mentornet": lambda seed, rate: MentorNetClassifier(random_state=seed),
    "mentormix": lambda seed, rate: MentorMixClassifier(random_state=seed),
    "plain": _network(),
    "plain_tuned": _network(max_epochs=_TUNED_EPOCHS),
    "elr": _network(loss="elr"),
    "gce": _network(loss="gce"),
    "mixup": _network(mixup_alpha=1.0),
    "prune": _network(PruneAndRefitClassifier),
    "forest": lambda seed, rate: RandomForestClassifier(random_state=seed),
    "boosting": lambda seed, rate: HistGradientBoostingClassifier(random_state=seed),
    "logistic": lambda seed, rate: LogisticRegression(),
    "told": _told,
}
#: What the default might be instead; run and shown only where asked for by name, and no rivals.
VARIANTS: dict[str, _Maker] = {
    "mentornet_25": lambda seed, rate: MentorNetClassifier(max_epochs=25, random_state=seed),
    "mentornet_100": lambda seed, rate: MentorNetClassifier(max_epochs=100, random_state=seed),
    "held_out_choice": lambda seed, rate: HeldOutChoiceClassifier(random_state=seed),
}
OURS = ("mentornet", "mentormix")
TOLD = "told"
RIVALS = tuple(name for name in METHODS if name not in (*OURS, TOLD))  # they are told nothing
#: What is no network, and which data it is for.
OF_SKLEARN: dict[str, Callable[[str], bool]] = {"forest": is_table, "boosting": is_table, "logistic": is_text}


def methods_of(name: str) -> list[str]:
    """Return the methods that a data set gets.

    Trees are for tables and texts, logistic regression is for texts, and the short regime compares with plain only.
    """
    if name == SHORT:
        return [*OURS, "plain"]
    return [method for method in METHODS if method not in OF_SKLEARN or OF_SKLEARN[method](name)]


def make_method(method: str, name: str, seed: int, rate: float) -> Any:
    """Return the classifier of a method for a data set.

    Parameters
    ----------
    method : str
        Key of ``METHODS`` or ``VARIANTS``.
    name : str
        The data set.
    seed : int
    rate : float
        Share of wrong labels, for the method that is told it.
    """
    clf = (METHODS | VARIANTS)[method](seed, rate)
    return clf.set_params(max_epochs=SHORT_EPOCHS) if name == SHORT else clf
