"""Settings by name: published ones of MentorMix, and fast training of small images."""

import copy
from functools import partial
from typing import Any

from noisylabel._support.validation import check_choice
from noisylabel.functional import ImageAugmentation
from noisylabel.losses import LabelSmoothing
from noisylabel.schedules import one_cycle, staircase_schedule
from noisylabel.students import Speed

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


_MOMENTUM = 0.85
# how much longer steps are than a gradient that stays the same, with Nesterov's momentum
_STEP = 1 + 1 / (1 - _MOMENTUM)


def _fast(student: Speed, lr: float, decay: float, max_epochs: int, augment: ImageAugmentation) -> dict[str, Any]:
    """Return settings of cifar10-airbench, whose learning rates and decays are those of 1,024 images."""
    return {
        "student": student,
        "loss": LabelSmoothing(0.2),
        "optimizer": "sgd",
        "lr": round(lr / _STEP, 3),
        "lr_schedule": partial(one_cycle, warmup=0.23),
        "weight_decay": round(decay / lr, 6),
        "net_params": {"optimizer__momentum": _MOMENTUM},
        "max_epochs": max_epochs,
        "batch_size": 1024,
        "augment": augment,
        "precision": "bf16",
    }


_SMALL = {"student": Speed((32, 128, 192), norm_lr=64), "lr": 0.3, "batch_size": 128, "max_epochs": 20}

RECIPES: dict[str, dict[str, Any]] = {
    "speed_xs": _fast(Speed(), 11.5, 0.0153, 10, ImageAugmentation(2)) | _SMALL,
    "speed_s": _fast(Speed(norm_lr=64), 11.5, 0.0153, 10, ImageAugmentation(2)),
    "speed_m": _fast(Speed((128, 384, 384), norm_lr=64), 10, 0.0153, 15, ImageAugmentation(2)),
    "speed_l": _fast(Speed((128, 384, 512), 3, norm_lr=64), 9, 0.012, 37, ImageAugmentation(4, cutout=12)),
}
"""Fast training of 32x32 images, by the name of the network.

References
----------
Jordan, "94% on CIFAR-10 in 3.29 seconds on a single GPU", 2024 (https://github.com/KellerJordan/cifar10-airbench).
"""


def find_recipe(name: str) -> dict[str, Any]:
    """Return the settings of a recipe, or name the nearest one."""
    return copy.deepcopy(RECIPES[check_choice("preset", name, RECIPES)])  # a classifier may change what it holds


def find_preset(name: str) -> dict[str, Any]:
    """Return the settings of a preset or a recipe for MentorMix, or name the nearest one.

    References
    ----------
    Command file of the released MentorMix (https://github.com/google-research/google-research/tree/master/mentormix).
    """
    found = copy.deepcopy((PRESETS | RECIPES)[check_choice("preset", name, PRESETS | RECIPES)])
    return {parameter: value for parameter, value in found.items() if parameter != "loss"}  # mixes have their own
