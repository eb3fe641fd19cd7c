"""From what users write for device, optimizer, augmentation and the rest to skorch's options."""

import inspect
from collections.abc import Mapping
from functools import partial
from typing import Any

import torch
from skorch.callbacks import PrintLog
from tqdm.auto import tqdm

from noisylabel._support.validation import check_choice
from noisylabel.estimators.inputs._format import SampleFormat
from noisylabel.exceptions import InvalidParameterError
from noisylabel.functional import ImageAugmentation
from noisylabel.nets import OrderedBatches, TrainingBatches
from noisylabel.schedules import resolve_lr_schedule

_FUSED = {"optimizer__fused": True}  # one kernel for all parameters, on the CPU too
_OTHER_KERNELS = {"foreach", "differentiable"}
OPTIMIZERS: dict[str, dict[str, Any]] = {
    "sgd": {"optimizer": torch.optim.SGD, "optimizer__momentum": 0.9, "optimizer__nesterov": True} | _FUSED,
    "momentum": {"optimizer": torch.optim.SGD, "optimizer__momentum": 0.9} | _FUSED,
    "adam": {"optimizer": torch.optim.Adam} | _FUSED,
    "adamw": {"optimizer": torch.optim.AdamW} | _FUSED,
}


AUGMENTATIONS: dict[str, tuple[str, float]] = {
    "shift": ("none", 0),
    "shift_flip": ("random", 0),
    "shift_alternate": ("alternating", 0),
    "shift_alternate_cutout": ("alternating", 3 / 8),
}
"""How images are mirrored, and what share of their side is covered; all are shifted by an eighth of it."""

_UNFIT = {
    torch.optim.LBFGS: "asks for the loss again within a step, which would be another batch to the curriculum",
    torch.optim.SparseAdam: "learns from sparse gradients only",
}


def net_options(estimator: Any, samples: SampleFormat, device: torch.device, seed: int) -> dict[str, Any]:
    """Return the options of a net that are the same for every training rule."""
    more = dict(estimator.net_params or {})
    options = {
        "lr_schedule": resolve_lr_schedule(estimator.lr_schedule),
        "precision": estimator.precision,
        "ema_decay": estimator.ema_decay,
        "sync_batchnorm": estimator.sync_batchnorm,
        "max_epochs": estimator.max_epochs,
        "batch_size": estimator.batch_size,
        "iterator_train": TrainingBatches,
        "iterator_train__generator": torch.Generator().manual_seed(seed),
        "iterator_train__augment": resolve_augment(estimator.augment, samples.shape),
        "iterator_train__augment_generator": torch.Generator(device).manual_seed(seed + 2),
        **prediction_options(samples, device),
        **resolve_optimizer(estimator, more.pop("optimizer", estimator.optimizer)),
        "verbose": estimator.verbose,
        "callbacks": estimator.callbacks or [],
    }
    if any(more.get(f"optimizer__{name}") for name in _OTHER_KERNELS):
        options.pop("optimizer__fused", None)  # torch takes one of them
    if estimator.verbose >= 2:
        options["callbacks__print_log"] = PrintLog(sink=tqdm.write)
    return options | more


def prediction_options(samples: SampleFormat, device: torch.device) -> dict[str, Any]:
    """Return the options that a net needs to predict."""
    return {
        "iterator_valid": OrderedBatches,
        "iterator_valid__batch_size": 4096 if len(samples.shape) == 1 else 500,  # rows of a table are small
        "prepare_samples": samples.prediction_batch,
        "train_split": None,
        "callbacks__print_log": None,
        "device": str(device),
        "verbose": 0,
    }


def resolve_device(device: Any) -> torch.device:
    """Return the torch device; ``"auto"`` is CUDA if torch sees a GPU, else the CPU.

    Raises
    ------
    InvalidParameterError
        If it cannot be used here; the message says why.
    """
    if isinstance(device, str) and device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        resolved = torch.device(device)
    except (RuntimeError, TypeError) as error:
        raise InvalidParameterError(
            f"'device' must be 'auto' or a torch device such as 'cpu' or 'cuda'. Got {device!r}."
        ) from error
    if resolved.type == "cuda" and not torch.cuda.is_available():
        raise InvalidParameterError(
            f"'device' is {device!r}, but torch sees no CUDA device here. Use device='cpu', or install a CUDA build of "
            "torch and check nvidia-smi."
        )
    if resolved.type == "cuda" and (resolved.index or 0) >= torch.cuda.device_count():
        raise InvalidParameterError(
            f"'device' is {device!r}, but torch sees {torch.cuda.device_count()} CUDA devices here, numbered from 0."
        )
    return resolved


def resolve_optimizer(estimator: Any, optimizer: Any) -> dict[str, Any]:
    """Return the skorch options of an optimizer's name, its class or a partial of it, with ``lr`` and ``weight_decay``.

    A learning rate or weight decay within a partial takes the place of the classifier's, if that is the default.

    Raises
    ------
    InvalidParameterError
        If it is no optimizer, cannot work here, or contradicts the classifier's own parameters.
    """
    if isinstance(optimizer, str):
        named = OPTIMIZERS[check_choice("optimizer", optimizer, OPTIMIZERS)]
        return {"lr": estimator.lr, "optimizer__weight_decay": estimator.weight_decay, **named}
    kind, given = (optimizer.func, optimizer.keywords) if isinstance(optimizer, partial) else (optimizer, {})
    if not (inspect.isclass(kind) and issubclass(kind, torch.optim.Optimizer)):
        raise InvalidParameterError(
            f"'optimizer' must be one of {list(OPTIMIZERS)}, an optimizer class of torch, or functools.partial of one. "
            f"Got {optimizer!r}."
        )
    for unfit, why in _UNFIT.items():
        if issubclass(kind, unfit):
            raise InvalidParameterError(f"'optimizer' {kind.__name__} {why}. Use another one, such as 'adamw'.")
    options = {"optimizer": optimizer, "lr": _own_or_given(estimator, "lr", given)}
    weight_decay = _own_or_given(estimator, "weight_decay", given)
    if _takes(kind, "weight_decay"):
        options["optimizer__weight_decay"] = weight_decay
    elif weight_decay not in (0, _default(estimator, "weight_decay")):
        raise InvalidParameterError(
            f"'optimizer' {kind.__name__} has no weight decay. Got weight_decay={weight_decay!r}: set it to 0."
        )
    return options


def _own_or_given(estimator: Any, name: str, given: Mapping[str, Any]) -> Any:
    """Return the estimator's parameter, or what a partial has in its place."""
    own = getattr(estimator, name)
    if name not in given or given[name] == own:
        return own
    if own != _default(estimator, name):
        raise InvalidParameterError(
            f"'optimizer' has {name}={given[name]!r} within, and '{name}' is {own!r}. Leave one of them out."
        )
    return given[name]


def _default(estimator: Any, name: str) -> Any:
    return inspect.signature(type(estimator)).parameters[name].default


def _takes(kind: type, name: str) -> bool:
    parameters = inspect.signature(kind).parameters
    return name in parameters or any(p.kind is p.VAR_KEYWORD for p in parameters.values())


def resolve_augment(augment: Any, sample_shape: tuple[int, ...]) -> Any:
    """Return a function of (batch, generator) or, if it ``needs_rows``, of (batch, generator, rows, epoch); or None."""
    if isinstance(augment, ImageAugmentation):
        augment.check_shape(sample_shape)
    if augment is None or callable(augment):
        return augment
    flip, cutout = AUGMENTATIONS[check_choice("augment", augment, AUGMENTATIONS)]
    if len(sample_shape) != 3:
        raise InvalidParameterError(
            f"'augment' {augment!r} is for images (N, channels, height, width). Got samples of shape {sample_shape}; "
            "use augment=None."
        )
    side = min(sample_shape[1:])
    return ImageAugmentation(min(max(1, side // 8), side - 1), flip, round(cutout * side))
