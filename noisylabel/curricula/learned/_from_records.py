"""Learn a MentorNet from the records of a student."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from noisylabel._support.random import draw_seed
from noisylabel.curricula.learned._mentornet import MentorNet
from noisylabel.curricula.learned._records import check_records, read_records, record_features
from noisylabel.curricula.learned._trusted import LOSS_SCALES, learn_from_trusted, right_from_wrong
from noisylabel.exceptions import InvalidDataError

_HELD_OUT = 0.2


def learn_from_records(  # noqa: PLR0913 - records, and how to learn from them
    records: Any,
    *,
    percentile: float = 0.75,
    history_length: int = 1,
    loss_scales: tuple[float, float] = LOSS_SCALES,
    n_steps: int = 4000,
    random_state: Any = None,
    **options: Any,
) -> MentorNet:
    """Learn a data-driven MentorNet from what a student's losses were on samples whose right label is known.

    A fifth of the samples (not of the records: a sample's records stay together) is left out and measures the result.

    Parameters
    ----------
    records : DataFrame, path, or list of these
        See :func:`write_records`; :class:`noisylabel.callbacks.StudentRecorder` makes them. Several tables, of several
        noise levels for instance, are learned together.
    percentile : float in [0, 1], default=0.75
        Percentile of the losses at the same percent of training that a loss is compared with, as a fraction.
    history_length : int, default=1
        How many of a sample's last records the network reads.
    loss_scales : pair of float, default=(0.1, 3.0)
        What the losses are multiplied with while learning, so that the MentorNet serves students whose losses are
        larger or smaller than those recorded; see :func:`learn_mentornet`. (1, 1) fits the recorded student best.
    n_steps : int, default=4000
        Steps of the optimiser.
    random_state : int, RandomState or None, default=None
        Seed of the split and of the network.
    **options
        See :func:`learn_from_trusted`.

    Returns
    -------
    MentorNet
        Its ``card["fit"]`` measures it on the samples left out.

    Raises
    ------
    InvalidFileError
        If a file has a bad row.
    InvalidDataError
        If no label, or every label, is right, or there are too few records.
    InvalidParameterError
        If ``percentile`` is outside [0, 1], such as 70 for 0.7, or another parameter outside what it allows.

    References
    ----------
    Jiang et al., "MentorNet", ICML 2018, Sec. 3.2. The released code takes one percentile over all percents of
    training.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from noisylabel.curricula.learned import write_records
    >>> right = np.arange(200) % 3 > 0
    >>> table = pd.DataFrame({"sample_id": range(200), "epoch": 20, "noisy_label": 1, "clean_label": right.astype(int)})
    >>> mentornet = learn_from_records(table.assign(loss=np.where(right, 0.2, 2.0)), n_steps=200, random_state=0)
    >>> mentornet.card["fit"]["accuracy"]
    1.0
    """
    given = records if isinstance(records, (list, tuple)) else [records]
    tables = [check_records(table) if isinstance(table, pd.DataFrame) else read_records(table) for table in given]
    features, is_right, sample = record_features(tables, percentile, history_length)
    if is_right.unique().numel() < 2:
        raise InvalidDataError(
            f"The records hold {int(is_right.sum())} right and {int((is_right == 0).sum())} wrong labels; a curriculum "
            "needs some of both. Record samples that were mislabelled, too."
        )
    seed = draw_seed(random_state)
    train, test = _split(is_right, sample, seed)
    learned = learn_from_trusted(
        features.take(train),
        is_right[train],
        loss_scales=loss_scales,
        n_steps=n_steps,
        random_state=seed + 1,
        **options,
    )
    learned.card["learned_from"].update(
        records=[_name(table) for table in given],
        percentile=float(percentile),
        seed=seed,
    )
    learned.card["fit"] = {
        **right_from_wrong(learned, features.take(test), is_right[test]),
        "seconds": learned.card["fit"]["seconds"],
    }
    return learned


def _split(is_right: Tensor, sample: np.ndarray, seed: int) -> tuple[Tensor, Tensor]:
    """Return the rows to learn from and those left out, (n,) together; a sample's records are on one side."""
    held_out = torch.as_tensor(np.random.default_rng(seed).random(sample.max() + 1)[sample] < _HELD_OUT)
    train, test = (~held_out).nonzero()[:, 0], held_out.nonzero()[:, 0]
    if is_right[train].unique().numel() < 2 or len(test) == 0:
        raise InvalidDataError(f"{len(is_right)} records are too few to learn from and to measure the result.")
    return train, test


def _name(table: Any) -> str:
    return f"table of {len(table)} rows" if isinstance(table, pd.DataFrame) else Path(table).name
