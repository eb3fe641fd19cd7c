"""Look at what training found."""

from noisylabel.inspection._curriculum_plots import (
    animate_curriculum,
    curriculum_weights,
    learned_from,
    plot_curriculum,
    save_curriculum_figure,
    write_curriculum_page,
)
from noisylabel.inspection._plots import plot_accuracy_against_noise

__all__ = [
    "animate_curriculum",
    "curriculum_weights",
    "learned_from",
    "plot_accuracy_against_noise",
    "plot_curriculum",
    "save_curriculum_figure",
    "write_curriculum_page",
]
