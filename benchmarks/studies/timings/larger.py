"""Memory of training on data that stay on disk: a mapped file, Parquet shards and image files, up to 2,000,000 rows.

Each size is measured in a process of its own, with a ``checkpoint_dir``. Memory is what the process has of its own
(``RssAnon``), above what it had before ``fit``. Names of image files repeat: 10,000 files stand for all rows.
"""

import tempfile
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from PIL import Image
from torch.utils.data import Dataset, IterableDataset, get_worker_info

from benchmarks.cells.environment import environment
from benchmarks.cells.store import RESULTS, append, newest, read
from benchmarks.studies._runs import as_markdown, in_new_process
from benchmarks.studies.scale import MappedRows, OwnMemory
from noisylabel import MentorNetClassifier
from noisylabel.datasets import ImageFiles
from noisylabel.students import MLP

FILE = RESULTS / "larger.jsonl"
SIZES = (200_000, 2_000_000)
_N_FEATURES, _N_CLASSES = 128, 10
_ROWS_A_SHARD, _N_FILES, _SIDE = 20_000, 10_000, 16


class ParquetShards(IterableDataset):
    """Parquet files with a column ``row``, read a group at a time; each worker process reads a share of the files.

    Parameters
    ----------
    paths : list of Path
    """

    def __init__(self, paths: list[Path]) -> None:
        self.paths = paths

    def __iter__(self) -> Iterator[tuple[int, torch.Tensor]]:
        worker = get_worker_info()
        for path in self.paths if worker is None else self.paths[worker.id :: worker.num_workers]:
            for batch in pq.ParquetFile(path).iter_batches(batch_size=1024):
                samples = batch["samples"].flatten().to_numpy().reshape(len(batch), -1)
                for row, sample in zip(batch["row"].to_pylist(), samples, strict=True):
                    yield row, torch.from_numpy(sample.copy())


def _parts(y: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield row numbers and samples, some thousand at a time."""
    rng = np.random.default_rng(0)
    for rows in np.array_split(np.arange(len(y)), max(1, len(y) // _ROWS_A_SHARD)):
        part = rng.standard_normal((len(rows), _N_FEATURES), dtype=np.float32)
        part[np.arange(len(rows)), y[rows]] += 4
        yield rows, part


def _make_mapped(y: np.ndarray, folder: Path) -> Dataset:
    path = folder / "rows.f32"
    with open(path, "wb") as file:
        for _, part in _parts(y):
            part.tofile(file)
    return MappedRows(path, _N_FEATURES)


def _make_shards(y: np.ndarray, folder: Path) -> Dataset:
    paths = []
    for rows, part in _parts(y):
        paths.append(folder / f"{rows[0]}.parquet")
        samples = pa.FixedSizeListArray.from_arrays(pa.array(part.ravel()), _N_FEATURES)
        pq.write_table(pa.table({"row": rows, "samples": samples}), paths[-1])
    return ParquetShards(paths)


def _make_files(y: np.ndarray, folder: Path) -> Dataset:
    """Write 1,000 images a class; every row is one of its class."""
    rng = np.random.default_rng(0)
    for number in range(_N_FILES):
        pixels = rng.integers(0, 156, (_SIDE, _SIDE, 3), dtype=np.uint8)
        pixels[number % _N_CLASSES] += 100
        Image.fromarray(pixels).save(folder / f"{number}.jpg")
    numbers = rng.integers(0, _N_FILES // _N_CLASSES, len(y)) * _N_CLASSES + y
    names = np.array([f"{number}.jpg" for number in range(_N_FILES)], dtype=object)
    return ImageFiles(folder, names[numbers], _SIDE)


KINDS: dict[str, Callable[[np.ndarray, Path], Any]] = {
    "mapped": _make_mapped,
    "shards": _make_shards,
    "files": _make_files,
}


def add_arguments(parser: ArgumentParser) -> None:
    """Add the study's options."""
    parser.add_argument("--only", nargs="+", choices=KINDS, default=list(KINDS))
    parser.add_argument("--again", action="store_true", help="also measure what has a result; that stays, too")


def run(options: Namespace) -> None:
    """Measure what has no result."""
    run_larger(options.only, again=options.again)


def run_larger(kinds: list[str], path: Path = FILE, again: bool = False) -> None:
    """Measure each kind and size in a new process, and keep it."""
    done = set() if again else {(row["kind"], row["n_samples"]) for row in read(path)}
    for kind in kinds:
        for n_samples in SIZES:
            if (kind, n_samples) not in done:
                append(
                    path, in_new_process(__name__, f"measure({kind!r}, {n_samples})", f"{kind}, {n_samples} samples")
                )


def measure(kind: str, n_samples: int) -> dict[str, Any]:
    """Train one epoch on data on disk and return seconds and bytes, ready for JSON."""
    y = np.random.default_rng(1).integers(0, _N_CLASSES, n_samples)
    with tempfile.TemporaryDirectory() as folder:
        X = KINDS[kind](y, Path(folder))
        clf = MentorNetClassifier(
            "active_bias",
            student=MLP((16,)),
            max_epochs=1,
            batch_size=1024,
            checkpoint_dir=Path(folder) / "run",
            random_state=0,
        )
        start = time.perf_counter()
        with OwnMemory() as memory:
            clf.fit(X, y)
        seconds = time.perf_counter() - start
    bytes_a_row = 4 * _N_FEATURES if kind != "files" else 3 * _SIDE**2
    return {
        "kind": kind,
        "n_samples": n_samples,
        "seconds": round(seconds, 2),
        "memory": memory.peak_ - memory.before_,
        "data": n_samples * bytes_a_row,
        "environment": environment(),
    }


def report(options: Namespace) -> str:
    """Return the table of all kinds and sizes."""
    results = newest(read(FILE), ("kind", "n_samples"))
    table = pd.DataFrame(results).sort_values(["kind", "n_samples"])
    further = table.groupby("kind")["memory"].diff() / table.groupby("kind")["n_samples"].diff()
    columns = {
        "data": table["kind"],
        "rows": table["n_samples"].map("{:,}".format),
        "samples, MB": (table["data"] / 2**20).map("{:,.0f}".format),
        "own memory, MB": (table["memory"] / 2**20).map("{:,.0f}".format),
        "bytes per further row": further.map(lambda value: "" if pd.isna(value) else f"{value:.0f}"),
        "seconds": table["seconds"].map("{:,.0f}".format),
    }
    return as_markdown(pd.DataFrame(columns))
