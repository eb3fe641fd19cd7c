"""What goes wrong in a sweep stays small: processes that die, trials that fail, disks that are full, files that rot."""

import hashlib
import os
import pickle
import re
import shutil
import signal
import subprocess
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import optuna
import pytest
import yaml
from sklearn.base import clone

from noisylabel import MentorNetClassifier
from sweeps import CurriculumSearch
from sweeps.__main__ import SOME_FAILED, UNFINISHED, USAGE, _config_of, main
from sweeps.engine.log import LOG_FILE, SweepLog
from sweeps.engine.manifest import MANIFEST_FILE
from sweeps.engine.run import make_state, read_results, run_sweep
from sweeps.engine.session import prepare_ray, ray_session
from sweeps.engine.trials import trial_name
from sweeps.problem import load_problem, make_search
from sweeps.trial.draws import configure
from tests.driver import Driver, events, kill_all, reports, wait_until
from tests.faulty import Diary, Scribbler, Whereabouts, doubled, doubled_in_place, nan_score, read_diary

ROOT = Path(__file__).parents[2]
DIGITS = ["--dataset", "digits", "--samples", "400", "--noise", "symmetric", "--rate", "0.4"]
PLAIN = {"curriculum": "uniform", "max_epochs": 12, "weight_decay": 0.0}


@pytest.fixture(scope="module")
def local_ray():
    prepare_ray()
    with ray_session(n_cpus=2):
        yield


@pytest.fixture
def noisy_blobs(blobs):
    X, y = blobs
    noisy_y = y.copy()
    noisy_y[::5] = (noisy_y[::5] + 1) % 3
    return X, noisy_y


@pytest.fixture(autouse=True, scope="module")
def _no_driver_left():
    yield
    kill_all()


def rungs(folder):
    """What the scheduler has compared, by the log: from an epoch to the scores of trials."""
    config = _config_of(folder)
    problem = load_problem(config)
    state = make_state(make_search(config, problem)._prepare(problem.X, problem.noisy_y, None, None, folder))
    state.log = SweepLog(shutil.copy(folder / LOG_FILE, folder.with_suffix(".jsonl")))
    state.replay()
    return {
        epoch: {trial_name(number): score for number, score in scores.items()}
        for epoch, scores in state.scheduler.compared.items()
    }


def write_limits(tmp_path, **content):
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(content))
    return ["--config", path]


def small_search(callbacks=(), epochs=12, **parameters):
    own = parameters.pop("estimator", {})
    estimator = MentorNetClassifier("uniform", max_epochs=epochs, callbacks=list(callbacks), random_state=0, **own)
    limits = PLAIN | {"max_epochs": epochs} | parameters.pop("limits", {})
    defaults = {"searcher": "random", "scheduler": "none", "refit": False, "random_state": 0, "verbose": 0}
    return CurriculumSearch(estimator, "plain", limits=limits, **defaults | parameters)


def kill_at_epochs(diary, epochs):
    """Kill the process that trains as soon as it has come to each of the epochs; return those killed."""
    killed = []

    def alive_and_at(epoch):
        return [pid for pid, at in read_diary(diary) if at >= epoch and pid not in killed]

    for epoch in epochs:
        wait_until(partial(alive_and_at, epoch), f"epoch {epoch}")
        killed.append(alive_and_at(epoch)[0])
        os.kill(killed[-1], signal.SIGKILL)
    return killed


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_sweep_whose_driver_is_killed_loses_nothing(tmp_path):
    folder = tmp_path / "sweep"
    config = write_limits(tmp_path, limits={"max_epochs": 8})
    options = [*DIGITS, "--method", "plain", "--scheduler", "none", "--epochs", 8, "--trials", 2, *config]
    options += ["--cpus-per-trial", os.cpu_count()]  # one trial after the other
    driver = Driver(tmp_path, "run", *options, "--out", folder, module="tests.faulty", pause=0.15)

    def the_second_is_under_way():
        epochs = {trial: max(epochs) for trial, epochs in epochs_by_trial(reports(folder)).items()}
        return 3 <= min(epochs.values(), default=0) < max(epochs.values())

    driver.wait_until(the_second_is_under_way, "epoch 3 of the second trial")
    os.killpg(driver.process.pid, signal.SIGKILL)
    driver.process.wait()
    before = reports(folder)
    assert main(["resume", str(folder)]) == 0

    assert read_results(folder).trials["state"].tolist() == ["done"] * 2
    assert reports(folder)[: len(before)] == before
    first, second = epochs_by_trial(before)
    later = epochs_by_trial(reports(folder)[len(before) :])
    assert later.keys() == {second}  # what had ended is not trained again
    assert 2 <= later[second][0] <= 1 + max(epochs_by_trial(before)[second])
    assert later[second] == list(range(later[second][0], 9))


def epochs_by_trial(reports):
    found = {}
    for report in reports:
        found.setdefault(report["trial"], []).append(report["epoch"])
    return found


@pytest.mark.slow
def test_a_trial_killed_five_times_ends_as_if_nothing_had_happened(local_ray, noisy_blobs, tmp_path):
    def run(name, pause):
        search = small_search([Diary(tmp_path / name, pause)], epochs=22, n_trials=1, limits={"lr": [0.002]},
                              out=tmp_path / f"sweep-{name}")  # fmt: skip
        sweep = search._prepare(*noisy_blobs, None, None, search.out)
        sweep.setup.checkpoint_seconds = 0.0
        return run_sweep(sweep).trials.iloc[0]

    with ThreadPoolExecutor(1) as pool:
        killer = pool.submit(kill_at_epochs, tmp_path / "killed", [4, 8, 12, 16, 20])
        killed = run("killed", pause=0.4)
        pids = killer.result()
    calm = run("calm", pause=0.0)
    assert killed["state"] == calm["state"] == "done"
    assert killed["epochs"] == calm["epochs"] == 22
    assert killed["score"] == calm["score"]
    assert killed["right"] == calm["right"]
    seen = read_diary(tmp_path / "killed")
    last, ran = 0, list(dict.fromkeys(pid for pid, _ in seen))
    assert ran[:-1] == pids
    for pid in ran:
        own = [epoch for who, epoch in seen if who == pid]
        assert own == list(range(own[0], own[-1] + 1))
        assert own[0] == 1 if last == 0 else last - 2 <= own[0] <= last
        last = own[-1]
    assert [epoch for _, epoch in read_diary(tmp_path / "calm")] == list(range(1, 23))


@pytest.mark.slow
def test_a_sweep_whose_driver_is_killed_twice_goes_on(tmp_path):
    folder = tmp_path / "sweep"
    config = write_limits(tmp_path, limits={"max_epochs": 18, "curriculum": "uniform"})
    options = [*DIGITS, "--method", "plain", "--epochs", 18, "--trials", 6, "--out", folder, *config]

    driver = Driver(tmp_path, "run", *options, module="tests.faulty", pause=0.3)
    driver.wait_until(lambda: any(report["epoch"] >= 9 for report in reports(folder)), "epoch 9")
    driver.kill(whole_group=False)
    first_rungs, first_reports = rungs(folder), reports(folder)
    assert read_results(folder).trials["state"].eq("unfinished").any()

    driver = Driver(tmp_path, "resume", folder, module="tests.faulty", pause=0.3)
    driver.wait_until(lambda: [event["event"] for event in events(folder)].count("end") >= 2, "the end of two trials")
    driver.kill(whole_group=True)
    second_rungs = rungs(folder)

    code, printed = Driver(tmp_path, "resume", folder, module="tests.faulty").finish()
    assert code == 0, printed
    trials = read_results(folder).trials
    assert len(trials) == 6
    assert set(trials["state"]) <= {"done", "stopped"}
    assert_nothing_done_is_repeated(folder)
    furthest = max(first_reports, key=lambda report: report["epoch"])
    later = [report["epoch"] for report in reports(folder) if report["trial"] == furthest["trial"]]
    resumed_at = later[[report["trial"] for report in first_reports].count(furthest["trial"])]
    assert 1 < resumed_at <= furthest["epoch"] + 1
    assert_rungs_are_right(folder, [first_rungs, second_rungs])


def assert_nothing_done_is_repeated(folder):
    finished = set()
    for report in reports(folder):
        assert report["trial"] not in finished or report.get("finished")
        finished |= {report["trial"]} if report.get("finished") else set()
    assert finished


def assert_rungs_are_right(folder, before):
    """No score is in a rung of another epoch, and what was there before a kill is there still."""
    scores = {(report["trial"], report["epoch"]): report["score"] for report in reports(folder)}
    now = rungs(folder)
    assert sum(map(len, now.values())) >= sum(map(len, before[0].values())) > 0
    for epoch, compared in now.items():
        assert compared == {trial: scores[trial, epoch] for trial in compared}
    for earlier in before:
        for epoch, compared in earlier.items():
            assert compared.items() <= now[epoch].items()


@pytest.mark.slow
def test_a_killed_population_goes_on_and_its_schedules_replay(tmp_path):
    folder = tmp_path / "sweep"
    options = [*DIGITS, "--scheduler", "pbt", "--epochs", 20, "--trials", 4, "--out", folder]
    driver = Driver(tmp_path, "run", *options, module="tests.faulty", pause=0.1)
    driver.wait_until(lambda: sum(report["epoch"] >= 8 for report in reports(folder)) >= 2, "epoch 8")
    driver.kill(whole_group=True)
    n_before = len(reports(folder))
    code, printed = Driver(tmp_path, "resume", folder, module="tests.faulty").finish()
    assert code == 0, printed
    trials = read_results(folder).trials
    assert trials["state"].tolist() == ["done"] * 4
    assert {report["epoch"] for report in reports(folder)[n_before:]} != set(range(1, 21))
    assert_nothing_done_is_repeated(folder)
    assert any("," in params["curriculum"] for params in trials["params"])

    config = _config_of(folder)
    problem = load_problem(config)
    sweep = make_search(config, problem)._prepare(problem.X, problem.noisy_y, None, problem.test_data, folder)
    for row in trials.to_dict("records"):
        clf = configure(sweep.setup.estimator, row["params"]).fit(sweep.data["X"], sweep.data["y"])
        right = clf.predict_proba(sweep.data["X_valid"]).argmax(1) == sweep.data["y_valid"]
        assert np.packbits(right).tobytes() == row["right"]


@pytest.mark.slow
def test_a_driver_killed_before_its_first_trial_starts_over(tmp_path):
    folder = tmp_path / "sweep"
    options = [*DIGITS, "--method", "plain", "--epochs", 2, "--trials", 2, "--scheduler", "none", "--out", folder]
    driver = Driver(tmp_path, "run", *options)
    driver.wait_until((folder / MANIFEST_FILE).exists, "the manifest")
    driver.kill(whole_group=True)
    assert events(folder) == []
    code, printed = Driver(tmp_path, "resume", folder).finish()
    assert code == 0, printed
    assert read_results(folder).trials["state"].tolist() == ["done"] * 2


@pytest.mark.slow
def test_an_interrupted_sweep_says_how_to_go_on(tmp_path):
    folder = tmp_path / "sweep"
    options = [*DIGITS, "--method", "plain", "--epochs", 12, "--trials", 2, "--scheduler", "none", "--out", folder]
    options += write_limits(tmp_path, limits={"max_epochs": 12})
    driver = Driver(tmp_path, "run", *options, module="tests.faulty", pause=0.5)
    driver.wait_until(lambda: any(report["epoch"] >= 3 for report in reports(folder)), "epoch 3")
    os.killpg(driver.process.pid, signal.SIGINT)  # as the terminal does
    code, printed = driver.finish()
    assert code == UNFINISHED, printed
    assert f"python -m sweeps resume {folder}" in printed
    assert "Traceback" not in printed
    reached = max(reports(folder), key=lambda report: report["epoch"])
    n_before = len(reports(folder))
    code, printed = Driver(tmp_path, "resume", folder, module="tests.faulty").finish()
    assert code == 0, printed
    assert read_results(folder).trials["state"].tolist() == ["done"] * 2
    later = [report["epoch"] for report in reports(folder)[n_before:] if report["trial"] == reached["trial"]]
    assert 1 < later[0] <= reached["epoch"] + 1
    assert later == list(range(later[0], 13))


@pytest.mark.slow
def test_a_configuration_that_raises_is_one_failed_trial(local_ray, tmp_path, capsys):
    folder = tmp_path / "sweep"
    words = ["run", *DIGITS, "--method", "tests.faulty:SomeCannotTrain", "--epochs", "2", "--trials", "6",
             "--searcher", "random", "--scheduler", "none", "--seed", "2", "--out", str(folder)]  # fmt: skip
    assert main(words) == SOME_FAILED
    printed = capsys.readouterr().out
    results = read_results(folder)
    fails = results.trials["params"].map(lambda params: params["student"] == "cnn")
    assert 0 < fails.sum() < 6
    assert results.trials["state"].tolist() == ["failed" if failed else "done" for failed in fails]
    message = "SmallCNN takes images of shape (channels, height, width)"
    for where in (printed, (folder / "trials.csv").read_text(), (folder / "report.html").read_text()):
        assert message in where
    assert results.trials["error"].str.contains(re.escape(message)).tolist() == fails.tolist()


@pytest.mark.slow
def test_a_trial_that_diverges_fails_at_once(local_ray, noisy_blobs, tmp_path):
    search = small_search(
        [Diary(tmp_path / "diary")], n_trials=6, limits={"lr": [0.002, 1e30]}, estimator={"standardize": False},
        out=tmp_path / "sweep",
    )  # fmt: skip
    trials = search.fit(*noisy_blobs).sweep_.trials
    diverges = trials["param_lr"] == 1e30
    assert 0 < diverges.sum() < 6
    assert trials["state"].tolist() == ["failed" if diverged else "done" for diverged in diverges]
    assert trials.loc[diverges, "error"].str.contains("DivergedError").all()
    assert len(read_diary(tmp_path / "diary")) <= 2 * diverges.sum() + 12 * (~diverges).sum()
    assert_told_as_failed(search, diverges.sum())


@pytest.mark.slow
def test_a_score_that_is_no_number_fails_at_once(local_ray, noisy_blobs, tmp_path):
    search = small_search([Diary(tmp_path / "diary")], n_trials=2, scoring=nan_score, out=tmp_path / "sweep")
    search.run_trials(*noisy_blobs)
    assert search.sweep_.trials["state"].tolist() == ["failed"] * 2
    assert search.sweep_.trials["error"].tolist() == ["ArithmeticError: The score of epoch 1 is nan."] * 2
    assert max(epoch for _, epoch in read_diary(tmp_path / "diary")) <= 2
    assert_told_as_failed(search, 2)


def assert_told_as_failed(search, n_failed):
    states = [trial.state for trial in search.sweep_.study.trials]
    assert states.count(optuna.trial.TrialState.FAIL) == n_failed
    assert states.count(optuna.trial.TrialState.RUNNING) == 0


@pytest.fixture
def no_ray(monkeypatch):
    def refuse(*arguments):
        raise AssertionError("Ray was started")

    monkeypatch.setattr("sweeps.engine.run.ray_session", refuse)


@pytest.fixture
def tiny_disk(tmp_path):
    """A disk of a megabyte, where the tests may mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    mounted = shutil.which("mount") is not None and subprocess.run(command, capture_output=True).returncode == 0
    yield folder if mounted else None
    if mounted:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def run_digits(folder):
    return main(["run", *DIGITS, "--epochs", "2", "--trials", "2", "--out", str(folder)])


def test_a_file_in_place_of_the_folder_is_refused(no_ray, tmp_path, capsys):
    (tmp_path / "taken").write_text("mine")
    assert run_digits(tmp_path / "taken") == USAGE
    assert run_digits(tmp_path / "taken" / "below") == USAGE
    assert capsys.readouterr().err.count("'out' must be a folder that can be written to") == 2
    assert (tmp_path / "taken").read_text() == "mine"


def test_a_disk_with_little_room_is_refused(no_ray, tiny_disk, tmp_path, monkeypatch, capsys):
    if tiny_disk is None:
        monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=2**20))
    folder = (tiny_disk or tmp_path) / "sweep"
    assert run_digits(folder) == USAGE
    assert "on a disk with" in capsys.readouterr().err
    assert list(folder.iterdir()) == []


def test_a_full_disk_is_refused(no_ray, tiny_disk, tmp_path, monkeypatch, capsys):
    if tiny_disk is None:
        monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=0))
    else:
        with pytest.raises(OSError, match="No space left"):
            (tiny_disk / "full").write_bytes(bytes(2**21))
    assert run_digits((tiny_disk or tmp_path) / "sweep") == USAGE
    expected = "on a disk with 0 MB left" if tiny_disk is None else "No space left"
    assert expected in capsys.readouterr().err


@pytest.fixture(scope="module")
def killed_sweep(tmp_path_factory):
    """A sweep that was killed with trials ended and trials under way."""
    tmp_path = tmp_path_factory.mktemp("killed")
    config = write_limits(tmp_path, limits={"max_epochs": 8})
    options = [*DIGITS, "--method", "plain", "--scheduler", "none", "--epochs", 8, "--trials", 6, *config]
    driver = Driver(tmp_path, "run", *options, "--out", tmp_path / "sweep", module="tests.faulty", pause=0.3)

    def the_fifth_trial_is_at_epoch_5():
        trials = list(dict.fromkeys(event["trial"] for event in events(tmp_path / "sweep")))
        return any(report["trial"] in trials[4:] and report["epoch"] >= 5 for report in reports(tmp_path / "sweep"))

    driver.wait_until(the_fifth_trial_is_at_epoch_5, "epoch 5 of a fifth trial")
    driver.kill(whole_group=True)
    return tmp_path / "sweep"


def truncate(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def drop_first_line(path):
    path.write_bytes(path.read_bytes().partition(b"\n")[2])


def spoil_a_line(path):
    path.write_bytes(path.read_bytes().replace(b'{"event": "report"', b'{"event": "rep', 1))


DAMAGES = [
    (LOG_FILE, drop_first_line, "is damaged: line"),
    (LOG_FILE, spoil_a_line, "is no event of a sweep"),
    (LOG_FILE, Path.unlink, "lacks the trial"),
    (MANIFEST_FILE, truncate, "is damaged"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "damage", "words"), DAMAGES)
def test_a_damaged_sweep_is_refused_and_left_as_it_is(no_ray, killed_sweep, name, damage, words, tmp_path, capsys):
    folder = tmp_path / "sweep"
    shutil.copytree(killed_sweep, folder)
    damage(folder / name)
    before = contents(folder)
    assert main(["resume", str(folder)]) == USAGE
    error = capsys.readouterr().err
    assert words in error
    assert str(folder) in error
    assert contents(folder) == before


class Opened:
    """Makes a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


@pytest.mark.slow
def test_a_sweep_that_goes_on_runs_nothing_that_is_in_its_folder(local_ray, killed_sweep, tmp_path, capsys):
    """Not even a pickle in place of any file that is there, one after the other and all checkpoints at once."""
    names = [name for name in contents(killed_sweep) if not name.startswith(".")]
    assert {Path(name).name for name in names} == {LOG_FILE, MANIFEST_FILE, "checkpoint.pt"}
    spoilt = [[name] for name in names if "checkpoint" not in name] + [[name for name in names if "checkpoint" in name]]
    old_names = ["ray/tuner.pkl", "ray/searcher-state-1.pkl", "trials/t001/params.pkl", "space.pkl", "optuna.journal"]
    for number, group in enumerate(spoilt):
        folder, opened = tmp_path / f"sweep{number}", tmp_path / "opened"
        shutil.copytree(killed_sweep, folder)
        for name in [*group, *old_names]:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(pickle.dumps(Opened(opened)))
        code = main(["resume", str(folder)])
        assert code == (0 if "checkpoint" in group[0] else USAGE)
        assert not opened.exists()
    assert capsys.readouterr().err.count("Nothing was run") + 1 == len(spoilt) - 1  # and the damaged manifest
    assert read_results(folder).trials["state"].tolist() == ["done"] * 6


@pytest.mark.slow
def test_a_sweep_goes_on_where_it_was_moved_to(local_ray, killed_sweep, tmp_path):
    shutil.copytree(killed_sweep, tmp_path / "copy")
    (tmp_path / "copy").rename(tmp_path / "moved")
    before, n_before = contents(killed_sweep), len(reports(killed_sweep))
    assert main(["resume", str(tmp_path / "moved")]) == 0
    assert read_results(tmp_path / "moved").trials["state"].tolist() == ["done"] * 6
    later = epochs_by_trial(reports(tmp_path / "moved")[n_before:])
    assert max(epochs[0] for epochs in later.values()) > 1  # one that goes on from its checkpoint
    assert contents(killed_sweep) == before


@pytest.mark.slow
@pytest.mark.parametrize("all_gone", [False, True])
def test_a_trial_whose_last_checkpoint_is_gone_goes_on_from_another(local_ray, killed_sweep, all_gone, tmp_path):
    folder = tmp_path / "sweep"
    shutil.copytree(killed_sweep, folder)
    trial = next(path for path in sorted((folder / "trials").iterdir()) if len(list(path.glob("checkpoint_*"))) > 1)
    *others, newest = sorted(trial.glob("checkpoint_*"))
    shutil.rmtree(newest)
    if all_gone:
        for path in others:
            (path / "checkpoint.pt").write_bytes(b"half a file")
    trial = trial.name
    n_before = len(reports(folder))
    assert main(["resume", str(folder)]) == 0
    assert read_results(folder).trials["state"].tolist() == ["done"] * 6
    resumed = [report["epoch"] for report in reports(folder)[n_before:] if report["trial"] == trial]
    assert resumed == list(range(resumed[0], 9))
    assert (resumed[0] == 1) == all_gone


def contents(folder):
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def listening(pids):
    """Pairs of process and address at which processes listen."""
    sockets = {}
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            words = line.split()
            if words[3] == "0A":
                sockets[words[9]] = words[1].rpartition(":")[0]
    found = []
    for pid in pids:
        for descriptor in Path(f"/proc/{pid}/fd").glob("*"):
            try:
                inode = re.fullmatch(r"socket:\[(\d+)\]", os.readlink(descriptor))
            except OSError:
                continue  # closed in the meantime
            if inode and inode[1] in sockets:
                found.append((pid, sockets[inode[1]]))
    return found


def is_loopback(address):
    """Whether an address of /proc/net is 127.x.x.x, ::1 or the former in the form of the latter; words are swapped."""
    mapped = address.startswith("0000000000000000FFFF0000")
    if len(address) == 8 or mapped:
        return address[-2:] == "7F"
    return address == "00000000000000000000000001000000"


@pytest.mark.slow
def test_a_local_sweep_listens_on_loopback_alone_and_leaves_no_process(tmp_path):
    folder = tmp_path / "sweep"
    options = [*DIGITS, "--method", "plain", "--epochs", 6, "--trials", 3, "--scheduler", "none", "--out", folder]
    driver = Driver(tmp_path, "run", *options, module="tests.faulty", pause=0.4)
    driver.wait_until(lambda: len(reports(folder)) >= 2, "a report")
    processes = driver.processes()
    found = listening(processes)
    assert len(found) > 3
    assert any("raylet" in processes[pid] for pid, _ in found)
    assert [(processes[pid], address) for pid, address in found if not is_loopback(address)] == []
    assert not any("dashboard.py" in processes[pid] or "DashboardAgent" in processes[pid] for pid, _ in found)
    code, printed = driver.finish()
    assert code == 0, printed
    assert "ashboard" not in printed
    wait_until(lambda: not driver.processes(), "the end of Ray's processes", 30)


@pytest.mark.slow
def test_a_student_that_writes_into_its_input_changes_nothing(local_ray, noisy_blobs, tmp_path):
    X, y = noisy_blobs
    before = X.copy()
    curves, rights = [], []
    for student in (doubled, doubled_in_place):
        search = small_search(n_trials=3, limits={"lr": [0.002]}, estimator={"student": student, "standardize": False})
        found = search.run_trials(X, y) and search.sweep_
        assert found.trials["state"].tolist() == ["done"] * 3
        curves.append(found.curves.groupby("trial")["score"].apply(list).tolist())
        rights.append(found.trials["right"].tolist())
    assert curves[0] == curves[1]
    assert rights[0] == rights[1]
    assert len(set(rights[0])) == 1
    np.testing.assert_array_equal(X, before)


@pytest.mark.slow
def test_a_trial_that_writes_into_the_shared_data_is_found_out(local_ray, noisy_blobs, tmp_path):
    X, y = noisy_blobs
    before = X.copy(), y.copy()
    search = small_search([Scribbler(0.008)], epochs=3, n_trials=10, limits={"lr": [0.002, 0.004, 0.008]})
    sweep = search.run_trials(X, y)
    trials = search.sweep_.trials
    writes = trials["param_lr"] == 0.008
    assert writes.any()
    assert not writes[:4].any()
    assert trials.loc[writes, "state"].eq("failed").all()
    failed = trials[trials["state"] == "failed"]
    assert failed["error"].str.contains("training data").all()
    for row in trials[trials["state"] == "done"].to_dict("records"):
        clf = clone(sweep.setup.estimator).set_params(callbacks=None, lr=row["params"]["lr"], weight_decay=0.0)
        proba = clf.fit(sweep.data["X"], sweep.data["y"]).predict_proba(sweep.data["X_valid"])
        assert np.packbits(proba.argmax(1) == sweep.data["y_valid"]).tobytes() == row["right"]
    np.testing.assert_array_equal(X, before[0])
    np.testing.assert_array_equal(y, before[1])


@pytest.mark.slow
def test_the_data_is_in_memory_once_for_all_trials(local_ray, tmp_path):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(2000, 200)).astype(np.float32), np.arange(2000) % 2
    found = tmp_path / "whereabouts"
    search = small_search([Whereabouts(found)], epochs=2, n_trials=2)
    search.run_trials(X, y)
    assert search.sweep_.trials["state"].tolist() == ["done"] * 2
    lines = [line.split() for line in found.read_text().splitlines()]
    assert len({process for process, *_ in lines}) == 2
    assert len({(inode, offset) for _, inode, offset, _ in lines}) == 1
    assert all(name.startswith("/dev/shm/plasma") for *_, name in lines)
