"""``noisylabel audit``, as people without Python use it."""

import gzip
import io
import os
import re
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from noisylabel.audit import audit_labels, default_auditor
from noisylabel.cli import main
from noisylabel.exceptions import NoisyLabelWarning
from tests.browser import open_browser


def audit(*arguments):
    return main(["audit", *map(str, arguments)])


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """A mixed table with one label in five made wrong: (file, which rows are wrong, right labels)."""
    rng = np.random.default_rng(0)
    right = np.arange(600) % 3
    names = np.array(["fruit", "tool", "toy"])
    words = np.array([["apple", "pear", "plum"], ["hammer", "saw", "drill"], ["doll", "kite", "ball"]])
    things = words[right, rng.integers(3, size=600)]
    is_wrong = rng.random(600) < 0.2
    given = np.where(is_wrong, (right + rng.integers(1, 3, 600)) % 3, right)
    table = pd.DataFrame(
        {
            "id": [f"p{i:04d}" for i in range(600)],
            "text": [f"we sell a {thing} of size {rng.integers(1000)}" for thing in things],
            "price": rng.normal(5 * right, 4).round(2),
            "shelf": np.where(rng.random(600) < 0.5, np.array(["low", "mid", "top"])[right], "mid"),
            "kind": names[given],
        }
    )
    table.loc[5, "price"] = np.nan
    folder = tmp_path_factory.mktemp("shop")
    table.to_csv(folder / "shop.csv", index=False)
    return folder / "shop.csv", is_wrong, names[right]


def test_a_table_from_start_to_end(shop, tmp_path, capsys):
    file, is_wrong, right = shop
    before = file.read_bytes()
    out, report = tmp_path / "found" / "issues.csv", tmp_path / "report.html"
    assert audit(file, "--label", "kind", "--out", out, "--report", report) == 0
    said = capsys.readouterr().out
    assert "600 rows with labels of 3 classes (fruit, tool, toy)." in said
    assert "Read as numbers (holds numbers): price." in said
    assert "Not used (an id: called an id, and differs in every row): id." in said
    issues = pd.read_csv(out)
    flagged = issues[issues["is_label_issue"]]
    wrong = is_wrong[flagged["row"]]
    expected = re.search(rf"Flagged as probably wrong: {len(flagged)} of 600; (\d+) of them are expected to be", said)
    assert int(expected[1]) == pytest.approx(wrong.sum(), abs=15)
    assert wrong.mean() > 0.8  # of those flagged, how many are wrong
    assert wrong.sum() / is_wrong.sum() > 0.8  # of the wrong, how many are flagged
    assert (flagged["suggested_label"].to_numpy() == right[flagged["row"]])[wrong].mean() > 0.9
    found = re.search(r"About (\d+) % of the labels look wrong \(between (\d+) and (\d+) %\)", said)
    rate, low, high = (int(n) / 100 for n in found.groups())
    assert low < is_wrong.mean() < high
    assert abs(rate - is_wrong.mean()) < 0.05
    assert f"Written: {out}, {report}" in said
    assert file.read_bytes() == before
    dom = open_browser(tmp_path).dom(report)
    assert "Label audit of shop.csv" in dom
    assert f"0 of {len(flagged)} flagged decided." in dom
    assert "max_epochs=" in dom


def test_a_folder_of_images(tmp_path, capsys, monkeypatch):
    rng = np.random.default_rng(0)
    dark, bright = [(rng.integers(0, 100, (8, 8, 3)) + 150 * k).astype(np.uint8) for k in range(2)]
    for i in range(160):
        name = "bright" if i % 2 else "dark"
        (tmp_path / "pictures" / name).mkdir(parents=True, exist_ok=True)
        is_bright = (i % 2 == 1) != (i < 32)  # the first 32 lie in the wrong folder
        Image.fromarray(bright if is_bright else dark).save(tmp_path / "pictures" / name / f"{i:03d}.png")
    (tmp_path / "pictures" / "dark" / "broken.png").write_bytes(b"no picture")
    monkeypatch.chdir(tmp_path)
    assert audit("pictures", "--size", 8, "--epochs", 25, "--report", "report.html") == 0
    said = capsys.readouterr().out
    assert "160 images with labels of 2 classes (bright, dark)." in said
    assert re.search(r"1 file left out: .*broken\.png cannot be read as an image: ", said)
    issues = pd.read_csv("issues.csv")
    flagged = issues.loc[issues["is_label_issue"], "file"]
    assert sum(int(name[-7:-4]) < 32 for name in flagged) >= 28
    assert len(flagged) <= 40
    assert "data:image/jpeg;base64," in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_same_seed_same_result(shop, tmp_path):
    options = ("--label", "kind", "--epochs", 12, "--ignore", "text", "price")
    for name, seed in [("a", 3), ("b", 3), ("c", 4)]:
        assert audit(shop[0], *options, "--seed", seed, "--out", tmp_path / f"{name}.csv") == 0
    a, b, c = ((tmp_path / f"{name}.csv").read_bytes() for name in "abc")
    assert a == b
    assert a != c


def test_what_training_warns_of_is_said(tmp_path, capsys):
    rng = np.random.default_rng(0)
    kinds = np.arange(120) % 7  # 17 rows each
    pd.DataFrame({"x": rng.normal(size=120), "kind": kinds}).to_csv(tmp_path / "t.csv", index=False)
    assert audit(tmp_path / "t.csv", "--label", "kind", "--out", tmp_path / "issues.csv", "--epochs", 20) == 0
    assert "needs 20 rows a class to learn the noise from" in capsys.readouterr().out


def test_only_our_warnings_are_cautions_each_once(shop, tmp_path, capsys, monkeypatch):
    def warned(data, clf, precision, y_trusted):
        for message in ("look at this", "look at this", "and at that"):
            warnings.warn(message, NoisyLabelWarning, stacklevel=2)
        warnings.warn("a parameter was renamed", FutureWarning, stacklevel=2)
        return audit_labels(data, clf, precision, y_trusted)

    monkeypatch.setattr("noisylabel.audit.audit_labels", warned)
    options = ("--label", "kind", "--ignore", "text", "--epochs", 12, "--out", tmp_path / "issues.csv")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert audit(shop[0], *options) == 0
    said = capsys.readouterr().out
    assert [line for line in said.splitlines() if line.startswith("Note:")] == [
        "Note: look at this",
        "Note: and at that",
    ]
    assert "renamed" not in said
    assert [str(one.message) for one in caught] == ["a parameter was renamed"]


@pytest.mark.parametrize("seed", range(4))
def test_few_rows(tmp_path, capsys, seed):
    rng = np.random.default_rng(seed)
    right = np.arange(40) % 2
    given = np.where(np.arange(40) < 4, 1 - right, right)
    table = pd.DataFrame({"x": rng.normal(size=40) / 4 + 4 * right, "kind": given})
    table.to_csv(tmp_path / "t.csv", index=False)
    out = tmp_path / "issues.csv"
    assert audit(tmp_path / "t.csv", "--label", "kind", "--out", out, "--seed", seed) == 0
    assert "Only 40 rows: with fewer than 100 the result means little." in capsys.readouterr().out
    assert set(pd.read_csv(out)["row"].head(4)) == {0, 1, 2, 3}


@pytest.mark.parametrize(
    ("option", "place", "message"),
    [
        ("--out", "", "--out is .*, which is a folder. Give the name of a file."),
        ("--report", "", "--report is .*, which is a folder. Give the name of a file."),
        ("--out", "notes.txt/deep/issues.csv", "--out is .*, but nothing can be written in .*notes.txt: Not a dir"),
        ("--report", "/proc/absent/report.html", "--report is .*, but nothing can be written in /proc: "),
    ],
)
def test_places_that_cannot_be_written_are_refused_before_training(
    shop, tmp_path, capsys, monkeypatch, option, place, message
):
    monkeypatch.setattr("noisylabel.audit.audit_labels", lambda *_: pytest.fail("It was trained."))
    (tmp_path / "notes.txt").write_text("a file, and no folder")
    if place.startswith("/proc") and not Path("/proc/self").exists():
        pytest.skip("There is no /proc.")
    assert audit(shop[0], "--label", "kind", option, tmp_path / place) == 2
    assert re.search(message, capsys.readouterr().err)
    assert [one.name for one in tmp_path.iterdir()] == ["notes.txt"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("{file}",), "is a table: say with --label which column holds the labels"),
        (
            ("absent.csv", "--label", "kind"),
            "absent.csv does not exist. Give a .csv, .tsv, .parquet, .xlsx or .jsonl table, or a",
        ),
        (("absent",), "absent does not exist"),
        (("{file}", "--label", "kind", "--ignore", "kind"), "--label and --ignore are both 'kind'"),
        (("{file}", "--label", "kinds"), r"--label must be one of .* Did you mean 'kind'\?"),
        (("{file}", "--label", "kind", "--ignore", "prise"), r"--ignore must be one of .* Did you mean 'price'\?"),
        (
            ("{file}", "--label", "kind", "--date", "prise"),
            "--number, --category, --text or --date names the column 'pri",
        ),
        (("{file}", "--label", "kind", "--date", "text"), "'text' is one of dates, but none of its 600 values is one"),
        (("{file}", "--label", "kind", "--date", "id", "--text", "id"), "--date and --text both name the column 'id'"),
        (
            ("{file}", "--label", "kind", "--date", "id", "--ignore", "id"),
            "--date and --ignore both name the column 'id'",
        ),
        (("{folder}", "--text", "kind"), "--text names a column of a table, and .* is a folder"),
        (("{file}", "--label", "id"), "600 different values in 600 rows"),
        (("{file}", "--label", "kind", "--out", "{file}"), "--out is .*shop.csv, which is the file to audit"),
        (("{file}", "--label", "kind", "--report", "{file}"), "--report is .*shop.csv, which is the file to audit"),
        (("{file}", "--label", "kind", "--report", "issues.csv"), "--out and --report are both issues.csv"),
        (("{folder}", "--label", "kind"), "--label names a column of a table, and .* is a folder"),
        (("{folder}",), "has no images in sub-folders"),
    ],
)
def test_errors_are_said(shop, capsys, arguments, message):
    file = shop[0]
    assert audit(*(one.format(file=file, folder=file.parent) for one in arguments)) == 2
    assert re.search(message, capsys.readouterr().err)


@pytest.mark.parametrize("kind", ["table", "images"])
def test_default_auditor_estimates_the_share_if_there_are_rows_enough(kind):
    rng = np.random.default_rng(0)
    right = np.arange(400) % 2
    given = np.where(rng.random(400) < 0.2, 1 - right, right)
    X = (rng.normal(size=(400, 2)) / 4 + right[:, None]).astype(np.float32)
    if kind == "images":
        X = (rng.integers(0, 100, (400, 3, 8, 8)) + 150 * right[:, None, None, None]).astype(np.uint8)
    many = default_auditor(kind, 400).set_params(max_epochs=25, verbose=0).fit(X, given)
    assert many.noise_rate_ == pytest.approx((given != right).mean(), abs=0.08)
    few = default_auditor(kind, 60).set_params(max_epochs=25, verbose=0).fit(X[:60], given[:60])
    assert not hasattr(few, "noise_rate_")
    n_wrong = int((given != right)[:60].sum())
    found = few.label_issues()["row"].to_numpy()[:n_wrong]
    assert (given != right)[found].mean() > 0.8


def test_files_that_are_there_are_kept(shop, tmp_path, capsys, monkeypatch):
    (tmp_path / "issues.csv").write_text("mine")
    with monkeypatch.context() as trained:
        trained.setattr("noisylabel.audit.audit_labels", lambda *_: pytest.fail("It was trained."))
        assert audit(shop[0], "--label", "kind", "--out", tmp_path / "issues.csv") == 2
        assert "issues.csv, which is there already. Give another name, or --overwrite." in capsys.readouterr().err
        assert audit(shop[0], "--label", "kind", "--out", tmp_path / "new.xlsx") == 2
        assert "--out must end in .csv, .tsv, .txt or .parquet." in capsys.readouterr().err
        assert audit(shop[0], "--label", "kind", "--out", tmp_path / "new.csv", "--format", "labelstudio") == 2
        assert "--out must end in .json with --format 'labelstudio'" in capsys.readouterr().err
        assert audit(shop[0], "--label", "kind", "--out", tmp_path / "new.json", "--format", "fiftyone") == 2
        assert "--format 'fiftyone' is for images" in capsys.readouterr().err
    assert (tmp_path / "issues.csv").read_text() == "mine"
    options = ("--label", "kind", "--ignore", "text", "--epochs", 12, "--overwrite", "--out", tmp_path / "issues.csv")
    assert audit(shop[0], *options) == 0
    assert len(pd.read_csv(tmp_path / "issues.csv")) == 600


def test_nothing_is_lost_where_nobody_reads(shop, tmp_path):
    words = [
        "audit",
        shop[0],
        "--label",
        "kind",
        "--ignore",
        "text",
        "--epochs",
        "12",
        "--out",
        tmp_path / "issues.csv",
    ]
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "noisylabel", *map(str, words)]
    done = subprocess.run(command, stdout=writer, stderr=writer, check=False)
    os.close(writer)
    assert done.returncode == 0
    assert len(pd.read_csv(tmp_path / "issues.csv")) == 600


def test_standard_input(shop, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(gzip.compress(shop[0].read_bytes()))))
    options = ("--label", "kind", "--ignore", "text", "--epochs", 12, "--out", tmp_path / "issues.csv")
    assert audit("-", *options) == 0
    assert "standard input: 600 rows with labels of 3 classes" in capsys.readouterr().out
    assert len(pd.read_csv(tmp_path / "issues.csv")) == 600
