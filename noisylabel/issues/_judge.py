"""How likely each label is wrong, and what it should be, from what networks believe of the rows."""

import numpy as np
import torch
from scipy.special import logit
from torch import Tensor

from noisylabel.functional.label_posterior import label_posteriors
from noisylabel.issues._scores import with_mean

# As how many looks at a row the beliefs count. A network that learned from them is surer than it is right; averages
# over training, and a network that learned mixes, are less sure. Chosen on seed 0 of digits, letter and satellite
# (five noises) and, the second, of CIFAR-10 (three).
LOOKS_OF_LEARNED, LOOKS_OF_AVERAGED = 0.7, 2.0
_AT_A_TIME = 50_000
_SUREST = 30.0  # log odds
JUDGED = ("wrong_probability", "first", "first_probability", "second", "second_probability")


def judge_rows(
    beliefs: Tensor, matrix: Tensor, codes: Tensor, looks: float = LOOKS_OF_LEARNED, rate: float | None = None
) -> np.ndarray:
    """Return what each row may be, given what is believed of it, its label, and how labels come to be wrong.

    Parameters
    ----------
    beliefs : Tensor of shape (n, C)
        Class probabilities of each row, whatever its label.
    matrix : Tensor of shape (C, C)
        ``matrix[i, j]`` is the probability that a row of class i is labelled j.
    codes : Tensor of shape (n,)
        Given label codes.
    looks : float, default=0.7
        As how many looks at a row the beliefs count; see :func:`noisylabel.functional.label_posteriors`.
    rate : float in [0, 1], optional
        Share of wrong labels: the odds are multiplied so that the mean probability is this.

    Returns
    -------
    ndarray, float32 of shape (n, 5)
        Columns :data:`JUDGED`: the probability that the label is wrong; the code of the most probable other class and
        its probability; and of the next one, NaN if there are but two classes.
    """
    matrix = matrix.to(beliefs.device, torch.float64)
    codes = codes.to(beliefs.device).long()
    parts = zip(beliefs.split(_AT_A_TIME), codes.split(_AT_A_TIME), strict=True)
    judged = [_judged(label_posteriors(part.double(), matrix[:, given].T, looks), given) for part, given in parts]
    columns: np.ndarray = torch.cat(judged).cpu().numpy()
    return (columns if rate is None else _with_mean(columns, rate)).astype(np.float32)


def pack_judged(judged: np.ndarray, n_classes: int) -> np.ndarray:
    """Return the same in 10 bytes a row (of 255 classes or fewer), to be kept for each row of ``fit``.

    Parameters
    ----------
    judged : ndarray of shape (n, 5)
        As :func:`judge_rows` returns it.
    n_classes : int

    Returns
    -------
    structured ndarray of shape (n,)
        With the fields :data:`JUDGED`; the number of classes stands for the code of none.
    """
    packed = np.empty(len(judged), dtype=packed_type(n_classes))
    for name, column in zip(JUDGED, judged.T, strict=True):
        packed[name] = np.nan_to_num(column, nan=n_classes) if packed[name].dtype.kind == "u" else column
    return packed


def packed_type(n_classes: int) -> np.dtype:
    """Return the type of what :func:`pack_judged` returns."""
    code = np.min_scalar_type(n_classes)
    return np.dtype(list(zip(JUDGED, ["f4", code, "f2", code, "f2"], strict=True)))


def unpack_judged(packed: np.ndarray, n_classes: int) -> np.ndarray:
    """Return what :func:`pack_judged` was given, probabilities of classes to three digits, float32 of shape (n, 5)."""
    judged = np.stack([packed[name].astype(np.float32) for name in JUDGED], axis=1)
    for place, name in enumerate(JUDGED):
        if packed[name].dtype.kind == "u":
            judged[packed[name] == n_classes, place] = np.nan
    judged[:, 2] = np.minimum(judged[:, 2], judged[:, 0])  # rounded, they may add up to more than 1
    judged[:, 4] = np.minimum(judged[:, 4], judged[:, 0] - judged[:, 2])
    return judged


def _with_mean(judged: np.ndarray, rate: float) -> np.ndarray:
    """Return the same with the mean probability of being wrong moved to a rate."""
    before = judged[:, 0]
    log_odds = logit(before).clip(-_SUREST, _SUREST)
    target = np.clip(rate, 0.1 / len(before), 1 - 0.1 / len(before))  # of no row at all, a tenth
    after = with_mean(log_odds, target)
    moved = judged.copy()
    moved[:, 0] = after
    moved[:, [2, 4]] *= (after / np.maximum(before, np.exp(-_SUREST)))[:, None]
    return moved


def _judged(posterior: Tensor, given: Tensor) -> Tensor:
    """Return the columns of some rows, (n, 5)."""
    of_others = posterior.scatter(1, given[:, None], -1.0)
    n_others = min(2, posterior.shape[1] - 1)
    probability, code = of_others.topk(n_others, dim=1)
    if n_others < 2:
        unknown = torch.full_like(probability, torch.nan)
        probability, code = torch.cat([probability, unknown], 1), torch.cat([code.to(unknown), unknown], 1)
    wrong = 1 - posterior.gather(1, given[:, None])
    columns = [wrong, code[:, :1].to(wrong), probability[:, :1], code[:, 1:].to(wrong), probability[:, 1:]]
    return torch.cat(columns, 1).clamp_min(0)
