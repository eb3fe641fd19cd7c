"""What training saw of each sample: one row of numbers a sample, kept on the training device."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from noisylabel._support.files import local_path, written_whole
from noisylabel.functional.distillation import filtered_update

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

_LAST = ("loss", "margin", "weight", "other")
_MEANS = ("loss_mean", "margin_mean", "proba_mean", "weight_mean")
_ELECTION = ("elected", "lead")
COLUMNS = (*_LAST, *_MEANS, "forgetting", "n_visits", *_ELECTION)
_COUNTS = slice(-4, -2)
_PENDING_ROWS = 4096


class SampleRecord:
    """Table of what each visit of each sample showed, updated by row number.

    A visit is what the training step saw before it learned: in training mode, with augmentation. Visits are collected
    and entered some thousand rows at a time, so that recording costs a step next to nothing. The table takes 48 bytes a
    sample; filtered predictions, if kept, 4 bytes more for each class.

    Parameters
    ----------
    n_samples : int
    n_classes : int
    device : torch.device or str
    filter_alpha : float in (0, 1], optional
        Keep filtered predictions too, in which the latest visit counts this much.

    Attributes
    ----------
    table_ : Tensor of shape (N, 12)
        Columns :data:`COLUMNS`: of the last visit ``loss`` (cross-entropy of the given label), ``margin`` (its logit
        less the highest other), ``weight`` (NaN for rows that are held out) and ``other`` (code of the most probable
        other class); means over all visits of loss, margin, probability of the given label and weight (NaN as 1);
        ``forgetting``, how often the given label was predicted and at the next visit was not;
        ``n_visits``; ``elected``, the code of the other class that all visits together hold most probable, and its
        ``lead``. For samples never visited the two counts are 0 and the rest is NaN.
    proba_ : Tensor of shape (N, C) or None
        Filtered predictions; NaN for samples never visited.

    Notes
    -----
    ``elected`` needs no table (N, C): the most probable other class of a visit adds its probability to the lead if it
    is elected already, and else takes it from the lead; below 0 it takes the place.

    References
    ----------
    Filtered predictions: Ren, Guo and Sutherland, "Better supervisory signals by observing learning paths", ICLR 2022,
    Algorithm 1. Mean margin: Pleiss et al., "Identifying mislabeled data using the area under the margin ranking",
    NeurIPS 2020. Forgetting: Toneva et al., "An empirical study of example forgetting", ICLR 2019. Election: Boyer and
    Moore, "MJRTY: a fast majority vote algorithm", 1991.

    Examples
    --------
    >>> import torch
    >>> record = SampleRecord(n_samples=3, n_classes=2, device="cpu")
    >>> rows, codes, weights = torch.tensor([2, 0]), torch.tensor([1, 0]), torch.ones(2)
    >>> record.note(rows, codes, torch.tensor([[0.0, 2.0], [0.0, 1.0]]), weights)
    >>> record.to_frame()[["margin", "other", "n_visits"]]
       margin  other  n_visits
    0    -1.0    1.0         1
    1     NaN    NaN         0
    2     2.0    0.0         1
    """

    def __init__(self, n_samples: int, n_classes: int, device: Any, filter_alpha: float | None = None) -> None:
        self.n_classes = n_classes
        self.filter_alpha = filter_alpha
        self.table_ = torch.full((n_samples, len(COLUMNS)), torch.nan, device=device)
        self.table_[:, _COUNTS] = 0
        self.proba_: Tensor | None = None
        if filter_alpha is not None:
            self.proba_ = torch.full((n_samples, n_classes), torch.nan, device=device)
        self.pending_: list[tuple[Tensor, ...]] = []
        self.n_pending_ = 0

    def __len__(self) -> int:
        return len(self.table_)

    def note(self, rows: Tensor, codes: Tensor, logits: Tensor, weights: Tensor) -> None:
        """Remember a visit of some samples, each of which is in no other visit since the last :meth:`flush`.

        Parameters
        ----------
        rows : Tensor of shape (B,)
            Row numbers.
        codes : Tensor of shape (B,)
            Given label codes.
        logits : Tensor of shape (B, C)
            NaN if nobody worked them out.
        weights : Tensor of shape (B,)
            Weights given to the samples; NaN for those held out.
        """
        self.pending_.append((rows, codes, logits.detach(), weights))
        self.n_pending_ += len(rows)
        if self.n_pending_ >= _PENDING_ROWS:
            self.flush()

    def flush(self) -> None:
        """Enter the visits that are still waiting; before reading, and before a sample comes again."""
        if not self.pending_:
            return
        rows, codes, logits, weights = (torch.cat(parts) for parts in zip(*self.pending_, strict=True))
        self.pending_.clear()
        self.n_pending_ = 0
        log_proba = logits - logits.logsumexp(1, keepdim=True)  # torch's softmax is slow where there are few classes
        before = self.table_.index_select(0, rows)
        self.table_.index_copy_(0, rows, _entered(before, codes, log_proba, weights))
        if self.proba_ is not None and self.filter_alpha is not None:
            before = self.proba_.index_select(0, rows)
            self.proba_.index_copy_(0, rows, filtered_update(before, log_proba.exp(), self.filter_alpha))

    def column(self, name: str) -> Tensor:
        """Return a column of the table, (N,)."""
        self.flush()
        return self.table_[:, COLUMNS.index(name)]

    def spread(self, rows: "np.ndarray", n_samples: int) -> "SampleRecord":
        """Return the record of a larger set of samples, on the CPU, in which these have the given row numbers.

        Increasing; a record on the CPU of all samples is what it is, and no copy.
        """
        self.flush()
        if len(rows) == n_samples and self.table_.device.type == "cpu":
            return self
        whole = SampleRecord(n_samples, self.n_classes, "cpu", self.filter_alpha)
        whole.table_[torch.as_tensor(rows)] = self.table_.cpu()
        if self.proba_ is not None and whole.proba_ is not None:
            whole.proba_[torch.as_tensor(rows)] = self.proba_.cpu()
        return whole

    def state_dict(self) -> dict[str, Any]:
        """Return the tables, for a checkpoint."""
        self.flush()
        return {"table": self.table_, "proba": self.proba_}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over what :meth:`state_dict` returned; visits that are still waiting count no more."""
        self.pending_.clear()
        self.n_pending_ = 0
        width = state["table"].shape[1]
        self.table_[:, :width].copy_(state["table"])
        if width < len(COLUMNS):  # earlier versions held no election: the last visit has the only vote
            self.table_[:, COLUMNS.index("elected")] = self.table_[:, COLUMNS.index("other")]
            self.table_[:, COLUMNS.index("lead")] = (
                self.table_[:, COLUMNS.index("other")] * 0
            )  # NaN where never visited
        if self.proba_ is not None:
            self.proba_.copy_(state["proba"])

    def to_frame(self) -> "pd.DataFrame":
        """Return the table without the election, and the filtered predictions, ``proba_0`` to ``proba_{C-1}``."""
        import pandas as pd

        self.flush()
        frame = pd.DataFrame(self.table_.cpu().numpy(), columns=list(COLUMNS))
        frame = frame.drop(columns=list(_ELECTION)).astype({"forgetting": int, "n_visits": int})
        if self.proba_ is None:
            return frame
        names = [f"proba_{code}" for code in range(self.proba_.shape[1])]
        return frame.join(pd.DataFrame(self.proba_.cpu().numpy(), columns=names))

    def to_parquet(self, path: str | Path) -> None:
        """Write :meth:`to_frame` as a Parquet file."""
        written_whole(local_path("path", path), lambda partial: self.to_frame().to_parquet(partial))


def _entered(before: Tensor, codes: Tensor, log_proba: Tensor, weights: Tensor) -> Tensor:
    """Return the rows of the table after a visit, (B, 12)."""
    column = dict(zip(COLUMNS, before.T.contiguous(), strict=True))  # columns that lie together are far quicker
    of_given = log_proba.gather(1, codes[:, None])[:, 0]
    highest_other, other = log_proba.scatter(1, codes[:, None], -torch.inf).max(1)
    margin = of_given - highest_other  # as of the logits
    loss = -of_given
    forgotten = (column["margin"] >= 0) & (margin < 0)
    n_visits = column["n_visits"] + 1
    values = torch.stack([loss, margin, of_given.exp(), weights.nan_to_num(1.0)])
    means = torch.stack([column[name] for name in _MEANS]).nan_to_num(0.0)
    means = means + (values - means) / n_visits
    other = torch.where(loss.isnan(), torch.nan, other)
    counts = torch.stack([column["forgetting"] + forgotten, n_visits])
    election = _election(column["elected"], column["lead"], other, highest_other.exp())
    return torch.cat([torch.stack([loss, margin, weights, other]), means, counts, election]).T


def _election(elected: Tensor, lead: Tensor, other: Tensor, proba: Tensor) -> Tensor:
    """Return the other class that leads after a visit and its lead, (2, B); see the notes of the record."""
    lead = lead.nan_to_num(0.0)
    lead = torch.where(elected == other, lead + proba, lead - proba)
    falls = (lead < 0) | elected.isnan()
    return torch.stack([torch.where(falls, other, elected), lead.abs()])
