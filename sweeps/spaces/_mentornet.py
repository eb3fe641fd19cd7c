"""What to try of MentorNet."""

from noisylabel.curricula import SPCLLinear

#: Grid for ``GridSearchCV(MentorNetClassifier(), MENTORNET_GRID)``; without noise-rate knowledge 0.5 to 0.9 covers it.
MENTORNET_GRID: dict[str, list[object]] = {
    "curriculum": ["uniform", "self_paced", "mentornet_pd", SPCLLinear(gamma=1.0), SPCLLinear(gamma=2.0)],
    "loss_percentile": ["auto", 0.5, 0.7, 0.9],
    "burn_in": [10, 18, 30],
}
