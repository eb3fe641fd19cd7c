"""The loop of training: epochs of steps, held-out rows after each, the best network, the checkpoint."""

import copy
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from skorch.callbacks import EarlyStopping
from torch.nn.functional import cross_entropy

from noisylabel._support.random import torch_turn
from noisylabel.exceptions import DivergedError
from noisylabel.nets._base import IndexedNet
from noisylabel.nets._batches import Batch, Data, OrderedBatches, TrainingBatches
from noisylabel.nets._checkpoint import CheckpointFile, callback_states, restore_callbacks


@dataclass
class BestEpoch:
    """The network of the epoch with the highest accuracy on the held-out rows; the first of several equal ones.

    Attributes
    ----------
    epoch : int
        From 1; 0 before the first.
    accuracy : float
    state : dict or None
        Its parameters and buffers.
    """

    epoch: int = 0
    accuracy: float = -1.0
    state: dict[str, Any] | None = None

    def look(self, net: IndexedNet) -> None:
        """Copy the network if the epoch that has just ended is the best so far."""
        accuracy = net.history[-1]["valid_acc"]
        if accuracy > self.accuracy:
            self.accuracy, self.epoch = accuracy, len(net.history)
            self.state = copy.deepcopy(net.evaluated_module().state_dict())


@dataclass(frozen=True)
class Trained:
    """What a training ends with, besides the net.

    Attributes
    ----------
    best_epoch : int or None
        The epoch whose network the net has now, from 1; None if no row was held out, so that it is the last.
    last_state : dict or None
        Parameters and buffers of the network of the last epoch, if they were asked for.
    """

    best_epoch: int | None
    last_state: dict[str, Any] | None = None


def train_net(
    net: IndexedNet,
    train: Data,
    valid: Data | None = None,
    checkpoint: CheckpointFile | None = None,
    keep_last: bool = False,
) -> Trained:
    """Train a net for its ``max_epochs``, or for what is left of a run whose checkpoint is given.

    Parameters
    ----------
    net : IndexedNet
        Initialised.
    train : TensorData or StreamedData
    valid : TensorData or StreamedData, optional
        Held-out rows; the net ends with the network that was best on them.
    checkpoint : CheckpointFile, optional
        Where the state goes after each epoch, and where it comes from if the run goes on.
    keep_last : bool, default=False
        Return the network of the last epoch too, whichever the net ends with.

    Raises
    ------
    DivergedError
        If the training loss is no longer finite.
    """
    best = None if valid is None else BestEpoch()
    saved = None if checkpoint is None else checkpoint.take_content()
    if saved is not None:
        net.restore_history(saved["training"])  # callbacks read it when training begins
    _notify(net, "on_train_begin", X=train, y=None)
    if saved is not None:
        best = _restore(net, best, saved)
        saved = None  # it is as large as the network
    batches = net.get_iterator(train, training=True)
    held_out = None if valid is None else net.get_iterator(valid, training=False)
    while len(net.history) < net.max_epochs and not _has_stopped(net):
        _notify(net, "on_epoch_begin", dataset_train=train, dataset_valid=valid)
        _train_epoch(net, batches)
        if best is not None and held_out is not None:
            _validate(net, held_out)
            best.look(net)
        _tell_callbacks(net, dataset_train=train, dataset_valid=valid)
        if checkpoint is not None:
            checkpoint.save(_state(net, best))
    net.keep_average()
    last = copy.deepcopy(net.module_.state_dict()) if keep_last else None
    if best is not None and best.state is not None:
        net.module_.load_state_dict(best.state)
    _notify(net, "on_train_end", X=train, y=None)
    if checkpoint is not None:
        checkpoint.finish(net.module_.state_dict())
    return Trained(None if best is None else best.epoch, last)


@torch_turn()
def _notify(net: IndexedNet, event: str, **datasets: Any) -> None:
    """Tell the net and its callbacks."""
    net.notify(event, **datasets)


@torch_turn()
def _state(net: IndexedNet, best: BestEpoch | None) -> dict[str, Any]:
    """Return all that a run needs to go on after this epoch."""
    return {
        "training": net.training_state(),
        "best": None if best is None else vars(best),
        "callbacks": callback_states(net.callbacks_),
    }


@torch_turn()
def _restore(net: IndexedNet, best: BestEpoch | None, saved: dict[str, Any]) -> BestEpoch | None:
    """Take over what :func:`_state` returned, and return the best epoch so far."""
    net.restore_training(saved["training"])
    restore_callbacks(net.callbacks_, saved["callbacks"])
    return None if best is None else BestEpoch(**saved["best"])


@torch_turn()
def _tell_callbacks(net: IndexedNet, **datasets: Any) -> None:
    """End the epoch for each callback, whatever its place in the list.

    skorch's EarlyStopping ends training by a KeyboardInterrupt, which is then no error.
    """
    net.on_epoch_end(net, **datasets)
    for _, callback in net.callbacks_:
        try:
            callback.on_epoch_end(net, **datasets)
        except KeyboardInterrupt:
            if not isinstance(callback, EarlyStopping):
                raise


def _has_stopped(net: IndexedNet) -> bool:
    """Whether skorch's EarlyStopping has had enough."""
    stoppers = [callback for _, callback in net.callbacks_ if isinstance(callback, EarlyStopping)]
    return any(stopper.misses_ >= stopper.patience for stopper in stoppers)


def _train_epoch(net: IndexedNet, batches: TrainingBatches) -> None:
    """Make a step with each batch; callbacks that do not listen to steps are not told of them."""
    net._set_training(True)
    loss_sum = 0.0
    epoch_batches = net.history[-1]["batches"]
    in_order = iter(batches)
    while (step := _next_step(net, in_order, epoch_batches)) is not None:
        loss, size = step
        loss_sum += loss * size
    _record_loss(net, "train_loss", loss_sum / len(batches.dataset))
    _check_finite(net, loss_sum)
    net.record_epoch()


@torch_turn()
def _next_step(net: IndexedNet, batches: Iterator[Batch], told: list[dict[str, Any]]) -> tuple[float, int] | None:
    """Make a step with the next batch, and return its loss and size; None after the last batch."""
    batch = next(batches, None)
    if batch is None:
        return None
    if net.has_step_listener_:
        net.notify("on_batch_begin", batch=batch, training=True)
    else:
        told.append({})
    step = net.train_step(batch)
    loss, size = step["loss"].item(), len(batch[1])
    told[-1].update(train_loss=loss, train_batch_size=size)
    if net.has_step_listener_:
        net.notify("on_batch_end", batch=batch, training=True, **step)
    return loss, size


def _check_finite(net: IndexedNet, loss: float) -> None:
    if not math.isfinite(loss):
        raise DivergedError(
            f"The training loss became {loss} in epoch {len(net.history)}. Lower 'lr' (now {net.lr:g}), or look for "
            "extreme values in X."
        )


def _validate(net: IndexedNet, batches: OrderedBatches) -> None:
    """Write loss and accuracy on the held-out rows into the history."""
    net._set_training(False)
    loss_sum, n_right = 0.0, 0
    module, in_order = net.evaluated_module(), iter(batches)
    while (found := _next_validation(net, in_order, module)) is not None:
        loss_sum, n_right = loss_sum + found[0], n_right + found[1]
    _record_loss(net, "valid_loss", loss_sum / len(batches.dataset))
    accuracy = n_right / len(batches.dataset)
    is_best = accuracy > max((row["valid_acc"] for row in net.history[:-1]), default=-1.0)
    net.history.record("valid_acc", accuracy)
    net.history.record("valid_acc_best", is_best)


@torch_turn()
def _next_validation(net: IndexedNet, batches: Iterator[Batch], module: torch.nn.Module) -> tuple[float, int] | None:
    """Predict the next batch, and return the sum of its losses and how many are right; None after the last batch."""
    batch = next(batches, None)
    if batch is None:
        return None
    net.notify("on_batch_begin", batch=batch, training=False)
    with torch.inference_mode():
        logits = net.infer(batch[0], module)
        loss = cross_entropy(logits, batch[1])
    net.history.record_batch("valid_loss", loss.item())
    net.history.record_batch("valid_batch_size", len(batch[1]))
    net.notify("on_batch_end", batch=batch, training=False, loss=loss, y_pred=logits)
    return loss.item() * len(batch[1]), int((logits.argmax(1) == batch[1]).sum())


def _record_loss(net: IndexedNet, name: str, loss: float) -> None:
    """Write a loss into the history, and whether it is the lowest so far, as skorch's callbacks expect."""
    is_best = loss < min((row[name] for row in net.history[:-1]), default=math.inf)
    net.history.record(name, loss)
    net.history.record(f"{name}_best", is_best)
