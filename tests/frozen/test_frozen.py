"""Files that earlier versions wrote are read by this one, and mean the same; ``make.py`` has written them."""

import json
import shutil
import tempfile
from pathlib import Path

import numpy as np
import pytest
import torch
from skorch.callbacks import Callback

import noisylabel
from noisylabel import load_checkpoint
from noisylabel.curricula import MentorNet
from noisylabel.noise import NoiseManifest
from noisylabel.students import MLP

ARCHIVES = sorted(Path(__file__).parent.glob("*.zip"))
UNPACKED = tempfile.TemporaryDirectory()  # removed when the tests end


def unpacked(archive):
    folder = Path(UNPACKED.name) / archive.stem
    shutil.unpack_archive(archive, folder)
    return folder


FOLDERS = [unpacked(archive) for archive in ARCHIVES]
CHANGED_DEFAULTS = {  # what a user of that version has to name now, as the message of a run that cannot go on says
    ("0.1.0", "MentorNetClassifier"): {"curriculum": "mentornet_pd"},
    ("0.1.0", "MentorMixClassifier"): {"curriculum": "mentornet_pd"},
}
RUNS = [(folder, name) for folder in FOLDERS for name in json.loads((folder / "classifiers.json").read_text())["runs"]]


class CountEpochs(Callback):
    def __init__(self):
        self.n_epochs = 0

    def on_epoch_begin(self, net, **kwargs):
        self.n_epochs += 1


def expected_of(folder):
    return dict(np.load(folder / "expected.npz"))


def goes_on(folder, name, state, tmp_path):
    """Fit a classifier again from its checkpoint; return it and the number of epochs that it had to train."""
    run = json.loads((folder / "classifiers.json").read_text())["runs"][name]
    shutil.copytree(folder / f"{name}_{state}", tmp_path / "run")
    counter = CountEpochs()
    clf = getattr(noisylabel, run["class"])(
        student=MLP(tuple(run["hidden"])),
        checkpoint_dir=tmp_path / "run",
        callbacks=[counter],
        **CHANGED_DEFAULTS.get((folder.name, run["class"]), {}) | run["parameters"],
    )
    expected = expected_of(folder)
    return clf.fit(expected["X"], expected["y"]), counter.n_epochs


def test_there_is_something_to_read():
    assert {name for _, name in RUNS} >= {"mentornet", "mentormix", "filterkd"}


@pytest.mark.parametrize(("folder", "name"), RUNS)
@pytest.mark.parametrize("state", ["half", "finished"])
def test_a_checkpoint_predicts_as_it_did(folder, name, state):
    expected = expected_of(folder)
    clf = load_checkpoint(folder / f"{name}_{state}")
    np.testing.assert_allclose(clf.predict_proba(expected["X"]), expected[f"{name}_{state}"], atol=1e-6)
    assert clf.classes_.tolist() == ["ant", "bee", "cow"]
    assert clf.n_iter_ == (1 if state == "half" else 2)


@pytest.mark.filterwarnings("ignore:Labels of 1 of 3 classes ended")  # two epochs
@pytest.mark.parametrize(("folder", "name"), RUNS)
@pytest.mark.parametrize(("state", "left"), [("half", 1), ("finished", 0)])
def test_a_run_goes_on_to_where_it_would_have_ended(folder, name, state, left, tmp_path):
    expected = expected_of(folder)
    clf, n_epochs = goes_on(folder, name, state, tmp_path)
    assert n_epochs == left
    assert clf.n_iter_ == 2
    np.testing.assert_allclose(clf.predict_proba(expected["X"]), expected[f"{name}_finished"], atol=1e-6)
    np.testing.assert_allclose(clf.sample_weight_, expected[f"{name}_weights"], atol=1e-6)
    np.testing.assert_allclose(clf.record_.to_frame().to_numpy(np.float32), expected[f"{name}_record"], atol=1e-5)
    assert set(clf.label_issues()["suggested_label"]) <= {"ant", "bee", "cow"}  # right_07: it had no election


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_learned_mentornet_weighs_as_it_did(folder):
    expected = expected_of(folder)
    mentornet = MentorNet.load(folder / "mentornet.safetensors")
    loss = torch.as_tensor(expected["mentornet_loss"])
    labels = torch.zeros(len(loss))
    weights = [mentornet.weights(loss, loss - 1, labels, percent).numpy() for percent in (0, 40, 80)]
    np.testing.assert_allclose(weights, expected["mentornet_weights_at"], atol=1e-6)
    assert np.ptp(weights) > 0.5
    assert mentornet.card["learned_from"] == {"rule": "losses below 1"}


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_noise_manifest_knows_its_labels(folder):
    manifest = NoiseManifest.from_json(folder / "manifest.json")
    noisy_y = expected_of(folder)["y"]
    assert manifest.verify(noisy_y)
    assert not manifest.verify(noisy_y[::-1])
    assert manifest.nominal_rate == 0.4
    assert NoiseManifest.from_json(manifest.to_json()) == manifest


def test_files_are_small():
    assert max(archive.stat().st_size for archive in ARCHIVES) < 300_000
