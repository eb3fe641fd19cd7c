"""Fit MentorNet's network to weights that it should give."""

import math
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits
from torch.nn.utils import clip_grad_norm_

from noisylabel._support.progress import progress_bar
from noisylabel._support.random import draw_seed
from noisylabel._support.validation import check_choice, check_count, check_number
from noisylabel.curricula.learned._features import MentorFeatures
from noisylabel.curricula.learned._mentornet import MentorNet
from noisylabel.curricula.learned._network import MentorNetwork
from noisylabel.exceptions import InvalidDataError, InvalidParameterError

OBJECTIVES = ("auto", "cross_entropy", "mse")


def learn_mentornet(  # noqa: PLR0913 - what is fitted, and how
    features: MentorFeatures,
    targets: Tensor,
    *,
    objective: str = "auto",
    n_steps: int = 4000,
    batch_size: int = 512,
    lr: float = 0.03,
    weight_decay: float = 0.0,
    loss_scales: tuple[float, float] = (1.0, 1.0),
    use_label: bool = False,
    freeze_epoch_embedding: bool = False,
    random_state: int | None = None,
    verbose: int = 0,
) -> MentorNet:
    """Fit a new MentorNet to target weights by Adam with a cosine schedule.

    Percents of training that no sample has get the embedding of the nearest earlier one that has samples (of the first
    one before it), so that the network never answers from an embedding that was not learned.

    Parameters
    ----------
    features : MentorFeatures
        Of n samples.
    targets : Tensor of shape (n,)
        The weight in [0, 1] that each sample should get; for labels that are known to be right or wrong, 1 and 0.
    objective : {"auto", "cross_entropy", "mse"}, default="auto"
        ``"auto"``: cross-entropy if all targets are 0 or 1, otherwise the squared error of the weights.
    n_steps : int, default=4000
        Steps of the optimiser.
    batch_size : int, default=512
        Samples a step, drawn with replacement.
    lr : float in (0, inf), default=0.03
        Learning rate at the start.
    weight_decay : float in [0, inf), default=0.0
        For few samples: decoupled decay of the kernels; biases and embeddings have none.
    loss_scales : pair of float, default=(1.0, 1.0)
        Each sample's losses and differences are multiplied by a number drawn log-uniformly from this interval at every
        step, so that what is learned holds for students whose losses are larger or smaller.
    use_label : bool, default=False
        Whether the network looks at the label codes, which must then differ. It serves no other number of classes.
    freeze_epoch_embedding : bool, default=False
        Leave all of the epoch embedding at its random start, as the released code does.
    random_state : int, RandomState or None, default=None
        Seed of the initial values and the batches.
    verbose : int, default=0
        1 shows a progress bar.

    Returns
    -------
    MentorNet
        Without a card.

    Raises
    ------
    InvalidParameterError
        If a parameter is outside what it allows.
    InvalidDataError
        If there are no samples, or a target is outside [0, 1].

    References
    ----------
    Jiang et al., "MentorNet", ICML 2018, Sec. 3.1. Optimiser and batch size are ours: they fit better in less time than
    the released 30,000 steps of 32.

    Examples
    --------
    >>> import torch
    >>> loss = torch.linspace(0, 3, 200)
    >>> features = MentorFeatures.of(loss, loss - 1, torch.zeros(200), torch.full((200,), 20))
    >>> mentornet = learn_mentornet(features, (loss < 1).float(), n_steps=300, random_state=0)
    >>> mentornet.weights(torch.tensor([0.5, 2.0]), torch.tensor([-0.5, 1.0]), torch.zeros(2), 20).round()
    tensor([1., 0.])
    """
    targets = _checked_targets(features, targets)
    check_count("n_steps", n_steps)
    check_count("batch_size", batch_size)
    check_number("lr", lr, 0, closed="neither")
    check_number("weight_decay", weight_decay, 0)
    check_choice("objective", objective, OBJECTIVES)
    _check_scales(loss_scales)
    binary = bool(((targets == 0) | (targets == 1)).all()) if objective == "auto" else objective == "cross_entropy"
    generator = torch.Generator().manual_seed(draw_seed(random_state))
    n_labels = int(features.label.max()) + 1 if use_label else 2
    if use_label and n_labels == 1:
        raise InvalidParameterError("'use_label' is True, but all labels of 'features' are 0. Leave it False.")
    network = MentorNetwork(features.loss.shape[1], n_labels, use_label, generator)
    network.epoch_embedding.requires_grad_(not freeze_epoch_embedding)
    optimizer = torch.optim.AdamW(_groups(network, weight_decay), lr=lr, fused=True)
    for step in progress_bar(range(n_steps), desc="learn MentorNet", unit="step", disable=not verbose):
        rows = torch.randint(len(targets), (min(batch_size, len(targets)),), generator=generator)
        batch, wanted = features.take(rows), targets[rows]
        batch = batch.scaled(_draw_scales(len(rows), loss_scales, generator))
        logits = network(batch.loss, batch.loss_diff, batch.label, batch.epoch_percent)
        loss = binary_cross_entropy_with_logits(logits, wanted) if binary else ((logits.sigmoid() - wanted) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        clip_grad_norm_(network.parameters(), 5.0)
        for group in optimizer.param_groups:
            group["lr"] = lr * 0.5 * (1 + math.cos(math.pi * step / n_steps))
        optimizer.step()
    if not freeze_epoch_embedding:
        _fill_unseen_percents(network, features.epoch_percent)
    return MentorNet(network.requires_grad_(False).eval())


def _checked_targets(features: MentorFeatures, targets: Tensor) -> Tensor:
    if len(features) == 0:
        raise InvalidDataError("A MentorNet cannot be learned from 0 samples.")
    if targets.shape != (len(features),):
        raise InvalidDataError(
            f"'targets' must hold one weight for each of {len(features)} samples. Got shape {tuple(targets.shape)}."
        )
    if not bool(((targets >= 0) & (targets <= 1)).all()):
        raise InvalidDataError(f"'targets' must be weights in [0, 1]. Got values up to {float(targets.max()):g}.")
    return targets.float()


def _check_scales(loss_scales: Any) -> None:
    message = f"'loss_scales' must be two numbers above 0, the smaller first, such as (0.1, 3). Got {loss_scales!r}."
    if not isinstance(loss_scales, (tuple, list)) or len(loss_scales) != 2:
        raise InvalidParameterError(message)
    low, high = (check_number("loss_scales", scale, 0, closed="neither") for scale in loss_scales)
    if low > high:
        raise InvalidParameterError(message)


def _draw_scales(n: int, loss_scales: tuple[float, float], generator: torch.Generator) -> Tensor:
    low, high = math.log(loss_scales[0]), math.log(loss_scales[1])
    return torch.exp(low + (high - low) * torch.rand(n, generator=generator))


def _groups(network: MentorNetwork, weight_decay: float) -> list[dict[str, object]]:
    """Optimiser groups: kernels with weight decay; biases and the epoch embedding without."""
    named = [(name, value) for name, value in network.named_parameters() if value.requires_grad]
    kernels = [value for name, value in named if name.endswith("kernel")]
    others = [value for name, value in named if not name.endswith("kernel")]
    return [{"params": kernels, "weight_decay": weight_decay}, {"params": others, "weight_decay": 0.0}]


@torch.no_grad()
def _fill_unseen_percents(network: MentorNetwork, epoch_percent: Tensor) -> None:
    """Give each percent without samples the embedding of the last one before it that has some."""
    seen = epoch_percent.unique()
    nearest = (torch.searchsorted(seen, torch.arange(len(network.epoch_embedding)), right=True) - 1).clamp(min=0)
    network.epoch_embedding.copy_(network.epoch_embedding[seen[nearest]])
