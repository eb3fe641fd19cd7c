"""The formulas: tensors in, tensors out, and nothing is kept between calls.

Letters in shapes: N samples, B samples of a batch, C classes, T points of training.
"""

from noisylabel.functional.augment import ImageAugmentation, alternately_mirrored, cut_out, shift_and_flip
from noisylabel.functional.calibration import expected_calibration_error
from noisylabel.functional.distillation import (
    distillation_losses,
    filtered_update,
    smoothed_targets,
    temper,
)
from noisylabel.functional.ema import ema_decay
from noisylabel.functional.label_posterior import label_posteriors, unmix
from noisylabel.functional.learnability import Learnability, measure_learnability
from noisylabel.functional.mixup import draw_beta, draw_partners, mix, mixing_ratios, partner_probabilities
from noisylabel.functional.noise_matrix import NoiseEstimate, estimate_noise
from noisylabel.functional.noise_rate import estimate_noise_rate
from noisylabel.functional.paths import (
    base_difficulty,
    converged_difficulty,
    distance_gap,
    first_visit,
    integral_difficulty,
    label_probability,
    tortuosity,
    zig_zag_score,
)
from noisylabel.functional.percentiles import batch_percentile, class_percentiles, moving_average
from noisylabel.functional.reweighting import (
    alignment_weights,
    diversity_weights,
    fidelity_weights,
    prediction_variance_weights,
    soft_mixture_weights,
    strict_threshold_weights,
    threshold_closeness_weights,
)
from noisylabel.functional.weights import (
    cauchy_loss_transform,
    cauchy_weights,
    example_dropout_mask,
    focal_weights,
    hard_example_mining_weights,
    huber_loss_transform,
    huber_weights,
    l1_l2_loss_transform,
    l1_l2_weights,
    loss_shares,
    mentornet_pd_weights,
    self_paced_weights,
    spcl_linear_weights,
    spcl_logarithmic_weights,
    spcl_mixture_weights,
    spcl_polynomial_weights,
    uniform_weights,
    weighted_loss,
    welsch_loss_transform,
    welsch_weights,
)

__all__ = [
    "ImageAugmentation",
    "Learnability",
    "NoiseEstimate",
    "alignment_weights",
    "alternately_mirrored",
    "base_difficulty",
    "batch_percentile",
    "cauchy_loss_transform",
    "cauchy_weights",
    "class_percentiles",
    "converged_difficulty",
    "cut_out",
    "distance_gap",
    "distillation_losses",
    "diversity_weights",
    "draw_beta",
    "draw_partners",
    "ema_decay",
    "estimate_noise",
    "estimate_noise_rate",
    "example_dropout_mask",
    "expected_calibration_error",
    "fidelity_weights",
    "filtered_update",
    "first_visit",
    "focal_weights",
    "hard_example_mining_weights",
    "huber_loss_transform",
    "huber_weights",
    "integral_difficulty",
    "l1_l2_loss_transform",
    "l1_l2_weights",
    "label_posteriors",
    "label_probability",
    "loss_shares",
    "measure_learnability",
    "mentornet_pd_weights",
    "mix",
    "mixing_ratios",
    "moving_average",
    "partner_probabilities",
    "prediction_variance_weights",
    "self_paced_weights",
    "shift_and_flip",
    "smoothed_targets",
    "soft_mixture_weights",
    "spcl_linear_weights",
    "spcl_logarithmic_weights",
    "spcl_mixture_weights",
    "spcl_polynomial_weights",
    "strict_threshold_weights",
    "temper",
    "threshold_closeness_weights",
    "tortuosity",
    "uniform_weights",
    "unmix",
    "weighted_loss",
    "welsch_loss_transform",
    "welsch_weights",
    "zig_zag_score",
]
