"""Published settings of MentorMix, by data set and noise level."""

from typing import Any

from noisylabel._support.validation import check_choice
from noisylabel.schedules import staircase_schedule

# 200,000 steps of 128 images, the learning rate times 0.9 every 30 epochs, weight decay on kernels.
_TRAINING: dict[str, Any] = {
    "curriculum": "mentornet_pd",
    "burn_in": 10,
    "percentile_decay": 0.5,
    "percentile_by_class": False,
    "ema_decay": 0.9999,
    "student": "mentormix_resnet32",
    "optimizer": "momentum",
    "lr": 0.1,
    "lr_schedule": staircase_schedule(0.9, n_stairs=200_000 / 11_718.75),
    "weight_decay": 0.0002,
    "max_epochs": 512,
    "batch_size": 128,
    "augment": "shift_flip",
}


def _published(mixup_alpha: float, loss_percentile: float, second_reweight: bool) -> dict[str, Any]:
    return _TRAINING | {
        "mixup_alpha": mixup_alpha,
        "loss_percentile": loss_percentile,
        "second_reweight": second_reweight,
    }


PRESETS: dict[str, dict[str, Any]] = {
    "auto": {},
    "cifar10-0.2": _published(2, 0.8, False),
    "cifar10-0.4": _published(8, 0.6, False),
    "cifar10-0.6": _published(8, 0.6, True),
    "cifar10-0.8": _published(4, 0.2, True),
    "cifar100-0.2": _published(2, 0.7, False),
    "cifar100-0.4": _published(8, 0.5, False),
    "cifar100-0.6": _published(4, 0.3, True),
    "cifar100-0.8": _published(8, 0.1, True),
}


def find_preset(name: str) -> dict[str, Any]:
    """Return the settings of a preset, or name the nearest one.

    References
    ----------
    Command file of the released MentorMix (https://github.com/google-research/google-research/tree/master/mentormix).
    """
    return PRESETS[check_choice("preset", name, PRESETS)]
