"""Seconds as ratios: ours against a bare torch loop and stock skorch, in one process, taking turns.

Each side uses what it has: our named optimisers are torch's fused ones, the bare loop and stock skorch have torch's
defaults. ``--fused`` gives the bare loop and skorch the fused ones too.
"""

import json
import statistics
import subprocess
import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from sklearn.base import clone
from skorch import NeuralNetClassifier
from torch import nn
from torch.nn.functional import cross_entropy

from noisylabel import MentorMixClassifier, MentorNetClassifier
from noisylabel.curricula import MentorNet, MentorNetwork
from noisylabel.nets import SampleRecord
from noisylabel.students import MLP, ResNet, Standardize
from noisylabel.utils import progress_bar


@dataclass(frozen=True)
class How:
    """What all timings share.

    Attributes
    ----------
    n : int
        Repetitions.
    fused : bool
        Whether the bare loop and stock skorch get torch's fused optimisers too.
    device : str
        Where to train.
    """

    n: int
    fused: bool
    device: str

    @property
    def image_precision(self) -> str:
        """bf16 on both sides where the machine can have it; with AVX2 only, torch emulates it, many times slower."""
        emulated = self.device == "cpu" and torch.backends.cpu.get_cpu_capability() == "AVX2"
        return "fp32" if emulated else "bf16"


@dataclass(frozen=True)
class Timing:
    """Two medians of seconds and their ratio.

    Attributes
    ----------
    name : str
    ratio : float
        ``first`` over ``second``.
    first, second : float
        Medians, in seconds.
    n : int
        Repetitions of each.
    """

    name: str
    ratio: float
    first: float
    second: float
    n: int

    def to_json(self) -> str:
        """Return one line of JSON."""
        medians = [round(self.first, 4), round(self.second, 4)]
        return json.dumps({"name": self.name, "ratio": round(self.ratio, 4), "medians": medians, "n": self.n})


def compare(name: str, first: Callable[[], Any], second: Callable[[], Any], n: int) -> Timing:
    """Time two functions in turns, after one unmeasured call of each; the ratio is the median of the pairs' ratios."""
    first(), second()
    pairs = []
    for turn in progress_bar(range(n), desc=name, leave=False):
        order = (first, second) if turn % 2 == 0 else (second, first)
        seconds = {function: _seconds(function) for function in order}
        pairs.append((seconds[first], seconds[second]))
    ratio = statistics.median(a / b for a, b in pairs)
    return Timing(name, ratio, statistics.median(a for a, _ in pairs), statistics.median(b for _, b in pairs), n)


def _seconds(function: Callable[[], Any]) -> float:
    start = time.perf_counter()
    function()
    if torch.cuda.is_initialized():
        torch.cuda.synchronize()
    return time.perf_counter() - start


def bare_loop(module: nn.Module, X: torch.Tensor, y: torch.Tensor, *, epochs: int, how: How) -> None:
    """Train as a hand-written loop would: shuffled slices, cross entropy, SGD with momentum."""
    bf16 = X.ndim == 4 and how.image_precision == "bf16"
    optimizer = torch.optim.SGD(
        module.parameters(), 0.01, momentum=0.9, nesterov=True, weight_decay=5e-4, fused=how.fused or None
    )
    module.train()
    for _ in range(epochs):
        for rows in torch.randperm(len(X)).to(X.device).split(128):
            optimizer.zero_grad()
            with torch.autocast(X.device.type, torch.bfloat16, enabled=bf16):
                logits = module(X[rows])
            cross_entropy(logits.float(), y[rows]).backward()
            optimizer.step()


def _classifier(how: How, student: Any, epochs: int, precision: str = "fp32") -> MentorNetClassifier:
    return MentorNetClassifier("mentornet_pd", student=student, precision=precision, **_settings(how, epochs))


def _settings(how: How, epochs: int) -> dict[str, Any]:
    training = {"optimizer": "sgd", "lr": 0.01, "lr_schedule": "constant"}
    return training | {"max_epochs": epochs, "batch_size": 128, "random_state": 0, "device": how.device}


def _images() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (1280, 3, 32, 32), dtype=np.uint8), rng.integers(0, 10, 1280)


def _resnet_vs_torch(name: str, clf: MentorNetClassifier, how: How) -> Timing:
    """ResNet-20 on 1,280 CIFAR-shaped images, batch 128: a fit of ours against the bare loop."""
    X, y = _images()
    X_torch, y_torch = torch.as_tensor(X).to(how.device), torch.as_tensor(y).to(how.device)

    def torch_run() -> None:
        mean, std = torch.full((3, 1, 1), 127.5), torch.full((3, 1, 1), 73.9)
        module = nn.Sequential(Standardize(mean, std), ResNet(20).build((3, 32, 32), 10))
        bare_loop(module.to(how.device, memory_format=torch.channels_last), X_torch, y_torch, epochs=1, how=how)

    return compare(name, lambda: clf.fit(X, y), torch_run, how.n)


def mentornet_resnet_vs_torch(how: How) -> Timing:
    """MentorNet against plain training."""
    return _resnet_vs_torch("mentornet_resnet_vs_torch", _classifier(how, ResNet(20), 1, how.image_precision), how)


def mentormix_resnet_vs_torch(how: How) -> Timing:
    """MentorMix, with second weighting and parameter average, against plain training; one more forward is 1.33."""
    weighing: dict[str, Any] = {
        "curriculum": "self_paced",
        "loss_percentile": 0.7,
        "burn_in": 0,
        "second_reweight": True,
    }
    clf = MentorMixClassifier(**weighing, student=ResNet(20), precision=how.image_precision, **_settings(how, 1))
    return _resnet_vs_torch("mentormix_resnet_vs_torch", clf, how)


def filterkd_teacher_resnet_vs_torch(how: How) -> Timing:
    """Plain training that keeps the record and filtered predictions, as Filter-KD's teacher does, against none."""
    clf = MentorNetClassifier(
        "uniform", filter_alpha=0.05, student=ResNet(20), precision=how.image_precision, **_settings(how, 1)
    )
    return _resnet_vs_torch("filterkd_teacher_resnet_vs_torch", clf, how)


def _record_vs_none(name: str, clf: MentorNetClassifier, data: tuple[np.ndarray, np.ndarray], how: How) -> Timing:
    """Time a fit that keeps the record and filtered predictions, and one whose record notes nothing."""

    def without() -> None:
        with patch.object(SampleRecord, "note", lambda *arguments: None):
            clf.fit(*data)

    return compare(name, lambda: clf.fit(*data), without, how.n)


def record_vs_none_resnet(how: How) -> Timing:
    """Compare fits of ResNet-20 with and without the record."""
    clf = _classifier(how, ResNet(20), 1, how.image_precision).set_params(filter_alpha=0.05)
    return _record_vs_none("record_vs_none_resnet", clf, _images(), how)


def record_vs_none_mlp(how: How) -> Timing:
    """Compare fits of the MLP with and without the record."""
    clf = _classifier(how, MLP(hidden=(64, 64)), 5).set_params(filter_alpha=0.05)
    return _record_vs_none("record_vs_none_mlp", clf, _table(), how)


def _learned_vs_closed_form(name: str, learned: Any, how: How) -> Timing:
    """Time ResNet-20 as above with a learned network that weighs from the first step on, and with PD's formula."""
    X, y = _images()
    closed = _classifier(how, ResNet(20), 1, how.image_precision).set_params(burn_in=0)
    learned = clone(closed).set_params(curriculum=learned)
    return compare(name, lambda: learned.fit(X, y), lambda: closed.fit(X, y), how.n)


def learned_vs_closed_form_resnet(how: How) -> Timing:
    """Compare the MentorNet of the zoo that was learned from PD with PD itself."""
    return _learned_vs_closed_form("learned_vs_closed_form_resnet", "zoo:mentornet_pd", how)


def learned_five_losses_vs_closed_form_resnet(how: How) -> Timing:
    """Compare a MentorNet that reads each sample's last five losses with PD."""
    mentornet = MentorNet(MentorNetwork(history_length=5, generator=torch.Generator().manual_seed(0)))
    return _learned_vs_closed_form("learned_five_losses_vs_closed_form_resnet", mentornet, how)


def _table() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.normal(size=(50_000, 20)).astype(np.float32), rng.integers(0, 5, 50_000)


def mentornet_mlp_vs_torch(how: How) -> Timing:
    """MLP of 64-64 on 50,000 x 20, batch 128, in memory: five epochs of our fit against the bare loop."""
    X, y = _table()
    student = MLP(hidden=(64, 64))
    X_torch, y_torch = torch.as_tensor(X).to(how.device), torch.as_tensor(y).to(how.device)

    def torch_run() -> None:
        module = nn.Sequential(Standardize(torch.zeros(20), torch.ones(20)), student.build((20,), 5))
        bare_loop(module.to(how.device), X_torch, y_torch, epochs=5, how=how)

    return compare("mentornet_mlp_vs_torch", lambda: _classifier(how, student, 5).fit(X, y), torch_run, how.n)


def _stock_skorch(how: How, epochs: int) -> NeuralNetClassifier:
    module = nn.Sequential(Standardize(torch.zeros(20), torch.ones(20)), MLP(hidden=(64, 64)).build((20,), 5))
    return NeuralNetClassifier(
        module, criterion=nn.CrossEntropyLoss, optimizer=torch.optim.SGD,
        optimizer__momentum=0.9, optimizer__nesterov=True, optimizer__fused=how.fused or None,
        lr=0.01, max_epochs=epochs, batch_size=128,
        train_split=None, iterator_train__shuffle=True, verbose=0, device=how.device,
    )  # fmt: skip


def skorch_vs_mentornet_mlp_fit(how: How) -> Timing:
    """Stock skorch's fit against ours on the same MLP and table, five epochs."""
    X, y = _table()
    clf = _classifier(how, MLP(hidden=(64, 64)), 5)
    return compare("skorch_vs_mentornet_mlp_fit", lambda: _stock_skorch(how, 5).fit(X, y), lambda: clf.fit(X, y), how.n)


def skorch_vs_mentornet_mlp_predict(how: How) -> Timing:
    """Stock skorch's predict against ours on 50,000 rows."""
    X, y = _table()
    clf, net = _classifier(how, MLP(hidden=(64, 64)), 1).fit(X, y), _stock_skorch(how, 1).fit(X, y)
    return compare("skorch_vs_mentornet_mlp_predict", lambda: net.predict(X), lambda: clf.predict(X), how.n)


def import_seconds(how: How) -> Timing:
    """Seconds that ``import noisylabel`` adds to ``import torch, sklearn, skorch``; the ratio is of the two totals."""

    def run(code: str) -> None:
        subprocess.run([sys.executable, "-c", code], check=True)

    base = "import torch, sklearn, skorch"
    return compare("import_vs_dependencies", lambda: run(f"{base}, noisylabel"), lambda: run(base), how.n)


TIMINGS: dict[str, tuple[Callable[[How], Timing], int]] = {
    "mentornet_resnet_vs_torch": (mentornet_resnet_vs_torch, 11),
    "mentormix_resnet_vs_torch": (mentormix_resnet_vs_torch, 11),
    "filterkd_teacher_resnet_vs_torch": (filterkd_teacher_resnet_vs_torch, 11),
    "record_vs_none_resnet": (record_vs_none_resnet, 11),
    "record_vs_none_mlp": (record_vs_none_mlp, 11),
    "mentornet_mlp_vs_torch": (mentornet_mlp_vs_torch, 11),
    "skorch_vs_mentornet_mlp_fit": (skorch_vs_mentornet_mlp_fit, 5),
    "skorch_vs_mentornet_mlp_predict": (skorch_vs_mentornet_mlp_predict, 7),
    "learned_vs_closed_form_resnet": (learned_vs_closed_form_resnet, 11),
    "learned_five_losses_vs_closed_form_resnet": (learned_five_losses_vs_closed_form_resnet, 11),
    "import_vs_dependencies": (import_seconds, 5),
}


def add_arguments(parser: ArgumentParser) -> None:
    """Add the study's options."""
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.add_argument("--fused", action="store_true", help="fused optimisers for the bare loop and skorch too")
    parser.add_argument("--device", default="cpu", help="where to train, such as cuda (%(default)s)")
    parser.add_argument("--only", nargs="+", choices=TIMINGS, metavar="NAME", help=", ".join(TIMINGS))


def run(options: Namespace) -> None:
    """Measure and print each timing as soon as it is known; nothing is kept."""
    run_speed(options.only, as_json=options.json, fused=options.fused, device=options.device)


def run_speed(
    names: list[str] | None = None, *, as_json: bool = False, fused: bool = False, device: str = "cpu"
) -> None:
    """Measure and print each timing as soon as it is known."""
    if not as_json:
        print(f"{'name':42s} {'ratio':>7s} {'first s':>9s} {'second s':>9s} {'n':>3s}")
    for name in names or TIMINGS:
        measure, n = TIMINGS[name]
        t = measure(How(n, fused, device))
        print(
            t.to_json() if as_json else f"{t.name:42s} {t.ratio:7.3f} {t.first:9.3f} {t.second:9.3f} {t.n:3d}",
            flush=True,
        )
