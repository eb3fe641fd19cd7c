"""The curriculum as a hyper-parameter, chosen by cross-validation on noisy labels only.

Run: python examples/choose_a_curriculum.py
"""

import pandas as pd
from sklearn.model_selection import GridSearchCV

from noisylabel import MentorNetClassifier, corrupt
from noisylabel.curricula import SPCLLinear
from noisylabel.datasets import load_digits

digits = load_digits()
noisy_y, manifest = corrupt(digits.target, "symmetric", rate=0.4, random_state=0)
print(manifest.check())

grid = {"curriculum": ["uniform", "self_paced", SPCLLinear(gamma=2)], "loss_percentile": [0.6, 0.9]}
search = GridSearchCV(MentorNetClassifier(max_epochs=30, random_state=0), grid, cv=3).fit(digits.data, noisy_y)

results = pd.DataFrame(search.cv_results_)[["param_curriculum", "param_loss_percentile", "mean_test_score"]]
print(results.rename(columns={"mean_test_score": "accuracy on noisy labels"}).round(3).to_string(index=False))
print(f"Chosen: {search.best_params_}")
print(f"Its accuracy on clean test labels: {search.score(digits.test_data, digits.test_target):.3f}")
