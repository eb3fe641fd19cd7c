"""A mentor that learns, by reward, which samples to keep."""

import math
import warnings
from collections.abc import Hashable
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from noisylabel._support.validation import check_choice, check_count, check_number
from noisylabel.curricula.learned import TeachingPolicy
from noisylabel.curricula.learned._teaching_policy import keep_logits, score
from noisylabel.exceptions import InvalidParameterError, NoisyLabelWarning
from noisylabel.mentors._base import Mentor, Observation, Trainee
from noisylabel.mentors._student_features import evaluating

_MOST_JUDGES = 2_000
_AT_A_TIME = 500
_FARTHEST = 3.0  # an advantage, in standard deviations
_MEMORY = 10  # episodes over which baselines are averaged
_LARGEST_LOSS = 5.0
_DECAY = 0.8  # of the mean reward, from stretch to stretch


class LearningToTeachMentor(Mentor):
    r"""Keep or drop each sample as a small policy says, which is learned by reward while the student trains.

    The policy :math:`\phi_\theta(a \mid s)` sees of each sample its loss and the loss's rank in the batch, the
    probability of the given label now and on average over its visits, the margin over the other classes, and of the
    student the batch's mean loss, the share of training that is over, and the latest held-out accuracy. The weight is 1
    with the probability that it says, else 0. Some rows, the *judges*, have weight 0 throughout. At the end of each
    stretch of training the student is asked about them, and the reward :math:`r` of the stretch's decisions teaches the
    policy (REINFORCE):

    .. math:: \theta \leftarrow \theta + \eta\, \frac{r - b}{\sigma}\,
              \frac{1}{\sqrt{n}} \sum_{i=1}^{n} \nabla_\theta \log \phi_\theta(a_i \mid s_i),

    with :math:`b` the mean reward of the same stretch in earlier trainings if the policy knows any, else the moving
    mean of this training's rewards, and :math:`\sigma` the size of the advantages so far.

    One training is a single episode, and hardly enough to learn anything: train some in a row, each with the policy of
    the one before, which is ``curriculum_`` of the fitted classifier.

    Parameters
    ----------
    policy : TeachingPolicy, str, Path or None, default=None
        What to begin with, or a file that :meth:`TeachingPolicy.save` wrote; None keeps 0.88 of everything.
    policy_lr : float in [0, inf), default=0.1
        Step size :math:`\eta`. With 0 the policy teaches and does not learn any more, as in the paper's tests.
    reward : {"accuracy", "loss", "time"}, default="accuracy"
        What a stretch is rewarded for: the gain in the judges' accuracy or the fall of their mean loss. ``"time"`` is
        the paper's: one reward of a whole training, :math:`-\log(i/T)` for reaching an accuracy of ``goal`` at step i
        of T, and 0 for not reaching it. It looks at the ends of stretches only.
    goal : float in (0, 1), default=0.8
        For ``reward="time"``.
    n_stretches : int in [2, 1000], default=20
    held_out : float in (0, 0.5], default=0.1
        Largest share of the rows that are judges; 2,000 at most. They are rows of ``y_trusted``, if ``fit`` gets it;
        else any rows, whose given labels judge. The only row of a class is never one.

    Attributes
    ----------
    parameters_ : Tensor of shape (121,)
        Of the policy.
    is_judge_ : Tensor of shape (n_samples,)
        1 for judges, else 0.

    References
    ----------
    After Fan et al., "Learning to teach", ICLR 2018, https://arxiv.org/abs/1805.03643. There the teacher is learned
    from hundreds of trainings, sees the label itself, and a step waits until as many samples as a batch has were kept.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from noisylabel import MentorNetClassifier
    >>> X, y = load_digits(return_X_y=True)
    >>> policy = None
    >>> for episode in range(2):
    ...     mentor = LearningToTeachMentor(policy=policy)
    ...     clf = MentorNetClassifier(mentor, max_epochs=5, random_state=episode).fit(X, y)
    ...     policy = clf.curriculum_
    >>> policy
    TeachingPolicy(episodes=2)
    """

    uses_trusted = True
    doubts = False  # what is dropped is drawn

    def __init__(
        self,
        *,
        policy: TeachingPolicy | str | Path | None = None,
        policy_lr: float = 0.1,
        reward: str = "accuracy",
        goal: float = 0.8,
        n_stretches: int = 20,
        held_out: float = 0.1,
    ) -> None:
        self.policy = policy
        self.policy_lr = policy_lr
        self.reward = reward
        self.goal = goal
        self.n_stretches = n_stretches
        self.held_out = held_out

    def check_parameters(self) -> Self:
        """See :meth:`Mentor.check_parameters`."""
        check_number("policy_lr", self.policy_lr, 0)
        check_choice("reward", self.reward, ["accuracy", "loss", "time"])
        check_number("goal", self.goal, 0, 1, closed="neither")
        check_count("n_stretches", self.n_stretches, 2)
        check_number("n_stretches", self.n_stretches, 2, 1000)
        check_number("held_out", self.held_out, 0, 0.5, closed="right")
        self._first_policy()
        return self

    def _first_policy(self) -> TeachingPolicy | None:
        if self.policy is None or isinstance(self.policy, TeachingPolicy):
            return self.policy
        if isinstance(self.policy, str | Path):
            return TeachingPolicy.load(self.policy)
        raise InvalidParameterError(
            f"'policy' must be None, a TeachingPolicy or the path of one that was saved. Got {self.policy!r}."
        )

    def tell(self, right_labels: Tensor | None, groups: Tensor | None) -> None:
        """See :meth:`Mentor.tell`."""
        self.right_labels_ = right_labels

    def start(self, n_samples: int, n_classes: int, generator: torch.Generator) -> None:
        """See :meth:`Mentor.start`."""
        device = generator.device
        self.generator_, self.chance_ = generator, math.log(max(n_classes, 2))
        private = torch.Generator().manual_seed(generator.initial_seed())
        policy = self._first_policy() or TeachingPolicy(generator=private)
        self.card_, self.parameters_ = dict(policy.card), policy.parameters.to(device, copy=True)
        if self.card_["reward"] != self.reward or len(self.card_["baseline"]) != self._n_rewards:
            self.card_["baseline"] = [None] * self._n_rewards
        self.score_, self.n_decided_ = torch.zeros_like(self.parameters_), torch.zeros((), device=device)
        self.seen_ = torch.zeros(n_samples, 2, device=device)  # of each row: sum of the label's probability, visits
        self.is_judge_ = torch.zeros(n_samples, device=device)
        self.student_ = torch.zeros(2, device=device)  # share of training, held-out accuracy
        self.rewards_: list[float] = []
        self.squares_: list[float] = []
        self.looks_: tuple[float, float] | None = None
        self.stretch_, self.is_over_ = -1, False
        self.trainee_: Trainee | None = None

    @property
    def _n_rewards(self) -> int:
        return 1 if self.reward == "time" else self.n_stretches

    def meet(self, trainee: Trainee) -> None:
        """See :meth:`Mentor.meet`; here the judges are drawn, the same ones when a training goes on."""
        labels, right = trainee.labels, getattr(self, "right_labels_", None)
        may = torch.ones(len(labels), dtype=torch.bool) if right is None else right.cpu() >= 0
        if trainee.sample_weight is not None:
            may &= trainee.sample_weight.cpu() > 0
        stream = torch.Generator().manual_seed(self.generator_.initial_seed())
        most = min(_MOST_JUDGES, max(1, round(self.held_out * len(labels))))
        judges = draw_judges(labels.cpu(), may, most, stream).to(labels.device)
        if len(judges) == 0:
            warnings.warn(
                "No row can be held out to judge the student by (each is the only one of its class, has weight 0 or, "
                "with 'y_trusted', no trusted label): the teaching policy does not learn. Give more rows.",
                NoisyLabelWarning,
                stacklevel=2,
            )
            return
        self.is_judge_[judges] = 1.0
        self.trainee_ = trainee
        self.judges_ = trainee.inputs(judges)
        self.judged_ = (labels if right is None else right.to(labels.device))[judges]

    def advance(self, progress: float) -> None:
        """See :meth:`Mentor.advance`; at the end of a stretch the student is judged, and the policy learns."""
        self.student_[0].fill_(progress)
        stretch = int(progress * self.n_stretches + 1e-9)
        if stretch == self.stretch_ or self.trainee_ is None:
            return
        before, self.stretch_ = self.looks_, stretch
        self.looks_ = self._look(self.trainee_.module)
        self.student_[1].fill_(self.looks_[0])
        if before is not None and (reward := self._reward(before, self.looks_, progress)) is not None:
            self._learn(reward)

    def _look(self, module: nn.Module) -> tuple[float, float]:
        """Return the accuracy on the judges and their mean loss; the network is left as it was."""
        with evaluating(module), torch.no_grad():
            logits = torch.cat([module(part).float() for part in self.judges_.split(_AT_A_TIME)])
        right = (logits.argmax(1) == self.judged_).float().mean()
        accuracy, loss = torch.stack([right, cross_entropy(logits, self.judged_)]).tolist()
        return accuracy, loss

    def _reward(self, before: tuple[float, float], now: tuple[float, float], progress: float) -> float | None:
        """Return the reward of the stretch that is over; None if there is none yet, or none any more."""
        if self.reward == "accuracy":
            return now[0] - before[0]
        if self.reward == "loss":
            return before[1] - now[1]
        if self.is_over_ or now[0] < self.goal:
            return None
        self.is_over_ = True
        return time_reward(progress)

    def _learn(self, reward: float) -> None:
        """Make one step of REINFORCE, with the decisions since the last one."""
        turn = len(self.rewards_)
        known = self.card_["baseline"][turn]
        baseline = self._recent_reward() if known is None else known
        self.rewards_.append(reward)
        if baseline is not None and math.isfinite(reward):
            advantage = reward - baseline
            self.squares_.append(advantage**2)
            size = math.sqrt(sum(self.squares_) / len(self.squares_)) or 1.0
            scaled = max(-_FARTHEST, min(advantage / size, _FARTHEST))
            self.parameters_.add_(self.score_ / self.n_decided_.clamp_min(1).sqrt(), alpha=self.policy_lr * scaled)
        self.score_.zero_()
        self.n_decided_.zero_()

    def _recent_reward(self) -> float | None:
        """Return the moving mean of this training's rewards so far; None before the first."""
        if not self.rewards_:
            return None
        mean = self.rewards_[0]
        for reward in self.rewards_[1:]:
            mean = _DECAY * mean + (1 - _DECAY) * reward
        return mean

    def stage(self, progress: float) -> Hashable | None:
        """See :meth:`Mentor.stage`; always the same."""
        return ()

    def weigh(self, seen: Observation) -> Tensor:
        """See :meth:`Mentor.weigh`."""
        features = self._features(seen)
        logits, hidden = keep_logits(self.parameters_, features)
        keep = logits.sigmoid()
        kept = (torch.rand(len(keep), generator=self.generator_, device=keep.device) < keep).float()
        decided = 1 - self.is_judge_[seen.rows]
        counts = decided if seen.sample_weight is None else decided * (seen.sample_weight > 0)
        if self.policy_lr > 0:
            self.score_ += score(self.parameters_, features, hidden, (kept - keep) * counts)
            self.n_decided_ += counts.sum()
        return (kept * decided).to(seen.losses.dtype)

    def _features(self, seen: Observation) -> Tensor:
        """Return what the policy sees of each sample, (B, 8), and remember the visit."""
        proba = seen.logits.float().softmax(1)
        own = proba.gather(1, seen.labels[:, None])
        margin = own - proba.scatter(1, seen.labels[:, None], -1.0).amax(1, keepdim=True)
        visits = self.seen_[seen.rows] + torch.cat([own, torch.ones_like(own)], dim=1)
        self.seen_[seen.rows] = visits
        losses = seen.losses.float()
        rank = losses.argsort().argsort().float() / max(len(losses) - 1, 1)
        student = torch.stack([(losses.mean() / self.chance_).clamp_max(2.0), *self.student_]).expand(len(losses), 3)
        loss = losses.clamp_max(_LARGEST_LOSS) / _LARGEST_LOSS
        return torch.cat([torch.stack([loss, rank], 1), own, visits[:, :1] / visits[:, 1:], margin, student], dim=1)

    def result(self) -> TeachingPolicy:
        """Return the policy as it has been learned, on the CPU."""
        if self.reward == "time" and not self.is_over_ and self.looks_ is not None:
            self.is_over_ = True
            self._learn(0.0)  # the goal was not reached
        episodes = self.card_["episodes"]
        share = 1 / (1 + min(episodes, _MEMORY - 1))
        baseline = list(self.card_["baseline"])
        for turn, reward in enumerate(self.rewards_):
            known = baseline[turn]
            baseline[turn] = reward if known is None else known + share * (reward - known)
        card = {"episodes": episodes + bool(self.policy_lr), "reward": self.reward, "baseline": baseline}
        return TeachingPolicy(self.parameters_.cpu().clone(), card)

    def state_dict(self) -> dict[str, Any]:
        """See :meth:`Mentor.state_dict`."""
        return {name: getattr(self, f"{name}_") for name in _TENSORS + _VALUES} | {
            "generator": self.generator_.get_state()
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """See :meth:`Mentor.load_state_dict`."""
        for name in _TENSORS:
            getattr(self, f"{name}_").copy_(state[name])
        for name in _VALUES:
            value = state[name]
            setattr(self, f"{name}_", value.copy() if isinstance(value, dict | list) else value)
        self.generator_.set_state(state["generator"].cpu())

    def metrics(self) -> dict[str, float]:
        """Return the student's latest accuracy on the judges, and their mean loss."""
        accuracy, loss = self.looks_ or (math.nan, math.nan)
        return {"judged_accuracy": accuracy, "judged_loss": loss}


_TENSORS = ("parameters", "score", "n_decided", "seen", "student")
_VALUES = ("card", "rewards", "squares", "looks", "stretch", "is_over")


def time_reward(progress: float) -> float:
    r"""Return the paper's reward :math:`-\log(i/T)` of reaching the goal at this share of training, i/T.

    Examples
    --------
    >>> round(time_reward(500 / 10_000), 6)
    2.995732
    """
    return -math.log(min(progress, 1.0))


def draw_judges(labels: Tensor, may: Tensor, most: int, generator: torch.Generator) -> Tensor:
    """Draw rows to judge by, each class keeping at least one row of its own to learn from.

    Parameters
    ----------
    labels : Tensor of shape (N,)
    may : Tensor of shape (N,)
        True for rows that may be drawn.
    most : int
    generator : torch.Generator
        On the CPU, as all is.

    Returns
    -------
    Tensor of shape (n,)
        Row numbers, increasing.
    """
    mixed = torch.randperm(len(labels), generator=generator)
    order = mixed[labels[mixed].argsort(stable=True)]
    is_first = torch.ones(len(order), dtype=torch.bool)
    is_first[1:] = labels[order[1:]] != labels[order[:-1]]
    drawable = may.clone()
    drawable[order[is_first]] = False
    return mixed[drawable[mixed]][:most].sort().values
