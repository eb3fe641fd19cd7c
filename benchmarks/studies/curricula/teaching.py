"""What a teaching policy has learned after many trainings, against plain training and random dropping.

Digits with 40 % symmetric noise, an MLP. Each training has a seed and noise of its own. Then the policy, which learns
no more, teaches with seeds that it has not seen; random dropping keeps as many rows.
"""

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.cells import RESULTS
from benchmarks.cells.environment import environment
from benchmarks.cells.metrics import weight_shares
from benchmarks.cells.rows import rounded
from benchmarks.cells.store import append, newest, read
from benchmarks.studies._runs import as_markdown
from noisylabel import MentorNetClassifier, corrupt
from noisylabel.datasets import load_digits
from noisylabel.mentors import LearningToTeachMentor

_FILE = "teaching.jsonl"
_KEYS = ["judges", "reward", "episodes", "epochs", "policy_lr"]
_JUDGES = {"trusted": 100, "noisy": 0}  # how many rows whose right label is known
_UNSEEN = (1000, 1001, 1002)
_RATE = 0.4


def add_arguments(parser: ArgumentParser) -> None:
    """Add the options of this study."""
    parser.add_argument("--judges", nargs="+", choices=_JUDGES, default=list(_JUDGES), help="who rewards")
    parser.add_argument("--reward", nargs="+", choices=("accuracy", "loss"), default=["accuracy", "loss"])
    parser.add_argument("--episodes", type=int, default=80, help="trainings to learn from (%(default)s)")
    parser.add_argument("--epochs", type=int, default=25, help="of each (%(default)s)")
    parser.add_argument("--policy-lr", type=float, default=0.1, help="step size of the policy (%(default)s)")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of results")


def run(options: Namespace) -> None:
    """Learn and measure what has no result yet."""
    path = options.results / _FILE
    done = {tuple(row[key] for key in _KEYS) for row in read(path)}
    for judges in options.judges:
        for reward in options.reward:
            key = (judges, reward, options.episodes, options.epochs, options.policy_lr)
            if key not in done:
                append(
                    path, rounded(dict(zip(_KEYS, key, strict=True)) | _measure(*key)) | {"environment": environment()}
                )


def _measure(judges: str, reward: str, episodes: int, epochs: int, policy_lr: float) -> dict[str, Any]:
    """Return accuracies on clean test rows, and the weights that the policy gives right and wrong labels."""
    n_trusted, policy, learning = _JUDGES[judges], None, []
    for seed in range(episodes):
        mentor = LearningToTeachMentor(policy=policy, reward=reward, policy_lr=policy_lr)
        clf, accuracy, _ = _train(mentor, seed, epochs, n_trusted)
        policy = clf.curriculum_
        learning.append(accuracy)
    teacher = LearningToTeachMentor(policy=policy, policy_lr=0)
    found: dict[str, Any] = {name: [] for name in ("taught", "plain", "random", "weight_right", "weight_wrong")}
    for seed in _UNSEEN:
        clf, accuracy, weights = _train(teacher, seed, epochs, n_trusted)
        dropped = 1 - float(clf.history_["data_utilization"].mean())
        found["taught"].append(accuracy)
        found["plain"].append(_train("uniform", seed, epochs)[1])
        found["random"].append(_train("uniform", seed, epochs, example_dropout=dropped)[1])
        for name in ("weight_right", "weight_wrong"):
            found[name].append(weights[name])
    return {"first_ten": float(np.mean(learning[:10])), "last_ten": float(np.mean(learning[-10:]))} | found


def _train(curriculum: Any, seed: int, epochs: int, n_trusted: int = 0, **changes: Any) -> tuple[Any, float, Any]:
    """Return a fitted classifier, its accuracy on clean test rows, and the mean weights of right and wrong labels.

    Judges are left out of the mean weights.
    """
    data = load_digits()
    noisy_y, _ = corrupt(data.target, "symmetric", rate=_RATE, random_state=seed)
    trusted, judges = None, np.zeros(len(noisy_y), bool)
    if n_trusted:
        judges[np.random.default_rng(seed).permutation(len(noisy_y))[:n_trusted]] = True
        trusted = np.where(judges, data.target, -1)
    clf = MentorNetClassifier(curriculum, student="mlp", max_epochs=epochs, random_state=seed, **changes)
    clf.fit(data.data, noisy_y, y_trusted=trusted)
    weights = weight_shares(np.where(judges, np.nan, clf.sample_weight_), data.target, noisy_y)
    return clf, clf.score(data.test_data, data.test_target), weights


def report(options: Namespace) -> str:
    """Return accuracies in percent, as mean and standard deviation over the unseen seeds, and mean weights."""
    return as_markdown(pd.DataFrame([_line(row) for row in newest(read(options.results / _FILE), _KEYS)]))


def _line(row: dict[str, Any]) -> dict[str, str]:
    shown = {"judges": row["judges"], "reward": row["reward"], "trainings": str(row["episodes"])}
    for name in ("taught", "plain", "random"):
        accuracy = 100 * np.array(row[name])
        shown[name] = f"{accuracy.mean():.1f} ± {accuracy.std(ddof=1):.1f}"
    for kind in ("right", "wrong"):
        shown[f"weight of {kind} labels"] = f"{np.mean(row[f'weight_{kind}']):.2f}"
    return shown
