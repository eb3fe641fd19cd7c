"""From what users write for device, optimizer, augmentation and the rest to skorch's options."""

import inspect
from functools import partial
from typing import Any

import torch

from noisylabel._support.validation import check_choice
from noisylabel.exceptions import InvalidParameterError
from noisylabel.functional.augment import shift_and_flip
from noisylabel.nets import OrderedBatches, TrainingBatches
from noisylabel.schedules import resolve_lr_schedule

_FUSED = {"optimizer__fused": True}  # one kernel for all parameters, on the CPU too
OPTIMIZERS: dict[str, dict[str, Any]] = {
    "sgd": {"optimizer": torch.optim.SGD, "optimizer__momentum": 0.9, "optimizer__nesterov": True} | _FUSED,
    "momentum": {"optimizer": torch.optim.SGD, "optimizer__momentum": 0.9} | _FUSED,
    "adam": {"optimizer": torch.optim.Adam} | _FUSED,
    "adamw": {"optimizer": torch.optim.AdamW} | _FUSED,
}


def net_options(estimator: Any, sample_shape: tuple[int, ...], device: torch.device, seed: int) -> dict[str, Any]:
    """Return the options of a net that are the same for every training rule."""
    return {
        "lr_schedule": resolve_lr_schedule(estimator.lr_schedule),
        "precision": estimator.precision,
        "ema_decay": estimator.ema_decay,
        "lr": estimator.lr,
        "max_epochs": estimator.max_epochs,
        "batch_size": estimator.batch_size,
        "iterator_train": TrainingBatches,
        "iterator_train__generator": torch.Generator().manual_seed(seed),
        "iterator_train__augment": resolve_augment(estimator.augment, sample_shape),
        "iterator_train__augment_generator": torch.Generator(device).manual_seed(seed + 2),
        **prediction_options(sample_shape, device),
        "optimizer__weight_decay": estimator.weight_decay,
        **resolve_optimizer(estimator.optimizer),
    }


def prediction_options(sample_shape: tuple[int, ...], device: torch.device) -> dict[str, Any]:
    """Return the options that a net needs to predict."""
    return {
        "iterator_valid": OrderedBatches,
        "iterator_valid__batch_size": 4096 if len(sample_shape) == 1 else 500,  # rows of a table are small
        "train_split": None,
        "callbacks__print_log": None,
        "device": str(device),
        "verbose": 0,
    }


def resolve_device(device: Any) -> torch.device:
    """Return the torch device.

    Raises
    ------
    InvalidParameterError
        If it cannot be used here; the message says why.
    """
    try:
        resolved = torch.device(device)
    except (RuntimeError, TypeError) as error:
        raise InvalidParameterError(
            f"'device' must be a torch device such as 'cpu' or 'cuda'. Got {device!r}."
        ) from error
    if resolved.type == "cuda" and not torch.cuda.is_available():
        raise InvalidParameterError(
            f"'device' is {device!r}, but torch sees no CUDA device here. Use device='cpu', or install a CUDA build of "
            "torch and check nvidia-smi."
        )
    return resolved


def resolve_optimizer(optimizer: Any) -> dict[str, Any]:
    """Return the skorch options of an optimizer's name or class."""
    if inspect.isclass(optimizer) and issubclass(optimizer, torch.optim.Optimizer):
        return {"optimizer": optimizer}
    return OPTIMIZERS[check_choice("optimizer", optimizer, OPTIMIZERS)]


def resolve_augment(augment: Any, sample_shape: tuple[int, ...]) -> Any:
    """Return a function of (batch, generator), or None."""
    if augment is None or callable(augment):
        return augment
    check_choice("augment", augment, ["shift_flip", "shift"])
    if len(sample_shape) != 3:
        raise InvalidParameterError(
            f"'augment' {augment!r} is for images (N, channels, height, width). Got samples of shape {sample_shape}; "
            "use augment=None."
        )
    return partial(shift_and_flip, max_shift=max(1, min(sample_shape[1:]) // 8), flip=augment == "shift_flip")
