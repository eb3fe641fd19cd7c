"""The settings of MentorNet's and MentorMix's tables: students, steps, schedules, augmentation. For a GPU.

What stays different: MentorMix's code also distorts colours, by amounts that neither paper nor README tells, and all
mentors follow our corrections (see "Differences from the papers" in the guide).
"""

from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.cells.profile import Profile, symmetric
from noisylabel.estimators import PRESETS
from noisylabel.functional.augment import ImageAugmentation
from noisylabel.students import CifarNet, ResNet, Student

_DATASETS = ("cifar10", "cifar100")
_MENTORNET_METHODS = (
    "released_baseline",
    "released_self_paced",
    "released_focal",
    "released_mentornet_pd",
    "released_mentornet_dd",
)
_N_IMAGES = 50_000
# ResNet: 39,000 steps, the rate times 0.1 at steps 19,531, 25,000 and 30,000. CifarNet: 120,000 steps, the rate times
# 0.1 every 200 epochs.
_RESNET_DROPS = (19_531 / 39_000, 25_000 / 39_000, 30_000 / 39_000)
_CIFARNET_DROPS = (200 * _N_IMAGES / 128 / 120_000,)


class StandardizeEach(nn.Module):
    """Give each image zero mean and unit deviation, as TensorFlow's ``per_image_standardization`` does."""

    def forward(self, x: Tensor) -> Tensor:
        """Return the standardised batch (B, C, H, W)."""
        x = x.float()
        size = x[0].numel()
        std = x.std(dim=(1, 2, 3), correction=0, keepdim=True).clamp_min(size**-0.5)
        return ((x - x.mean(dim=(1, 2, 3), keepdim=True)) / std).contiguous(memory_format=torch.channels_last)


class EachStandardized(Student):
    """A student whose images are standardised one by one.

    Parameters
    ----------
    student : Student
    """

    def __init__(self, student: Student) -> None:
        self.student = student

    @property
    def capturable(self) -> bool:  # type: ignore[override]
        """Whether a step can be recorded: what is done here can be."""
        return self.student.capturable

    def build(self, sample_shape: tuple[int, ...], n_classes: int) -> nn.Module:
        """See :meth:`Student.build`."""
        return nn.Sequential(StandardizeEach(), self.student.build(sample_shape, n_classes))


def drop_by_ten(drops: tuple[float, ...], progress: float) -> float:
    """Return the factor on the learning rate: a tenth after each of the given shares of training."""
    return float(0.1 ** sum(progress >= drop for drop in drops))


def _profile(dataset: str, rates: tuple[float, ...], methods: tuple[str, ...], epochs: int, **more: Any) -> Profile:
    grid = ((symmetric(*rates), methods),)
    return Profile(dataset, _N_IMAGES, 0, epochs, epochs, grid, seeds=(0,), test_every=10, proof_rows=6, **more)


def _mentornet(dataset: str, student: Student, epochs: int, **settings: Any) -> Profile:
    shared = {"student": EachStandardized(student), "standardize": False, "lr": 0.1, "batch_size": 128}
    return _profile(dataset, (0.2, 0.4, 0.8), _MENTORNET_METHODS, epochs, settings=shared | settings)


def _mentormix(dataset: str) -> Profile:
    def published(rate: float) -> dict[str, Any]:
        preset = PRESETS[f"{dataset}-{rate}"] | {"augment": ImageAugmentation(max_shift=2, flip="random")}
        return {name: value for name, value in preset.items() if name != "max_epochs"}

    epochs = PRESETS[f"{dataset}-0.4"]["max_epochs"]
    return _profile(dataset, (0.2, 0.4, 0.6, 0.8), ("released_mentormix",), epochs, by_rate=published)


_RESNET = {
    "student": ResNet(56, width=160, stem=16, negative_slope=0.1),
    "epochs": 100,
    "optimizer": "momentum",
    "weight_decay": 0.0002,
    "lr_schedule": partial(drop_by_ten, _RESNET_DROPS),
    "augment": ImageAugmentation(max_shift=2, flip="random"),
}
_CIFARNET = {
    "student": CifarNet(),
    "epochs": 307,
    "optimizer": torch.optim.SGD,
    "weight_decay": 0.0,
    "lr_schedule": partial(drop_by_ten, _CIFARNET_DROPS),
    "augment": ImageAugmentation(max_shift=8, flip="random"),
}
PAPER_PROFILES = {
    **{f"paper-mentornet-resnet-{dataset}": _mentornet(dataset, **_RESNET) for dataset in _DATASETS},
    **{f"paper-mentornet-cifarnet-{dataset}": _mentornet(dataset, **_CIFARNET) for dataset in _DATASETS},
    **{f"paper-mentormix-{dataset}": _mentormix(dataset) for dataset in _DATASETS},
}
