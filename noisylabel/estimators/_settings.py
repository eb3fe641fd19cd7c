"""From what users write for device, optimiser and augmentation to objects."""

import inspect
from functools import partial
from typing import Any

import torch

from noisylabel._support.validation import check_choice
from noisylabel.exceptions import InvalidParameterError
from noisylabel.functional.augment import shift_and_flip

_FUSED = {"optimizer__fused": True}  # one kernel for all parameters, on the CPU too
OPTIMIZERS: dict[str, dict[str, Any]] = {
    "sgd": {"optimizer": torch.optim.SGD, "optimizer__momentum": 0.9, "optimizer__nesterov": True} | _FUSED,
    "momentum": {"optimizer": torch.optim.SGD, "optimizer__momentum": 0.9} | _FUSED,
    "adam": {"optimizer": torch.optim.Adam} | _FUSED,
    "adamw": {"optimizer": torch.optim.AdamW} | _FUSED,
}


def resolve_device(device: Any) -> torch.device:
    """Return the torch device, or say why it cannot be used."""
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
    """Return the skorch options of an optimiser's name or class."""
    if inspect.isclass(optimizer) and issubclass(optimizer, torch.optim.Optimizer):
        return {"optimizer": optimizer}
    return OPTIMIZERS[check_choice("optimizer", optimizer, OPTIMIZERS)]


def prediction_batch_size(sample_shape: tuple[int, ...]) -> int:
    """Return how many samples to predict at a time: rows of a table are small, images are not."""
    return 4096 if len(sample_shape) == 1 else 500


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
