"""What tests of faults put into trials: callbacks, students and spaces that go wrong, and a slow driver."""

import os
import sys
import threading
import time
from pathlib import Path

import torch
from skorch.callbacks import Callback
from torch import nn

from sweeps.spaces import Space


class Diary(Callback):
    """Append process and epoch to a file when an epoch begins, and then take some time."""

    def __init__(self, path, pause=0.0):
        self.path = path
        self.pause = pause

    def on_epoch_begin(self, net, **kwargs):
        with open(self.path, "a") as file:
            file.write(f"{os.getpid()} {len(net.history)}\n")
        time.sleep(self.pause)


def read_diary(path):
    """Pairs of process and epoch, of the lines that are complete."""
    text = Path(path).read_text() if Path(path).exists() else ""
    return [tuple(map(int, line.split())) for line in text[: text.rfind("\n") + 1].splitlines()]


class Scribbler(Callback):
    """Write into the training data, in trials of one learning rate."""

    def __init__(self, lr):
        self.lr = lr

    def on_train_begin(self, net, X=None, **kwargs):
        if net.lr == self.lr:
            X.all_X[:10] = 100.0


class LoadedCode(Callback):
    """Append to a file which trial begins or goes on, on which node, and from where it has our packages."""

    def __init__(self, path):
        self.path = path

    def on_train_begin(self, net, **kwargs):
        import noisylabel
        import sweeps

        trial, node = threading.current_thread().name, os.environ.get("NODE", "first")
        with open(self.path, "a") as file:
            file.write(f"{trial} {node} {noisylabel.__file__} {sweeps.__file__}\n")


class Whereabouts(Callback):
    """Append to a file in which process a trial trains, and where in which file of shared memory its data are.

    Then wait for another process to do so.
    """

    def __init__(self, path):
        self.path = path

    def on_train_begin(self, net, X=None, **kwargs):
        address = X.all_X.data_ptr()
        for line in Path("/proc/self/maps").read_text().splitlines():
            (start, end), offset, inode = (int(n, 16) for n in line.split()[0].split("-")), *line.split()[2:5:2]
            if start <= address < end:
                with open(self.path, "a") as file:
                    file.write(f"{os.getpid()} {inode} {int(offset, 16) + address - start} {line.split()[5]}\n")
        deadline = time.monotonic() + 240
        while len({line.split()[0] for line in Path(self.path).read_text().splitlines()}) < 2:
            assert time.monotonic() < deadline, "no other trial came"
            time.sleep(0.05)


class Doubled(nn.Module):
    """A linear student that doubles its input, in place or not."""

    def __init__(self, n_inputs, n_outputs, in_place):
        super().__init__()
        self.linear = nn.Linear(n_inputs, n_outputs)
        self.in_place = in_place

    def forward(self, x):
        return self.linear(x.mul_(2) if self.in_place else x * 2)


def doubled(sample_shape, n_classes):
    return Doubled(sample_shape[0], n_classes, in_place=False)


def doubled_in_place(sample_shape, n_classes):
    return Doubled(sample_shape[0], n_classes, in_place=True)


def nan_score(estimator, X, y):
    """Not a number for what a network says; what a scoring is tried on before a sweep has few values."""
    return float("nan") if len(set(estimator.predict_proba(X).ravel())) > 40 else 0.5


class SomeCannotTrain(Space):
    """A network for images among the choices, which a table cannot train."""

    def suggest(self, trial, estimator):
        trial.suggest_categorical("student", ("mlp", "cnn"))
        trial.suggest_float("lr", 0.001, 0.01)


def sees_unless_blind(path):
    """What :mod:`sweeps.engine.storage` asks each node, some of which have been started blind."""
    return "BLIND" not in os.environ and path.is_file()


def slow_driver():
    """``python -m sweeps`` with trials that dawdle, note what they do, and have a checkpoint of each epoch."""
    from ray import cloudpickle

    from sweeps import search
    from sweeps.__main__ import main
    from sweeps.engine import storage

    cloudpickle.register_pickle_by_value(sys.modules["tests.faulty"])  # nodes of a cluster do not have this file
    storage._is_file = sees_unless_blind
    prepare = search.CurriculumSearch._prepare

    def prepare_slowly(self, *arguments):
        sweep = prepare(self, *arguments)
        sweep.setup.checkpoint_seconds = 0.0
        sweep.setup.threads = 1
        diary = os.environ["DIARY"]
        callbacks = [Diary(diary, float(os.environ["PAUSE"])), LoadedCode(f"{diary}.code")]
        sweep.setup.estimator.set_params(callbacks=callbacks)
        return sweep

    search.CurriculumSearch._prepare = prepare_slowly
    return main()


if __name__ == "__main__":
    torch.set_num_threads(1)
    from tests.faulty import slow_driver as importable

    sys.exit(importable())
