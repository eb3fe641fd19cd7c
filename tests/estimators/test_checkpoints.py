"""Training that is stopped goes on, to the same network bit for bit."""

import copy
import io
import json
import logging
import random
import subprocess
import sys
import time
import weakref
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from skorch.callbacks import Callback, EarlyStopping
from torch.optim.swa_utils import get_ema_multi_avg_fn
from torch.utils.data import Dataset, TensorDataset

from noisylabel import MentorMixClassifier, MentorNetClassifier, load_checkpoint
from noisylabel.callbacks import StudentRecorder
from noisylabel.curricula import DataDriven
from noisylabel.exceptions import InvalidFileError, InvalidParameterError
from noisylabel.losses import ForwardCorrection
from noisylabel.mentors import SPLDMentor
from noisylabel.students import MLP, Pretrained
from noisylabel.utils import describe

ROOT = Path(__file__).parents[2]
ALL_STATE = {"curriculum": "mentornet_pd", "second_reweight": True, "validation_fraction": 0.1, "random_state": 0}


class Kill(Callback):
    """Stop like a killed process would: in the middle of an epoch, nothing tidied up."""

    def __init__(self, epoch, batch=3):
        self.epoch = epoch
        self.batch = batch

    def on_batch_begin(self, net, training=False, **kwargs):
        if training and len(net.history) == self.epoch and len(net.history[-1]["batches"]) == self.batch:
            raise RuntimeError("killed")


def weights_of(clf):
    return torch.cat([value.double().flatten() for value in clf.net_.module_.state_dict().values()])


def assert_same_fit(one, other):
    assert torch.equal(weights_of(one), weights_of(other))
    assert np.array_equal(one.sample_weight_, other.sample_weight_, equal_nan=True)
    without_time = [clf.history_.drop(columns="dur") for clf in (one, other)]
    assert without_time[0].equals(without_time[1])


@pytest.mark.parametrize(
    "clf",
    [
        MentorMixClassifier(**ALL_STATE, max_epochs=20),
        MentorNetClassifier(max_epochs=20, validation_fraction=0.1, random_state=0),
        MentorMixClassifier(max_epochs=20, random_state=0),
        MentorNetClassifier(loss_percentile=0.7, example_dropout=0.3, max_epochs=20, random_state=0),
        pytest.param(
            MentorNetClassifier(
                "data_driven", loss_percentile=0.7, max_epochs=20, optimizer="sgd", lr=0.05, random_state=0
            ),
            marks=pytest.mark.slow,  # the next one learns too, from two losses
        ),
        MentorNetClassifier(
            DataDriven(history_length=2),
            loss_percentile=0.7,
            mixup_alpha=2.0,
            second_reweight=True,
            max_epochs=20,
            random_state=0,
        ),
        MentorNetClassifier("mentornet_dd", loss_percentile=0.7, ema_decay=0.99, max_epochs=20, random_state=0),
        MentorNetClassifier("active_bias", max_epochs=20, random_state=0),
        MentorMixClassifier(SPLDMentor(groups="clusters"), loss_percentile=0.7, max_epochs=20, random_state=0),
    ],
    ids=["mix", "auto", "auto_mix", "dropout", "data_driven", "mix_data_driven", "learned", "active_bias", "spld"],
)
def test_a_stopped_fit_goes_on_to_the_same_network(clf, digits, tmp_path):
    trusted = None
    if "data_driven" in str(clf.curriculum) or isinstance(clf.curriculum, DataDriven):
        trusted = np.where(np.arange(len(digits.target)) < 300, digits.target, -1)
    expected = clf.fit(digits.data, digits.noisy, y_trusted=trusted)
    reference, clf = expected, type(clf)(**clf.get_params(deep=False))
    clf.set_params(checkpoint_dir=tmp_path)
    for epoch in (1, 3, 7, 12, 19):
        with pytest.raises(RuntimeError, match="killed"):
            clf.set_params(callbacks=[Kill(epoch + 1)]).fit(digits.data, digits.noisy, y_trusted=trusted)
    assert_same_fit(clf.set_params(callbacks=None).fit(digits.data, digits.noisy, y_trusted=trusted), reference)


def test_a_finished_fit_is_only_read(blobs, tmp_path):
    clf = MentorMixClassifier(
        max_epochs=30, burn_in=50, checkpoint_dir=tmp_path, random_state=0, validation_fraction=0.2
    )
    first, best_epoch = weights_of(clf.fit(*blobs)), clf.best_epoch_

    class Never(Callback):
        def on_batch_begin(self, *args, **kwargs):
            raise AssertionError("trained again")

    again = clf.set_params(callbacks=[Never()]).fit(*blobs)
    assert torch.equal(weights_of(again), first)
    assert again.best_epoch_ == best_epoch


def test_without_a_seed_the_first_ones_is_used(blobs, tmp_path):
    clf = MentorNetClassifier(max_epochs=10, checkpoint_dir=tmp_path, callbacks=[Kill(5, 1)])
    with pytest.raises(RuntimeError, match="killed"):
        clf.fit(*blobs)
    seed = torch.load(tmp_path / "checkpoint.pt", weights_only=True)["seed"]
    clf.set_params(callbacks=None).fit(*blobs)
    assert torch.load(tmp_path / "checkpoint.pt", weights_only=True)["seed"] == seed
    assert clf.n_iter_ == 10


def test_callbacks_go_on_too(digits, tmp_path):
    def callbacks():
        stop = EarlyStopping("valid_acc", patience=4, lower_is_better=False)
        return [stop]

    settings = {"validation_fraction": 0.2, "max_epochs": 60, "random_state": 0, "curriculum": "uniform"}
    reference = MentorNetClassifier(**settings, callbacks=callbacks()).fit(digits.data, digits.noisy)
    clf = MentorNetClassifier(**settings, checkpoint_dir=tmp_path)
    with pytest.raises(RuntimeError, match="killed"):
        clf.set_params(callbacks=[*callbacks(), Kill(reference.n_iter_ - 1)]).fit(digits.data, digits.noisy)
    clf.set_params(callbacks=callbacks()).fit(digits.data, digits.noisy)
    assert clf.n_iter_ == reference.n_iter_ < 60
    assert_same_fit(clf, reference)

    noisy, trusted = digits.noisy, np.where(np.arange(len(digits.target)) < 50, digits.target, -1)
    records = []
    for folder, kills in (("a", []), ("b", [Kill(6)])):
        recorder = StudentRecorder(noisy, trusted, at=(20, 50, 80))
        clf = MentorNetClassifier(max_epochs=10, checkpoint_dir=tmp_path / folder, random_state=0)
        for kill in kills:
            with pytest.raises(RuntimeError, match="killed"):
                clf.set_params(callbacks=[recorder, kill]).fit(digits.data, noisy)
        clf.set_params(callbacks=[recorder]).fit(digits.data, noisy)
        records.append(recorder.records_)
    assert records[0].equals(records[1])


def test_another_run_is_refused_and_nothing_is_lost(blobs, tmp_path):
    X, y = blobs
    clf = MentorNetClassifier(max_epochs=2, checkpoint_dir=tmp_path, random_state=0).fit(X, y)
    before = (tmp_path / "checkpoint.pt").read_bytes()
    with pytest.raises(InvalidParameterError, match="other parameters: lr was 0.002, is 0.01; weight_decay was"):
        clf.set_params(lr=0.01, weight_decay=0.1).fit(X, y)
    clf.set_params(lr=0.002, weight_decay=0.0005)
    with pytest.raises(InvalidParameterError, match="other data: X was 120 rows, hash"):
        clf.fit(X + 1, y)
    with pytest.raises(InvalidParameterError, match="other data: y was"):
        clf.fit(X, 2 - y)
    with pytest.raises(InvalidParameterError, match="other data: sample_weight was none"):
        clf.fit(X, y, sample_weight=np.ones(120))
    assert (tmp_path / "checkpoint.pt").read_bytes() == before
    clf.set_params(verbose=0, device=torch.device("cpu")).fit(X, y)


def test_a_run_from_before_a_parameter_was_there_goes_on_with_its_default(blobs, tmp_path):
    clf = MentorNetClassifier(max_epochs=4, checkpoint_dir=tmp_path, callbacks=[Kill(3, 1)], random_state=0)
    with pytest.raises(RuntimeError, match="killed"):
        clf.fit(*blobs)
    saved = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    del saved["fingerprint"]["parameters"]["burn_in"]
    torch.save(saved, tmp_path / "checkpoint.pt")
    with pytest.raises(InvalidParameterError, match="other parameters: burn_in was 18, is 40. Use"):
        clf.set_params(callbacks=None, burn_in=40).fit(*blobs)
    assert clf.set_params(burn_in=18).fit(*blobs).n_iter_ == 4


def test_damaged_and_foreign_files_are_refused(blobs, tmp_path):
    clf = MentorNetClassifier(max_epochs=2, checkpoint_dir=tmp_path, random_state=0).fit(*blobs)
    path = tmp_path / "checkpoint.pt"
    whole = path.read_bytes()
    lengths = {0, 1, 3, 20_000, *np.linspace(0, len(whole) - 1, 60).astype(int).tolist()}
    for damaged in (*(whole[:length] for length in lengths), b"hello", whole[100:], whole[::-1]):  # right 25
        path.write_bytes(damaged)
        with pytest.raises(InvalidFileError, match=rf"{path} is no checkpoint .* damaged. Delete it"):
            load_checkpoint(tmp_path)
    for damaged in (whole[: len(whole) // 2], b"", b"hello"):
        path.write_bytes(damaged)
        with pytest.raises(InvalidFileError, match="is damaged. Delete it"):
            clf.fit(*blobs)
    torch.save({"weights": torch.zeros(1)}, path)
    with pytest.raises(InvalidFileError, match="no checkpoint of noisylabel"):
        clf.fit(*blobs)
    saved = torch.load(io.BytesIO(whole), weights_only=True)
    for name in ("seed", "student", "classes", "training"):
        torch.save(saved | {name: 3.5}, path)
        with pytest.raises(InvalidFileError, match="no checkpoint of noisylabel"):
            load_checkpoint(tmp_path)
    torch.save({"fingerprint": 1, "training": print, "student": 1}, path)  # refers to code
    with pytest.raises(InvalidFileError, match="no checkpoint of noisylabel"):
        clf.fit(*blobs)
    (tmp_path / "file").touch()
    for wrong in (tmp_path / "file", 3):
        with pytest.raises(InvalidParameterError, match="'checkpoint_dir' must be"):
            MentorNetClassifier(checkpoint_dir=wrong).fit(*blobs)


def test_left_over_parts_are_removed(blobs, tmp_path):
    (tmp_path / ".checkpoint.12345.pt").write_bytes(b"half")
    MentorNetClassifier(max_epochs=1, checkpoint_dir=tmp_path).fit(*blobs)
    assert {path.name for path in tmp_path.iterdir()} == {"checkpoint.pt", ".lock"}


def test_a_description_is_the_same_in_every_process():
    class Net(torch.nn.Linear):
        pass

    def build(shape, n_classes):
        return None

    values = [build, Net(2, 2), Net, lambda: 3, MentorNetClassifier(student=build), np.float32(2), {"a": [None, (1,)]}]
    assert not any("0x" in describe(value) for value in values)
    assert describe(Net(2, 2)) != describe(Net(2, 2))  # other weights
    assert describe(0.1) == "0.1"


class Scale:
    """Builds students, or schedules, with an attribute."""

    def __init__(self, *values):
        self.values = values

    def __call__(self, *args):
        return 1.0


def made(width, table=None):
    def build(shape, n_classes):
        return (width, table)

    return build


def network(p, slope=0.1, learns=True):
    layers = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Dropout(p), torch.nn.LeakyReLU(slope))
    torch.nn.init.ones_(layers[0].weight)
    torch.nn.init.zeros_(layers[0].bias)
    return layers.requires_grad_(learns)


class Multiplied(torch.nn.Module):
    def __init__(self, factor, shift):
        super().__init__()
        self._factor = factor
        self.register_buffer("shift", torch.full((2,), shift), persistent=False)


LAMBDAS = [lambda p: 1.0, lambda p: 2.0]
UNLIKE = [
    LAMBDAS,
    [made(3), made(4)],
    [made(3, np.zeros(2)), made(3, np.ones(2))],
    [partial(made, 3), partial(made, 4)],
    [partial(made(3), 1), partial(made(4), 1)],
    [lambda a=1: a, lambda a=2: a],
    [lambda *, a=1: a, lambda *, a=2: a],
    [lambda: np.sin(1), lambda: np.cos(1)],
    [lambda: lambda: 1, lambda: lambda: 2],
    [Scale(1), Scale(2)],
    [Scale(1).__call__, Scale(2).__call__],
    [Scale(np.zeros(3)), Scale(np.ones(3))],
    [np.array([{"a": 1}], dtype=object), np.array([{"a": 2}], dtype=object)],
    [torch.zeros(2, dtype=torch.bfloat16), torch.ones(2, dtype=torch.bfloat16)],
    [network(0.1), network(0.2)],
    [network(0.1, 0.1), network(0.1, 0.2)],
    [network(0.1), network(0.1, learns=False)],
    [type("A", (), {"f": lambda self: 1}), type("A", (), {"f": lambda self: 2})],
    [{1, 2}, {1, 3}],
    [np.zeros(5000), np.eye(1, 5000, 2500)[0]],
    [np.ma.array([1, 2], mask=[0, 1]), np.ma.array([1, 2], mask=[1, 0])],
    [pd.DataFrame({"a": range(2000)}), pd.DataFrame({"a": [*range(1999), 0]})],
    [pd.Series(range(2000)), pd.Series([*range(1999), 0])],
    [Multiplied(1, 0.0), Multiplied(2, 0.0)],
    [Multiplied(1, 0.0), Multiplied(1, 1.0)],
    [get_ema_multi_avg_fn(0.9), get_ema_multi_avg_fn(0.8)],  # made by a function of a package
    [lru_cache(lambda p: 1.0), lru_cache(lambda p: 2.0)],
]


@pytest.mark.parametrize("pair", UNLIKE, ids=range(len(UNLIKE)))
def test_right_06_values_of_one_name_or_shape_are_told_apart(pair):
    one, other = (describe(value) for value in pair)
    assert one != other
    assert "0x" not in one + other
    assert describe(pair[0]) == one == describe(copy.deepcopy(pair[0]))


LOGGER, SEEN, DRAWS, N_SEEN, WIDTHS = logging.getLogger("augment"), {"n": 0}, np.random.default_rng(0), 0, (1, 2)


def augment(x):
    global N_SEEN
    N_SEEN += 1
    SEEN["n"] += 1
    LOGGER.debug("seen %s", DRAWS.random())
    return x.to(x.device).mul(WIDTHS[0])


def test_right_06_a_function_is_itself_whatever_happens_around_it(monkeypatch):
    before = describe(augment)
    logging.getLogger("another")
    augment(torch.ones(1))
    monkeypatch.setitem(globals(), "device", "cuda")
    assert describe(augment) == before
    monkeypatch.setitem(globals(), "WIDTHS", (1, 3))
    assert describe(augment) != before


def test_right_06_functions_that_share_functions_are_described_at_once():
    names = {}
    for i in range(40):
        exec(f"def f{i}(x): return f{i + 1}(f{i + 2}(x))", names)
    start = time.perf_counter()
    text = describe(names["f0"])
    assert time.perf_counter() - start < 1
    exec("def f39(x): return 1", names)
    assert describe(names["f0"]) != text


@pytest.mark.slow  # only for the seconds of an import
def test_right_06_a_description_is_the_same_in_another_process():
    code = "from tests.estimators.test_checkpoints import UNLIKE, describe; print([describe(p) for p in UNLIKE])"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT).stdout
    assert told.strip() == str([describe(pair) for pair in UNLIKE])


def test_right_06_another_function_of_one_name_is_another_run(blobs, tmp_path):
    settings = {"max_epochs": 1, "checkpoint_dir": tmp_path, "random_state": 0}
    MentorNetClassifier(lr_schedule=LAMBDAS[0], **settings).fit(*blobs)
    MentorNetClassifier(lr_schedule=LAMBDAS[0], **settings).fit(*blobs)
    with pytest.raises(InvalidParameterError, match="other parameters: lr_schedule was .*<lambda> with code"):
        MentorNetClassifier(lr_schedule=LAMBDAS[1], **settings).fit(*blobs)

    class Closed:  # nothing can be known of it
        __slots__ = ("value",)

        def __call__(self, progress):
            return 1.0

        def __reduce_ex__(self, protocol):
            raise TypeError("no")

    settings["checkpoint_dir"] = tmp_path / "closed"
    MentorNetClassifier(lr_schedule=Closed(), **settings).fit(*blobs)
    with pytest.raises(InvalidParameterError, match="no telling whether lr_schedule is the same as then"):
        MentorNetClassifier(lr_schedule=Closed(), **settings).fit(*blobs)


def test_right_06_a_dataset_of_other_samples_is_another_run(blobs, tmp_path):
    X, y = torch.as_tensor(blobs[0]), torch.as_tensor(blobs[1])
    clf = MentorNetClassifier(max_epochs=1, checkpoint_dir=tmp_path, random_state=0)
    for _ in range(2):
        clf.fit(TensorDataset(X, y))
    with pytest.raises(InvalidParameterError, match="other data: X was 120 rows, hash"):
        clf.fit(TensorDataset(X + 1, y))


def test_right_06_two_fits_in_one_folder_at_once_are_refused(blobs, tmp_path):
    settings = {"max_epochs": 1, "checkpoint_dir": tmp_path, "random_state": 0}
    refused = []

    class Second(Callback):
        def on_epoch_end(self, net, **kwargs):
            (tmp_path / ".checkpoint.half.pt").write_bytes(b"half")
            with pytest.raises(InvalidParameterError, match=r"is in use by another fit\. Wait for its end"):
                MentorNetClassifier(**settings).fit(*blobs)
            with ThreadPoolExecutor(1) as pool:
                refused.append(pool.submit(MentorNetClassifier(**settings).fit, *blobs).exception())
            script = f"from filelock import FileLock; FileLock({str(tmp_path / '.lock')!r}, timeout=0).acquire()"
            refused.append(subprocess.run([sys.executable, "-c", script], capture_output=True, check=False).returncode)
            assert (tmp_path / ".checkpoint.half.pt").exists()  # of the first

    MentorNetClassifier(callbacks=[Second()], **settings).fit(*blobs)
    assert isinstance(refused[0], InvalidParameterError)
    assert refused[1] == 1
    assert {path.name for path in tmp_path.iterdir()} == {"checkpoint.pt", ".checkpoint.half.pt", ".lock"}
    MentorNetClassifier(**settings).fit(*blobs)  # the lock is free again, and its file stays: nobody locks another one
    assert {path.name for path in tmp_path.iterdir()} == {"checkpoint.pt", ".lock"}


def test_right_31_a_run_of_another_length_is_refused_and_says_what_to_do(blobs, tmp_path):
    clf = MentorNetClassifier(max_epochs=2, checkpoint_dir=tmp_path, random_state=0).fit(*blobs)
    with pytest.raises(
        InvalidParameterError, match="of 2 epochs, and 'max_epochs' is 4. A run cannot be made longer"
    ) as e:
        clf.set_params(max_epochs=4).fit(*blobs)
    student = Pretrained("auto", str(e.value).split("student, '")[1].split("'")[0])
    assert MentorNetClassifier(student=student, max_epochs=1, random_state=0).fit(*blobs).n_iter_ == 1


class EachThird(Callback):
    """Wants a checkpoint of each third epoch, and notes the epoch that is in the file when another one begins."""

    def __init__(self, folder):
        self.folder = folder
        self.seen = []

    def wants_checkpoint(self, net):
        return len(net.history) % 3 == 0

    def on_epoch_begin(self, net, **kwargs):
        self.seen.append(epochs_in(self.folder) if (self.folder / "checkpoint.pt").exists() else 0)


def epochs_in(folder):
    return len(json.loads(torch.load(folder / "checkpoint.pt", weights_only=True)["training"]["history"]))


def test_a_callback_says_which_epochs_are_worth_a_checkpoint(blobs, tmp_path):
    watch = EachThird(tmp_path)
    MentorNetClassifier("uniform", max_epochs=8, checkpoint_dir=tmp_path, callbacks=[watch], random_state=0).fit(*blobs)
    assert watch.seen == [0, 0, 0, 3, 3, 3, 6, 6]
    assert epochs_in(tmp_path) == 8  # the last epoch, whatever anybody wants


def test_what_a_checkpoint_held_is_not_kept_while_training(blobs, tmp_path, monkeypatch):
    clf = MentorNetClassifier(max_epochs=4, checkpoint_dir=tmp_path, callbacks=[Kill(3, 1)], random_state=0)
    with pytest.raises(RuntimeError, match="killed"):
        clf.fit(*blobs)

    class Content(dict):
        pass

    held, load, alive = [], torch.load, []

    def load_and_watch(*args, **kwargs):
        content = Content(load(*args, **kwargs))
        held.append(weakref.ref(content))
        return content

    class Look(Callback):
        def on_epoch_begin(self, net, **kwargs):
            alive.extend(reference() is not None for reference in held)

    monkeypatch.setattr(torch, "load", load_and_watch)
    clf.set_params(callbacks=[Look()]).fit(*blobs)
    assert alive == [False, False]


@pytest.mark.parametrize("labels", [np.array(["x", "y", "z"]), np.array([7, -1, 3]), np.array([0.0, 1.0, 2.0])])
def test_a_checkpoint_predicts_as_the_classifier(blobs, tmp_path, labels):
    X, y = blobs
    clf = MentorMixClassifier(max_epochs=30, checkpoint_dir=tmp_path, random_state=0).fit(X, labels[y])
    loaded = load_checkpoint(tmp_path)
    assert isinstance(loaded, MentorMixClassifier)
    assert np.array_equal(loaded.predict_proba(X), clf.predict_proba(X))
    assert np.array_equal(loaded.predict(X), clf.predict(X))
    assert loaded.predict(X).dtype == clf.predict(X).dtype


def test_images_and_own_students_come_back(tmp_path):
    rng = np.random.default_rng(0)
    X, y = rng.integers(0, 255, (40, 3, 8, 8)).astype(np.uint8), np.arange(40) % 2
    from noisylabel.students import ResNet

    for folder, student in (("a", ResNet(8, width=8)), ("b", "cnn")):
        settings = {"student": student, "max_epochs": 2, "checkpoint_dir": tmp_path / folder}
        clf = MentorNetClassifier(**settings).fit(X, y)
        assert np.array_equal(load_checkpoint(tmp_path / folder).predict_proba(X), clf.predict_proba(X))
    own = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(192, 2))
    clf = MentorNetClassifier(student=own, max_epochs=2, checkpoint_dir=tmp_path / "c").fit(X, y)
    with pytest.raises(InvalidParameterError, match="Pass the same as 'student'"):
        load_checkpoint(tmp_path / "c")
    assert np.array_equal(load_checkpoint(tmp_path / "c", student=own).predict_proba(X), clf.predict_proba(X))
    with pytest.raises(InvalidParameterError, match="is not the one that was trained"):
        load_checkpoint(tmp_path / "c", student="cnn")
    with pytest.raises(InvalidFileError, match="There is no checkpoint"):
        load_checkpoint(tmp_path / "nowhere")


def test_a_checkpoint_of_an_average_has_the_statistics_of_its_time(images, tmp_path):
    X, y = images
    clf = MentorMixClassifier(
        "uniform", student="resnet8", loss_percentile=0.7, max_epochs=4, random_state=0, checkpoint_dir=tmp_path
    )
    proba = clf.fit(X, y).predict_proba(X)
    assert np.array_equal(load_checkpoint(tmp_path).predict_proba(X), proba)
    (tmp_path / "checkpoint.pt").unlink()
    with pytest.raises(RuntimeError, match="killed"):
        clf.set_params(callbacks=[Kill(4, 1)]).fit(X, y)
    saved = torch.load(tmp_path / "checkpoint.pt", weights_only=True)["training"]
    average = saved["average"]["averaged"]
    running = [name for name in average if "running" in name]
    assert running
    assert all(torch.equal(average[name], saved["module"][name]) for name in running)


def test_after_training_it_is_the_network_that_fit_kept(digits, tmp_path):
    settings = {"validation_fraction": 0.2, "max_epochs": 40, "random_state": 0, "checkpoint_dir": tmp_path}
    clf = MentorNetClassifier("uniform", **settings).fit(digits.data, digits.noisy)
    assert clf.best_epoch_ < 40
    assert np.array_equal(load_checkpoint(tmp_path).predict_proba(digits.data), clf.predict_proba(digits.data))


def test_a_training_that_stopped_early_stays_stopped(digits, tmp_path):
    for patience in (1, 3):
        folder = tmp_path / str(patience)
        stop = EarlyStopping("valid_acc", patience=patience, lower_is_better=False)
        clf = MentorNetClassifier(
            "uniform", validation_fraction=0.2, max_epochs=60, callbacks=[stop], random_state=0, checkpoint_dir=folder
        ).fit(digits.data, digits.noisy)
        loaded = load_checkpoint(folder)
        assert loaded.n_iter_ == clf.n_iter_ < 60
        assert np.array_equal(loaded.predict_proba(digits.data), clf.predict_proba(digits.data))
        weights = weights_of(clf)
        again = clf.fit(digits.data, digits.noisy)
        assert again.n_iter_ == loaded.n_iter_
        assert torch.equal(weights_of(again), weights)


def test_loading_leaves_the_global_stream_alone(blobs, tmp_path):
    MentorNetClassifier(max_epochs=1, checkpoint_dir=tmp_path).fit(*blobs)
    before = torch.get_rng_state()
    load_checkpoint(tmp_path)
    assert torch.equal(torch.get_rng_state(), before)


def test_seeds_of_any_integer_type_tell_runs_apart(blobs, tmp_path):
    clf = MentorNetClassifier(max_epochs=1, checkpoint_dir=tmp_path)
    clf.set_params(random_state=np.int64(0)).fit(*blobs)
    clf.set_params(random_state=0).fit(*blobs)
    with pytest.raises(InvalidParameterError, match="random_state was 0, is 1"):
        clf.set_params(random_state=np.int64(1)).fit(*blobs)


def test_labels_of_numpys_own_text_type_are_saved_as_text(blobs, tmp_path):
    X, y = blobs
    labels = np.array([np.str_("abc"[code]) for code in y], dtype=object)
    clf = MentorNetClassifier(max_epochs=2, checkpoint_dir=tmp_path).fit(X, labels)
    assert (load_checkpoint(tmp_path).predict(X) == clf.predict(X)).all()


def test_pretrained_students_come_back_without_their_file(images, tmp_path):
    from noisylabel.students import Pretrained, ResNet

    weights = tmp_path / "resnet.pt"
    torch.save(ResNet(8, width=8).build((3, 12, 12), 4).state_dict(), weights)
    student = Pretrained(ResNet(8, width=8), weights, body_lr=0.5)
    clf = MentorNetClassifier(student=student, max_epochs=1, checkpoint_dir=tmp_path / "run").fit(*images)
    weights.unlink()
    assert np.array_equal(load_checkpoint(tmp_path / "run").predict_proba(images[0]), clf.predict_proba(images[0]))


KILLER = """
import os, signal, sys, time
from pathlib import Path
import numpy as np, torch
from noisylabel import FilterKDClassifier, MentorMixClassifier, MentorNetClassifier, corrupt
from noisylabel.datasets import load_digits

torch.set_num_threads(1)
digits = load_digits()
noisy, _ = corrupt(digits.target, "symmetric", rate=0.4, random_state=0)
CLASSIFIERS = {
    "mentornet": lambda **kw: MentorNetClassifier("active_bias", ema_decay=0.9, **kw),
    "mentormix": lambda **kw: MentorMixClassifier("mentornet_pd", second_reweight=True, **kw),
    "filterkd": lambda **kw: FilterKDClassifier(**kw),
}

def start(folder):
    pid = os.fork()
    if pid == 0:
        folder.mkdir(exist_ok=True)
        clf = CLASSIFIERS[sys.argv[1]](validation_fraction=0.1, max_epochs=20, random_state=0, checkpoint_dir=folder)
        clf.fit(digits.data, noisy)
        values = [*clf.net_.module_.state_dict().values(), clf.record_.table_]
        np.savez(folder / "found.npz", *[value.numpy() for value in values])
        os._exit(0)
    return pid

def found(folder):
    with np.load(folder / "found.npz") as arrays:
        return [arrays[name].tobytes() for name in arrays.files]

def whole(folder):
    assert os.waitpid(start(folder), 0)[1] == 0
    return found(folder)

home, rng = Path(sys.argv[2]), np.random.default_rng()
folders = iter([home / str(number) for number in range(100)])
whole(next(folders))  # warms up
begin = time.monotonic()
expected = whole(next(folders))
seconds = time.monotonic() - begin
n_killed = 0
while n_killed < 20:
    folder = next(folders)
    pid = start(folder)
    time.sleep(rng.uniform(0, 0.9 * seconds))
    os.kill(pid, signal.SIGKILL)
    n_killed += os.waitpid(pid, 0)[1] == signal.SIGKILL  # else it had ended before
    assert whole(folder) == expected, folder
print(n_killed, len(expected))
"""


@pytest.mark.slow
@pytest.mark.parametrize("name", ["mentornet", "mentormix", "filterkd"])
def test_twenty_kills_at_random_moments_end_in_twenty_identical_results(name, tmp_path):
    """The processes really die; what they wrote is enough."""
    run = [sys.executable, "-c", KILLER, name, tmp_path]
    n_killed, n_arrays = subprocess.run(run, capture_output=True, text=True, check=True, cwd=ROOT).stdout.split()
    assert int(n_killed) == 20
    assert int(n_arrays) > 4


def test_arrays_tell_runs_apart(blobs, tmp_path):
    matrix = np.full((3, 3), 0.1) + 0.7 * np.eye(3)
    clf = MentorNetClassifier("uniform", loss=ForwardCorrection(matrix), max_epochs=1, checkpoint_dir=tmp_path)
    clf.fit(*blobs).fit(*blobs)
    with pytest.raises(InvalidParameterError, match="other parameters: loss was .* hash"):
        clf.set_params(loss=ForwardCorrection(np.eye(3))).fit(*blobs)


def test_a_checkpoint_of_another_format_or_class_is_refused(blobs, tmp_path):
    class Own(MentorNetClassifier):
        pass

    Own(max_epochs=1, checkpoint_dir=tmp_path).fit(*blobs)
    with pytest.raises(InvalidFileError, match="of the class 'Own', which is not one of noisylabel's. Fit an object"):
        load_checkpoint(tmp_path)
    path = tmp_path / "checkpoint.pt"
    torch.save(torch.load(path, weights_only=True) | {"format": 0}, path)
    with pytest.raises(InvalidFileError, match="has the format 0, and this version of noisylabel reads 1"):
        Own(max_epochs=1, checkpoint_dir=tmp_path).fit(*blobs)


class Jittered(Dataset):
    """Samples with noise of all three global streams, new at each visit."""

    def __init__(self, X, y):
        self.X, self.y = X, y

    def __len__(self):
        return len(self.X)

    def __getitem__(self, row):
        noise = torch.rand(()).item() + np.random.rand() + random.random()
        return torch.as_tensor(self.X[row] + np.float32(noise)), int(self.y[row])


@pytest.mark.parametrize("n_workers", [0, 1])
def test_right_03_a_run_whose_dataset_draws_goes_on_to_the_same_end(blobs, tmp_path, n_workers):
    data = Jittered(*blobs)
    settings = {
        "max_epochs": 3,
        "batch_size": 32,
        "random_state": 0,
        "student": MLP((8,)),
        "net_params": {"iterator_train__num_workers": n_workers},
    }
    whole = MentorNetClassifier("uniform", **settings).fit(data)
    other = MentorNetClassifier("uniform", **settings | {"random_state": 1}).fit(data)
    stopped = MentorNetClassifier("uniform", checkpoint_dir=tmp_path, callbacks=[Kill(2)], **settings)
    with pytest.raises(RuntimeError, match="killed"):
        stopped.fit(data)
    resumed = MentorNetClassifier("uniform", checkpoint_dir=tmp_path, **settings).fit(data)
    assert np.array_equal(resumed.predict_proba(blobs[0]), whole.predict_proba(blobs[0]))
    assert not np.array_equal(other.predict_proba(blobs[0]), whole.predict_proba(blobs[0]))
