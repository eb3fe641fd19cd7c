"""Write files of this version that every later one must read: ``python tests/frozen/make.py tests/frozen/NAME.zip``.

An archive that has been made is never made again: it would only say that a version reads its own files. Make a new one
when files get a new content.
"""

import contextlib
import json
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from skorch.callbacks import Callback

import noisylabel
from noisylabel import corrupt, load_checkpoint
from noisylabel.curricula.learned import MentorFeatures, learn_mentornet
from noisylabel.students import MLP

# What it takes to build each classifier again: its class and parameters, beside student and checkpoint_dir.
CLASSIFIERS = {
    "mentornet": ("MentorNetClassifier", {"loss_percentile": 0.6, "example_dropout": 0.1, "filter_alpha": 0.2}),
    "mentormix": ("MentorMixClassifier", {"loss_percentile": 0.6, "second_reweight": True, "ema_decay": 0.9}),
    "filterkd": ("FilterKDClassifier", {"validation_fraction": 0.2}),
}
SHARED = {"max_epochs": 2, "batch_size": 10, "random_state": 0}
HIDDEN = (8,)


class Killed(Exception):
    """What ends a training after its first epoch."""


class KillAfterOneEpoch(Callback):
    """End a training after its first epoch, as a killed process would; of Filter-KD's two that of the student."""

    def __init__(self, n_trainings):
        self.n_trainings = n_trainings
        self.begun_ = 0

    def on_train_begin(self, net, **kwargs):
        self.begun_ += 1

    def on_epoch_begin(self, net, **kwargs):
        if self.begun_ == self.n_trainings and len(net.history) == 2:
            raise Killed


def build(kind, parameters, folder, **more):
    """Return a classifier of :data:`CLASSIFIERS`, unfitted."""
    return getattr(noisylabel, kind)(student=MLP(HIDDEN), checkpoint_dir=folder, **parameters, **more)


def make_data():
    """Return 40 samples of three classes, and their labels with noise."""
    rng = np.random.default_rng(0)
    y = np.array(["ant", "bee", "cow"])[np.arange(40) % 3]
    X = (rng.normal(size=(40, 4)) + 2 * (np.arange(40) % 3)[:, None]).astype(np.float32)
    noisy_y, manifest = corrupt(y, "symmetric", rate=0.4, random_state=0)
    return X, noisy_y, manifest


def make_runs(folder, name, X, y):
    """Write a half-done and a finished run of a classifier; return what their networks say."""
    kind, parameters = CLASSIFIERS[name]
    killer = KillAfterOneEpoch(n_trainings=2 if kind == "FilterKDClassifier" else 1)
    half, finished = folder / f"{name}_half", folder / f"{name}_finished"
    with contextlib.suppress(Killed):
        build(kind, parameters | SHARED, half, callbacks=[killer]).fit(X, y)
    clf = build(kind, parameters | SHARED, finished).fit(X, y)
    return {
        f"{name}_half": load_checkpoint(half).predict_proba(X),
        f"{name}_finished": clf.predict_proba(X),
        f"{name}_weights": clf.sample_weight_,
        f"{name}_record": clf.record_.to_frame().to_numpy(np.float32),
    }


def make_mentornet(folder):
    """Write a learned MentorNet; return features and the weights that it gives."""
    loss = torch.linspace(0, 3, 60)
    percent = torch.arange(60) % 3 * 40
    features = MentorFeatures.of(loss, loss - 1, torch.zeros(60), percent)
    mentornet = learn_mentornet(features, (loss < 1).float(), n_steps=200, random_state=0)
    mentornet.card = {"name": "frozen", "learned_from": {"rule": "losses below 1"}}
    mentornet.save(folder / "mentornet")
    weights = [mentornet.weights(loss, loss - 1, torch.zeros(60), percent).numpy() for percent in (0, 40, 80)]
    return {"mentornet_loss": loss.numpy(), "mentornet_weights_at": np.stack(weights)}


def make(archive):
    """Write all files, into a zip archive that is not there yet."""
    if archive.exists():
        sys.exit(f"{archive} is there already; take another name.")
    X, y, manifest = make_data()
    with tempfile.TemporaryDirectory() as work:
        folder = Path(work)
        manifest.to_json(folder / "manifest.json")
        expected = {"X": X, "y": y, **make_mentornet(folder)}
        for name in CLASSIFIERS:
            expected |= make_runs(folder, name, X, y)
        np.savez_compressed(folder / "expected.npz", **expected)
        runs = {
            name: {"class": kind, "parameters": parameters | SHARED, "hidden": HIDDEN}
            for name, (kind, parameters) in CLASSIFIERS.items()
        }
        description = {"made_with": f"noisylabel {noisylabel.__version__}", "runs": runs}
        (folder / "classifiers.json").write_text(json.dumps(description, indent=1) + "\n")
        shutil.make_archive(str(archive.with_suffix("")), "zip", folder)


if __name__ == "__main__":
    torch.set_num_threads(1)
    make(Path(sys.argv[1]))
