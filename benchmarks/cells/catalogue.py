"""What a benchmark trains on, with which student, for how long."""

from dataclasses import replace
from typing import Any

from benchmarks.cells.profile import Noise, Profile, symmetric
from benchmarks.cells.profiles.papers import PAPER_PROFILES
from benchmarks.cells.profiles.seeds import SEEDS_PROFILES
from benchmarks.methods import ABSOLUTE_CURRICULA, RELATIVE_CURRICULA
from noisylabel.estimators import RECIPES
from noisylabel.students import SmallCNN

CPU_STUDENT: dict[str, Any] = {
    "student": "cnn",
    "optimizer": "sgd",
    "lr": 0.1,
    "weight_decay": 0.001,
    "lr_schedule": "one_cycle",
    "augment": "shift_flip",
    "precision": "bf16",
}


FAST_CPU_STUDENT: dict[str, Any] = RECIPES["speed_xs"] | {"loss": "cross_entropy"}  # smoothing helps right labels only


MLP_STUDENT: dict[str, Any] = {"student": "mlp", "optimizer": "sgd", "lr": 0.05, "weight_decay": 0.0005}


_DIGITS: dict[str, Any] = {"student": "mlp"}  # the default of tables when most of the results were measured
_WITHOUT_TRUSTED = ("plain", "plain_tuned", "self_paced", "mentornet_pd", "self_paced_auto", "mentornet_dd")
_MIXING = (
    "mixup",
    "ema",
    "mentornet_pd_known_rate",
    "mentornet_pd_by_class",
    "mentormix",
    "mentormix_by_class",
    "mentormix_auto",
    "mentormix_same_time",
)
_MIXING_PARTS = (
    "mentormix_second",
    "mentormix_no_second",
    "mentormix_alpha_2",
    "mentormix_auto_percentile",
    "mentormix_no_ema",
    "mentormix_memoryless",
    "mentormix_bernoulli_burn_in",
    "mentormix_threshold",
    "mentormix_unscaled_decay",
    "mentormix_soft",
    "mentormix_port",
)


_BASELINES = (
    "early_stopping",
    "gce",
    "symmetric_ce",
    "bootstrapping",
    "forward",
    "co_teaching",
    "elr",
    "prune_and_refit",
)
_WITH_MEMORY = ("active_bias", "spld", "learning_to_reweight_100", "fidelity_weighted_100")
_DEFAULT = ("default", "default_checked_100")
_FOR_MEMORY: tuple[Noise, ...] = (*symmetric(0.4), ("asymmetric", 0.4), ("pair", 0.45))
_DISTILLING = ("filter_kd", "kd_last", "kd_early_stopped", "label_smoothing", "one_hot")

# the tables that the suite is for: one row a method, all noises
_ALL_METHODS = (
    "plain",
    "plain_tuned",
    "label_smoothing",
    *_BASELINES,
    "self_paced_auto",
    *RELATIVE_CURRICULA,
    *ABSOLUTE_CURRICULA,
    "mentornet_pd_known_rate",
    "mentornet_pd_auto",
    "mentornet_dd",
    "mixup",
    "ema",
    "mentormix",
    "mentormix_auto",
    "filter_kd",
)
_ALL_NOISES: tuple[Noise, ...] = (
    *symmetric(0.2, 0.4, 0.5, 0.6, 0.8, 0.9),
    ("asymmetric", 0.4),
    ("pair", 0.45),
    ("instance", 0.4),
)
_WORST: tuple[Noise, ...] = (("human_worst", None),)
_HUMAN: tuple[Noise, ...] = tuple((f"human_{k}", None) for k in ("worst", "aggregate", "random1", "random2", "random3"))
_CIFAR10_NOISES: tuple[Noise, ...] = (*symmetric(0.4), *_WORST)

_CIFAR10 = Profile(
    dataset="cifar10",
    n_train=49_000,
    n_valid=1_000,
    max_epochs=40,
    tuned_epochs=10,
    grid=((_ALL_NOISES, _ALL_METHODS),),
    seeds=(0, 1, 2),
    test_every=5,
    settings=CPU_STUDENT | {"batch_size": 128},
)

_SPEED = Profile(
    dataset="cifar10",
    n_train=10_000,
    n_valid=1_000,
    max_epochs=20,
    tuned_epochs=10,
    grid=((symmetric(0.4), ("plain", "plain_tuned", "mentornet_pd_known_rate")),),
    seeds=(0, 1, 2),
    test_every=5,
    settings={name: value for name, value in FAST_CPU_STUDENT.items() if name != "max_epochs"},
)

PROFILES = {
    "smoke": Profile(
        dataset="digits",
        n_train=1000,
        n_valid=200,
        max_epochs=20,
        tuned_epochs=5,
        grid=((symmetric(0.4), ("plain", "plain_tuned", "self_paced")),),
        seeds=(0,),
        settings=_DIGITS,
    ),
    "digits": Profile(
        dataset="digits",
        n_train=1000,
        n_valid=200,
        max_epochs=50,
        tuned_epochs=10,
        grid=(
            (_ALL_NOISES, (*_ALL_METHODS, "data_driven_100")),
            (
                symmetric(0.2, 0.4, 0.6, 0.8),
                (*_WITHOUT_TRUSTED, "data_driven_50", "data_driven_100", "data_driven_300", *_MIXING),
            ),
            (symmetric(0.8), _MIXING_PARTS),
            (symmetric(0.6), ("mentormix_auto_second", "mentormix_auto_no_second")),
            (symmetric(0.0, 0.2, 0.4), _DISTILLING),
            (symmetric(0.4), ("learning_to_teach", "learning_to_teach_100", "random_teaching")),
            (_FOR_MEMORY, (*_WITH_MEMORY, *_DEFAULT)),
        ),
        seeds=(0, 1, 2),
        settings=_DIGITS,
    ),
    # real images that a small network memorises in seconds
    "fashion": Profile(
        dataset="fashion_mnist",
        n_train=4_000,
        n_valid=400,
        max_epochs=50,
        tuned_epochs=10,
        grid=(
            (_ALL_NOISES, (*_ALL_METHODS, "data_driven_300", *_WITH_MEMORY)),
            (symmetric(0.4), ("learning_to_teach",)),
            (_FOR_MEMORY, _DEFAULT),
        ),
        seeds=(0, 1, 2),
        test_every=2,
        settings=MLP_STUDENT,
    ),
    # the same, with more of them: ablations of MentorMix
    "fashion-10k": Profile(
        dataset="fashion_mnist",
        n_train=10_000,
        n_valid=1_000,
        max_epochs=50,
        tuned_epochs=5,
        grid=(
            (symmetric(0.8), ("plain", "mentormix", *_MIXING_PARTS)),
            (symmetric(0.8), ("plain", "plain_tuned", "self_paced_auto", *_MIXING)),
        ),
        seeds=(0, 1),
        settings=MLP_STUDENT,
    ),
    # the regime in which plain training memorises
    "cifar10-10k": Profile(
        dataset="cifar10",
        n_train=10_000,
        n_valid=1_000,
        max_epochs=60,
        tuned_epochs=15,
        grid=(
            (
                _CIFAR10_NOISES,
                (
                    *_WITHOUT_TRUSTED,
                    "data_driven_100",
                    "data_driven_300",
                    "data_driven_1000",
                    "data_driven_5000",
                    "data_driven_one_loss_1000",
                    "data_driven_probability_1000",
                    "data_driven_often_1000",
                    "self_paced_corrected_1000",
                    "self_paced_corrected_5000",
                ),
            ),
            ((*symmetric(0.2, 0.4, 0.6, 0.8), *_WORST), ("plain", *_MIXING)),
            (symmetric(0.4, 0.6, 0.8), ("plain_right_rows", "mentormix_auto_no_second")),
            ((*symmetric(0.0, 0.2, 0.4), *_WORST), _DISTILLING),
            ((*_ALL_NOISES, *_WORST), _ALL_METHODS),
            (_CIFAR10_NOISES, ("spld", "learning_to_reweight_100", "fidelity_weighted_100")),
        ),
        seeds=(0, 1, 2),
        test_every=5,
        settings=CPU_STUDENT | {"batch_size": 128},
    ),
    # the same images and labels in a third of the time, with the small CNN and with a network that learns faster
    "cifar10-10k-cnn": replace(
        _SPEED, max_epochs=21, tuned_epochs=10, settings=CPU_STUDENT | {"batch_size": 128}
    ),  # 21 of its epochs take what 20 of the other's do (python -m benchmarks speed --only speed_xs_vs_cnn)
    "cifar10-10k-speed": _SPEED,
    "cifar10-10k-speed-long": replace(
        _SPEED,
        max_epochs=56,  # as long as the small CNN takes for 60
        tuned_epochs=14,
        settings=_SPEED.settings | {"augment": "shift_alternate_cutout"},  # as the source has it for long trainings
    ),
    # the same regime with half of the images and a smaller network, a fifth of the time
    "cifar10-5k": Profile(
        dataset="cifar10",
        n_train=5_000,
        n_valid=500,
        max_epochs=60,
        tuned_epochs=15,
        grid=(((*symmetric(0.0, 0.2, 0.4), *_WORST), _DISTILLING),),
        seeds=(0, 1),
        test_every=10,
        settings=CPU_STUDENT | {"student": SmallCNN((32, 64, 64)), "batch_size": 128},
    ),
    # the regime in which plain training is at its best: all images, few epochs
    "cifar10-short": Profile(
        dataset="cifar10",
        n_train=49_000,
        n_valid=1_000,
        max_epochs=10,
        tuned_epochs=10,
        grid=((_CIFAR10_NOISES, ("self_paced", "mentornet_pd", *_ALL_METHODS)),),
        seeds=(0, 1, 2),
        test_every=1,
        settings=CPU_STUDENT | {"batch_size": 250},
    ),
    # all images, long enough to memorise
    "cifar10": _CIFAR10,
    # the same with human labels; whichever of the five sets of labels are there
    "cifar10n": replace(_CIFAR10, grid=((_HUMAN, _ALL_METHODS),)),
    **SEEDS_PROFILES,
    **PAPER_PROFILES,
}
GROUPS = {"paper": tuple(PAPER_PROFILES)}
