"""What goes from step to step of a training, whatever it learns: step sizes, the epoch's numbers, the average."""

from noisylabel.nets.steps._averaging import ParameterAverage, plain_network
from noisylabel.nets.steps._numbers import EpochNumbers
from noisylabel.nets.steps._step_sizes import StepSizes

__all__ = ["EpochNumbers", "ParameterAverage", "StepSizes", "plain_network"]
