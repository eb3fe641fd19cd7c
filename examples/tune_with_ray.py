"""Choose the MentorNet and its percentile with Ray and Optuna, on noisy labels alone."""

from noisylabel import MentorNetClassifier, corrupt
from noisylabel.datasets import load_digits
from sweeps import CurriculumSearch

digits = load_digits()
noisy_y, manifest = corrupt(digits.target, "symmetric", rate=0.4, random_state=0)
print(manifest.check())

search = CurriculumSearch(
    MentorNetClassifier(max_epochs=20),
    limits={"curriculum": ["auto", "uniform", "self_paced", "mentornet_pd"], "lr": 0.002},
    n_trials=8,
    random_state=0,
).fit(digits.data, noisy_y)

print(search.results_[["rank", "trial", "state", "score", "epochs", "param_curriculum", "param_loss_percentile"]])
print(f"{len(search.near_ties_) - 1} others cannot be told from the best on the held-out rows.")
print(f"Best: {search.best_params_}")
print(f"Accuracy on clean labels: {search.score(digits.test_data, digits.test_target):.3f}")
