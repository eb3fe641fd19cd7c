"""What is timed: fits of ours against a bare torch loop, stock skorch, and each other."""

import subprocess
import sys
from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from sklearn.base import clone
from skorch import NeuralNetClassifier
from torch import nn
from torch.nn.functional import cross_entropy

from benchmarks.cells.catalogue import CPU_STUDENT, FAST_CPU_STUDENT
from benchmarks.studies.timings._timing import How, Timing, compare
from noisylabel import MentorMixClassifier, MentorNetClassifier
from noisylabel.curricula import MentorNet, MentorNetwork
from noisylabel.nets import SampleRecord
from noisylabel.students import MLP, ResNet, Standardize

Arrays = tuple[np.ndarray, np.ndarray]
Tensors = tuple[torch.Tensor, torch.Tensor]


def bare_loop(module: nn.Module, data: Tensors, *, epochs: int, how: How, fused: bool = False) -> None:
    """Train as a hand-written loop would: shuffled slices, cross entropy, SGD with momentum."""
    X, y = data
    bf16 = X.ndim == 4 and how.image_precision == "bf16"
    optimizer = torch.optim.SGD(
        module.parameters(), 0.01, momentum=0.9, nesterov=True, weight_decay=5e-4, fused=fused or None
    )
    module.train()
    for _ in range(epochs):
        for rows in torch.randperm(len(X)).to(X.device).split(128):
            optimizer.zero_grad()
            with torch.autocast(X.device.type, torch.bfloat16, enabled=bf16):
                logits = module(X[rows])
            cross_entropy(logits.float(), y[rows]).backward()
            optimizer.step()


def _settings(how: How) -> dict[str, Any]:
    training = {"optimizer": "sgd", "lr": 0.01, "lr_schedule": "constant"}
    return training | {"batch_size": 128, "random_state": 0, "device": how.device}


def _images(how: How) -> Arrays:
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (how.n_images, 3, 32, 32), dtype=np.uint8), rng.integers(0, 10, how.n_images)


def _of_images(how: How, curriculum: Any = "mentornet_pd", **changes: Any) -> MentorNetClassifier:
    settings = _settings(how) | {"student": ResNet(20), "precision": how.image_precision, "loss_percentile": 0.7}
    return MentorNetClassifier(curriculum, **settings, **changes)


def _fit(clf: Any, data: Arrays, epochs: int) -> Any:
    return clf.set_params(max_epochs=epochs).fit(*data)


def _on_device(data: Arrays, how: How) -> Tensors:
    X, y = data
    return torch.as_tensor(X).to(how.device), torch.as_tensor(y).to(how.device)


def _resnet_vs_torch(name: str, clf: MentorNetClassifier, how: How) -> Timing:
    """ResNet-20 on CIFAR-shaped images, batch 128: a fit of ours against the bare loop."""
    data = _images(how)
    tensors = _on_device(data, how)

    def torch_run(epochs: int) -> None:
        mean, std = torch.full((3, 1, 1), 127.5), torch.full((3, 1, 1), 73.9)
        module = nn.Sequential(Standardize(mean, std), ResNet(20).build((3, 32, 32), 10))
        module = module.to(how.device, memory_format=torch.channels_last)
        bare_loop(module, tensors, epochs=epochs, how=how)

    return compare(name, lambda epochs: _fit(clf, data, epochs), torch_run, how.n, how.image_epochs)


def mentornet_resnet_vs_torch(how: How) -> Timing:
    """MentorNet against plain training."""
    return _resnet_vs_torch("mentornet_resnet_vs_torch", _of_images(how), how)


def mentormix_resnet_vs_torch(how: How) -> Timing:
    """MentorMix, with second weighting and parameter average, against plain training; one more forward is 1.33."""
    weighing: dict[str, Any] = {
        "curriculum": "self_paced",
        "loss_percentile": 0.7,
        "burn_in": 0,
        "second_reweight": True,
    }
    clf = MentorMixClassifier(**weighing, student=ResNet(20), precision=how.image_precision, **_settings(how))
    return _resnet_vs_torch("mentormix_resnet_vs_torch", clf, how)


def mentornet_compiled_resnet_vs_torch(how: How) -> Timing:
    """MentorNet with ``torch.compile`` against plain training that is not compiled."""
    clf = _of_images(how, net_params={"compile": True})
    return _resnet_vs_torch("mentornet_compiled_resnet_vs_torch", clf, how)


def elr_resnet_vs_torch(how: How) -> Timing:
    """ELR, a loss with a memory, against plain training."""
    return _resnet_vs_torch("elr_resnet_vs_torch", _of_images(how, "uniform", loss="elr"), how)


def filterkd_teacher_resnet_vs_torch(how: How) -> Timing:
    """Plain training that keeps the record and filtered predictions, as Filter-KD's teacher does, against none."""
    clf = _of_images(how, "uniform", filter_alpha=0.05)
    return _resnet_vs_torch("filterkd_teacher_resnet_vs_torch", clf, how)


def _record_vs_none(name: str, clf: Any, data: Arrays, how: How, epochs: int) -> Timing:
    """Time a fit that keeps the record and filtered predictions, and one whose record notes nothing."""

    def without(epochs: int) -> None:
        with patch.object(SampleRecord, "note", lambda *arguments: None):
            _fit(clf, data, epochs)

    return compare(name, lambda epochs: _fit(clf, data, epochs), without, how.n, epochs)


def record_vs_none_resnet(how: How) -> Timing:
    """Compare fits of ResNet-20 with and without the record."""
    clf = _of_images(how, filter_alpha=0.05)
    return _record_vs_none("record_vs_none_resnet", clf, _images(how), how, how.image_epochs)


def record_vs_none_mlp(how: How) -> Timing:
    """Compare fits of the MLP with and without the record."""
    clf = _of_table(how).set_params(filter_alpha=0.05)
    return _record_vs_none("record_vs_none_mlp", clf, _table(), how, how.table_epochs)


def _learned_vs_closed_form(name: str, learned: Any, how: How) -> Timing:
    """Time ResNet-20 as above with a learned network that weighs from the first step on, and with PD's formula."""
    data, closed = _images(how), _of_images(how, burn_in=0)
    learned = clone(closed).set_params(curriculum=learned)
    return compare(
        name, lambda epochs: _fit(learned, data, epochs), lambda epochs: _fit(closed, data, epochs), how.n,
        how.image_epochs,
    )  # fmt: skip


def learned_vs_closed_form_resnet(how: How) -> Timing:
    """Compare the MentorNet of the zoo that was learned from PD with PD itself."""
    return _learned_vs_closed_form("learned_vs_closed_form_resnet", "zoo:mentornet_pd", how)


def learned_five_losses_vs_closed_form_resnet(how: How) -> Timing:
    """Compare a MentorNet that reads each sample's last five losses with PD."""
    mentornet = MentorNet(MentorNetwork(history_length=5, generator=torch.Generator().manual_seed(0)))
    return _learned_vs_closed_form("learned_five_losses_vs_closed_form_resnet", mentornet, how)


def speed_xs_vs_cnn(how: How) -> Timing:
    """Compare the fast network with the small CNN, each trained as in its tables of CIFAR-10."""
    common = {"batch_size": 128, "precision": how.image_precision, "device": how.device, "random_state": 0}
    common["loss_percentile"] = 0.7
    fast, small = (MentorNetClassifier(**kind | common) for kind in (FAST_CPU_STUDENT, CPU_STUDENT))
    data = _images(how)
    return compare(
        "speed_xs_vs_cnn", lambda epochs: _fit(fast, data, epochs), lambda epochs: _fit(small, data, epochs), how.n,
        how.image_epochs,
    )  # fmt: skip


def _table() -> Arrays:
    rng = np.random.default_rng(0)
    return rng.normal(size=(50_000, 20)).astype(np.float32), rng.integers(0, 5, 50_000)


def _of_table(how: How) -> MentorNetClassifier:
    return MentorNetClassifier("mentornet_pd", loss_percentile=0.7, student=MLP(hidden=(64, 64)), **_settings(how))


def _mlp() -> nn.Module:
    return nn.Sequential(Standardize(torch.zeros(20), torch.ones(20)), MLP(hidden=(64, 64)).build((20,), 5))


def _mlp_vs_torch(name: str, how: How, fused: bool) -> Timing:
    """MLP of 64-64 on 50,000 x 20, batch 128, in memory: our fit against the bare loop."""
    data, clf = _table(), _of_table(how)
    tensors = _on_device(data, how)
    return compare(
        name,
        lambda epochs: _fit(clf, data, epochs),
        lambda epochs: bare_loop(_mlp().to(how.device), tensors, epochs=epochs, how=how, fused=fused),
        how.n,
        how.table_epochs,
    )


def mentornet_mlp_vs_fused_torch(how: How) -> Timing:
    """MentorNet against a bare loop with the same fused optimiser."""
    return _mlp_vs_torch("mentornet_mlp_vs_fused_torch", how, fused=True)


def mentornet_mlp_vs_stock_torch(how: How) -> Timing:
    """MentorNet against a bare loop with torch's default optimiser."""
    return _mlp_vs_torch("mentornet_mlp_vs_stock_torch", how, fused=False)


def _stock_skorch(how: How, epochs: int) -> NeuralNetClassifier:
    return NeuralNetClassifier(
        _mlp(), criterion=nn.CrossEntropyLoss, optimizer=torch.optim.SGD,
        optimizer__momentum=0.9, optimizer__nesterov=True,
        lr=0.01, max_epochs=epochs, batch_size=128,
        train_split=None, iterator_train__shuffle=True, verbose=0, device=how.device,
    )  # fmt: skip


def skorch_vs_mentornet_mlp_fit(how: How) -> Timing:
    """Stock skorch's fit against ours on the same MLP and table, five epochs."""
    data, clf = _table(), _of_table(how)

    def skorch_run(epochs: int) -> None:
        _stock_skorch(how, epochs).fit(*data)

    return compare("skorch_vs_mentornet_mlp_fit", skorch_run, lambda epochs: _fit(clf, data, epochs), how.n, 5)


def skorch_vs_mentornet_mlp_predict(how: How) -> Timing:
    """Stock skorch's predict against ours on 50,000 rows."""
    X, y = _table()
    clf, net = _fit(_of_table(how), (X, y), 1), _stock_skorch(how, 1).fit(X, y)
    return compare(
        "skorch_vs_mentornet_mlp_predict", lambda epochs: net.predict(X), lambda epochs: clf.predict(X), how.n
    )


def import_seconds(how: How) -> Timing:
    """Seconds that ``import noisylabel`` adds to ``import torch, sklearn, skorch``; the ratio is of the two totals."""

    def run(code: str) -> None:
        subprocess.run([sys.executable, "-c", code], check=True)

    base = "import torch, sklearn, skorch"
    return compare("import_vs_dependencies", lambda epochs: run(f"{base}, noisylabel"), lambda epochs: run(base), how.n)


#: What is timed, and how often on a CPU; first what has a target on a GPU.
TIMINGS: dict[str, tuple[Callable[[How], Timing], int]] = {
    "mentornet_resnet_vs_torch": (mentornet_resnet_vs_torch, 11),
    "mentormix_resnet_vs_torch": (mentormix_resnet_vs_torch, 11),
    "mentornet_mlp_vs_fused_torch": (mentornet_mlp_vs_fused_torch, 11),
    "mentornet_mlp_vs_stock_torch": (mentornet_mlp_vs_stock_torch, 11),
    "elr_resnet_vs_torch": (elr_resnet_vs_torch, 11),
    "filterkd_teacher_resnet_vs_torch": (filterkd_teacher_resnet_vs_torch, 11),
    "record_vs_none_mlp": (record_vs_none_mlp, 11),
    "skorch_vs_mentornet_mlp_fit": (skorch_vs_mentornet_mlp_fit, 5),
    "skorch_vs_mentornet_mlp_predict": (skorch_vs_mentornet_mlp_predict, 7),
    "record_vs_none_resnet": (record_vs_none_resnet, 11),
    "learned_vs_closed_form_resnet": (learned_vs_closed_form_resnet, 11),
    "learned_five_losses_vs_closed_form_resnet": (learned_five_losses_vs_closed_form_resnet, 11),
    "speed_xs_vs_cnn": (speed_xs_vs_cnn, 11),
    "mentornet_compiled_resnet_vs_torch": (mentornet_compiled_resnet_vs_torch, 3),
    "import_vs_dependencies": (import_seconds, 5),
}
