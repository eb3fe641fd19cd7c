"""The loop of training: epochs of steps, held-out rows after each, the best network, the checkpoint."""

import copy
import logging
import math
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from skorch import callbacks as skorch_callbacks
from skorch.callbacks import EarlyStopping, PassthroughScoring
from skorch.callbacks.scoring import ScoringBase
from torch import Tensor
from torch.nn.functional import cross_entropy
from tqdm.auto import tqdm

from noisylabel._support.random import torch_turn, user_code
from noisylabel.nets._base import IndexedNet
from noisylabel.nets._batches import OrderedBatches, TrainingBatches
from noisylabel.nets._checkpoint import Checkpoint, callback_states, restore_callbacks
from noisylabel.nets._graphs import StepGraphs, can_record
from noisylabel.nets._sanity import check_epoch, check_predictions, check_single_rows
from noisylabel.nets._skorch import check_held_out
from noisylabel.nets.data import Batch, Data, ScoredData, keeping_workers
from noisylabel.nets.steps import EpochNumbers, plain_network

_LOGGER = logging.getLogger(__name__)
_EVALUATING = (ScoringBase, PassthroughScoring, skorch_callbacks.Checkpoint, EarlyStopping)


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
            self.state = copy.deepcopy(plain_network(net.evaluated_module()).state_dict())


@dataclass
class LastEpoch:
    """The state after the last whole epoch, to which an interrupt goes back: in the checkpoint or else in memory.

    Attributes
    ----------
    checkpoint : Checkpoint or None
    copied : dict or None
        What of the state outlives training; None with a checkpoint, and before the end of the first epoch.
    """

    checkpoint: Checkpoint | None
    copied: dict[str, Any] | None = None

    def keep(self, net: IndexedNet, best: BestEpoch | None) -> None:
        """Keep the state of now."""
        if self.checkpoint is not None:
            if _wants_checkpoint(net):
                self.checkpoint.save(_state(net, best))
            return
        with torch_turn():
            training = copy.deepcopy(net.lasting_state())
        self.copied = {"training": training, "best": None if best is None else dict(vars(best))}

    def read(self) -> dict[str, Any] | None:
        """Return the state that was kept; None if no epoch has ended."""
        return self.copied if self.checkpoint is None else self.checkpoint.read()


@dataclass(frozen=True)
class Trained:
    """What a training ends with, besides the net.

    Attributes
    ----------
    best_epoch : int or None
        The epoch whose network the net has now, from 1; None if no row was held out, so that it is the last.
    last_state : dict or None
        Parameters and buffers of the network of the last epoch, if they were asked for.
    interrupt : str or None
        If an interrupt ended training early: when, and what the net is now.
    """

    best_epoch: int | None
    last_state: dict[str, Any] | None = None
    interrupt: str | None = None


def train_net(
    net: IndexedNet,
    train: Data,
    valid: Data | None = None,
    checkpoint: Checkpoint | None = None,
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
    checkpoint : Checkpoint, optional
        Where the state goes after each epoch, and where it comes from if the run goes on.
    keep_last : bool, default=False
        Return the network of the last epoch too, whichever the net ends with.

    Raises
    ------
    DivergedError
        If the loss or the network is no longer finite.
    KeyboardInterrupt
        If it comes before the first epoch has ended; a later one ends training with the state of the last whole epoch.
    """
    check_held_out(net.callbacks_, valid is not None)
    check_single_rows(net, train)
    best = _begin(net, train, None if valid is None else BestEpoch(), checkpoint)
    interrupt, last_epoch = None, LastEpoch(checkpoint)
    try:
        with keeping_workers(train, valid):
            _train_epochs(net, train, valid, best, last_epoch)
    except KeyboardInterrupt:
        kept = last_epoch.read()
        if kept is None:
            raise
        best = _go_back(net, kept)
        interrupt = _interrupt_text(net, best, checkpoint)
        _LOGGER.warning(interrupt)
    net.keep_average()
    last = copy.deepcopy(plain_network(net.module_).state_dict()) if keep_last else None
    best_epoch = _take_best(net, best)
    check_predictions(net, train)
    _notify(net, "on_train_end", X=train, y=None)
    _forget_steps(net, keep=0)
    if checkpoint is not None and interrupt is None:
        checkpoint.finish(plain_network(net.module_).state_dict())
    return Trained(best_epoch, last, interrupt)


def _begin(net: IndexedNet, train: Data, best: BestEpoch | None, checkpoint: Checkpoint | None) -> BestEpoch | None:
    """Begin training, or go on after the last epoch of a checkpoint; return the best epoch so far."""
    saved = None if checkpoint is None else checkpoint.take_content()
    if saved is not None:
        net.restore_history(saved["training"])  # callbacks read it when training begins
    _notify(net, "on_train_begin", X=train, y=None)
    if saved is None:
        return best
    _LOGGER.info("going on after epoch %d of %d", len(net.history), net.max_epochs)
    return _restore(net, best, saved)


def _train_epochs(
    net: IndexedNet, train: Data, valid: Data | None, best: BestEpoch | None, last_epoch: LastEpoch
) -> None:
    """Train until the last epoch, or until a callback has had enough."""
    batches = net.get_iterator(train, training=True)
    held_out = None if valid is None else net.get_iterator(valid, training=False)
    datasets = {"dataset_train": ScoredData(train), "dataset_valid": None if valid is None else ScoredData(valid)}
    with StepGraphs(net) as graphs:
        while len(net.history) < net.max_epochs and not _has_stopped(net):
            if last_epoch.checkpoint is not None and last_epoch.checkpoint.is_final:
                raise KeyboardInterrupt
            _notify(net, "on_epoch_begin", **datasets)
            net.start_epoch()
            sizes, numbers = _train_epoch(net, batches, graphs)
            net.end_epoch()
            check_epoch(net, None if last_epoch.checkpoint is None else last_epoch.checkpoint.path)
            net.record_epoch(numbers, sizes)
            if best is not None and held_out is not None:
                _validate(net, held_out)
                best.look(net)
            net.clock_.epoch = len(net.history)
            is_interrupted = _tell_callbacks(net, **datasets)
            _forget_steps(net, keep=1)
            log_epoch(net.history[-1], len(net.history), net.max_epochs)
            last_epoch.keep(net, best)
            if is_interrupted and len(net.history) < net.max_epochs:
                raise KeyboardInterrupt


def _interrupt_text(net: IndexedNet, best: BestEpoch | None, checkpoint: Checkpoint | None) -> str:
    """Return when training was interrupted, and what the net is now."""
    what = "what it had learned by then" if best is None else f"that of epoch {best.epoch}, the best so far"
    text = f"Training was interrupted after epoch {net.clock_.epoch} of {net.max_epochs}; the network is {what}."
    if checkpoint is None or checkpoint.path is None:
        return text
    return f"{text} fit with the same 'checkpoint_dir' goes on from its checkpoint."


def _take_best(net: IndexedNet, best: BestEpoch | None) -> int | None:
    """Give the net the network of the best epoch, and return its number; None if no row was held out.

    A callback of skorch's with ``load_best=True`` has the last word: it loads the epoch of its choice at the end.
    """
    for _, callback in net.callbacks_:
        if isinstance(callback, EarlyStopping) and callback.load_best:
            return callback.best_epoch_ or None
        if isinstance(callback, skorch_callbacks.Checkpoint) and callback.load_best and callback.monitor is not None:
            kept = [row["epoch"] for row in net.history if row.get(callback.event_name)]
            return kept[-1] if kept else None
    if best is None or best.state is None:
        return None
    plain_network(net.module_).load_state_dict(best.state)
    return best.epoch


@user_code()
def _notify(net: IndexedNet, event: str, **given: Any) -> None:
    """Tell the net and its callbacks."""
    net.notify(event, **given)


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
def _go_back(net: IndexedNet, kept: dict[str, Any]) -> BestEpoch | None:
    """Take over the state after the last whole epoch, and return the best epoch by then."""
    net.restore_lasting(kept["training"])
    return None if kept["best"] is None else BestEpoch(**kept["best"])


def _tell_callbacks(net: IndexedNet, **datasets: Any) -> bool:
    """End the epoch for each callback, whatever its place in the list; return whether one of them interrupted.

    Those that score or keep the network get the one that is evaluated; all others the one that learns.
    skorch's EarlyStopping ends training by a KeyboardInterrupt, which is then no interrupt.
    """
    is_interrupted = False
    net.on_epoch_end(net, **datasets)
    for _, callback in net.callbacks_:
        try:
            with user_code(), net.evaluating() if isinstance(callback, _EVALUATING) else nullcontext():
                callback.on_epoch_end(net, **datasets)
        except KeyboardInterrupt:
            is_interrupted = is_interrupted or not isinstance(callback, EarlyStopping)
    return is_interrupted


def _forget_steps(net: IndexedNet, keep: int) -> None:
    """Drop the dicts of single steps, but for the last epochs: skorch's callbacks read those until training ends."""
    for at in range(len(net.history) - keep):
        net.history[at]["batches"].clear()


def _has_stopped(net: IndexedNet) -> bool:
    """Whether skorch's EarlyStopping has had enough."""
    stoppers = [callback for _, callback in net.callbacks_ if isinstance(callback, EarlyStopping)]
    return any(stopper.misses_ >= stopper.patience for stopper in stoppers)


def _wants_checkpoint(net: IndexedNet) -> bool:
    """Whether to write a checkpoint now: after the last epoch, and after others unless a callback leaves it out."""
    if len(net.history) >= net.max_epochs or _has_stopped(net):
        return True
    wishes = [callback.wants_checkpoint for _, callback in net.callbacks_ if hasattr(callback, "wants_checkpoint")]
    return all(wants(net) for wants in wishes)


def _train_epoch(
    net: IndexedNet, batches: TrainingBatches, graphs: StepGraphs
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Make a step with each batch; return the sizes of all and what they showed, read when all are made."""
    net._set_training(True)
    batches.start_epoch(net.clock_.epoch)
    _tell_if_eager(net, graphs.start_epoch(net, batches))
    told = net.history[-1]["batches"]
    make_step = _told_step if net.has_step_listener_ else graphs.make_step
    for source in batches.sources():
        with torch_turn():
            make_step(net, batches, source)
    sizes, numbers = net.numbers_.take()
    if not net.has_step_listener_:
        told.extend({} for _ in sizes)
    for row, loss, size in zip(told, numbers["loss"].tolist(), sizes.tolist(), strict=True):
        row.update(train_loss=loss, train_batch_size=size)
    net.history.record("train_batch_count", len(sizes))
    if can_record(torch.device(net.device)):
        net.history.record("replayed_steps", graphs.n_replays)
    _record_loss(net, "train_loss", float((numbers["loss"] * sizes).sum() / len(batches.dataset)))
    return sizes, numbers


def _tell_if_eager(net: IndexedNet, why: str | None) -> None:
    """Say once why the steps are not recorded, on a device on which they could be."""
    is_new = why != net.why_eager_
    net.why_eager_ = why
    if is_new and why is not None and can_record(torch.device(net.device)):
        text = f"Each step of training runs its Python, instead of a CUDA graph: {why}."
        _LOGGER.info(text)
        if net.verbose:
            tqdm.write(text)


def _told_step(net: IndexedNet, batches: TrainingBatches, source: Any) -> None:
    """Make a step, and tell the callbacks; the loss that they find in the history is a tensor until the epoch ends."""
    batch = batches.batch_of(source)
    _notify(net, "on_batch_begin", batch=batch, training=True)
    net.step_sizes_.check()
    step = net.train_step(batch)
    told = net.history[-1]["batches"][-1]
    loss = step["loss"].item() if net.tells_numbers_ else step["loss"]
    told.update(train_loss=loss, train_batch_size=len(batch[1]))
    _notify(net, "on_batch_end", batch=batch, training=True, **step)


def log_epoch(row: Mapping[str, Any], done: int, n_epochs: int) -> None:
    """Log the epoch that has just ended; each tenth of training as information, others for debugging.

    Parameters
    ----------
    row : dict
        Of the history.
    done, n_epochs : int
        Epochs done, of how many.
    """
    level = logging.INFO if 10 * done // n_epochs > 10 * (done - 1) // n_epochs else logging.DEBUG
    if _LOGGER.isEnabledFor(level):
        names = ("train_loss", "data_utilization", "valid_loss", "valid_acc")
        shown = ", ".join(f"{name} {row[name]:.4g}" for name in names if name in row)
        _LOGGER.log(level, "epoch %d of %d: %s", done, n_epochs, shown)


def _validate(net: IndexedNet, batches: OrderedBatches) -> None:
    """Write loss and accuracy on the held-out rows into the history."""
    net._set_training(False)
    numbers = EpochNumbers()
    module = net.evaluated_module()
    for batch in batches:
        numbers.note(len(batch[1]), _validate_batch(net, batch, module))
    sizes, found = numbers.take()
    for row, loss in zip(net.history[-1]["batches"][-len(sizes) :], found["loss"].tolist(), strict=True):
        row["valid_loss"] = loss
    net.history.record("valid_batch_count", len(batches))
    _record_loss(net, "valid_loss", float((found["loss"] * sizes).sum() / len(batches.dataset)))
    accuracy = float(found["right"].sum() / len(batches.dataset))
    is_best = accuracy > max((row["valid_acc"] for row in net.history[:-1]), default=-1.0)
    net.history.record("valid_acc", accuracy)
    net.history.record("valid_acc_best", is_best)


@torch_turn()
def _validate_batch(net: IndexedNet, batch: Batch, module: torch.nn.Module) -> dict[str, Tensor]:
    """Predict a batch, and return the mean of its losses and how many are right."""
    _notify(net, "on_batch_begin", batch=batch, training=False)
    with torch.inference_mode():
        logits = net.infer_together(batch[0], module)
        loss = cross_entropy(logits, batch[1])
        right = (logits.argmax(1) == batch[1]).sum()
    net.history.record_batch("valid_loss", loss.item() if net.tells_numbers_ else loss)
    net.history.record_batch("valid_batch_size", len(batch[1]))
    _notify(net, "on_batch_end", batch=batch, training=False, loss=loss, y_pred=logits)
    return {"loss": loss, "right": right}


def _record_loss(net: IndexedNet, name: str, loss: float) -> None:
    """Write a loss into the history, and whether it is the lowest so far, as skorch's callbacks expect."""
    is_best = loss < min((row[name] for row in net.history[:-1]), default=math.inf)
    net.history.record(name, loss)
    net.history.record(f"{name}_best", is_best)
