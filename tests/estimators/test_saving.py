"""A classifier as a folder of data: it predicts as before, and what is wrong with a folder is said."""

import copy
import functools
import io
import json
import os
import pickle
import sys

import cloudpickle
import joblib
import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

import noisylabel
from noisylabel import FilterKDClassifier, MentorMixClassifier, MentorNetClassifier
from noisylabel._support.describe import describe
from noisylabel.curricula import CallableCurriculum, DataDriven, SPCLLinear, SPCLPolynomial
from noisylabel.exceptions import (
    FileWriteError,
    InvalidFileError,
    InvalidParameterError,
    MissingDependencyError,
    NoisyLabelWarning,
)
from noisylabel.losses import LabelSmoothing
from noisylabel.mentors import (
    ActiveBiasMentor,
    DataDrivenMentor,
    FidelityWeightedMentor,
    LearningToReweightMentor,
    LearningToTeachMentor,
    PercentileMentor,
    SPLDMentor,
)
from noisylabel.schedules import constant_schedule, cosine, piecewise_schedule, staircase_schedule
from noisylabel.students import MLP, SmallCNN, Speed

RNG = np.random.default_rng(0)
Y = np.arange(78) % 3
X = (RNG.normal(size=(len(Y), 4)) + 3 * Y[:, None]).astype(np.float32)
IMAGES = RNG.integers(0, 256, (24, 3, 8, 8)).astype(np.uint8)
LABELS = {
    "text": np.array(["ant", "bee", "cow\0"], dtype=object)[Y],
    "date": np.array(["2026-01-01", "2026-01-02", "2026-01-03"], dtype="datetime64[D]")[Y],
    "bytes": np.array([b"a", b"b", b"c"])[Y],
    "unsigned": np.array([2**63, 2**63 + 1, 3], dtype=np.uint64)[Y],
    "bool": Y > 0,
}


def fit(kind=MentorNetClassifier, X=X, y=Y, **parameters):
    return kind(**{"max_epochs": 2, "random_state": 0, "student": MLP((8,))} | parameters).fit(X, y)


def assert_same(one, other, X):
    np.testing.assert_array_equal(one.predict_proba(X), other.predict_proba(X))
    np.testing.assert_array_equal(one.predict(X), other.predict(X))
    assert one.predict(X).dtype == other.predict(X).dtype
    pd.testing.assert_frame_equal(one.label_issues(), other.label_issues())
    pd.testing.assert_frame_equal(one.history_, other.history_)
    assert one.n_iter_ == other.n_iter_


@pytest.fixture(scope="module")
def clf():
    return fit()


@pytest.mark.parametrize(
    "clf",
    [
        fit(validation_fraction=0.2, filter_alpha=0.1, lr=0.01, net_params={"iterator_valid__batch_size": 7}),
        fit(MentorMixClassifier, loss_percentile=0.7, student="mlp"),
        fit(FilterKDClassifier),
        fit(X=X * 1e9 + 1e12, standardize=True),
        fit(standardize=False),
        fit(net_params={"compile": True, "compile__backend": "eager"}),
        *(fit(y=labels) for labels in LABELS.values()),
    ],
    ids=["mentornet", "mentormix", "filterkd", "far", "raw", "compiled", *LABELS],
)
def test_right_16_a_saved_classifier_is_the_same_bit_for_bit(clf, tmp_path):
    samples = X * 1e9 + 1e12 if clf.sample_range_[1] > 1e6 else X
    clf.save(tmp_path / "model")
    again = noisylabel.load(tmp_path / "model")
    assert type(again) is type(clf)
    assert_same(clf, again, samples)
    parameters = {name: value for name, value in clf.get_params().items() if "student" not in name}
    assert {name: again.get_params()[name] for name in parameters} == parameters
    again.save(tmp_path / "again")
    assert_same(clf, noisylabel.load(tmp_path / "again"), samples)
    assert {path.suffix for path in (tmp_path / "model").iterdir()} == {".json", ".safetensors"}


@pytest.mark.filterwarnings("ignore:curriculum='auto' needs 20 rows a class")  # 52 have weight
def test_right_16_images_frames_weights_and_own_students(tmp_path):
    images = fit(X=IMAGES, y=np.arange(24) % 2, student=SmallCNN((4, 8)), loss_percentile=0.7)
    images.save(tmp_path / "images")
    assert_same(images, noisylabel.load(tmp_path / "images"), IMAGES)
    with pytest.raises(ValueError, match="shape"):
        noisylabel.load(tmp_path / "images").predict(IMAGES[:, :, :4])
    table = pd.DataFrame(X, columns=["a", "b", "c", "d"])
    clf = MentorNetClassifier(student=torch.nn.Linear(4, 3), max_epochs=1).fit(table, Y, sample_weight=Y + 0.0)
    clf.save(tmp_path / "table")
    with pytest.raises(InvalidParameterError, match="Pass the same as 'student'"):
        noisylabel.load(tmp_path / "table")
    again = noisylabel.load(str(tmp_path / "table"), student=torch.nn.Linear(4, 3))
    assert_same(clf, again, table)
    with pytest.raises(ValueError, match="feature names"):
        again.predict(table.rename(columns={"a": "z"}))


def test_right_16_only_ours_is_overwritten(clf, tmp_path, monkeypatch):
    with pytest.raises(NotFittedError):
        MentorNetClassifier().save(tmp_path)
    (tmp_path / "thesis.txt").touch()
    with pytest.raises(InvalidParameterError, match="not of a saved classifier, such as 'thesis.txt'"):
        clf.save(tmp_path)
    with pytest.raises(InvalidParameterError, match="is a file"):
        clf.save(tmp_path / "thesis.txt")
    folder = tmp_path / "model"
    clf.save(folder)
    other = fit(lr=0.05)
    other.save(folder)
    assert len(list(folder.iterdir())) == 2
    assert_same(other, noisylabel.load(folder), X)

    class Own(MentorNetClassifier):
        pass

    with pytest.raises(InvalidParameterError, match="Own is a class of your own. Pickle it"):
        fit(Own).save(tmp_path / "own")
    write = noisylabel._support.files.Path.replace
    monkeypatch.setattr("pathlib.Path.replace", lambda path, to: 1 / 0 if to.suffix == ".json" else write(path, to))
    with pytest.raises(ZeroDivisionError):  # killed between the two files
        clf.save(folder)
    assert_same(other, noisylabel.load(folder), X)
    monkeypatch.undo()
    (folder / "classifier.json").write_text("{}")
    with pytest.raises(InvalidFileError, match="classifier.json is no card"):
        clf.save(folder)


def test_right_16_a_full_disk_keeps_the_saved_one(clf, tmp_path, monkeypatch):
    clf.save(tmp_path)

    def full(*args):
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr("pathlib.Path.write_bytes", full)
    with pytest.raises(FileWriteError, match=f"{tmp_path}.* could not be written: No space left"):
        fit(lr=0.05).save(tmp_path)
    assert_same(clf, noisylabel.load(tmp_path), X)


def test_right_16_damaged_folders_are_named(clf, tmp_path):
    with pytest.raises(InvalidFileError, match="There is no saved classifier"):
        noisylabel.load(tmp_path / "none")
    fit(checkpoint_dir=tmp_path / "run")
    with pytest.raises(InvalidFileError, match="It is a checkpoint_dir: use load_checkpoint"):
        noisylabel.load(tmp_path / "run")
    folder = tmp_path / "model"
    clf.save(folder)
    card, (weights,) = folder / "classifier.json", folder.glob("*.safetensors")
    for path in (card, weights):
        whole = path.read_bytes()
        for damaged in (b"", whole[:100], whole[: len(whole) // 2], whole[:-1] + b"x", b"hello", b"\xff" * 50):
            path.write_bytes(damaged)
            with pytest.raises(InvalidFileError, match=f"{path} is no .*, or is damaged. Copy the whole folder again"):
                noisylabel.load(folder)
        path.write_bytes(whole)
    content = json.loads(card.read_text())
    for change in ({"version": 99, "made_with": "noisylabel 9"}, {"estimator": "Other"}, {"weights": {"file": "../a"}}):
        card.write_text(json.dumps(content | change))
        with pytest.raises(InvalidFileError, match="written by noisylabel 9, in version 99|is damaged"):
            noisylabel.load(folder)
    card.write_text(json.dumps(content))  # another layout, the same content
    weights.unlink()
    with pytest.raises(InvalidFileError, match=f"There is no file of the classifier's weights {weights}"):
        noisylabel.load(folder)


@pytest.mark.parametrize(("samples", "student"), [(X, MLP((8,))), (IMAGES, SmallCNN((4, 8)))], ids=["table", "images"])
def test_right_32_exported_programs_and_the_module_give_the_same_probabilities(samples, student, tmp_path):
    clf = fit(X=samples, y=np.arange(len(samples)) % 2, student=student, loss_percentile=0.7)
    batch = torch.as_tensor(samples[:5])
    torch.export.save(clf.export_program(), tmp_path / "model.pt2")
    program = torch.export.load(tmp_path / "model.pt2").module()
    for n in (1, 5):
        np.testing.assert_allclose(program(batch[:n]).numpy(), clf.predict_proba(samples[:n]), atol=1e-6)
    with torch.no_grad():
        proba = clf.net_.module_.eval()(batch).softmax(1).numpy()
    np.testing.assert_allclose(proba, clf.predict_proba(samples[:5]), atol=1e-6)


def test_right_32_onnx_says_what_it_needs(clf, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(MissingDependencyError, match="pip install onnx onnxscript"):
        clf.export_onnx(tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())


@pytest.mark.filterwarnings("ignore:Labels of 1 of 3 classes ended")  # two epochs
def test_right_16_a_loaded_checkpoint_has_the_parameters_of_its_run(tmp_path):
    settings = {"lr": 0.01, "loss_percentile": 0.6, "curriculum": "self_paced", "optimizer": "sgd", "batch_size": 16}
    fit(**settings, checkpoint_dir=tmp_path)
    again = noisylabel.load_checkpoint(tmp_path)
    assert {name: again.get_params()[name] for name in settings} == settings


def test_right_16_what_a_fit_could_not_tell_is_saved(tmp_path):
    few = MentorMixClassifier(max_epochs=2, random_state=0)
    with pytest.warns(NoisyLabelWarning):
        few.fit(X[:30], Y[:30])
    assert np.isnan(few.noise_rate_)
    few.save(tmp_path)
    again = noisylabel.load(tmp_path)
    assert np.isnan(again.noise_rate_)
    assert again.interrupted_ is False


def described(clf):
    own_place = ("device", "checkpoint_dir", "callbacks")
    return {name: describe(value) for name, value in clf.get_params().items() if name not in own_place}


@pytest.mark.filterwarnings("error::noisylabel.exceptions.NoisyLabelWarning")
@pytest.mark.parametrize("preset", ["speed_s", "speed_l"])
def test_the_settings_of_a_preset_are_kept_and_train_alike(preset, tmp_path):
    changes = {"student": Speed((8, 8, 8)), "max_epochs": 1, "batch_size": 12, "precision": "fp32"}
    changes |= {"loss_percentile": 0.7}
    images = np.repeat(np.repeat(IMAGES, 4, 2), 4, 3)
    clf = MentorNetClassifier.from_preset(preset, random_state=0, checkpoint_dir=tmp_path / "run", **changes)
    clf.fit(images, Y[:24]).save(tmp_path / "saved")
    for again in (noisylabel.load(tmp_path / "saved"), noisylabel.load_checkpoint(tmp_path / "run")):
        assert described(again) == described(clf)
        np.testing.assert_array_equal(again.predict_proba(images), clf.predict_proba(images))
    again.set_params(checkpoint_dir=None).fit(images, Y[:24])
    np.testing.assert_array_equal(again.predict_proba(images), clf.predict_proba(images))


@pytest.mark.parametrize(
    "schedule",
    [cosine, staircase_schedule(0.9, 17.5), piecewise_schedule(np.linspace(1, 0, 100)), constant_schedule(0.5)],
)
def test_schedules_are_kept(schedule, tmp_path):
    fit(lr_schedule=schedule, max_epochs=1).save(tmp_path)
    assert describe(noisylabel.load(tmp_path).lr_schedule) == describe(schedule)


@pytest.mark.filterwarnings("error::noisylabel.exceptions.NoisyLabelWarning")
@pytest.mark.parametrize(
    "curriculum",
    [
        SPCLLinear(gamma=np.float32(2)),
        DataDriven(history_length=2),
        SPLDMentor(gamma=2, loss_percentile="0.9,50,0.6,50"),
        ActiveBiasMentor(form="closeness"),
        LearningToReweightMentor(n_trusted_per_step=8),
        FidelityWeightedMentor(beta=3),
        LearningToTeachMentor(reward="loss"),
        PercentileMentor(SPCLPolynomial(t=2), loss_percentile=0.7),
        DataDrivenMentor(DataDriven(sharpness=2), update_at=(30, 60)),
    ],
    ids=lambda curriculum: type(curriculum).__name__,
)
def test_curricula_and_mentors_are_kept(curriculum, tmp_path):
    fit(max_epochs=1, loss_percentile=0.7).set_params(curriculum=curriculum).save(tmp_path)
    again = noisylabel.load(tmp_path).curriculum
    assert describe(again) == describe(curriculum)
    assert type(again) is type(curriculum)
    again.check_parameters()


def test_a_loaded_classifier_trains_with_its_mentor(tmp_path):
    clf = fit(curriculum=SPLDMentor(gamma=3), loss_percentile=0.6, checkpoint_dir=tmp_path / "run", max_epochs=4)
    clf.save(tmp_path / "saved")
    for again in (noisylabel.load(tmp_path / "saved"), noisylabel.load_checkpoint(tmp_path / "run")):
        again.set_params(checkpoint_dir=None).fit(X, Y)
        np.testing.assert_array_equal(again.predict_proba(X), clf.predict_proba(X))


def own_loss(logits, codes):
    return torch.nn.functional.cross_entropy(logits, codes, reduction="none")


def own_weights(loss, loss_diff, label, epoch_percent):
    return (loss_diff <= 0).float()


class OwnMentor(ActiveBiasMentor):
    """A class of the user's."""


class OwnSmoothing(LabelSmoothing):
    """A class of the user's."""


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("loss", own_loss),
        ("curriculum", OwnMentor()),
        ("curriculum", PercentileMentor(CallableCurriculum(own_weights), loss_percentile=0.7)),
        ("loss", OwnSmoothing()),
        ("lr_schedule", lambda progress: 1.0),
        ("optimizer", torch.optim.SGD),
    ],
)
def test_what_a_folder_does_not_hold_is_said(name, value, tmp_path):
    clf = fit(**{name: value}, max_epochs=1, loss_percentile=0.7)
    with pytest.warns(NoisyLabelWarning, match=f"does not hold '{name}': after load"):
        clf.save(tmp_path)
    again = noisylabel.load(tmp_path)
    assert again.get_params()[name] == MentorNetClassifier().get_params()[name]
    assert_same(again, clf, X)


@pytest.mark.parametrize("labels", [Y, *LABELS.values()], ids=["number", *LABELS])
def test_right_31_class_weights_are_kept(labels, tmp_path):
    class_weight = dict.fromkeys(np.unique(labels).tolist() if labels.dtype.kind != "M" else np.unique(labels), 2.0)
    clf = fit(y=labels, class_weight=class_weight, checkpoint_dir=tmp_path / "run", max_epochs=1)
    clf.save(tmp_path / "saved")
    for again in (noisylabel.load(tmp_path / "saved"), noisylabel.load_checkpoint(tmp_path / "run")):
        assert again.class_weight == class_weight


def local(*args):
    def schedule(progress, factor=1.0):
        return factor

    return schedule


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("lr_schedule", lambda progress: 1.0),
        ("lr_schedule", local()),
        ("lr_schedule", functools.partial(local(), factor=0.5)),
        ("net_params", {"iterator_train__worker_init_fn": lambda worker: None}),
        ("callbacks", [type("Local", (), {"__qualname__": "test.<locals>.Local"})()]),
    ],
)
def test_right_16_pickling_a_lambda_names_the_parameter(name, value):
    clf = MentorNetClassifier(**{name: value})
    with pytest.raises(pickle.PicklingError, match=f"The parameter '{name}' of MentorNetClassifier cannot be pickled"):
        pickle.dumps(clf)
    with pytest.raises(pickle.PicklingError, match=f"'{name}'.*use clf.save"):
        joblib.dump([clf], io.BytesIO())
    assert copy.deepcopy(clf).get_params().keys() == clone(clf).get_params().keys()


def test_right_16_lambdas_go_to_joblibs_processes():
    clf = fit(lr_schedule=lambda progress: 1.0 - progress)
    again = pickle.loads(cloudpickle.dumps(clf))
    np.testing.assert_array_equal(again.predict_proba(X), clf.predict_proba(X))
    np.testing.assert_array_equal(copy.deepcopy(clf).predict_proba(X), clf.predict_proba(X))
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(fit())).predict_proba(X), fit().predict_proba(X))
