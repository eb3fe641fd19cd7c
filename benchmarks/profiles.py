"""What a benchmark trains on, with which student, for how long."""

from dataclasses import dataclass, field
from typing import Any

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


MLP_STUDENT: dict[str, Any] = {"student": "mlp", "optimizer": "sgd", "lr": 0.05, "weight_decay": 0.0005}


Noise = tuple[str, float | None]


@dataclass(frozen=True)
class Profile:
    """Data, student and budget that all methods of a table share.

    Attributes
    ----------
    dataset : str
        Key of ``noisylabel.datasets.DATASETS``.
    n_train : int
        Training samples.
    n_valid : int
        Samples with noisy labels, in addition, for selecting an epoch.
    max_epochs : int
        Passes over the training samples.
    tuned_epochs : int
        Budget at which plain training is best, for ``plain_tuned``.
    grid : tuple of (noises, methods)
        Blocks of cells. A noise is (name, nominal rate), with None as the rate of human labels; a method is a key of
        ``benchmarks.methods.METHODS``.
    seeds : tuple of int
    test_every : int
        Epochs between measurements on the test set.
    settings : dict
        Parameters of every classifier.
    """

    dataset: str
    n_train: int
    n_valid: int
    max_epochs: int
    tuned_epochs: int
    grid: tuple[tuple[tuple[Noise, ...], tuple[str, ...]], ...]
    seeds: tuple[int, ...]
    test_every: int = 1
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def methods(self) -> list[str]:
        """All methods, each once."""
        return list(dict.fromkeys(method for _, methods in self.grid for method in methods))


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
_DISTILLING = ("filter_kd", "kd_last", "kd_early_stopped", "label_smoothing", "one_hot")


def _symmetric(*rates: float) -> tuple[Noise, ...]:
    return tuple(("symmetric", rate) for rate in rates)


_CIFAR10_NOISES: tuple[Noise, ...] = (*_symmetric(0.4), ("human_worst", None))

PROFILES = {
    "smoke": Profile(
        dataset="digits",
        n_train=1000,
        n_valid=200,
        max_epochs=20,
        tuned_epochs=5,
        grid=((_symmetric(0.4), ("plain", "plain_tuned", "self_paced")),),
        seeds=(0,),
    ),
    "digits": Profile(
        dataset="digits",
        n_train=1000,
        n_valid=200,
        max_epochs=50,
        tuned_epochs=10,
        grid=(
            (
                _symmetric(0.2, 0.4, 0.6, 0.8),
                (*_WITHOUT_TRUSTED, "data_driven_50", "data_driven_100", "data_driven_300", *_MIXING),
            ),
            (_symmetric(0.8), _MIXING_PARTS),
            (_symmetric(0.6), ("mentormix_auto_second", "mentormix_auto_no_second")),
            (_symmetric(0.2, 0.4, 0.6, 0.8), _BASELINES),
            (_symmetric(0.0, 0.2, 0.4), _DISTILLING),
        ),
        seeds=(0, 1, 2),
    ),
    # real images that a small network memorises in half a minute
    "fashion": Profile(
        dataset="fashion_mnist",
        n_train=10_000,
        n_valid=1_000,
        max_epochs=50,
        tuned_epochs=5,
        grid=(
            (_symmetric(0.8), ("plain", "mentormix", *_MIXING_PARTS)),
            (_symmetric(0.2, 0.4, 0.6, 0.8), ("plain", "plain_tuned", "self_paced_auto", *_MIXING, *_BASELINES)),
            (_symmetric(0.0, 0.2, 0.4), _DISTILLING),
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
            ((*_symmetric(0.2, 0.4, 0.6, 0.8), ("human_worst", None)), ("plain", *_MIXING)),
            (_symmetric(0.4, 0.6, 0.8), ("plain_right_rows", "mentormix_auto_no_second")),
            ((*_symmetric(0.0, 0.2, 0.4), ("human_worst", None)), _DISTILLING),
        ),
        seeds=(0, 1),
        test_every=5,
        settings=CPU_STUDENT | {"batch_size": 128},
    ),
    # the same regime with half of the images and a smaller network, a fifth of the time
    "cifar10-5k": Profile(
        dataset="cifar10",
        n_train=5_000,
        n_valid=500,
        max_epochs=60,
        tuned_epochs=15,
        grid=(((*_symmetric(0.0, 0.2, 0.4), ("human_worst", None)), _DISTILLING),),
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
        grid=((_CIFAR10_NOISES, ("plain", "self_paced", "mentornet_pd", "self_paced_auto")),),
        seeds=(0,),
        test_every=1,
        settings=CPU_STUDENT | {"batch_size": 250},
    ),
    # all images, long enough to memorise
    "cifar10-long": Profile(
        dataset="cifar10",
        n_train=49_000,
        n_valid=1_000,
        max_epochs=60,
        tuned_epochs=15,
        grid=((_symmetric(0.4), ("plain", "mixup", "mentornet_pd", "mentormix", "mentormix_auto")),),
        seeds=(0,),
        test_every=5,
        settings=CPU_STUDENT | {"batch_size": 128},
    ),
}
