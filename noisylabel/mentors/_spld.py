"""Self-paced learning with diversity: easy rows, of all groups."""

import math
from typing import Any, Self

import torch
from sklearn.cluster import KMeans
from torch import Tensor

from noisylabel._support.validation import check_choice, check_count, check_number
from noisylabel.curricula import Curriculum, SelfPaced
from noisylabel.mentors._auto import AutoPercentileMentor
from noisylabel.mentors._base import Observation, Trainee
from noisylabel.mentors._student_features import check_has_features, student_features
from noisylabel.schedules import Schedule, percent_of_training, resolve_fraction_schedule

_GROUPS = ("labels", "given", "clusters")
_MOST_ROWS = 10_000  # from which clusters are found; all rows are then put into the nearest


class SPLDMentor(AutoPercentileMentor):
    r"""Believe rows of low loss, and some of every group: self-paced learning with diversity.

    It minimises :math:`\sum_i v_i l_i - \lambda \sum_i v_i - \gamma \sum_b \lVert v_b \rVert_2` over weights of 0 and
    1, where :math:`v_b` are those of group b: of two equally easy rows, that counts more whose group has fewer. The
    row with the r-th lowest loss of its group has weight 1 if

    .. math:: l \le \lambda \quad\text{or}\quad l < \lambda + \frac{\gamma}{\sqrt{r} + \sqrt{r - 1}}.

    :math:`\lambda` is the moving percentile of the losses, as for ``"self_paced"``, and rises and falls with them. So
    does :math:`\gamma`, ``gamma`` :math:`\cdot \lambda \sqrt{m}` with the mean size m of the groups: the last row of a
    group of mean size is kept up to a loss of about :math:`\lambda (1 +` ``gamma`` :math:`/ 2)`, that of a group of a
    quarter of the size up to :math:`\lambda (1 +` ``gamma`` :math:`)`, and a row that is a group of its own up to
    :math:`\lambda (1 +` ``gamma`` :math:`\sqrt m)`, however many rows there are.

    Ranks are those among all rows of the group, by the losses at their last visits, and not those in the batch: that
    is the problem as posed, whose answer does not depend on the size of batches, and a rare group is not believed
    whole because a batch holds one of its rows. They are taken anew at each percent of training, and each batch looks
    up where its losses of now would stand. Rows of equal loss have the same rank.

    Parameters
    ----------
    gamma : float in [0, inf), default=1.0
        How much diversity counts; 0 is ``"self_paced"``.
    groups : {"labels", "given", "clusters"}, default="labels"
        Rows with the same label, with the same entry in ``groups`` of ``fit``, or in the same cluster (k-means) of the
        student's features (what its last linear layer gets) at the end of the burn-in.
    n_clusters : int or None, default=None
        Number of clusters; None for as many as there are classes.
    loss_percentile : float in [0, 1], str or "auto", default="auto"
        As in :class:`PercentileMentor`, or ``"auto"`` as in :class:`AutoPercentileMentor`: where no noise is seen,
        every weight is 1.
    percentile_decay, percentile_by_class, burn_in, example_dropout
        As in :class:`PercentileMentor`.

    Attributes
    ----------
    groups_ : Tensor of shape (N,)
        Group of each row, once it is known.
    noise_, assumed_rate_
        See :class:`ListeningMentor`.

    References
    ----------
    After Jiang, Meng, Yu, Lan, Shan and Hauptmann, "Self-paced learning with diversity", NeurIPS 2014.

    Examples
    --------
    >>> SPLDMentor(gamma=2, groups="given", loss_percentile=0.7)
    SPLDMentor(gamma=2, groups='given', loss_percentile=0.7)
    """

    curriculum: Curriculum = SelfPaced()
    fixed_epoch_after_burn_in = False
    given_: Tensor | None = None
    trainee_: Trainee | None = None

    def __init__(
        self,
        *,
        gamma: float = 1.0,
        groups: str = "labels",
        n_clusters: int | None = None,
        loss_percentile: float | str = "auto",
        percentile_decay: float = 0.5,
        percentile_by_class: bool = False,
        burn_in: float = 18,
        example_dropout: float | str | None = None,
    ) -> None:
        self.gamma = gamma
        self.groups = groups
        self.n_clusters = n_clusters
        self.loss_percentile = loss_percentile
        self.percentile_decay = percentile_decay
        self.percentile_by_class = percentile_by_class
        self.burn_in = burn_in
        self.example_dropout = example_dropout

    def check_parameters(self) -> Self:
        """See :meth:`Mentor.check_parameters`."""
        check_number("gamma", self.gamma, 0)
        check_choice("groups", self.groups, _GROUPS)
        if self.n_clusters is not None:
            check_count("n_clusters", self.n_clusters)
        super().check_parameters()
        return self

    @property
    def uses_groups(self) -> bool:  # type: ignore[override]
        """See :class:`Mentor`; they are then needed, too."""
        return self.groups == "given"

    @property
    def listens(self) -> bool:
        """Whether it wants to be told; not if it knows the percentile."""
        return isinstance(self.loss_percentile, str) and self.loss_percentile.strip() == "auto"

    @property
    def is_idle(self) -> bool:
        """See :attr:`Mentor.is_idle`; where it was to find out the noise, and none is seen."""
        return self.listens and super().is_idle

    def _percentile_schedule(self) -> Schedule:
        if self.listens:
            return super()._percentile_schedule()
        return resolve_fraction_schedule("loss_percentile", self.loss_percentile)

    def tell(self, right_labels: Tensor | None, groups: Tensor | None) -> None:
        """See :meth:`Mentor.tell`."""
        self.given_ = groups

    def start(self, n_samples: int, n_classes: int, generator: torch.Generator) -> None:
        """See :meth:`Mentor.start`."""
        super().start(n_samples, n_classes, generator)
        device = generator.device
        n_groups = min(n_classes if self.n_clusters is None else self.n_clusters, n_samples)
        if self.groups == "labels":
            n_groups = n_classes
        elif self.groups == "given":
            n_groups = 1 if self.given_ is None else int(self.given_.max()) + 1
        self.groups_ = torch.zeros(n_samples, dtype=torch.long, device=device)
        self.is_grouped_ = False
        self.ranked_at_ = -1  # percent of training
        self.latest_ = torch.full((n_samples,), math.inf, device=device)  # losses
        self.counts_ = torch.ones(n_samples, device=device)
        self.ranks_ = Ranks(n_samples, n_groups, device)

    def meet(self, trainee: Trainee) -> None:
        """See :meth:`Mentor.meet`; it learns the groups, or looks for them later."""
        if self.groups == "clusters":
            check_has_features(trainee.module)
            self.trainee_ = trainee
            return
        groups = trainee.labels if self.groups == "labels" else self.given_
        if groups is not None:
            self.groups_.copy_(groups)
        self.is_grouped_ = True

    def advance(self, progress: float) -> None:
        """See :meth:`Mentor.advance`; after the burn-in, each percent of training ranks the rows anew."""
        super().advance(progress)
        percent = percent_of_training(progress)
        if self.is_idle or percent < self.burn_in or percent == self.ranked_at_:
            return
        if not self.is_grouped_ and self.trainee_ is not None:
            self.groups_.copy_(self._clusters(self.trainee_, self.ranks_.n_groups))
            self.is_grouped_, self.trainee_ = True, None
        self.ranks_.rank(self.latest_, self.counts_, self.groups_)
        self.ranked_at_ = percent

    @torch.no_grad()
    def _clusters(self, trainee: Trainee, n_clusters: int) -> Tensor:
        """Return the cluster of each row, (N,), by the student's features."""
        rows = torch.arange(len(trainee.labels), device=trainee.labels.device)
        seed = self.generator_.initial_seed() % 2**32
        some = torch.randperm(len(rows), generator=torch.Generator().manual_seed(seed))[:_MOST_ROWS].to(rows.device)
        found = torch.cat(list(student_features(trainee, some)))
        means = KMeans(n_clusters, n_init=3, random_state=seed)
        means.fit(found.cpu().numpy(), sample_weight=self.counts_[some].cpu().numpy())
        centers = torch.as_tensor(means.cluster_centers_).to(found)
        return torch.cat([torch.cdist(part, centers).argmin(1) for part in student_features(trainee, rows)])

    def weigh(self, seen: Observation) -> Tensor:
        """See :meth:`Mentor.weigh`; the losses are remembered."""
        if not self.is_idle:
            self.latest_[seen.rows] = seen.losses.float()
            if seen.sample_weight is not None:
                self.counts_[seen.rows] = seen.sample_weight
        return super().weigh(seen)

    def plain_weights(self, seen: Observation, loss: Tensor, loss_diff: Tensor) -> Tensor:
        """See :meth:`PercentileMentor.plain_weights`; mixes are weighed as ``"self_paced"`` does."""
        easy = self.curriculum_weights(seen, loss, loss_diff)
        if percent_of_training(seen.progress) < self.burn_in:
            return easy
        rank = self.ranks_.of(seen.rows, loss.float(), self.counts_[seen.rows], self.groups_[seen.rows])
        gamma = self.gamma * (loss - loss_diff) * self.ranks_.mean_size.sqrt()
        return torch.maximum(easy, (loss_diff < gamma / (rank.sqrt() + (rank - 1).sqrt())).to(easy.dtype))

    def result(self) -> None:
        """See :meth:`Mentor.result`; groups have a say in the weights, so that no curriculum stands for them."""

    def state_dict(self) -> dict[str, Any]:
        """See :meth:`Mentor.state_dict`."""
        own = {"latest": self.latest_, "counts": self.counts_, "ranked": self.ranks_.losses}
        groups = self.groups_ if self.is_grouped_ else None
        return super().state_dict() | own | {"groups": groups, "ranked_at": self.ranked_at_}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """See :meth:`Mentor.load_state_dict`."""
        super().load_state_dict(state)
        self.latest_.copy_(state["latest"])
        self.counts_.copy_(state["counts"])
        self.is_grouped_, self.ranked_at_ = state["groups"] is not None, state["ranked_at"]
        if state["groups"] is not None:
            self.groups_.copy_(state["groups"])
            self.ranks_.rank(state["ranked"].to(self.latest_), self.counts_, self.groups_)


class Ranks:
    """Where losses stand among those of their group.

    Parameters
    ----------
    n_samples, n_groups : int
    device : torch.device

    Attributes
    ----------
    losses : Tensor of shape (N,)
        Those that were ranked; infinite for rows that were never seen.
    mean_size : Tensor of shape ()
        How many rows that were seen a group has on average.
    """

    def __init__(self, n_samples: int, n_groups: int, device: torch.device) -> None:
        self.n_groups = n_groups
        self.losses = torch.full((n_samples,), math.inf, device=device)
        self.mean_size = torch.ones((), device=device)
        self._sorted = self.losses.clone()
        self._keys = torch.zeros(n_samples, dtype=torch.long, device=device)
        self._before = torch.zeros(n_samples + 1, device=device)
        self._first = torch.zeros(n_groups, dtype=torch.long, device=device)

    def rank(self, losses: Tensor, counts: Tensor, groups: Tensor) -> None:
        """Rank losses (N,) within their groups (N,); each row is so many as it counts, (N,)."""
        self.losses.copy_(losses)
        self._sorted.copy_(losses.sort().values)
        keys, order = self._key(losses, groups).sort(stable=True)
        self._keys.copy_(keys)
        self._before[1:] = counts[order].cumsum(0)
        starts = torch.arange(self.n_groups, device=keys.device) * self._stride
        self._first.copy_(torch.searchsorted(keys, starts))
        self.mean_size.copy_((counts * losses.isfinite()).sum() / self.n_groups).clamp_(min=1)

    @property
    def _stride(self) -> int:
        return len(self.losses) + 1

    def _key(self, losses: Tensor, groups: Tensor) -> Tensor:
        """Return numbers that order rows by group, and within it by loss."""
        return groups * self._stride + torch.searchsorted(self._sorted, losses)

    def of(self, rows: Tensor, losses: Tensor, counts: Tensor, groups: Tensor) -> Tensor:
        """Return the ranks (B,), from 1, that some rows would have with other losses than were ranked.

        Parameters
        ----------
        rows : Tensor of shape (B,)
        losses : Tensor of shape (B,)
            The losses that the rows have now.
        counts, groups : Tensor of shape (B,)
            How many times each row counts, and its group.
        """
        place = torch.searchsorted(self._keys, self._key(losses, groups))
        lower = self._before[place] - self._before[self._first[groups]]
        own = counts * (self.losses[rows] < losses)
        return (1 + lower - own).clamp_min(1)  # sums of weights are rounded
