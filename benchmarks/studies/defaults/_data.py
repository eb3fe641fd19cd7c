"""What is learned from: data sets in groups, their splits, and which noises each gets."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from scipy.spatial.distance import cdist
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import Bunch

from benchmarks.cells.noises import HUMAN, make_noisy
from benchmarks.studies.tables import load_table, read_file, split_rows
from noisylabel import corrupt
from noisylabel.datasets import fetch_cifar10, fetch_fashion_mnist
from noisylabel.noise import HumanNoise, NoiseManifest, TransitionNoise

SHORT = "cifar10_short"
SHORT_EPOCHS = 10
_TEXTS = "summaries"
_OWN = "own"  # the wrong labels that come with the texts
#: From a name to the data set of which it is a few rows, and how many.
_FEW = {
    "digits_300": ("digits", 300),
    "fashion_mnist_400": ("fashion_mnist", 400),
    "letter_700": ("letter", 700),
    "satellite_150": ("satellite", 150),
    "satellite_400": ("satellite", 400),
}
#: Defaults are chosen on the first two groups and judged, once, on the third. The last is the regime of many images and
#: few epochs, in which plain training is at its best: the one exception to "as they come".
GROUPS: dict[str, tuple[str, ...]] = {
    "tune": ("digits", "fashion_mnist", "letter", "satellite"),
    "tune_few": tuple(_FEW),
    "judge": ("iris", "wine", "breast_cancer", "soybean", "spambase", _TEXTS, "cifar10"),
    "short": (SHORT,),
}
SEEDS = {"tune": (0, 1, 2), "tune_few": (0, 1, 2), "judge": (10, 11, 12), "short": (10, 11, 12)}
#: Training images.
_N_IMAGES = {"fashion_mnist": 4_000, "cifar10": 10_000, SHORT: 49_000}
#: From how it is called to name and nominal rate. Symmetric noise draws the true class too.
NOISES: dict[str, tuple[str, float | None]] = {
    "clean": ("symmetric", 0.0),
    "symmetric-0.2": ("symmetric", 0.2),
    "symmetric-0.4": ("symmetric", 0.4),
    "symmetric-0.6": ("symmetric", 0.6),
    "symmetric-0.8": ("symmetric", 0.8),
    "pair-0.3": ("pair", 0.3),
    "pair-0.45": ("pair", 0.45),
    "asymmetric-0.4": ("asymmetric", 0.4),
    "instance-0.4": ("instance", 0.4),
    "human_worst": ("human_worst", None),
    _OWN: (_OWN, None),
}
#: From the kind of labels that come with data to these data.
_GIVEN = {f"{HUMAN}worst": "cifar10", _OWN: _TEXTS}
_SHORT_NOISES = ("clean", "symmetric-0.2", "symmetric-0.4", "human_worst")
_PUBLISHED_LOOK_ALIKES = ("digits", "fashion_mnist", "cifar10")


def group_of(name: str) -> str:
    """Return the group of a data set."""
    return next(group for group, names in GROUPS.items() if name in names)


def is_table(name: str) -> bool:
    """Whether a data set is one for tree ensembles too; Fashion-MNIST is a table of 784 columns here, texts of 100."""
    source = _source(name)
    return source == "fashion_mnist" or source not in _N_IMAGES


def is_text(name: str) -> bool:
    """Whether the rows of a data set are texts, as numbers."""
    return name == _TEXTS


def _source(name: str) -> str:
    return _FEW[name][0] if name in _FEW else name


def noises_of(name: str) -> list[str]:
    """Return the noises that a data set gets.

    Human labels are CIFAR-10's, and the texts have wrong labels of their own. Of two classes there is no pair flip,
    since that is symmetric noise by another name (a rate of 0.3 is symmetric 0.6). In all that are left the true class
    is the likeliest label of its class.
    """
    if name == SHORT:
        return list(_SHORT_NOISES)
    source = _source(name)
    of_two = source not in _N_IMAGES and len(np.unique(_table(source).target)) == 2
    left_out = {"pair" if of_two else ""} | {kind for kind, owner in _GIVEN.items() if owner != name}
    return [noise for noise, (kind, _) in NOISES.items() if kind not in left_out]


@dataclass(frozen=True)
class Split:
    """Training rows with true and noisy labels, and test rows with true ones."""

    X: np.ndarray
    y: np.ndarray
    noisy_y: np.ndarray
    manifest: NoiseManifest
    X_test: np.ndarray
    y_test: np.ndarray


def make_split(name: str, noise: str, seed: int) -> Split:
    """Return rows and labels, the same for each method.

    Of a table, or texts, 70 % of the rows are for training, at most 5,000; of images so many of the training images,
    and all test images. Of these, few rows are the first.
    """
    n_rows = _FEW[name][1] if name in _FEW else None
    name = _source(name)
    if name in _N_IMAGES:
        data = _images(name)
        rows = np.random.default_rng(seed).permutation(len(data.data))[: _N_IMAGES[name]]
        test = data.test_data, data.test_target
    else:
        data = _table(name)
        rows, rest = split_rows(data.target, seed)
        test = data.data[rest], data.target[rest]
    rows = rows[:n_rows]
    return Split(data.data[rows], data.target[rows], *_noisy(name, noise, data, rows, seed), *test)


def _table(name: str) -> Bunch:
    return _texts() if is_text(name) else Bunch(**dict(zip(("data", "target"), load_table(name), strict=True)))


@cache
def _texts() -> Bunch:
    """Return all texts as 100 columns, made without labels, with true labels and the partly wrong ones given."""
    what = "short texts in the column 'summary', their topics in 'clean_label' and, some wrong, in 'noisy_label'"
    table = read_file(f"text/{_TEXTS}.parquet", what, ["summary", "clean_label", "noisy_label"])
    encode = make_pipeline(TfidfVectorizer(), TruncatedSVD(100, random_state=0))
    return Bunch(
        data=encode.fit_transform(table["summary"]).astype(np.float32),
        target=table["clean_label"].to_numpy(),
        given=table["noisy_label"].to_numpy(),
    )


@cache
def _images(name: str) -> Any:
    if name == SHORT:
        return _images("cifar10")
    load: Callable[[], Any] = fetch_fashion_mnist if name == "fashion_mnist" else fetch_cifar10
    data = load()
    if is_table(name):
        for part in ("data", "test_data"):
            data[part] = data[part].reshape(len(data[part]), -1).astype(np.float32)
    return data


def _noisy(name: str, noise: str, data: Any, rows: np.ndarray, seed: int) -> tuple[np.ndarray, NoiseManifest]:
    kind, rate = NOISES[noise]
    if kind == _OWN:
        return corrupt(data.target[rows], HumanNoise(data.given[rows], source=name), random_state=seed)
    if kind != "asymmetric" or name in _PUBLISHED_LOOK_ALIKES:
        return make_noisy(name, (kind, rate), data, rows, seed)
    assert rate is not None
    targets = look_alikes(data.data, data.target)
    same = np.eye(len(targets))
    moves = TransitionNoise((1 - rate) * same + rate * same[targets])
    return corrupt(data.target[rows], moves, random_state=seed)


def look_alikes(X: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the code of the class that each class is mistaken for, its own code if for none.

    The half of the classes, rounded down, that have another class nearest to them move to that class. Nearness is the
    distance of the classes' mean rows, by right labels, in standardised columns.

    Parameters
    ----------
    X : ndarray of shape (N, D)
    y : ndarray of shape (N,)
        True labels.

    Examples
    --------
    >>> look_alikes(np.array([[0.0], [5.0], [9.0], [9.5]]), np.array(["a", "b", "c", "d"])).tolist()
    [0, 1, 3, 2]
    """
    classes, codes = np.unique(y, return_inverse=True)
    values = StandardScaler().fit_transform(X)
    centres = np.stack([values[codes == code].mean(axis=0) for code in range(len(classes))])
    distances = cdist(centres, centres)
    np.fill_diagonal(distances, np.inf)
    moved = distances.min(axis=1).argsort(kind="stable")[: len(classes) // 2]
    targets = np.arange(len(classes))
    targets[moved] = distances.argmin(axis=1)[moved]
    return targets
