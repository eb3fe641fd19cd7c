"""Cells run here, in several processes and on Ray; a killed run goes on; an error of one cell stops no other."""

import os
import signal
import subprocess
import sys
import time
import warnings
from dataclasses import replace
from pathlib import Path

import pytest
import torch

import benchmarks.__main__ as command
from benchmarks.cells import cell as cell_module
from benchmarks.cells import run as run_module
from benchmarks.cells.cell import Cell, cells, run_cell
from benchmarks.cells.rows import load_rows, path_of
from benchmarks.cells.run import RunOptions, run_profile
from benchmarks.cells.store import read
from benchmarks.methods import Method, find_method
from noisylabel import MentorNetClassifier
from noisylabel.exceptions import InvalidParameterError, NoisyLabelWarning

ROOT = Path(__file__).parents[3]
ELR = Cell("digits", "symmetric", 0.4, "elr", 0)


def _accuracies(folder):
    return {result["cell"]["method"]: result["metrics"]["curve"] for result in load_rows(folder)}


@pytest.fixture(scope="module")
def one_by_one(tmp_path_factory):
    folder = tmp_path_factory.mktemp("one_by_one")
    run_profile("smoke", folder=folder)
    return _accuracies(folder)


@pytest.mark.slow
def test_several_processes_find_the_same(one_by_one, tmp_path):
    outcomes = run_profile("smoke", folder=tmp_path, options=RunOptions(jobs=2))
    assert {outcome.cell for outcome in outcomes} == set(cells("smoke"))
    assert _accuracies(tmp_path) == one_by_one
    assert {result["environment"]["jobs"] for result in load_rows(tmp_path)} == {2}


@pytest.mark.slow
def test_ray_finds_the_same(one_by_one, tmp_path):
    """In a process of its own, since Ray changes the one that starts it."""
    run = [sys.executable, "-m", "benchmarks", "run", "--profile", "smoke", "--ray", "local", "--results", tmp_path]
    done = subprocess.run(run, capture_output=True, text=True, cwd=ROOT, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert _accuracies(tmp_path) == one_by_one


def test_an_error_of_one_cell_leaves_the_others_alone(tmp_path, monkeypatch, capsys):
    def fails_once(cell, *arguments):
        if cell.method == "plain":
            raise RuntimeError("out of memory, say")
        return run_cell(cell, *arguments)

    monkeypatch.setattr(run_module, "run_cell", fails_once)
    monkeypatch.setattr("sys.argv", ["benchmarks", "run", "--profile", "smoke", "--results", str(tmp_path)])
    with pytest.raises(SystemExit, match="1 of 3 cells failed: symmetric-0.4_plain_seed0"):
        command.main()
    assert "out of memory, say" in capsys.readouterr().err
    assert set(_accuracies(tmp_path)) == {"plain_tuned", "self_paced"}
    monkeypatch.undo()
    assert [outcome.cell.method for outcome in run_profile("smoke", folder=tmp_path)] == ["plain"]


@pytest.mark.parametrize(
    "method", ["filter_kd", *(pytest.param(name, marks=pytest.mark.slow) for name in ("elr", "mentormix_auto"))]
)
def test_a_killed_cell_goes_on_from_its_last_epoch(method, tmp_path):
    only = {"method": [method], "rate": [0.4], "noise": ["symmetric"], "seed": [0]}
    code = (
        "from pathlib import Path; from benchmarks.cells.run import RunOptions, run_profile; "
        f"run_profile('digits', {only}, Path({str(tmp_path)!r}), RunOptions(resume=True))"
    )
    checkpoint = tmp_path / f".digits_symmetric-0.4_{method}_seed0" / "checkpoint.pt"
    same_threads = os.environ | {"OMP_NUM_THREADS": str(torch.get_num_threads())}  # or the last bits differ
    process = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stderr=subprocess.DEVNULL, env=same_threads)
    deadline = time.monotonic() + 120
    while not checkpoint.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert checkpoint.exists(), "killed too late to see anything"
    cell = replace(ELR, method=method)
    assert read(path_of("digits", tmp_path)) == []
    run_profile("digits", only, tmp_path, RunOptions(resume=True))
    (row,) = read(path_of("digits", tmp_path))
    there, whole = row["metrics"], run_cell(cell)["metrics"]
    for name in ("last", "selected", "ece", "curve", "detection_ap", "weight_wrong"):
        assert there[name] == whole[name], name
    assert not checkpoint.parent.exists()  # nothing is left of it


def test_a_note_says_of_which_cell_it_is(tmp_path, monkeypatch, capsys):
    def warns(cell, *arguments):
        warnings.warn("look at\nthis", NoisyLabelWarning, stacklevel=2)
        return run_cell(cell, *arguments)

    monkeypatch.setattr(run_module, "run_cell", warns)
    (outcome,) = run_profile("smoke", {"method": ["plain"]}, tmp_path)
    assert outcome.notes == ("look at\nthis",)
    assert "Note: symmetric-0.4_plain_seed0: look at this\n" in capsys.readouterr().err


def test_the_command_shows_our_warnings_as_notes(monkeypatch, capsys):
    def warns(options):
        print(warnings.formatwarning("look at this", NoisyLabelWarning, "file.py", 1), end="")

    monkeypatch.setitem(command._COMMANDS, "list", warns)
    assert command.main(["list"]) == 0
    assert capsys.readouterr().out == "Note: look at this\n"


def test_finished_cells_are_skipped_unless_they_are_to_run_again(tmp_path):
    only = {"method": ["plain"]}
    (first,) = run_profile("smoke", only, tmp_path)
    path = path_of("smoke", tmp_path)
    before = path.read_bytes()
    assert run_profile("smoke", only, tmp_path) == []
    assert path.read_bytes() == before
    (second,) = run_profile("smoke", only, tmp_path, RunOptions(again=True))
    assert second.cell == first.cell
    assert path.read_bytes().startswith(before)  # the older row stays as it is
    older, newer = read(path)
    assert older["metrics"]["curve"] == newer["metrics"]["curve"]
    assert load_rows(tmp_path) == [newer]
    assert load_rows(tmp_path, history=True) == [older, newer]


def test_a_result_that_was_cut_off_is_run_once_more(tmp_path):
    only = {"method": ["plain"]}
    run_profile("smoke", only, tmp_path)
    path = path_of("smoke", tmp_path)
    half = path.read_bytes()[:100]
    path.write_bytes(half)  # as a kill in the middle of the writing leaves it
    with pytest.warns(UserWarning, match="line 1 breaks off"):
        (outcome,) = run_profile("smoke", only, tmp_path)
    assert outcome.cell.method == "plain"
    assert path.read_bytes().startswith(half + b"\n{")
    with pytest.warns(UserWarning, match="line 1 breaks off"):
        assert [row["cell"]["method"] for row in read(path)] == ["plain"]


def test_what_another_process_has_run_meanwhile_is_left_alone(tmp_path):
    cell = cells("smoke")[0]
    run_profile("smoke", {"method": [cell.method]}, tmp_path)
    assert run_module._train(cell, tmp_path, RunOptions()) == run_module.Outcome(cell)
    assert run_module._train(cell, tmp_path, RunOptions(again=True)).result is not None


def test_a_proof_trains_two_steps_and_saves_nothing(tmp_path, monkeypatch):
    steps = []
    monkeypatch.setattr(cell_module, "AccuracyCurve", _counting(steps))
    outcomes = run_profile("smoke", folder=tmp_path, options=RunOptions(proof=True))
    assert [outcome.error for outcome in outcomes] == [None] * 3
    assert steps == [2, 2, 2]
    assert list(tmp_path.rglob("*")) == []


def _counting(steps):
    class CountSteps(cell_module.AccuracyCurve):
        def on_train_end(self, net, **kwargs):
            steps.append(net.clock_.step)

    return CountSteps


def test_what_is_not_in_the_profile_is_said_with_what_is():
    with pytest.raises(InvalidParameterError, match=r"'smoke' has no cell with \{'seed': \[7\]\}.*seeds \[0\]"):
        run_profile("smoke", {"seed": [7]})


@pytest.mark.parametrize("jobs", ["0", "-1"])
def test_jobs_is_a_count(jobs, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["benchmarks", "run", "--profile", "smoke", "--jobs", jobs])
    assert command.main() == 2
    assert f"'jobs' must be an integer of at least 1. Got {jobs}." in capsys.readouterr().err


def test_a_device_that_is_not_there_is_said_once_and_first(monkeypatch, capsys, tmp_path):
    options = ["--profile", "smoke", "--device", "warp", "--results", str(tmp_path)]
    monkeypatch.setattr("sys.argv", ["benchmarks", "run", *options])
    assert command.main() == 2
    assert "'device' must be 'auto' or a torch device such as 'cpu' or 'cuda'. Got 'warp'." in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_cluster_that_is_not_there_is_said(tmp_path):
    options = ["--profile", "smoke", "--ray", "127.0.0.1:1", "--results", tmp_path]
    run = [sys.executable, "-m", "benchmarks", "run", *options]
    done = subprocess.run(run, capture_output=True, text=True, cwd=ROOT, timeout=300, check=False)
    assert done.returncode == 2
    assert "benchmarks: There is no Ray cluster at '127.0.0.1:1'" in done.stderr


def test_jobs_is_a_number(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["benchmarks", "run", "--profile", "smoke", "--jobs", "two"])
    with pytest.raises(SystemExit):
        command.main()
    assert "invalid int value: 'two'" in capsys.readouterr().err


@pytest.mark.data
def test_human_labels_that_are_not_there_are_left_out(tmp_path, monkeypatch, capsys):
    home = tmp_path / "home"
    home.mkdir()
    (home / "cifar10").symlink_to(Path(os.environ["NOISYLABEL_DATA"]) / "cifar10")
    monkeypatch.setenv("NOISYLABEL_DATA", str(home))
    wanted = run_module._wanted("cifar10n", {"method": ["plain"], "seed": [0]})
    assert [cell.noise for cell in wanted] == ["human_worst"]
    assert "left out human_aggregate, human_random1, human_random2, human_random3" in capsys.readouterr().err


@pytest.mark.data
@pytest.mark.filterwarnings("ignore:When the burn-in ended")  # two steps teach little
@pytest.mark.filterwarnings("ignore:Labels of .* classes ended")  # few steps
@pytest.mark.parametrize("method", ["plain", "early_stopping", "self_paced_auto"])
def test_right_29_a_proof_takes_human_labels(method, tmp_path):
    only = {"method": [method], "seed": [0], "noise": ["human_worst"]}
    (outcome,) = run_profile("cifar10n", only, tmp_path, RunOptions(proof=True))
    assert outcome.error is None


class HalfAPercentile(MentorNetClassifier):
    """A method of one's own."""


OWN_METHOD = Method({"curriculum": "self_paced", "loss_percentile": 0.5})


@pytest.mark.filterwarnings("ignore:Labels of .* classes ended")  # few steps
def test_right_29_a_method_that_is_asked_for_is_run(tmp_path):
    own = f"{__name__}:OWN_METHOD"
    outcomes = run_profile("smoke", {"method": ["plain", "elr", own]}, tmp_path)
    assert [outcome.cell.method for outcome in outcomes] == ["plain", "elr", own]
    assert [row["settings"] for row in load_rows(tmp_path)][2] == OWN_METHOD.settings
    assert run_profile("smoke", {"method": [own]}, tmp_path) == []  # it has a result
    assert {cell.method for cell in run_module._wanted("digits", {"method": [own], "rate": [0.45]})} == {own}
    named = run_module._wanted("digits", {"method": ["mentormix_port"], "noise": ["pair"], "seed": [0]})
    assert [cell.name for cell in named] == ["pair-0.45_mentormix_port_seed0"]
    assert find_method(f"{__name__}:HalfAPercentile").estimator is HalfAPercentile


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("planin", "'methods' must be one of .*Got 'planin'. Did you mean 'plain'"),
        ("absent:Name", "that can be imported from here: No module named 'absent'"),
        (f"{__name__}:ABSENT", "has no attribute 'ABSENT'"),
        ("numpy:pi", "must be a benchmarks.methods.Method, or a sub-class .* Got 3.14"),
    ],
)
def test_right_29_a_method_that_does_not_exist_is_said(name, message, tmp_path):
    with pytest.raises(InvalidParameterError, match=message):
        run_profile("smoke", {"method": ["plain", name]}, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_right_29_a_seed_or_noise_that_is_not_there_is_not_dropped():
    with pytest.raises(InvalidParameterError, match=r"no cell with \{'noise': \['pear'\], 'seed': \[7\]\}"):
        run_profile("digits", {"noise": ["pair", "pear"], "seed": [0, 7], "rate": [0.4]})


def test_a_column_is_shown_when_its_last_method_is_done_with_earlier_results(tmp_path, capsys):
    run_profile("smoke", {"method": ["plain"]}, tmp_path)
    capsys.readouterr()
    run_profile("smoke", {"method": ["plain", "plain_tuned"]}, tmp_path)
    found = {row["cell"]["method"]: row["metrics"]["last"] for row in load_rows(tmp_path)}
    best, other = sorted(found, key=found.get, reverse=True)
    *_, line = capsys.readouterr().out.splitlines()
    assert line == f"symmetric-0.4_seed0, last epoch: {best} {100 * found[best]:.2f}, {other} {100 * found[other]:.2f}"
