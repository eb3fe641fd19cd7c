"""The policy of a teacher: from what is seen of a sample to the probability that it is kept."""

import math
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from noisylabel.curricula.learned._files import check_format, read_pair, write_pair
from noisylabel.exceptions import InvalidFileError

FORMAT = "noisylabel-teaching-policy-1"
FEATURES = (
    "loss, of 5",
    "rank of the loss in the batch",
    "probability of the given label",
    "its mean over visits",
    "its margin over the others",
    "mean loss of the batch, of chance's",
    "share of training",
    "held-out accuracy",
)
_UNITS = 12
_SIZES = (len(FEATURES) * _UNITS, _UNITS, _UNITS, 1)
_KEEP = 2.0  # logit of keeping: 0.88
_MOST_REWARDS = 10_000


class TeachingPolicy:
    """A small network that says with which probability a sample is kept, and what is known of rewards.

    Twelve tanh units read the eight features in ``FEATURES``. None depends on the number of classes, so a policy that
    was learned on one data set can teach on another.

    Parameters
    ----------
    parameters : Tensor of shape (121,), optional
        All of the network's numbers in a row; by default the units look at random directions and the output at none
        of them, so that 0.88 of everything is kept.
    card : dict, optional
        ``reward`` (its kind), ``baseline`` (the mean reward of each stretch of training) and ``episodes`` (trainings
        that it was learned from).
    generator : torch.Generator, optional
        Stream of the initial values; a private one of its own by default.

    References
    ----------
    After Fan et al., "Learning to teach", ICLR 2018, https://arxiv.org/abs/1805.03643: twelve tanh units, and a last
    bias of 2.

    Examples
    --------
    >>> policy = TeachingPolicy()
    >>> policy.probabilities(torch.zeros(2, 8))
    tensor([0.8808, 0.8808])
    """

    def __init__(
        self,
        parameters: Tensor | None = None,
        card: dict[str, Any] | None = None,
        generator: torch.Generator | None = None,
    ) -> None:
        self.parameters = _first_values(generator) if parameters is None else parameters
        self.card = {"episodes": 0, "reward": None, "baseline": []} | (card or {})

    def probabilities(self, features: Tensor) -> Tensor:
        """Return the probabilities (B,) of keeping samples, from their features (B, 8)."""
        return keep_logits(self.parameters, features)[0].sigmoid()

    def save(self, path: str | Path) -> Path:
        """Write ``path`` (safetensors) and its card, the same name with ``.json``.

        Parameters
        ----------
        path : str or Path
            With or without ``.safetensors``.

        Returns
        -------
        Path
            Of the safetensors file.
        """
        card = self.card | {"format": FORMAT, "features": list(FEATURES)}
        return write_pair({"parameters": self.parameters}, card, path, _check_card)

    @classmethod
    def load(cls, path: str | Path) -> "TeachingPolicy":
        """Read a policy.

        Parameters
        ----------
        path : str or Path
            The safetensors file; its card lies beside it.

        Raises
        ------
        InvalidFileError
            If one of the two files is missing, truncated, no safetensors or JSON, or does not belong to the other.
        """
        wanted = {"parameters": torch.zeros(sum(_SIZES))}
        tensors, card = read_pair(path, "teaching policy", _check_card, lambda card: wanted)
        return cls(tensors["parameters"], card)

    def __sklearn_clone__(self) -> "TeachingPolicy":
        return self  # it is never changed, so copies may share it

    def __repr__(self) -> str:
        return f"TeachingPolicy(episodes={self.card['episodes']})"


def keep_logits(parameters: Tensor, features: Tensor) -> tuple[Tensor, Tensor]:
    """Return the logits (B,) of keeping, and the hidden units (B, 12)."""
    kernel, bias, output, last = parameters.split(_SIZES)
    hidden = torch.addmm(bias, features, kernel.view(-1, _UNITS)).tanh()
    return hidden @ output + last, hidden


def score(parameters: Tensor, features: Tensor, hidden: Tensor, surprise: Tensor) -> Tensor:
    """Return the gradient (121,) of the sum of log-probabilities of what was decided.

    Parameters
    ----------
    parameters : Tensor of shape (121,)
    features : Tensor of shape (B, 8)
    hidden : Tensor of shape (B, 12)
        From :func:`keep_logits`.
    surprise : Tensor of shape (B,)
        What was decided, 1 for kept, minus its probability; 0 for a sample about which nothing was decided.
    """
    output = parameters.split(_SIZES)[2]
    to_hidden = surprise[:, None] * output * (1 - hidden**2)
    return torch.cat([(features.T @ to_hidden).flatten(), to_hidden.sum(0), hidden.T @ surprise, surprise.sum()[None]])


def _first_values(generator: torch.Generator | None) -> Tensor:
    generator = torch.Generator() if generator is None else generator
    kernel = torch.randn(_SIZES[0], generator=generator)
    return torch.cat([kernel, torch.zeros(_SIZES[1] + _SIZES[2]), torch.tensor([_KEEP])])


def _check_card(card: Any, path: Path) -> None:
    """Say which entry of a card is wrong."""
    check_format(card, path, FORMAT)
    if card.get("features") != list(FEATURES):
        raise InvalidFileError(f"The card {path} must have 'features' {list(FEATURES)}. Got {card.get('features')!r}.")
    baseline, episodes = card.get("baseline"), card.get("episodes")
    if type(episodes) is not int or episodes < 0 or not isinstance(card.get("reward"), str | None):
        raise InvalidFileError(
            f"The card {path} must have 'episodes', a whole number of at least 0, and 'reward', a name or null. Got "
            f"{episodes!r} and {card.get('reward')!r}."
        )
    if not isinstance(baseline, list) or len(baseline) > _MOST_REWARDS or not all(map(_is_reward, baseline)):
        raise InvalidFileError(f"The card {path} must have 'baseline', a list of numbers or null.")


def _is_reward(value: Any) -> bool:
    return value is None or (type(value) in (int, float) and math.isfinite(value))
