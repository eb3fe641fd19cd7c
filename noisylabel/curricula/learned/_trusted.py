"""Learn which losses right labels have: MentorNet from data."""

import time
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from noisylabel._support.validation import check_number
from noisylabel.curricula.learned._features import MentorFeatures
from noisylabel.curricula.learned._fit import learn_mentornet
from noisylabel.curricula.learned._mentornet import MentorNet

SHARPNESS = 10.0
LOSS_SCALES = (0.1, 3.0)
_DECAY_SAMPLES = 100


def learn_from_trusted(  # noqa: PLR0913 - samples, and how to learn from them
    features: MentorFeatures,
    is_right: Tensor,
    *,
    sharpness: float = SHARPNESS,
    loss_scales: tuple[float, float] = LOSS_SCALES,
    n_steps: int = 1000,
    random_state: Any = None,
    **options: Any,
) -> MentorNet:
    """Learn a MentorNet that tells right labels from wrong ones.

    The target is 1 for samples whose given label is right and 0 for the others, the loss cross-entropy. Weight decay is
    100 / n, at most 1: it matters for some hundred samples, and vanishes for many. What is learned is the probability
    that a label is right. As a weight that leaks: a label that is wrong with probability 0.7 still gets 0.3 at every
    visit, and the network memorises it. So the logits are multiplied in the end, which makes the weight a decision.

    Parameters
    ----------
    features : MentorFeatures
        Of n samples whose right label is known.
    is_right : Tensor of shape (n,)
        1 where the given label is right, otherwise 0.
    sharpness : float in (0, inf), default=10.0
        What the logits are multiplied with; 1 leaves the weights probabilities, as in the released code.
    loss_scales : pair of float, default=(0.1, 3.0)
        What the losses are multiplied with while learning, so that the MentorNet also holds when they have fallen, and
        for other students; see :func:`learn_mentornet`. (1, 1) knows only the losses that it saw.
    n_steps : int, default=1000
        Steps of the optimiser.
    random_state : int, RandomState or None, default=None
        Seed.
    **options
        See :func:`learn_mentornet`; ``objective`` and ``weight_decay`` are set here.

    Returns
    -------
    MentorNet
        Its ``card["fit"]`` measures it on the samples that it was learned from.

    Raises
    ------
    InvalidParameterError
        If a parameter is outside what it allows.
    InvalidDataError
        If there are no samples.

    Examples
    --------
    >>> import torch
    >>> loss = torch.linspace(0, 3, 200)
    >>> features = MentorFeatures.of(loss, loss - 1, torch.zeros(200), torch.full((200,), 20))
    >>> mentornet = learn_from_trusted(features, (loss < 1).float(), random_state=0)
    >>> mentornet.card["learned_from"]["n_right"]
    67
    """
    sharpness = check_number("sharpness", sharpness, 0, closed="neither")
    start = time.perf_counter()
    learned = learn_mentornet(
        features,
        is_right.float(),
        loss_scales=loss_scales,
        n_steps=n_steps,
        objective="cross_entropy",
        weight_decay=_DECAY_SAMPLES / max(len(features), _DECAY_SAMPLES),
        random_state=random_state,
        **options,
    )
    learned.network.output_kernel.mul_(sharpness)
    learned.network.output_bias.mul_(sharpness)
    learned.card = {
        "name": "data_driven",
        "learned_from": {
            "n_right": int((is_right == 1).sum()),
            "n_wrong": int((is_right == 0).sum()),
            "epoch_percents": features.epoch_percent.unique().tolist(),
            "sharpness": sharpness,
            "loss_scales": [float(scale) for scale in loss_scales],
            "n_steps": int(n_steps),
        },
    }
    seconds = round(time.perf_counter() - start, 1)
    learned.card["fit"] = {**right_from_wrong(learned, features, is_right), "seconds": seconds}
    return learned


@torch.no_grad()
def right_from_wrong(mentornet: MentorNet, features: MentorFeatures, is_right: Tensor) -> dict[str, float]:
    """Return how well a MentorNet from :func:`learn_from_trusted` tells right labels from wrong ones.

    Parameters
    ----------
    mentornet : MentorNet
        What was learned.
    features : MentorFeatures
        Of n samples whose right label is known.
    is_right : Tensor of shape (n,)
        1 where the given label is right, otherwise 0.

    Returns
    -------
    dict
        ``cross_entropy`` of the probability, in nats; ``accuracy`` of "right" where the weight is above 0.5; mean
        weight of right and of wrong labels (absent if there are none of a kind); ``n``.
    """
    logits = mentornet.network(features.loss, features.loss_diff, features.label, features.epoch_percent)
    weights, is_right = logits.sigmoid(), is_right.float()
    sharpness = ((mentornet.card or {}).get("learned_from") or {}).get("sharpness", 1.0)
    found = {
        "cross_entropy": binary_cross_entropy_with_logits(logits / sharpness, is_right).item(),
        "accuracy": ((weights > 0.5) == (is_right > 0.5)).float().mean().item(),
    }
    for name, mask in (("weight_right", is_right == 1), ("weight_wrong", is_right == 0)):
        if bool(mask.any()):
            found[name] = weights[mask].mean().item()
    return {**{name: round(value, 4) for name, value in found.items()}, "n": len(weights)}
