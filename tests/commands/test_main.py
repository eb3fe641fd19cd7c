"""The command line, and the demonstration behind it."""

import contextlib
import io
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

import noisylabel
from noisylabel.cli import main
from noisylabel.commands._demo import METHODS, run_demo, summarize

HANDED_OVER = ("sweeps", "benchmarks")


def test_demo_writes_table_and_plot(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("noisylabel.commands._demo.RATES", (0.0, 0.4))
    assert main(["demo", "--out", str(tmp_path / "out"), "--seeds", "1", "--jobs", "1"]) == 0
    printed = capsys.readouterr().out
    runs = pd.read_csv(tmp_path / "out" / "digits.csv")
    assert len(runs) == 2 * len(METHODS)
    for name in ("digits-summary.csv", "digits.png"):
        assert str(tmp_path / "out" / name) in printed
    assert "self_paced" in printed
    with Image.open(tmp_path / "out" / "digits.png") as picture:
        assert picture.size == (1050, 675)
    assert sorted(path.suffix for path in (tmp_path / "out").iterdir()) == [".csv", ".csv", ".png"]


def test_the_demo_says_of_which_training_a_note_is(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("noisylabel.commands._demo.RATES", (0.8,))
    monkeypatch.setattr("noisylabel.commands._demo.METHODS", {"self_paced": METHODS["self_paced"]})
    assert main(["demo", "--out", str(tmp_path), "--seeds", "2", "--jobs", "1"]) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    notes = [line for line in printed.out.splitlines() if line.startswith("Note: ")]
    assert re.fullmatch(r"Note: self_paced, 80 % noise, seed 0: Labels of \d of 10 classes ended .*", notes[0])
    assert all(re.match(r"Note: self_paced, 80 % noise, seed [01]: ", note) for note in notes)


@pytest.mark.slow
def test_the_whole_demo(tmp_path):
    runs = pd.read_csv(run_demo(tmp_path) / "digits.csv")
    means = runs.groupby(["rate", "method"])["accuracy"].mean().unstack()
    assert (means.loc[0.4].drop("plain") > means.loc[0.4, "plain"] + 0.08).any()


def test_summary_reads_mean_and_deviation():
    table = pd.DataFrame({"method": ["b", "b", "a", "a"], "rate": 0.4, "accuracy": [0.7, 0.8, 0.9, 0.9]})
    assert summarize(table)["40 % noise"].to_dict() == {"b": "75.0 ± 7.1", "a": "90.0 ± 0.0"}


COMMANDS = ["demo", "audit", "curriculum", "evaluate", "sweep", "bench"]
LONG = [["demo"], ["audit"], ["curriculum", "learn"], ["curriculum", "records"], ["curriculum", "plot"], ["evaluate"]]


def test_errors_have_no_traceback(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert main(["demo", "--out", str(tmp_path / "file"), "--seeds", "1"]) == 2
    captured = capsys.readouterr()
    assert captured.err == f"noisylabel: 'out' is {tmp_path / 'file'}, which is a file. Give the name of a folder.\n"
    assert captured.out == ""
    assert main(["demo", "--out", str(tmp_path / "file" / "deep"), "--seeds", "1"]) == 2
    assert capsys.readouterr().err == f"noisylabel: {tmp_path / 'file' / 'deep'}: Not a directory.\n"


@pytest.mark.parametrize(
    ("arguments", "message", "command"),
    [
        ([], "the following arguments are required: COMMAND", "noisylabel"),
        (["dance"], "argument COMMAND: invalid choice: 'dance'", "noisylabel"),
        (
            ["demo", "--seeds", "0"],
            "argument --seeds: must be a whole number of at least 1; got '0'",
            "noisylabel demo",
        ),
        (
            ["demo", "--jobs", "two"],
            "argument --jobs: must be a whole number of at least 1; got 'two'",
            "noisylabel demo",
        ),
        (["demo", "--seed", "1", "--no"], "unrecognized arguments: --no", "noisylabel"),
        (["audit"], "the following arguments are required: FILE", "noisylabel audit"),
        (["audit", "f", "--epochs", "0"], "argument --epochs: must be a whole number of", "noisylabel audit"),
        (["audit", "f", "--size", "1.5"], "argument --size: must be a whole number of", "noisylabel audit"),
        (["evaluate", "d"], "the following arguments are required: --data", "noisylabel evaluate"),
        (
            ["evaluate", "d", "--every", "0"],
            "argument --every: must be a number above 0; got '0'",
            "noisylabel evaluate",
        ),
        (["curriculum"], "the following arguments are required: COMMAND", "noisylabel curriculum"),
        (
            ["curriculum", "learn", "--out", "x"],
            "one of the arguments --vstar --records is",
            "noisylabel curriculum learn",
        ),
        (
            ["curriculum", "learn", "--records", "r.csv", "--out", "x", "--percentile", "0.5,70"],
            "argument --percentile: must be a fraction from 0 to 1, so 0.7 and not 70; got '70'",
            "noisylabel curriculum learn",
        ),
        (
            ["curriculum", "records", "--dataset", "digits", "--out", "x", "--percentile", "70"],
            "argument --percentile: must be a fraction from 0 to 1, so 0.7 and not 70; got '70'",
            "noisylabel curriculum records",
        ),
        (
            ["curriculum", "records", "--dataset", "digits", "--out", "x", "--rate", "40"],
            "argument --rate: must be a fraction from 0 to 1, so 0.7 and not 70; got '40'",
            "noisylabel curriculum records",
        ),
        (
            ["curriculum", "plot", "focal", "--loss-bound", "-1"],
            "argument --loss-bound: ",
            "noisylabel curriculum plot",
        ),
    ],
)
def test_wrong_usage_is_one_sentence_and_exit_code_2(arguments, message, command, capsys):
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 2
    said = capsys.readouterr()
    assert said.err.startswith(f"noisylabel: {message}")
    assert said.err.endswith(f". See '{command} --help'.\n")
    assert said.err.count("\n") == 1
    assert said.out == ""


def help_of(arguments, capsys):
    with pytest.raises(SystemExit) as stop:
        main([*arguments, "--help"])
    assert stop.value.code == 0
    return capsys.readouterr().out


def test_help_names_every_command(capsys):
    listed = re.findall(r"^    (\w+)(?: +[A-Z]|$)", help_of([], capsys), re.MULTILINE)
    assert listed == COMMANDS


@pytest.mark.parametrize("arguments", LONG)
def test_help_says_of_each_option_what_it_is(arguments, capsys):
    """A sentence about the command; of each option some words, and the default in parentheses where there is one."""
    text = help_of(arguments, capsys)
    about = text.split("\n\n")[1]
    assert about[0].isupper()
    assert about.endswith(".")
    options = re.split(r"\n  (?=-)", text[text.index("\noptions:") :])[2:]
    assert options
    for option in options:
        name, words = option.split(maxsplit=1)
        assert len(" ".join(words.split()).split()) >= 2, name
    assert "(None)" not in text
    assert "(False)" not in text


@pytest.mark.parametrize(
    ("arguments", "default"), [(["demo"], r"--seeds SEEDS +repetitions \(3\)"), (["audit"], r"--seed SEED .*\(0\)"),
                               (["evaluate"], r"--every EVERY .*looks \(2.0\)")]
)  # fmt: skip
def test_help_has_defaults(arguments, default, capsys):
    assert re.search(default, " ".join(help_of(arguments, capsys).split()))


def test_version(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["--version"])
    assert stop.value.code == 0
    assert capsys.readouterr().out.split() == ["noisylabel", noisylabel.__version__]


def test_as_a_module():
    done = subprocess.run([sys.executable, "-m", "noisylabel", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["noisylabel", noisylabel.__version__]


def test_ctrl_c_is_said(monkeypatch, capsys):
    def stopped(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("noisylabel.commands._demo.run_demo", stopped)
    assert main(["demo"]) == 130
    assert capsys.readouterr().err == "noisylabel: stopped.\n"


WARNING = """
import sys, warnings
from noisylabel.cli import main
from noisylabel.commands import _demo
from noisylabel.exceptions import NoisyLabelWarning

def warned(*_, **__):
    warnings.warn("look at this", NoisyLabelWarning)
    warnings.warn("of another package", UserWarning)

_demo.run_demo = warned
usual = warnings.formatwarning
assert main(["demo"]) == 0
assert warnings.formatwarning is usual
"""


def test_warnings_of_ours_are_notes():
    done = subprocess.run([sys.executable, "-c", WARNING], capture_output=True, text=True, check=True)
    assert re.match(r"Note: look at this\n.*: UserWarning: of another package\n", done.stderr)


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Return a function that makes a package of a name in the current folder, instead of the real one."""

    def make(name, main, about='"""CurriculumSearch, python -m benchmarks"""'):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(about)
        (tmp_path / name / "__main__.py").write_text(main)

    monkeypatch.chdir(tmp_path)
    real = [entry for entry in sys.path if any((Path(entry) / name).is_dir() for name in HANDED_OVER)]
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if entry not in real])
    for module in [module for module in sys.modules if module.split(".")[0] in HANDED_OVER]:
        monkeypatch.delitem(sys.modules, module)
    yield make
    for module in [module for module in sys.modules if module.split(".")[0] in HANDED_OVER]:
        del sys.modules[module]


@pytest.mark.parametrize(("command", "name"), [("sweep", "sweeps"), ("bench", "benchmarks")])
def test_sweep_and_bench_hand_over_everything(command, name, package, capsys):
    package(name, "def main(arguments):\n    print(arguments)\n    return 3\n")
    assert main([command, "run", "--help", "--rate", "-1", "--", "x"]) == 3
    assert capsys.readouterr().out == "['run', '--help', '--rate', '-1', '--', 'x']\n"


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (
            "sweep",
            "needs the package sweeps, which comes along: pip install '..sweeps.' in a clone of noisylabel.",
        ),
        ("bench", "needs the folder benchmarks, .* Clone the repository, and run the command in the clone."),
    ],
)
def test_sweep_and_bench_say_what_they_need(command, message, package, capsys):
    assert main([command]) == 2
    assert re.fullmatch(f"noisylabel: 'noisylabel {command}' {message}\n", capsys.readouterr().err)


def test_a_package_that_sweeps_need_is_named(package, capsys):
    package("sweeps", "import a_package_that_is_not_there\n")
    assert main(["sweep", "run"]) == 2
    assert capsys.readouterr().err == (
        "noisylabel: The package 'a_package_that_is_not_there' is not installed. Get all that this needs: pip install "
        "'.[sweeps]' in a clone of noisylabel.\n"
    )


def test_right_20_another_package_called_sweeps_is_named(package, tmp_path, capsys):
    package("sweeps", "1 / 0\n", about="from sweeps.bayes_search import next_runs\n")
    assert main(["sweep", "run"]) == 2
    assert capsys.readouterr().err == (
        f"noisylabel: The package 'sweeps' in {tmp_path / 'sweeps'} is not noisylabel's but another one of that name. "
        "Uninstall it (pip uninstall sweeps) and install noisylabel again, or give it an environment of its own.\n"
    )


@pytest.mark.parametrize(("command", "word"), [("sweep", "searcher"), ("bench", "profile")])
def test_the_real_ones_answer(command, word, capsys):
    with pytest.raises(SystemExit) as stop:
        main([command, "run", "--help"])
    assert stop.value.code == 0
    assert f"--{word}" in capsys.readouterr().out


PIPED = """
import sys
from noisylabel import commands
from noisylabel.cli import main
from noisylabel.commands import _demo

def long(*_, **__):
    for line in range(100_000):
        print("caf\\udce9", line)
    open(sys.argv[1], "w").write("result")

_demo.run_demo = long
sys.exit(main(["demo"]))
"""


def test_right_32_a_closed_pipe_loses_no_result(tmp_path):
    with subprocess.Popen(
        [sys.executable, "-c", PIPED, tmp_path / "out"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as run:
        assert run.stdout.readline() == "caf\\udce9 0\n"  # a name that is no text ends nothing either
        run.stdout.close()
        said = run.stderr.read()
    assert (run.returncode, said) == (0, "")
    assert (tmp_path / "out").read_text() == "result"


ADDRESSED = [
    ["demo", "--out", "s3://b/x"],
    ["audit", "s3://b/t.csv"],
    ["audit", "t.csv", "--out", "gs://b/i.csv"],
    ["audit", "t.csv", "--report", "s3://b/r.html"],
    ["curriculum", "plot", "focal", "--out", "s3://b/x"],
    ["curriculum", "learn", "--vstar", "focal", "--out", "s3://b/x"],
    ["curriculum", "learn", "--records", "s3://b/r.csv", "--out", "x"],
    ["curriculum", "records", "--table", "s3://b/t.csv", "--out", "x"],
    ["curriculum", "records", "--dataset", "digits", "--out", "s3://b/x"],
    ["evaluate", "s3://b/run", "--data", "digits"],
    ["evaluate", "run", "--data", "s3://b/t.csv"],
]


@pytest.mark.parametrize("arguments", ADDRESSED, ids=" ".join)
def test_right_25_addresses_are_refused_at_every_option(arguments, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    try:
        code = main(arguments)
    except SystemExit as stop:
        code = stop.code
    assert code == 2
    assert "must be a path on this machine. Got '" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "arguments", [["curriculum", "list"], ["curriculum", "plot", "no_such_curriculum"], ["--version"]]
)
def test_right_32_the_callers_streams_are_as_they_were(arguments, monkeypatch):
    streams = [io.TextIOWrapper(io.BytesIO(), "ascii", errors="strict") for _ in range(2)]
    monkeypatch.setattr(sys, "stdout", streams[0])
    monkeypatch.setattr(sys, "stderr", streams[1])
    with contextlib.suppress(SystemExit):
        main(arguments)
    assert (sys.stdout, sys.stderr) == tuple(streams)
    assert [stream.errors for stream in streams] == ["strict", "strict"]
