"""How long ``noisylabel audit`` takes, with its page: 3,000 images labelled by people, and a table of 200,000 rows."""

import resource
import tempfile
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from benchmarks.cells.environment import environment
from benchmarks.cells.store import RESULTS, append, newest, read
from benchmarks.studies._runs import as_markdown, in_new_process
from benchmarks.studies.defaults._data import make_split
from noisylabel import corrupt
from noisylabel.cli import main

FILE = RESULTS / "audit_times.jsonl"
SIZES = {"images": 3_000, "table": 200_000}
_FIRST = (100, 300, 600)
_KINDS = np.array(["ash", "birch", "cedar", "dogwood", "elm"])
_WORDS = np.array("red green blue fast slow good bad old new big small happy".split())
_RATE = 0.2


def add_arguments(parser: ArgumentParser) -> None:
    """Add the study's options."""
    parser.add_argument("--only", nargs="+", choices=SIZES, default=list(SIZES))
    parser.add_argument("--again", action="store_true", help="also measure what has a result; that stays, too")


def run(options: Namespace) -> None:
    """Measure what has no result, each in a new process, and keep it."""
    done = set() if options.again else {row["kind"] for row in read(FILE)}
    for kind in options.only:
        if kind not in done:
            append(FILE, in_new_process(__name__, f"measure({kind!r}, {SIZES[kind]})", kind))


def make_images(n_rows: int, folder: Path) -> tuple[list[str], np.ndarray]:
    """Write images of CIFAR-10 in a folder a label; return the arguments of the audit, and which labels are wrong."""
    split = make_split("cifar10", "human_worst", 3)
    for row in range(n_rows):
        path = folder / "images" / f"class{split.noisy_y[row]}" / f"{row}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(split.X[row].transpose(1, 2, 0)).save(path)
    return [str(folder / "images")], (split.y != split.noisy_y)[:n_rows]


def make_table(n_rows: int, folder: Path) -> tuple[list[str], np.ndarray]:
    """Write a table of 30 columns: 20 numbers, 6 categories, a date, a flag, a short text and a count."""
    rng = np.random.default_rng(0)
    codes = rng.integers(5, size=n_rows)
    numbers = 1.2 * rng.normal(size=(5, 20))[codes] + rng.normal(size=(n_rows, 20))
    table = pd.DataFrame(numbers.round(4), columns=[f"number{i}" for i in range(20)])
    letters = np.array(list("abcdefgh"))
    for i in range(6):
        told = np.where(rng.random(n_rows) < 0.5, (codes + i) % 8, rng.integers(8, size=n_rows))
        table[f"category{i}"] = letters[told]
    table["day"] = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 700, n_rows), unit="D")
    table["flag"] = rng.random(n_rows) < 0.3
    table["words"] = [" ".join(words) for words in _WORDS[rng.integers(len(_WORDS), size=(n_rows, 4))]]
    table["count"] = rng.poisson(4, n_rows)
    noisy, _ = corrupt(codes, "symmetric", rate=_RATE, include_true=False, random_state=0)
    table.assign(kind=_KINDS[noisy]).to_csv(folder / "table.csv", index=False)
    return [str(folder / "table.csv"), "--label", "kind"], noisy != codes


_MAKERS: dict[str, Callable[[int, Path], tuple[list[str], np.ndarray]]] = {"images": make_images, "table": make_table}


def measure(kind: str, n_rows: int) -> dict[str, Any]:
    """Run the command as a user would, and return its seconds, memory and what it found, ready for JSON."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        arguments, is_wrong = _MAKERS[kind](n_rows, folder)
        start = time.perf_counter()
        status = main(["audit", *arguments, "--out", f"{name}/issues.csv", "--report", f"{name}/page.html"])
        seconds = time.perf_counter() - start
        assert status == 0
        issues = pd.read_csv(folder / "issues.csv")
    rows = issues["row"] if kind == "table" else issues["file"].map(lambda file: int(Path(file).stem))
    wrong, flagged = is_wrong[rows], issues["is_label_issue"].to_numpy(bool)
    expected = issues["wrong_probability"].to_numpy()
    return {
        "kind": kind,
        "n_rows": n_rows,
        "seconds": round(seconds, 1),
        "peak_memory": 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
        "true_rate": round(float(wrong.mean()), 4),
        "mean_probability": round(float(expected.mean()), 4),
        "precision": round(float(wrong[flagged].mean()), 4) if flagged.any() else None,
        "recall": round(float(flagged[wrong].mean()), 4),
        "first": [[n, round(float(expected[:n].sum())), int(wrong[:n].sum())] for n in _FIRST],
        "environment": environment(),
    }


def report(options: Namespace) -> str:
    """Return the table."""
    lines = [
        {
            "data": f"{row['n_rows']:,} {'rows' if row['kind'] == 'table' else 'images'}",
            "seconds": f"{row['seconds']:.0f}",
            "memory, GB": f"{row['peak_memory'] / 1e9:.1f}",
            "wrong": f"{row['true_rate']:.1%}",
            "estimated": f"{row['mean_probability']:.1%}",
            "precision": f"{row['precision']:.2f}",
            "recall": f"{row['recall']:.2f}",
            "of the first 100, 300, 600: expected / true": ", ".join(f"{e} / {t}" for _, e, t in row["first"]),
        }
        for row in newest(read(FILE), ("kind",))
    ]
    return as_markdown(pd.DataFrame(lines))
