"""The network of a run: built, with the inputs' standardisation in front, and tried on two samples."""

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from noisylabel.estimators.inputs._statistics import statistics_rows
from noisylabel.estimators.inputs._training_data import TrainingData
from noisylabel.exceptions import InvalidParameterError
from noisylabel.nets import Data
from noisylabel.students import Standardize, Student

_REFUSALS = (RuntimeError, TypeError, IndexError)  # of a network that cannot take its input
_ADAPTED_TO = 512  # samples, of which a Dataset has to load each
ParamGroups = list[tuple[str, dict[str, float]]]


def build_network(
    maker: Student, student: Any, data: TrainingData, train: Data, lr: float
) -> tuple[nn.Module, ParamGroups]:
    """Build the network that a run trains.

    Parameters
    ----------
    maker : Student
    student : object
        What the user gave for it, for messages.
    data : TrainingData
        Its statistics, if it has any, become a fixed first layer.
    train : TensorData or StreamedData
        The rows that are trained on.
    lr : float
        Learning rate.

    Returns
    -------
    network : nn.Module
        On the CPU.
    param_groups : list
        skorch's parameter groups of what the student wants to learn at another rate, by the student's own names.

    Raises
    ------
    InvalidParameterError
        If the student cannot take the samples, or has another number of outputs than there are classes.
    """
    body = maker.build(data.sample_shape, data.n_classes)
    factors = {name: factor for name, factor in maker.lr_factors(body).items() if factor > 0}  # others are frozen
    rates = [(name, {"lr": lr * factor}) for name, factor in factors.items()]
    first = _first_layer(body, data)
    network = body if first is None else nn.Sequential(first, body)
    network.capturable = maker.capturable or getattr(body, "capturable", False)  # type: ignore[assignment]
    _try(network, student, data)
    if type(maker).adapt is not Student.adapt:
        _adapt(maker, body, first, train, data)
    if len(data.sample_shape) == 3:
        network = network.to(memory_format=torch.channels_last)
    return network, rates


def _adapt(maker: Student, body: nn.Module, first: nn.Module | None, train: Data, data: TrainingData) -> None:
    """Show the student some of the rows that are trained on, evenly spaced, as its network gets them."""
    rows = statistics_rows(len(train), data.sample_shape, train.sample_weight)
    if len(rows) > _ADAPTED_TO:
        rows = rows[np.linspace(0, len(rows) - 1, _ADAPTED_TO).astype(np.int64)]
    chosen = train.take(rows)
    samples = next(iter(chosen.slices(len(rows))))[0].cpu()
    weight = torch.ones(len(rows)) if chosen.sample_weight is None else chosen.sample_weight.cpu()
    with torch.no_grad():
        maker.adapt(body, samples if first is None else first(samples), weight / weight.sum())


def type_of_inputs(network: nn.Module, sample_dtype: str) -> str:
    """Return what the samples are for a network: whole numbers only if no fixed layer makes floats of them."""
    makes_floats = isinstance(network, nn.Sequential) and len(network) > 0 and isinstance(network[0], Standardize)
    return "float32" if sample_dtype == "int64" and makes_floats else sample_dtype


def _first_layer(body: nn.Module, data: TrainingData) -> nn.Module | None:
    """Return the standardisation of the inputs; or what leaves them as they are, as floats of the network's own.

    The latter is for uint8 images, for whole numbers that the network does not take, and for a network that writes to
    its input.
    """
    if data.statistics is not None:
        return Standardize(*data.statistics)
    if data.trial.dtype == torch.uint8:
        return as_floats()
    given = data.trial.clone()
    body.eval()
    try:
        with torch.no_grad():
            body(given)
    except _REFUSALS:
        return as_floats() if data.sample_dtype == "int64" else None
    return None if torch.equal(given, data.trial) else as_floats()


def as_floats() -> Standardize:
    """Return a layer that gives the next one a copy of the inputs, as floats."""
    return Standardize(torch.zeros(1), torch.ones(1))


def _hint(network: nn.Module, data: TrainingData) -> str:
    """Return what to do if a network of embeddings got floats."""
    looks_up = any(isinstance(layer, (nn.Embedding, nn.EmbeddingBag)) for layer in network.modules())
    return ". For token ids set standardize=False." if looks_up and data.statistics is not None else ""


def _try(network: nn.Module, student: Any, data: TrainingData) -> None:
    """Say at once if the network cannot take the samples or does not give a logit for each class."""
    network.eval()
    try:
        with torch.no_grad():
            logits = network(data.trial.clone())
    except _REFUSALS as error:
        raise InvalidParameterError(
            f"'student' {student!r} cannot take samples of shape {data.sample_shape}: {error}{_hint(network, data)}"
        ) from error
    if not isinstance(logits, Tensor):
        raise InvalidParameterError(
            f"'student' {student!r} must return one tensor of logits. It returns a {type(logits).__name__}: wrap it in "
            "a module whose forward returns the logits alone."
        )
    shape = tuple(logits.shape)
    if shape != (len(data.trial), data.n_classes):
        raise InvalidParameterError(
            f"'student' {student!r} must give {data.n_classes} outputs a sample, one for each class in y. "
            f"It gives shape {shape[1:]}: change its last layer to {data.n_classes} outputs."
        )
    sums = logits.double().sum(1)
    if bool((logits >= 0).all()) and torch.allclose(sums, torch.ones_like(sums), rtol=0, atol=1e-4):
        raise InvalidParameterError(
            f"'student' {student!r} must return logits, but its outputs are probabilities: for each sample they sum to "
            "1. Leave out the softmax at its end; the loss has one."
        )
