"""The same code on a GPU: every method, every kind of input, there and back again."""

import pickle
from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.base import clone
from torch.utils.data import TensorDataset

from benchmarks.cells import PROFILES, Cell, run_cell
from benchmarks.methods import METHODS
from noisylabel import FilterKDClassifier, MentorMixClassifier, MentorNetClassifier, corrupt
from noisylabel.datasets import load_digits
from noisylabel.estimators import load_checkpoint
from noisylabel.losses import LOSSES, ForwardCorrection
from noisylabel.nets import StreamedData, TrainingBatches, _graphs, _loop
from noisylabel.nets.data import keeping_workers
from noisylabel.noise import SymmetricNoise

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
SHORT = replace(PROFILES["digits"], n_train=400, n_valid=100, max_epochs=6, tuned_epochs=2)
CLASSIFIERS = {
    "percentile": MentorNetClassifier("self_paced", loss_percentile=0.7),
    "auto": MentorNetClassifier(loss_percentile="auto", percentile_by_class=True, filter_alpha=0.1),
    "mixing": MentorMixClassifier(loss_percentile=0.7, second_reweight=True),
    "mixing_auto": MentorMixClassifier(),
    "distilling": FilterKDClassifier(),
}


@pytest.fixture(scope="module")
def digits():
    data = load_digits()
    noisy_y, _ = corrupt(data.target, "symmetric", rate=0.4, random_state=0)
    return data, noisy_y


def settings(clf, **changes):
    shared = {"device": "cuda", "max_epochs": 20, "validation_fraction": 0.1, "random_state": 0}
    return clf.set_params(**shared | changes)


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_recorded_steps_give_what_eager_steps_give(digits, name, monkeypatch):
    data, noisy_y = digits
    clf = settings(CLASSIFIERS[name]).fit(data.data, noisy_y)
    assert clf.history_["replayed_steps"].sum() > 0.5 * clf.net_.clock_.n_steps
    for module in (_graphs, _loop):
        monkeypatch.setattr(module, "can_record", lambda device: False)
    eager = settings(clone(CLASSIFIERS[name])).fit(data.data, noisy_y)
    ours, theirs = clf.net_.module_.state_dict(), eager.net_.module_.state_dict()
    for key, value in ours.items():
        torch.testing.assert_close(value, theirs[key], rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("name", CLASSIFIERS)
@pytest.mark.parametrize("student", ["mlp", "cnn"])
def test_classifiers_learn_and_come_back_to_the_cpu(digits, name, student):
    data, noisy_y = digits
    images = {"precision": "bf16", "augment": "shift"} if student == "cnn" else {}
    clf = settings(pickle.loads(pickle.dumps(CLASSIFIERS[name])), student=student, **images)
    X = data.data.reshape(-1, 1, 8, 8) if student == "cnn" else data.data
    X_test = data.test_data.reshape(-1, 1, 8, 8) if student == "cnn" else data.test_data
    clf.fit(X, noisy_y)
    assert clf.score(X_test, data.test_target) > 0.7
    assert next(clf.net_.module_.parameters()).device.type == "cuda"
    issues = clf.label_issues()
    wrong = (noisy_y != data.target)[issues["row"]]
    assert wrong[issues["is_label_issue"]].mean() > wrong.mean() + 0.2
    copy = pickle.loads(pickle.dumps(clf))
    np.testing.assert_allclose(copy.predict_proba(X_test), clf.predict_proba(X_test), atol=1e-5)


def test_both_devices_learn_the_same(digits):
    data, noisy_y = digits
    fitted = [
        settings(MentorNetClassifier("self_paced"), device=device, student="mlp", max_epochs=3).fit(data.data, noisy_y)
        for device in ("cpu", "cuda")
    ]
    here, there = (clf.predict_proba(data.test_data) for clf in fitted)
    np.testing.assert_allclose(there, here, atol=0.05)
    trained = ~np.isnan(fitted[0].sample_weight_)
    agree = fitted[0].sample_weight_[trained] == fitted[1].sample_weight_[trained]
    assert agree.mean() > 0.97


def test_a_dataset_and_sample_weights(digits):
    data, noisy_y = digits
    counts = (noisy_y == data.target).astype(np.float32)
    rows = TensorDataset(torch.as_tensor(data.data), torch.as_tensor(noisy_y))
    for X, y in ((rows, None), (data.data, noisy_y)):
        clf = settings(MentorNetClassifier("uniform"), student="mlp").fit(X, y, sample_weight=counts)
        assert clf.score(data.test_data, data.test_target) > 0.85


@pytest.mark.parametrize("n_workers", [0, 2])
def test_batches_of_a_dataset_arrive_whole_while_the_gpu_works(n_workers):
    X, cuda = torch.arange(4096 * 64.0).reshape(4096, 64), torch.device("cuda")
    data = StreamedData(TensorDataset(X), np.arange(4096) % 7, torch.arange(4096.0, device=cuda), cuda)
    busy = torch.randn(2048, 2048, device=cuda)
    with keeping_workers(data):
        batches = TrainingBatches(data, 128, torch.Generator().manual_seed(0), num_workers=n_workers)
        for _ in range(2):
            found = []
            for batch in batches:
                busy = busy @ busy.softmax(0)  # the step is not over when the next batch is copied
                found.append((batch.rows, 1 * batch[0], batch[1], batch.sample_weight))
            for rows, samples, codes, weight in found:
                assert torch.equal(samples.cpu(), X[rows.cpu()])
                assert torch.equal(codes, rows % 7)
                assert torch.equal(weight, rows.float())


@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss(digits, loss):
    data, noisy_y = digits
    matrix = SymmetricNoise(0.4).transition_matrix(10)
    loss = ForwardCorrection(matrix) if loss == "forward" else loss
    clf = settings(MentorNetClassifier("uniform", loss=loss), student="mlp").fit(data.data, noisy_y)
    assert clf.score(data.test_data, data.test_target) > 0.5


def test_trusted_labels(digits):
    data, noisy_y = digits
    trusted = np.where(np.arange(len(noisy_y)) < 200, data.target, -1)
    clf = settings(MentorNetClassifier("data_driven"), student="mlp").fit(data.data, noisy_y, y_trusted=trusted)
    assert clf.score(data.test_data, data.test_target) > 0.8


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_a_checkpoint_goes_on_and_opens_on_the_cpu(digits, name, tmp_path):
    data, noisy_y = digits
    clf = settings(pickle.loads(pickle.dumps(CLASSIFIERS[name])), student="mlp", max_epochs=8, checkpoint_dir=tmp_path)
    clf.fit(data.data, noisy_y)
    on_cpu = load_checkpoint(tmp_path, device="cpu")
    np.testing.assert_allclose(on_cpu.predict_proba(data.test_data), clf.predict_proba(data.test_data), atol=1e-3)
    again = pickle.loads(pickle.dumps(clf)).fit(data.data, noisy_y)  # finds its end in the folder
    np.testing.assert_allclose(again.predict_proba(data.test_data), clf.predict_proba(data.test_data), atol=1e-4)


@pytest.mark.filterwarnings("ignore::noisylabel.exceptions.NoisyLabelWarning")  # six epochs are few
@pytest.mark.parametrize("method", METHODS)
def test_every_method_of_the_tables(method):
    cell = Cell("digits", "symmetric", 0.4, method, 0)
    metrics = run_cell(cell, device="cuda", profile=SHORT)["metrics"]
    assert 0.2 < metrics["last"] <= metrics["oracle"] <= 1  # a guess has 0.1
    assert metrics["peak_gpu_memory_mb"] > 0
