"""Stop training when noisy validation labels say so, and compare with a curriculum.

Run: python examples/stop_early.py
"""

from skorch.callbacks import EarlyStopping

from noisylabel import MentorNetClassifier, corrupt
from noisylabel.datasets import load_digits

digits = load_digits()
noisy_y, manifest = corrupt(digits.target, "symmetric", rate=0.4, random_state=0)
print(manifest.check())

stop = EarlyStopping("valid_acc", patience=10, lower_is_better=False)
for name, curriculum, callbacks, held_out in [
    ("plain training to the end", "uniform", None, 0.0),
    ("plain training, stopped early", "uniform", [stop], 0.2),
    ("MentorNet-PD to the end", "mentornet_pd", None, 0.0),
]:
    clf = MentorNetClassifier(
        curriculum,
        loss_percentile="auto",
        validation_fraction=held_out,
        callbacks=callbacks,
        max_epochs=60,
        random_state=0,
    )
    clf.fit(digits.data, noisy_y)
    kept = f", kept epoch {clf.best_epoch_}" if held_out else ""
    print(f"{name}: {clf.n_iter_} epochs{kept}, accuracy {clf.score(digits.test_data, digits.test_target):.3f}")
