"""The arithmetic: tensors in, tensors out, no state."""

from noisylabel.functional.dropout import example_dropout_mask
from noisylabel.functional.ema import ema_decay
from noisylabel.functional.losses import weighted_loss
from noisylabel.functional.mixup import draw_beta, draw_partners, mix, mixing_ratios, partner_probabilities
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
    focal_weights,
    hard_example_mining_weights,
    huber_loss_transform,
    huber_weights,
    l1_l2_loss_transform,
    l1_l2_weights,
    mentornet_pd_weights,
    self_paced_weights,
    spcl_linear_weights,
    spcl_logarithmic_weights,
    spcl_mixture_weights,
    spcl_polynomial_weights,
    uniform_weights,
    welsch_loss_transform,
    welsch_weights,
)

__all__ = [
    "alignment_weights",
    "batch_percentile",
    "cauchy_loss_transform",
    "cauchy_weights",
    "class_percentiles",
    "diversity_weights",
    "draw_beta",
    "draw_partners",
    "ema_decay",
    "example_dropout_mask",
    "fidelity_weights",
    "focal_weights",
    "hard_example_mining_weights",
    "huber_loss_transform",
    "huber_weights",
    "l1_l2_loss_transform",
    "l1_l2_weights",
    "mentornet_pd_weights",
    "mix",
    "mixing_ratios",
    "moving_average",
    "partner_probabilities",
    "prediction_variance_weights",
    "self_paced_weights",
    "soft_mixture_weights",
    "spcl_linear_weights",
    "spcl_logarithmic_weights",
    "spcl_mixture_weights",
    "spcl_polynomial_weights",
    "strict_threshold_weights",
    "threshold_closeness_weights",
    "uniform_weights",
    "weighted_loss",
    "welsch_loss_transform",
    "welsch_weights",
]
