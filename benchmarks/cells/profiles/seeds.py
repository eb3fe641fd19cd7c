"""The table that a GPU makes in minutes: all of CIFAR-10 or CIFAR-100, a fast network, two seeds.

A cell takes some seconds, so that the columns with published numbers, whose runs took hours, have two seeds each. The
network, its optimizer and its augmentation are a recipe for right labels, and the same for all methods; so is the
loss, but for those whose method it is.
"""

from typing import Any

from benchmarks.cells.profile import Noise, Profile, symmetric
from noisylabel.estimators import RECIPES

_N_IMAGES = 50_000
_EPOCHS = 18
# the columns and methods with published numbers first
_SYMMETRIC = symmetric(0.4, 0.2, 0.8, 0.6)
_OTHERS: tuple[Noise, ...] = (("human_worst", None), ("asymmetric", 0.4))
_METHODS = ("data_driven_by_class_5000", "mentormix_auto", "mentornet_pd_by_class", "plain", "elr")
_OF_THE_METHOD = ("loss", "max_epochs")
# Seven epochs before any curriculum, as 18 percent of a long training are: by three, so fast a one knows too little.
_BURN_IN = {"burn_in": 40, "update_at": (40, 75)}


def _recipe(name: str) -> dict[str, Any]:
    return {parameter: value for parameter, value in RECIPES[name].items() if parameter not in _OF_THE_METHOD}


def _seeds(dataset: str, noises: tuple[Noise, ...], mentormix: str) -> Profile:
    return Profile(
        dataset,
        n_train=_N_IMAGES,
        n_valid=0,
        max_epochs=_EPOCHS,
        tuned_epochs=_EPOCHS,
        grid=((noises, (*_METHODS, mentormix)), (symmetric(0.0), ("plain",))),
        seeds=(0, 1),
        test_every=_EPOCHS // 3,
        settings=_recipe("speed_s") | _BURN_IN,
        loss=RECIPES["speed_s"]["loss"],
        proof_rows=64,
    )


SEEDS_PROFILES = {
    "seeds": _seeds("cifar10", (*_SYMMETRIC, *_OTHERS), "mentormix"),
    "seeds-100": _seeds("cifar100", _SYMMETRIC, "mentormix_cifar100"),
}
