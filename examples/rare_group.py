"""One row in twenty, or in forty, is from another camera: what a loss threshold drops, and what diversity keeps.

Run: python examples/rare_group.py
"""

import time

import numpy as np

from noisylabel import MentorNetClassifier, corrupt
from noisylabel.datasets import load_digits
from noisylabel.mentors import SPLDMentor

CURRICULA = {
    "plain": "uniform",
    "self_paced": "self_paced",
    "SPLD, by label": SPLDMentor(),
    "SPLD, by camera": SPLDMentor(groups="given"),
    "SPLD, by cluster": SPLDMentor(groups="clusters"),
}
SETTINGS = ((20, 0.2), (20, 0.4), (40, 0.4))  # one row in so many is from the other camera; share of noise
N_SEEDS = 3


def seen_by_another_camera(X, is_other, seed):
    """Invert some of the images, and add noise to them."""
    X, rng = X.copy(), np.random.default_rng(seed)
    X[is_other] = X.max() - X[is_other] + rng.normal(0, 0.25, X[is_other].shape)
    return X


digits = load_digits()
is_rare_test = np.arange(len(digits.test_data)) % 2 == 0
X_test = seen_by_another_camera(digits.test_data, is_rare_test, seed=2)

print(f"Mean weight of right and wrong labels, accuracy (%) by camera, seconds of fit; means of {N_SEEDS} seeds")
for one_in, rate in SETTINGS:
    is_rare = np.arange(len(digits.data)) % one_in == 0
    X = seen_by_another_camera(digits.data, is_rare, seed=1)
    for name, curriculum in CURRICULA.items():
        found = []
        for seed in range(N_SEEDS):
            noisy_y, _ = corrupt(digits.target, "symmetric", rate=rate, random_state=seed)
            clf = MentorNetClassifier(curriculum, loss_percentile=round(1 - 0.9 * rate, 2), random_state=seed)
            start = time.process_time()
            clf.fit(X, noisy_y, groups=is_rare if name == "SPLD, by camera" else None)
            seconds = time.process_time() - start
            is_right, weight = noisy_y == digits.target, clf.sample_weight_
            hits = clf.predict(X_test) == digits.test_target
            of_camera = [
                (weight[camera & is_right].mean(), weight[camera & ~is_right].mean()) for camera in (is_rare, ~is_rare)
            ]
            accuracy = [100 * hits[is_rare_test].mean(), 100 * hits[~is_rare_test].mean()]
            found.append([*of_camera[0], *of_camera[1], *accuracy, seconds])
        rare_right, rare_wrong, right, wrong, rare, common, seconds = np.mean(found, axis=0)
        print(
            f"1 in {one_in}, {rate:.0%} noise, {name:17} rare camera: "
            f"{rare_right:.2f}, {rare_wrong:.2f}, {rare:.1f} %; "
            f"common: {right:.2f}, {wrong:.2f}, {common:.1f} %; {seconds:.1f} s",
            flush=True,
        )
