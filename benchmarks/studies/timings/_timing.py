"""Two functions timed in turns, and what their ratio is to be."""

import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import torch

from noisylabel.utils import progress_bar

Run = Callable[[int], Any]  # of a number of epochs; a fit returns the classifier


@dataclass(frozen=True)
class How:
    """What all timings share.

    Attributes
    ----------
    n : int
        Repetitions.
    device : str
        Where to train.
    """

    n: int
    device: str

    @property
    def on_gpu(self) -> bool:
        """Whether a fit is of seconds only if it makes many steps, and begins with work that is done once."""
        return self.device.startswith("cuda")

    @property
    def image_precision(self) -> str:
        """bf16 on both sides where the machine can have it; with AVX2 only, torch emulates it, many times slower."""
        emulated = self.device == "cpu" and torch.backends.cpu.get_cpu_capability() == "AVX2"
        return "fp32" if emulated else "bf16"

    @property
    def n_images(self) -> int:
        """Images for a network of images: ten steps of 128, on a GPU a hundred."""
        return 12_800 if self.on_gpu else 1_280

    @property
    def image_epochs(self) -> int:
        """Epochs of it."""
        return 5 if self.on_gpu else 1

    @property
    def table_epochs(self) -> int:
        """Epochs of a table."""
        return 10 if self.on_gpu else 5


@dataclass(frozen=True)
class Target:
    """What a ratio must not pass.

    Attributes
    ----------
    limit : float
    at_least : bool
        Whether it must be reached, and not kept below.
    """

    limit: float
    at_least: bool = False

    def is_met(self, ratio: float) -> bool:
        """Whether a ratio is on the right side."""
        return ratio >= self.limit if self.at_least else ratio <= self.limit

    def __str__(self) -> str:
        return f"{'>=' if self.at_least else '<='} {self.limit:g}"


@dataclass(frozen=True)
class Timing:
    """Two medians of seconds and their ratio.

    Attributes
    ----------
    name : str
    ratio : float
        ``first`` over ``second``; the median of the pairs' ratios.
    first, second : float
        Medians, in seconds.
    n : int
        Repetitions of each.
    epochs : int
        Of each, if they are fits; of a fit of several, there is what follows.
    steady_ratio : float, optional
        Of the median epoch of the first to the mean epoch of the second: what an endless training would have.
    setup_seconds : float, optional
        What the first took beyond its epochs, if each were as long as their median: on a GPU mostly the capture of
        graphs.
    replayed : str, optional
        On a GPU: how many of the first one's steps were replays of a recorded one, and why if none was.
    """

    name: str
    ratio: float
    first: float
    second: float
    n: int
    epochs: int = 1
    steady_ratio: float | None = None
    setup_seconds: float | None = None
    replayed: str | None = None

    def to_row(self) -> dict[str, Any]:
        """Return plain values, rounded."""
        row = {name: round(value, 4) if isinstance(value, float) else value for name, value in asdict(self).items()}
        return row | {"medians": [row.pop("first"), row.pop("second")]}


def compare(name: str, first: Run, second: Run, n: int, epochs: int = 1) -> Timing:
    """Time two functions in turns, after one unmeasured call of each with a single epoch.

    The ratio is the median of the pairs' ratios.
    """
    first(1), second(1)
    pairs, fitted = [], None
    for turn in progress_bar(range(n), desc=name, leave=False):
        results = {run: _timed(run, epochs) for run in ((first, second) if turn % 2 == 0 else (second, first))}
        pairs.append((results[first][0], results[second][0]))
        fitted = results[first][1]
    ratio = statistics.median(a / b for a, b in pairs)
    medians = [statistics.median(side) for side in zip(*pairs, strict=True)]
    return Timing(name, ratio, *medians, n, epochs, **_parts(fitted, medians, epochs))


def _timed(run: Run, epochs: int) -> tuple[float, Any]:
    start = time.perf_counter()
    result = run(epochs)
    if torch.cuda.is_initialized():
        torch.cuda.synchronize()
    return time.perf_counter() - start, result


def _parts(fitted: Any, medians: list[float], epochs: int) -> dict[str, Any]:
    """Return what the history of a fit tells of its seconds; nothing if it is no fit."""
    history = getattr(fitted, "history_", None)
    if history is None:
        return {}
    parts: dict[str, Any] = {"replayed": _replayed(fitted)}
    if epochs > 1:
        epoch = float(history["dur"].median())
        parts |= {"steady_ratio": epoch / (medians[1] / epochs), "setup_seconds": medians[0] - epochs * epoch}
    return parts


def _replayed(fitted: Any) -> str | None:
    """Return how many steps of a fit on a GPU were replays, such as ``"970/1000"``, and why if none was."""
    if "replayed_steps" not in fitted.history_:
        return None
    n_replays = int(fitted.history_["replayed_steps"].sum())
    why = f" ({fitted.net_.why_eager_})" if n_replays == 0 else ""
    return f"{n_replays}/{sum(fitted.net_.history[:, 'train_batch_count'])}{why}"
