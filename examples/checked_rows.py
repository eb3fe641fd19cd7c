"""Rows whose right label was looked up: what the curricula make of a hundred, and of fewer.

Run: python examples/checked_rows.py
"""

import warnings

import numpy as np

from noisylabel import MentorNetClassifier, corrupt
from noisylabel.datasets import load_digits
from noisylabel.exceptions import NoisyLabelWarning
from noisylabel.noise import TransitionNoise

warnings.simplefilter("ignore", NoisyLabelWarning)  # a class of which few rows are checked may be lost: that is shown
N_SEEDS = 3
WITHOUT = ("uniform", "auto")
WITH = {100: ("data_driven", "learning_to_reweight", "fidelity_weighted")}
WITH |= {n: ("learning_to_reweight", "fidelity_weighted") for n in (50, 20)}

digits = load_digits()
confused = np.eye(10)
for code in range(0, 10, 2):  # 45 % of each even digit are called the next one
    confused[code, [code, code + 1]] = 0.55, 0.45
NOISES = {
    "40 % symmetric": lambda seed: corrupt(digits.target, "symmetric", rate=0.4, random_state=seed)[0],
    "confused": lambda seed: corrupt(digits.target, TransitionNoise(confused), random_state=seed)[0],
}


def accuracies(curriculum, draw, n_checked=0):
    """Return the accuracy (%) on clean test rows with each seed."""
    scores = []
    for seed in range(N_SEEDS):
        noisy_y, given = draw(seed), {}
        if n_checked:
            is_checked = np.random.default_rng(seed).permutation(len(noisy_y)) < n_checked
            given["y_trusted"] = np.where(is_checked, digits.target, -1)
        clf = MentorNetClassifier(curriculum, random_state=seed).fit(digits.data, noisy_y, **given)
        scores.append(100 * clf.score(digits.test_data, digits.test_target))
    return scores


print(f"Accuracy (%) on clean test rows, mean and standard deviation of {N_SEEDS} seeds")
runs = [(name, 0) for name in WITHOUT] + [(name, n) for n, names in WITH.items() for name in names]
for noise, draw in NOISES.items():
    for name, n_checked in runs:
        scores = accuracies(name, draw, n_checked)
        print(f"{noise}: {name}, {n_checked} checked: {np.mean(scores):.1f} ± {np.std(scores, ddof=1):.1f}", flush=True)
