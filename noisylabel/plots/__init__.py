"""Figures: curricula, learning paths, evaluations, accuracy against noise."""

from noisylabel.plots._accuracy import plot_accuracy_against_noise
from noisylabel.plots._curricula import (
    animate_curriculum,
    curriculum_weights,
    learned_from,
    plot_curriculum,
    save_curriculum_figure,
)
from noisylabel.plots._curriculum_page import write_curriculum_page
from noisylabel.plots._evaluation import plot_evaluation
from noisylabel.plots._paths import plot_distance_gap, plot_path, plot_probabilities, simplex_points
from noisylabel.plots._recorded_weights import plot_recorded_weights

__all__ = [
    "animate_curriculum",
    "curriculum_weights",
    "learned_from",
    "plot_accuracy_against_noise",
    "plot_curriculum",
    "plot_distance_gap",
    "plot_evaluation",
    "plot_path",
    "plot_probabilities",
    "plot_recorded_weights",
    "save_curriculum_figure",
    "simplex_points",
    "write_curriculum_page",
]
