"""The network of a run: built, with the inputs' standardisation in front, and tried on two samples."""

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from noisylabel.estimators.inputs._samples import dataset_sample
from noisylabel.estimators.inputs._statistics import input_statistics, statistics_rows
from noisylabel.estimators.inputs._training_data import TrainingData
from noisylabel.exceptions import InvalidDataError, InvalidParameterError
from noisylabel.nets import Data, TensorData, as_float32
from noisylabel.students import Standardize, Student

ParamGroups = list[tuple[str, dict[str, float]]]


def build_network(
    maker: Student, student: Any, data: TrainingData, standardize: bool, lr: float
) -> tuple[nn.Module, ParamGroups]:
    """Build the network that a run trains.

    Parameters
    ----------
    maker : Student
    student : object
        What the user gave for it, for messages.
    data : TrainingData
    standardize : bool
        Whether a fixed first layer brings the inputs to zero mean and unit variance.
    lr : float
        Learning rate.

    Returns
    -------
    network : nn.Module
        On the CPU.
    param_groups : list
        skorch's parameter groups of what the student wants to learn at another rate.

    Raises
    ------
    InvalidParameterError
        If the student cannot take the samples, or has another number of outputs than there are classes.
    """
    body = maker.build(data.sample_shape, data.n_classes)
    rates = {name: {"lr": lr * factor} for name, factor in maker.lr_factors(body).items()}
    first, samples = _first_layer(data, standardize)
    network = body if first is None else nn.Sequential(first, body)
    _try(network, student, as_float32(samples[:2]), data)
    if len(data.sample_shape) == 3:
        network = network.to(memory_format=torch.channels_last)
    prefix = "" if first is None else "1."
    return network, [(prefix + name, options) for name, options in rates.items()]


def _first_layer(data: TrainingData, standardize: bool) -> tuple[nn.Module | None, Tensor]:
    """Return the standardisation of the inputs, if there is any, and some samples."""
    weight = data.samples.sample_weight
    rows = statistics_rows(len(data.codes), data.sample_shape, weight)
    samples = _samples(data.samples, rows if standardize else rows[:2])
    if standardize:
        counts = None if weight is None else weight[torch.as_tensor(rows)]
        return Standardize(*input_statistics(samples, counts)), samples
    if samples.dtype == torch.uint8:
        return Standardize(torch.zeros(1), torch.ones(1)), samples  # as they are, as floats
    return None, samples


def _samples(samples: Data, rows: np.ndarray) -> Tensor:
    if isinstance(samples, TensorData):
        return samples.all_X[torch.as_tensor(rows, device=samples.all_X.device)].cpu()
    try:
        return torch.stack([dataset_sample(samples.dataset, int(row)) for row in rows])
    except RuntimeError as error:
        raise InvalidDataError(f"The Dataset's samples must all have one shape: {error}.") from error


def _try(network: nn.Module, student: Any, samples: Tensor, data: TrainingData) -> None:
    """Say at once if the network cannot take the samples or has another number of outputs than classes."""
    network.eval()
    try:
        with torch.no_grad():
            shape = tuple(network(samples).shape)
    except RuntimeError as error:
        raise InvalidParameterError(
            f"'student' {student!r} cannot take samples of shape {data.sample_shape}: {error}"
        ) from error
    if shape != (len(samples), data.n_classes):
        raise InvalidParameterError(
            f"'student' {student!r} must give {data.n_classes} outputs a sample, one for each class in y. "
            f"It gives shape {shape[1:]}: change its last layer to {data.n_classes} outputs."
        )
