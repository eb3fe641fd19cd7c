"""Look at what training found."""

from noisylabel.inspection._curriculum_plots import (
    animate_curriculum,
    curriculum_weights,
    learned_from,
    plot_curriculum,
    save_curriculum_figure,
    write_curriculum_page,
)
from noisylabel.inspection._evaluation import evaluate_checkpoint, save_evaluation, watch_checkpoints
from noisylabel.inspection._evaluation_plot import plot_evaluation
from noisylabel.inspection._path_plots import plot_distance_gap, plot_path, plot_probabilities, simplex_points
from noisylabel.inspection._plots import plot_accuracy_against_noise

__all__ = [
    "animate_curriculum",
    "curriculum_weights",
    "evaluate_checkpoint",
    "learned_from",
    "plot_accuracy_against_noise",
    "plot_curriculum",
    "plot_distance_gap",
    "plot_evaluation",
    "plot_path",
    "plot_probabilities",
    "save_curriculum_figure",
    "save_evaluation",
    "simplex_points",
    "watch_checkpoints",
    "write_curriculum_page",
]
