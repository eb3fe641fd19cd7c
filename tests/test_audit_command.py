"""``noisylabel audit``, as people without Python use it."""

import re

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from noisylabel.cli import main
from noisylabel.inspection._auditor import default_auditor
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
    assert "Read as numbers: price." in said
    assert "Not used (differs in every row, as an id does): id." in said
    issues = pd.read_csv(out)
    flagged = issues[issues["is_label_issue"]]
    wrong = is_wrong[flagged["row"]]
    assert f"Flagged as probably wrong: {len(flagged)} of 600." in said
    assert wrong.mean() > 0.8  # of those flagged, how many are wrong
    assert wrong.sum() / is_wrong.sum() > 0.8  # of the wrong, how many are flagged
    assert (flagged["suggested_label"].to_numpy() == right[flagged["row"]])[wrong].mean() > 0.9
    rate, low, high = (float(n) / 100 for n in re.search(r"labels: ([\d.]+)%.* ([\d.]+)% to ([\d.]+)%", said).groups())
    assert low < rate < high
    assert abs(rate - is_wrong.mean()) < 0.05
    assert f"Written: {out}, {report}" in said
    assert file.read_bytes() == before
    dom = open_browser(tmp_path).dom(report)
    assert "Label audit of shop.csv" in dom
    assert dom.count('data-name="text"') == 24
    assert "loss_percentile" in dom


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
    assert re.search(r"1 file that cannot be read as an image left out: .*broken.png\.", said)
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
    pd.DataFrame({"x": rng.normal(size=120), "kind": rng.integers(2, size=120)}).to_csv(tmp_path / "t.csv", index=False)
    assert audit(tmp_path / "t.csv", "--label", "kind", "--out", tmp_path / "issues.csv", "--epochs", 20) == 0
    assert "Note: When the burn-in ended, the network agreed with" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("{file}",), "is a table: say with --label which column holds the labels"),
        (("absent.csv", "--label", "kind"), "There is no file absent.csv"),
        (("{file}", "--label", "kinds"), r"'label' must be one of .* Did you mean 'kind'\?"),
        (("{file}", "--label", "kind", "--ignore", "prise"), r"'ignore' must be one of .* Did you mean 'price'\?"),
        (("{file}", "--label", "id"), "600 different values in 600 rows"),
        (("{file}", "--label", "kind", "--out", "{file}"), "--out is .*shop.csv, which is the file to audit"),
        (("{file}", "--label", "kind", "--report", "{file}"), "--report is .*shop.csv, which is the file to audit"),
        (("{file}", "--label", "kind", "--report", "issues.csv"), "--out and --report are both issues.csv"),
        (("{folder}", "--label", "kind"), "--label names a column of a table, and .* is a folder"),
        (("{folder}",), "has no images in sub-folders"),
        (("{file}", "--label", "kind", "--epochs", "0"), "'max_epochs' must be an integer of at least 1. Got 0"),
    ],
)
def test_errors_are_said(shop, capsys, arguments, message):
    file = shop[0]
    assert audit(*(one.format(file=file, folder=file.parent) for one in arguments)) == 2
    assert re.search(message, capsys.readouterr().err)


def test_default_auditor():
    assert default_auditor("table").student == "auto"
    assert default_auditor("images").augment == "shift_flip"
