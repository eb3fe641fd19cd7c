"""A pandas table with string labels, 30 % of them wrong, in a pipeline: find the rows to look at.

Run: python examples/table_with_strings.py
"""

import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import QuantileTransformer

from noisylabel import MentorNetClassifier, corrupt

table = load_breast_cancer(as_frame=True)
labels = np.array(table.target_names)[table.target]
X_train, X_test, y_train, y_test = train_test_split(table.data, labels, random_state=0, stratify=labels)
noisy_y, manifest = corrupt(y_train, "symmetric", rate=0.3, include_true=False, random_state=0)
print(manifest.check())

for name, curriculum in [("plain training", "uniform"), ("self-paced", "self_paced")]:
    clf = MentorNetClassifier(curriculum, loss_percentile=0.7, max_epochs=100, lr=0.005, random_state=0)
    pipeline = make_pipeline(QuantileTransformer(n_quantiles=100), clf).fit(X_train, noisy_y)
    print(f"{name}: accuracy on clean test labels {pipeline.score(X_test, y_test):.3f}")

issues = pipeline[-1].label_issues()
flagged = issues[issues["is_label_issue"]]
really = noisy_y[flagged["row"]] != y_train[flagged["row"]]
print(
    f"{len(flagged)} of {len(noisy_y)} training labels seem wrong; {really.mean():.0%} of them really are. The worst:"
)
print(flagged[["row", "given_label", "suggested_label", "wrong_probability"]].head().round(3).to_string(index=False))
