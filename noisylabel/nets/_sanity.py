"""What must hold before, during and after a training: batches that the network can take, and finite numbers."""

import copy
import math
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from noisylabel._support.random import private_torch_stream, torch_turn
from noisylabel.distributed import current_group
from noisylabel.exceptions import DivergedError, InvalidParameterError
from noisylabel.nets._base import IndexedNet
from noisylabel.nets._batches import count_batches
from noisylabel.nets.data import Data
from noisylabel.nets.steps import plain_network

_LOOKED_AT = 64


def check_single_rows(net: IndexedNet, train: Data) -> None:
    """Refuse batches of one row for a network that cannot learn from them, such as one with batch normalisation.

    Of a group of workers each has its part of a batch.

    Raises
    ------
    InvalidParameterError
    """
    group = current_group()
    n_workers = 1 if group is None else group.size
    n_rows = len(train) // count_batches(len(train), net.batch_size) // n_workers
    if n_rows > 1:
        return
    if n_rows == 0:
        raise InvalidParameterError(
            f"'n_workers' is {n_workers}, and a batch of the {len(train)} rows that are trained on has not one row for "
            f"each with 'batch_size' {net.batch_size}. Use fewer workers, or larger batches."
        )
    net._set_training(True)
    network = copy.deepcopy(plain_network(net.module_))  # batch statistics must stay as they are
    try:
        with torch.no_grad(), private_torch_stream(0, torch.device(net.device)), torch_turn():
            (batch,) = train.take(np.arange(1)).slices(1)
            net.infer(batch[0], network)
    except ValueError as error:
        raise InvalidParameterError(
            f"'batch_size' is {net.batch_size}{_of(n_workers)}, and 'student' cannot learn from a batch of one row: "
            f"{error}. Set 'batch_size' to {2 * n_workers} or more, or use a network without batch normalisation."
        ) from error


def _of(n_workers: int) -> str:
    return "" if n_workers == 1 else f" for {n_workers} workers"


def check_epoch(net: IndexedNet, checkpoint: Path | None) -> None:
    """Say that the epoch which has just ended diverged: in its loss, or in the network that its last step left.

    Raises
    ------
    DivergedError
    """
    loss, epoch = net.history[-1]["train_loss"], len(net.history)
    finite = torch.stack([torch.isfinite(parameter.detach()).all() for parameter in net.all_parameters_]).all()
    if math.isfinite(loss) and bool(finite):
        return
    what = "network became NaN or infinite" if math.isfinite(loss) else f"loss became {loss}"
    kept = ""
    if checkpoint is not None and epoch > 1:
        kept = f" {checkpoint} holds epoch {epoch - 1}; with other parameters, use another 'checkpoint_dir'."
    raise DivergedError(f"The training {what} in epoch {epoch} of {net.max_epochs}. {_advice(net)}{kept}")


def are_predictions(logits: Tensor) -> Tensor:
    """Return which rows of logits (N, C) are predictions, (N,): minus infinity rules some classes out, but not all."""
    return torch.isfinite(logits.amax(1))


def check_predictions(net: IndexedNet, train: Data) -> None:
    """Say that the network which training ends with gives no numbers.

    Raises
    ------
    DivergedError
    """
    some = train.take(np.arange(min(len(train), _LOOKED_AT)))
    if not all(bool(are_predictions(logits).all()) for logits in net.forward_iter(some)):
        raise DivergedError(
            f"The predictions became NaN or infinite by the end of training, after epoch {net.clock_.epoch} of "
            f"{net.max_epochs}. {_advice(net)}"
        )


def _advice(net: IndexedNet) -> str:
    return f"Lower 'lr' (now {net.base_settings_[0][0]:g}), or look for extreme values in X."
