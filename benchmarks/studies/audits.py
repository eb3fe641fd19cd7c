"""What ``noisylabel audit`` finds in files of which one label in five is wrong, or that no column tells."""

import tempfile
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image
from sklearn.datasets import load_breast_cancer, load_digits, load_wine

from benchmarks.studies.tables import read_file
from noisylabel import corrupt
from noisylabel.audit import (
    AuditData,
    audit_labels,
    choose_epochs,
    default_auditor,
    read_audit_folder,
    read_audit_table,
)

_KINDS = np.array(["complaint", "question", "praise", "order"])
_EVENTS = np.array([
    ["broke", "arrived late", "stopped working", "leaks"],
    ["needs batteries", "fits my old one", "can be washed", "works abroad"],
    ["works very well", "looks lovely", "arrived early", "is just right"],
    ["should come in blue", "goes to my new address", "is for a present", "is needed by Friday"],
])  # fmt: skip
_ENDS = np.array([
    ["I want my money back.", "Please send a new one.", "This is not acceptable.", "I am disappointed."],
    ["Could you tell me?", "Where can I find that?", "Thanks for an answer.", "The manual does not say."],
    ["Thank you.", "I will buy again.", "My family likes it.", "I recommend it."],
    ["Please send two.", "Send the bill by mail.", "The same as last time.", "Payment follows today."],
])  # fmt: skip
_HEAD = 100
_FIRST = f"of the first {_HEAD}, wrong: expected / true"
_THINGS = np.array(["kettle", "lamp", "jacket", "bicycle bell", "tent", "radio", "garden chair", "mug"])


def add_arguments(parser: ArgumentParser) -> None:
    """Add nothing: the study has no options."""


def run(options: Namespace) -> None:
    """Audit the files and print the table; nothing is kept."""
    print(audit_table())


def make_messages(n_rows: int, rng: np.random.Generator) -> tuple[pd.DataFrame, np.ndarray]:
    """Return a mixed table (text, price, date, two categories) and its right labels.

    One message in five begins like one of another class.
    """
    codes = rng.integers(4, size=n_rows)
    begins_like = np.where(rng.random(n_rows) < 0.2, rng.integers(4, size=n_rows), codes)
    events, ends = _EVENTS[begins_like, rng.integers(4, size=n_rows)], _ENDS[codes, rng.integers(4, size=n_rows)]
    numbers, things = rng.integers(100, 999, n_rows), rng.choice(_THINGS, n_rows)
    parts = zip(things, numbers, events, ends, strict=True)
    usual = np.array(["phone", "mail", "mail", "shop"])[codes]
    table = pd.DataFrame(
        {
            "received": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 500, n_rows), unit="D"),
            "message": [f"The {thing} number {number} {event}. {end}" for thing, number, event, end in parts],
            "price": np.exp(rng.normal(3 + 0.3 * (codes == 0), 0.6)).round(2),
            "channel": np.where(rng.random(n_rows) < 0.6, usual, rng.choice(["phone", "mail", "shop"], n_rows)),
            "newsletter": rng.random(n_rows) < 0.3,
        }
    )
    return table, _KINDS[codes]


def audit_table() -> str:
    """Return, as Markdown, what the audit estimates and finds in each file, with how it does by the right labels."""
    wine, cancer = load_wine(as_frame=True), load_breast_cancer(as_frame=True)
    found = {
        "messages: text, price, date, two categories (made from templates)": _of_table(
            *make_messages(2000, np.random.default_rng(0))
        ),
        "breast cancer, of scikit-learn": _of_table(cancer.data, cancer.target_names[cancer.target]),
        "wine, of scikit-learn": _of_table(wine.data, wine.target_names[wine.target]),
        "600 of scikit-learn's digits as images, `--size 16`": _of_digits(600),
        "short texts of the data home, 26 % wrong towards likely topics": _of_texts(),
        "breast cancer, right labels": _of_table(cancer.data, cancer.target, wrong=cancer.target),
        "breast cancer, labels by coin flips": _of_coins(cancer.data),
    }
    head = ["file", "rows", "classes", "epochs", "estimate", "precision", "recall", "suggestion right", _FIRST]
    lines = [head, ["---"] * len(head), *([name, *cells] for name, cells in found.items())]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _made_wrong(y: np.ndarray) -> np.ndarray:
    """Replace every fifth label by another one, drawn evenly."""
    noisy_y, _ = corrupt(y, "symmetric", rate=0.2, include_true=False, exact=True, random_state=0)
    return noisy_y


def _of_texts() -> list[str]:
    what = "short texts in the column 'summary', their topics in 'clean_label' and, some wrong, in 'noisy_label'"
    table = read_file("text/summaries.parquet", what, ["summary", "clean_label", "noisy_label"])
    return _of_table(table[["summary"]], table["clean_label"].to_numpy(), wrong=table["noisy_label"].to_numpy())


def _of_coins(table: pd.DataFrame) -> list[str]:
    coins = np.random.default_rng(0).integers(2, size=len(table))
    return _of_table(table, coins, wrong=coins)


def _of_table(table: pd.DataFrame, y: np.ndarray, wrong: np.ndarray | None = None) -> list[str]:
    def read(folder: Path) -> AuditData:
        given = _made_wrong(y) if wrong is None else wrong
        table.assign(kind=given).to_csv(folder / "table.csv", index=False)
        return read_audit_table(folder / "table.csv", label="kind")

    return _measured(read, lambda issues: y[issues["row"]])


def _of_digits(n_images: int) -> list[str]:
    digits = load_digits()
    noisy_y = _made_wrong(digits.target[:n_images])

    def read(folder: Path) -> AuditData:
        for row, (image, label) in enumerate(zip(digits.images, noisy_y, strict=False)):
            (folder / str(label)).mkdir(exist_ok=True)
            Image.fromarray((15.9 * image).astype(np.uint8)).save(folder / str(label) / f"{row}.png")
        return read_audit_folder(folder, size=16)

    return _measured(read, lambda issues: digits.target[[int(Path(file).stem) for file in issues["file"]]])


def _measured(read: Callable[[Path], AuditData], truth_of: Callable[[pd.DataFrame], np.ndarray]) -> list[str]:
    """Audit what ``read`` makes in a folder, and compare with the right labels in the order of the issues."""
    with tempfile.TemporaryDirectory() as folder:
        data = read(Path(folder))
        clf = default_auditor(data.kind, len(data.X)).set_params(verbose=0)
        audit = audit_labels(data, clf.set_params(max_epochs=choose_epochs(data, clf)))
    issues, truth = audit.issues, truth_of(audit.issues).astype(str)
    wrong = issues["given_label"].astype(str).to_numpy() != truth
    flagged = issues["is_label_issue"].to_numpy(dtype=bool)
    put_right = issues["suggested_label"].astype(str).to_numpy() == truth
    low, high = audit.noise_rate_interval
    expected = audit.expected_wrong(_HEAD)
    return [
        f"{len(issues):,}",
        str(len(set(truth))),
        str(clf.max_epochs),
        f"{100 * audit.noise_rate:.1f} % ({100 * low:.1f} to {100 * high:.1f} %)",
        _share(wrong[flagged]),
        _share(flagged[wrong]),
        _share(put_right[flagged & wrong]),
        "-" if np.isnan(expected) else f"{expected:.0f} / {wrong[:_HEAD].sum()}",
    ]


def _share(cases: np.ndarray) -> str:
    """Return a share in percent; a dash of none."""
    return f"{cases.mean():.0%}" if len(cases) else "-"
