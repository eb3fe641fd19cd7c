"""A class of one row in a hundred, learned with class_weight="balanced", with right and with wrong labels.

Run: python examples/rare_class.py
"""

import warnings

import numpy as np
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.metrics import balanced_accuracy_score

from noisylabel import FilterKDClassifier, MentorMixClassifier, MentorNetClassifier
from noisylabel.exceptions import NoisyLabelWarning

warnings.simplefilter("ignore", NoisyLabelWarning)

METHODS = {
    "plain training": MentorNetClassifier("uniform"),
    "MentorNet": MentorNetClassifier(),
    "MentorMix": MentorMixClassifier(),
    "Filter-KD": FilterKDClassifier(),
}
N_SEEDS = 3


def with_wrong_labels(y, share, rng):
    """Swap the labels of a share of the rare class with as many of the common one, so that their sizes stay."""
    noisy = y.copy()
    n_wrong = round(share * (y == 1).sum())
    for label in (0, 1):
        noisy[rng.choice(np.flatnonzero(y == label), n_wrong, replace=False)] = 1 - label
    return noisy


print(f"Balanced accuracy (%) on clean test rows, mean and standard deviation of {N_SEEDS} seeds")
for share in (0.0, 0.3):
    scores = {(name, weight): [] for name in METHODS for weight in (None, "balanced")}
    for seed in range(N_SEEDS):
        X, y = make_classification(
            8000, n_informative=6, n_redundant=0, weights=[0.99], class_sep=1.5, flip_y=0, random_state=seed
        )
        noisy = with_wrong_labels(y[:4000], share, np.random.default_rng(seed))
        for (name, weight), found in scores.items():
            method = clone(METHODS[name]).set_params(class_weight=weight, max_epochs=20, random_state=seed)
            found.append(100 * balanced_accuracy_score(y[4000:], method.fit(X[:4000], noisy).predict(X[4000:])))
    for (name, weight), found in scores.items():
        told = f"{np.mean(found):.1f} ± {np.std(found, ddof=1):.1f}"
        print(f"{share:.0%} of the rare labels wrong, {name}, class_weight={weight}: {told}")
