"""Look at what training found."""

from noisylabel.inspection._plots import plot_accuracy_against_noise

__all__ = ["plot_accuracy_against_noise"]
