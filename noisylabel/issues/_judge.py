"""How likely each label is wrong, and what it should be, from what networks believe of the rows."""

import numpy as np
import torch
from torch import Tensor

from noisylabel.functional.label_posterior import label_posteriors

# As how many looks at a row the beliefs count. A network that learned from them is surer than it is right; one that
# learned mixes is less sure. Chosen on digits, letter and satellite (five noises, seed 0), and digits for mixes.
_LOOKS, _LOOKS_OF_MIXED = 0.7, 2.0
_AT_A_TIME = 50_000
JUDGED = ("wrong_probability", "first", "first_probability", "second", "second_probability")


def judge_rows(beliefs: Tensor, matrix: Tensor, codes: Tensor, learned_mixes: bool = False) -> np.ndarray:
    """Return what each row may be, given what is believed of it, its label, and how labels come to be wrong.

    Parameters
    ----------
    beliefs : Tensor of shape (n, C)
        Class probabilities of each row, whatever its label.
    matrix : Tensor of shape (C, C)
        ``matrix[i, j]`` is the probability that a row of class i is labelled j.
    codes : Tensor of shape (n,)
        Given label codes.
    learned_mixes : bool, default=False
        Whether the network learned from mixes of rows, of which it is never quite sure.

    Returns
    -------
    ndarray, float32 of shape (n, 5)
        Columns :data:`JUDGED`: the probability that the label is wrong; the code of the most probable other class and
        its probability; and of the next one, NaN if there are but two classes.
    """
    matrix = matrix.to(beliefs.device, torch.float64)
    codes = codes.to(beliefs.device)
    parts = zip(beliefs.split(_AT_A_TIME), codes.long().split(_AT_A_TIME), strict=True)
    looks = _LOOKS_OF_MIXED if learned_mixes else _LOOKS
    judged = [_judged(label_posteriors(part.double(), matrix[:, given].T, looks), given) for part, given in parts]
    return torch.cat(judged).float().cpu().numpy()


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
