"""What the methods of a table share."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

Noise = tuple[str, float | None]


@dataclass(frozen=True)
class Profile:
    """Data, student and budget that all methods of a table share.

    Attributes
    ----------
    dataset : str
        Key of ``noisylabel.datasets.DATASETS``.
    n_train : int
        Training samples.
    n_valid : int
        Samples with noisy labels, in addition, for selecting an epoch.
    max_epochs : int
        Passes over the training samples.
    tuned_epochs : int
        Budget at which plain training is best, for ``plain_tuned``.
    grid : tuple of (noises, methods)
        Blocks of cells. A noise is (name, nominal rate), with None as the rate of human labels; a method is a key of
        ``benchmarks.methods.METHODS``.
    seeds : tuple of int
    test_every : int
        Epochs between measurements on the test set.
    settings : dict
        Parameters of every classifier.
    by_rate : callable
        More of them, of the noise rate: published settings that depend on it.
    loss : Loss, optional
        Of the methods that neither mix, which has its own, nor are a loss themselves; cross entropy by default.
    n_test : int, optional
        Test samples; all by default.
    proof_rows : int
        Training samples of a proof; a method may need some dozens.
    """

    dataset: str
    n_train: int
    n_valid: int
    max_epochs: int
    tuned_epochs: int
    grid: tuple[tuple[tuple[Noise, ...], tuple[str, ...]], ...]
    seeds: tuple[int, ...]
    test_every: int = 1
    settings: dict[str, Any] = field(default_factory=dict)
    by_rate: Callable[[float], dict[str, Any]] = lambda rate: {}
    loss: Any = None
    n_test: int | None = None
    proof_rows: int = 240

    @property
    def methods(self) -> list[str]:
        """All methods, each once."""
        return list(dict.fromkeys(method for _, methods in self.grid for method in methods))

    def two_steps(self) -> "Profile":
        """Return the same on few samples for two epochs of one step: the first in the burn-in, the second after it."""
        return replace(
            self,
            n_train=self.proof_rows,
            n_valid=self.proof_rows // 10 if self.n_valid else 0,
            max_epochs=2,
            tuned_epochs=2,
            n_test=2,
            settings=self.settings | {"batch_size": self.proof_rows},
            by_rate=partial(_of_batches, self.by_rate, self.proof_rows),
        )


def _of_batches(by_rate: Callable[[float], dict[str, Any]], size: int, rate: float) -> dict[str, Any]:
    return by_rate(rate) | {"batch_size": size}


def symmetric(*rates: float) -> tuple[Noise, ...]:
    """Return symmetric noise of these nominal rates."""
    return tuple(("symmetric", rate) for rate in rates)
