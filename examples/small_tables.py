"""Small tables, where a curriculum may help or harm: try it against plain training and a linear model.

Run: python examples/small_tables.py
"""

import warnings

import numpy as np
from sklearn.datasets import load_breast_cancer, load_iris, load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from noisylabel import MentorMixClassifier, MentorNetClassifier, corrupt
from noisylabel.exceptions import NoisyLabelWarning

warnings.simplefilter("ignore", NoisyLabelWarning)  # so few rows make every estimate a rough one, which is the point

METHODS = {
    "logistic regression": LogisticRegression(),
    "plain network": MentorNetClassifier("uniform", random_state=0),
    "MentorNet": MentorNetClassifier(random_state=0),
    "MentorMix": MentorMixClassifier(random_state=0),
}
N_SPLITS = 5

print(f"Accuracy (%) on clean test rows, mean and standard deviation of {N_SPLITS} splits")
for load in (load_iris, load_wine, load_breast_cancer):
    X, y = load(return_X_y=True)
    for rate in (0.0, 0.3):
        scores = {name: [] for name in METHODS}
        for seed in range(N_SPLITS):
            X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=seed, stratify=y)
            noisy_y, _ = corrupt(y_train, "symmetric", rate=rate, include_true=False, random_state=seed)
            for name, method in METHODS.items():
                fitted = make_pipeline(StandardScaler(), method).fit(X_train, noisy_y)
                scores[name].append(100 * fitted.score(X_test, y_test))
        told = ", ".join(f"{name} {np.mean(s):.1f} ± {np.std(s, ddof=1):.1f}" for name, s in scores.items())
        print(f"{load.__name__.removeprefix('load_')}, {len(y)} rows, {rate:.0%} of the labels wrong: {told}")
