"""The examples run as they are, and the README's first example prints what the README says."""

import re
import runpy
from pathlib import Path

import matplotlib.pyplot as plt
import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("path", sorted((ROOT / "examples").glob("*.py")), ids=lambda path: path.stem)
def test_example(path, capsys):
    runpy.run_path(str(path), run_name="__main__")
    assert capsys.readouterr().out.startswith("Your ")


GALLERY = [
    pytest.param("one_step_ntk", ["to the power 2.0"], 1),
    pytest.param("zig_zag", ["zig-zag score: ", "visit the right class"], 2, marks=pytest.mark.slow),
    pytest.param("cifar10_paths", ["epoch 6: "], 2, marks=[pytest.mark.slow, pytest.mark.data]),
]


def run_gallery(name, said, n_figures, tmp_path, capsys, monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "examples" / "gallery")  # as Python does for a script
    monkeypatch.setattr("sys.argv", [name, "--quick", "--out", str(tmp_path)])
    runpy.run_path(str(ROOT / "examples" / "gallery" / f"{name}.py"), run_name="__main__")
    plt.close("all")
    printed = capsys.readouterr().out
    assert all(words in printed for words in said)
    assert len(list(tmp_path.glob("*.png"))) == n_figures
    return printed


@pytest.mark.parametrize(("name", "said", "n_figures"), GALLERY)
def test_gallery(name, said, n_figures, tmp_path, capsys, monkeypatch):
    run_gallery(name, said, n_figures, tmp_path, capsys, monkeypatch)


@pytest.mark.slow
def test_nearer_targets_are_better_in_the_gallery(tmp_path, capsys, monkeypatch):
    printed = run_gallery("hypothesis_1", ["networks"], 1, tmp_path, capsys, monkeypatch)
    ranks = re.findall(r", (accuracy|calibration error): .* with the distance ([+-]0\.\d+)", printed)
    assert len(ranks) == 4
    for measure, rank in ranks:  # quick; the page in docs has the full run
        assert float(rank) < -0.5 if measure == "accuracy" else float(rank) > 0.5


def test_first_example_of_the_readme(capsys):
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    code = re.search(r"```python\n(.*?)```", text, re.DOTALL)[1]
    exec(compile(code, "README.md", "exec"), {})
    printed = capsys.readouterr().out.splitlines()
    promised = [line.strip() for line in re.search(r"```\n\n((?:    .*\n)+)", text)[1].splitlines()]
    number = r"\d+\.\d+"
    assert [re.sub(number, "#", line) for line in printed] == [re.sub(number, "#", line) for line in promised]
    for line, promise in zip(printed, promised, strict=True):
        for actual, expected in zip(re.findall(number, line), re.findall(number, promise), strict=True):
            assert float(actual) == pytest.approx(float(expected), abs=0.06)  # other processors round differently


@pytest.mark.parametrize("page", sorted(path.name for path in (ROOT / "docs").glob("*.md")))
def test_code_in_the_docs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {}
    for code in re.findall(r"```python\n(.*?)```", (ROOT / "docs" / page).read_text(encoding="utf-8"), re.DOTALL):
        exec(compile(code, page, "exec"), names)


@pytest.mark.parametrize("page", [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))], ids=lambda p: p.name)
def test_no_page_has_an_empty_table(page):
    text = page.read_text(encoding="utf-8")
    tables = re.findall(r"<!-- table: (.*?) -->(.*?)<!-- end of table -->", text, re.DOTALL)
    assert len(tables) == text.count("<!-- table:") == text.count("<!-- end of table -->")
    for command, table in tables:
        assert table.count("\n| ") > 2, command
