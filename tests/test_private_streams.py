"""Fits in threads: none changes another, nor the caller's global streams."""

import os
import random
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import optuna
import pytest
import torch
from skorch.callbacks import Callback
from torch import nn

from noisylabel import FilterKDClassifier, MentorMixClassifier, MentorNetClassifier
from noisylabel._support.random import TorchStream, private_host_streams, private_torch_stream, torch_turn
from noisylabel.curricula import Curriculum, CurriculumSchedule, SelfPaced, SPCLLinear
from noisylabel.estimators.inputs._datasets import find_labels
from noisylabel.exceptions import InvalidParameterError
from noisylabel.nets import StreamedData
from noisylabel.students import MLP

CPU = torch.device("cpu")
Y = np.arange(96) % 3
X = (np.random.default_rng(0).normal(size=(96, 4)) + 2 * Y[:, None]).astype(np.float32)


class Dreamer(nn.Module):
    """A network that draws in evaluation mode too."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 3))

    def forward(self, x):
        return self.layers(nn.functional.dropout(x, 0.3, training=True))


def fit(seed, kind=MentorNetClassifier, **parameters):
    parameters = {"student": MLP((16,), dropout=0.5), "max_epochs": 3, "batch_size": 16} | parameters
    return kind(random_state=seed, **parameters).fit(X, Y)


def global_streams():
    return torch.get_rng_state().tolist(), np.random.get_state()[1].tolist(), random.getstate()


class SlicedDataset(torch.utils.data.Dataset):
    def __len__(self):
        return len(X)

    def __getitem__(self, row):
        return torch.as_tensor(X[row]) + 0.1 * torch.randn(4), int(Y[row])  # draws as torchvision's transforms do


def fit_and_predict(seed):
    kind = (MentorNetClassifier, MentorMixClassifier, FilterKDClassifier)[seed % 3]
    more = {"loss_percentile": 0.7} if kind is MentorMixClassifier else {}
    clf = fit(seed, kind, student=Dreamer, validation_fraction=0.2 * (seed % 2), **more)
    stream = MentorNetClassifier(student=Dreamer, max_epochs=2, random_state=seed).fit(SlicedDataset())
    return [clf.predict_proba(X), stream.predict_proba(X), clf.record_.to_frame().to_numpy()]


def test_right_03_fits_in_threads_do_not_change_each_other():
    alone = [fit_and_predict(seed) for seed in range(4)]
    torch.manual_seed(5)
    before = global_streams()
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(fit_and_predict, range(4)))
    assert global_streams() == before
    for one, other in zip(alone, together, strict=True):
        for found, wanted in zip(one, other, strict=True):
            np.testing.assert_array_equal(found, wanted)


@pytest.mark.filterwarnings("ignore:Labels of .* classes ended")
def test_right_03_a_fit_beside_predictions():
    clf = fit(0, student=Dreamer)
    proba, other = clf.predict_proba(X), fit(1).predict_proba(X)
    with ThreadPoolExecutor(2) as pool:
        fitting = pool.submit(fit, 1)
        predictions = [clf.predict_proba(X) for _ in range(30)]
    assert all((again == proba).all() for again in predictions)
    assert (fitting.result().predict_proba(X) == other).all()


def test_right_03_optuna_in_two_threads_gives_one_result_for_equal_trials():
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study()
    study.optimize(lambda trial: float(fit(0).predict_proba(X)[:, 0].mean()), n_trials=16, n_jobs=2)
    assert len({trial.value for trial in study.trials}) == 1


class Predicting(Callback):
    """Predicts and draws in the course of a training."""

    def __init__(self, clf):
        self.clf = clf
        self.drawn = []

    def on_batch_end(self, net, training=False, **kwargs):
        if training:
            self.clf.predict_proba(X[:5])

    def on_epoch_end(self, net, **kwargs):
        self.drawn.append(torch.rand(1).item())


def test_right_03_callbacks_that_predict_change_nothing_and_draw_from_the_run():
    other, plain = fit(3, student=Dreamer), fit(4).predict_proba(X)
    first, second = Predicting(other), Predicting(other)
    torch.manual_seed(1)
    assert (fit(4, callbacks=[first]).predict_proba(X) != plain).any()  # it drew
    torch.manual_seed(2)
    fit(4, callbacks=[second])
    assert first.drawn == second.drawn  # from the run's stream, not from the caller's
    quiet = Predicting(other)
    quiet.on_epoch_end = lambda *args, **kwargs: None
    assert (fit(4, callbacks=[quiet]).predict_proba(X) == plain).all()


class PredictingInThreads(Callback):
    """Waits, in each hook, for predictions in other threads."""

    def __init__(self, clf):
        self.clf = clf

    def notify(self, net, *args, **kwargs):
        with ThreadPoolExecutor(2) as pool:
            found = [pool.submit(self.clf.predict_proba, X[:5]).result(20) for _ in range(2)]
        np.testing.assert_array_equal(*found)

    on_train_begin = on_epoch_begin = on_batch_begin = on_grad_computed = notify
    on_batch_end = on_epoch_end = on_train_end = notify


def test_right_03_callbacks_may_wait_for_predictions_in_threads():
    other = fit(3, student=Dreamer)
    parameters = {"validation_fraction": 0.2, "max_epochs": 2}
    torch.manual_seed(5)
    before = global_streams()
    watched = fit(4, callbacks=[PredictingInThreads(other)], **parameters)
    assert global_streams() == before
    assert (watched.predict_proba(X) == fit(4, **parameters).predict_proba(X)).all()


class WaitingDataset(torch.utils.data.Dataset):
    """Waits while it loads, as a slow disk does, until another thread has had a turn."""

    def __init__(self, waits):
        self.waits = waits

    def __len__(self):
        return len(X)

    def __getitem__(self, row):
        self.waits()
        return torch.as_tensor(X[row]), int(Y[row])


def test_right_03_worker_processes_load_while_others_have_their_turn():
    fitted = fit(0, net_params={"iterator_valid__num_workers": 1})
    with torch_turn(), ThreadPoolExecutor(1) as pool:
        data = WaitingDataset(lambda: time.sleep(0))
        batches = StreamedData(data, Y, None, CPU).slices(32, num_workers=1)
        assert [len(batch[0]) for batch in pool.submit(list, batches).result(20)] == [32, 32, 32]
    assert fitted.predict_proba(WaitingDataset(lambda: None)).shape == (96, 3)


def test_right_03_others_have_their_turn_between_the_labels_of_a_dataset():
    taken, seen, stop = [], set(), threading.Event()

    def busy():
        while not stop.is_set():
            with torch_turn():
                taken.append(1)
            time.sleep(0.0005)

    def look():
        seen.add(len(taken))
        time.sleep(0.001)

    thread = threading.Thread(target=busy)
    thread.start()
    try:
        labels = find_labels(WaitingDataset(look), None)[0]
    finally:
        stop.set()
        thread.join()
    assert labels.tolist() == Y.tolist()
    assert len(seen) == 3  # turns of 32 rows


def test_right_03_two_spellings_of_a_gpu_are_one(monkeypatch):
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 0)
    monkeypatch.setattr(torch, "Generator", lambda device: torch._C.Generator())
    cpu, gpu = TorchStream(0, torch.device("cuda")).states
    assert (cpu, gpu) == (CPU, torch.device("cuda:0"))
    assert list(TorchStream(0, torch.device("cuda:1")).states) == [CPU, torch.device("cuda:1")]


@pytest.mark.parametrize("n_before", [0, 1, 2])
def test_right_03_host_streams_come_back_whole(n_before):
    def draw():
        return [*np.random.randn(3), np.random.rand(), random.gauss(0, 1), random.random()]

    np.random.seed(11), random.seed(11)
    wanted = draw()
    np.random.seed(3), random.seed(3)
    np.random.randn(n_before)  # an odd number leaves one in store
    then = draw()
    np.random.seed(3), random.seed(3)
    np.random.randn(n_before)
    with private_host_streams(11):
        with private_host_streams(11):
            assert draw() == wanted
        np.random.seed(11), random.seed(11)
        first = [*np.random.randn(1)]
        with private_host_streams(5), private_host_streams(6), private_host_streams(7):
            draw()
        assert [*first, *np.random.randn(2), np.random.rand(), random.gauss(0, 1), random.random()] == wanted
    assert draw() == then


def test_right_03_the_callers_numpy_may_have_another_generator():
    found = np.random.get_bit_generator()
    np.random.set_bit_generator(np.random.PCG64(1))
    try:
        with private_host_streams(11):
            first = np.random.rand()
        with private_host_streams(11):
            assert np.random.rand() == first
        assert np.random.rand() == np.random.Generator(np.random.PCG64(1)).random()
    finally:
        np.random.set_bit_generator(found)


def test_streams_nest():
    with private_torch_stream(7, CPU), torch_turn():
        wanted = torch.rand(4)
    torch.manual_seed(0)
    before = torch.get_rng_state()
    with private_torch_stream(7, CPU):
        with torch_turn():
            drawn = [torch.rand(1)]
            with private_torch_stream(8, CPU), torch_turn(), torch_turn():
                torch.rand(3)
            drawn.append(torch.rand(1))
        with private_torch_stream(9, CPU):
            pass
        with torch_turn():
            drawn.append(torch.rand(2))
    assert torch.equal(torch.cat(drawn), wanted)
    assert torch.equal(torch.get_rng_state(), before)


def test_right_03_a_thread_that_waits_is_next():
    taken, stop = [], threading.Event()

    def busy():
        while not stop.is_set():
            with torch_turn():
                taken.append(time.sleep(0.002))

    thread = threading.Thread(target=busy)
    thread.start()
    try:
        waited = []
        for _ in range(20):
            asked = len(taken)
            with torch_turn():
                waited.append(len(taken) - asked)
    finally:
        stop.set()
        thread.join()
    assert max(waited) <= 2, waited


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("is_inside", [False, True])
def test_a_forked_process_waits_for_no_thread_of_its_parent(is_inside):
    with ThreadPoolExecutor(1) as pool:
        entered, leave = threading.Event(), threading.Event()

        def hold():
            with torch_turn():
                entered.set()
                leave.wait()

        held = None if is_inside else pool.submit(hold)
        if not is_inside:
            entered.wait()
            child = _forked()
            leave.set()
            held.result()
        else:
            with torch_turn():
                child = _forked()
    assert os.waitpid(child, 0)[1] == 0


def _forked():
    """Fork a process that takes a turn and ends with 0, or is killed after 20 seconds."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 does not like threads and fork
        child = os.fork()
    if child == 0:
        import signal

        signal.alarm(20)
        with torch_turn():
            os._exit(0)
    return child


class Drawn(Curriculum):
    """A curriculum of the user's own, that draws."""

    def weights(self, loss, loss_diff, label, epoch_percent):
        return torch.rand_like(loss)


@pytest.mark.parametrize("curriculum", [Drawn(), CurriculumSchedule([(Drawn(), 50), (SelfPaced(), 50)])])
def test_right_03_a_curriculum_that_draws_leaves_the_callers_stream(curriculum):
    before = global_streams()
    fit(0, curriculum=curriculum, loss_percentile=0.7, max_epochs=1, student=MLP((4,)))
    assert global_streams() == before
    with pytest.raises(InvalidParameterError, match="gamma"):
        fit(0, curriculum=CurriculumSchedule([(SPCLLinear(gamma=-1), 50), (Drawn(), 50)]))
