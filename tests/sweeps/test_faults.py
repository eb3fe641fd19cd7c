"""What goes wrong in a sweep stays small: processes that die, trials that fail, disks that are full, files that rot."""

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import optuna
import pytest
import yaml
from ray import cloudpickle
from sklearn.base import clone

from noisylabel import MentorNetClassifier
from sweeps import CurriculumSearch
from sweeps.__main__ import SOME_FAILED, UNFINISHED, USAGE, _config_of, main
from sweeps.engine.log import LOG_FILE
from sweeps.engine.manifest import MANIFEST_FILE
from sweeps.engine.run import read_results, run_sweep
from sweeps.engine.session import prepare_ray, ray_session
from sweeps.problem import load_problem, make_search
from sweeps.trial.draws import configure
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


def wait_until(happened, what, seconds=240):
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, f"{what} did not happen in {seconds} s"
        time.sleep(0.02)


@pytest.fixture(autouse=True, scope="module")
def _no_driver_left():
    yield
    for driver in DRIVERS:
        if driver.process.poll() is None:
            os.killpg(driver.process.pid, signal.SIGKILL)
            driver.process.wait()


DRIVERS = []


class Driver:
    """A sweep in a process of its own, which with all that Ray starts for it is one session of the system."""

    def __init__(self, tmp_path, *words, module="sweeps", pause=0.0):
        self.printed = tmp_path / "printed.txt"
        environment = os.environ | {
            "DIARY": str(tmp_path / "diary"), "PAUSE": str(pause), "OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"
        }  # fmt: skip
        with self.printed.open("w") as file:
            self.process = subprocess.Popen(
                [sys.executable, "-m", module, *map(str, words)], cwd=ROOT, env=environment, stdout=file,
                stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        DRIVERS.append(self)

    def processes(self):
        """Those of the session that live."""
        found = {}
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                state, _, _, session = (folder / "stat").read_text().rpartition(")")[2].split()[:4]
                if int(session) == self.process.pid and state not in "ZX":
                    found[int(folder.name)] = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:
                continue  # it has just ended
        return found

    def wait_until(self, happened, what):
        def has_happened():
            assert self.process.poll() is None, self.printed.read_text()
            return happened()

        wait_until(has_happened, what)

    def kill(self, whole_group):
        """Kill the driver, or its process group, and wait until what Ray started for it has noticed.

        Agents of Ray's, which train nothing, take a minute to end.
        """
        assert self.process.poll() is None, self.printed.read_text()
        if whole_group:
            os.killpg(self.process.pid, signal.SIGKILL)
        else:
            self.process.kill()
        self.process.wait()
        wait_until(lambda: all("Agent" in name for name in self.processes().values()), "the end of trials", 60)

    def finish(self):
        """Wait for the end, and return the exit code and what was printed."""
        code = self.process.wait(timeout=400)
        return code, self.printed.read_text()


def events(folder):
    """What the log holds, without a last line that is not complete."""
    text = (folder / LOG_FILE).read_text() if (folder / LOG_FILE).exists() else ""
    return [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]


def reports(folder):
    return [event for event in events(folder) if event["event"] == "report"]


def known_trials(folder):
    """Trials that Ray's latest snapshot has."""
    states = sorted((folder / "ray").glob("experiment_state-*.json"))
    try:
        data = json.loads(states[-1].read_text())["trial_data"]
    except (IndexError, json.JSONDecodeError):
        return None
    return {json.loads(trial)["trial_id"] for trial, _ in data}


def saved_rungs(folder):
    """What the scheduler had compared at the latest snapshot: from an epoch to the scores of trials."""
    path = sorted((folder / "ray").glob("callback-states-*.pkl"))[-1]
    states = [state for state in cloudpickle.loads(path.read_bytes()).values() if state and "scheduler" in state]
    assert len(states) == 1
    return dict(states[0]["scheduler"][0])


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
        return 3 <= min(epochs.values(), default=0) < max(epochs.values()) and known_trials(folder) == epochs.keys()

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
    first_rungs, first_reports = saved_rungs(folder), reports(folder)
    assert read_results(folder).trials["state"].eq("unfinished").any()

    driver = Driver(tmp_path, "resume", folder, module="tests.faulty", pause=0.3)
    driver.wait_until(lambda: [event["event"] for event in events(folder)].count("end") >= 2, "the end of two trials")
    driver.kill(whole_group=True)
    second_rungs = saved_rungs(folder)

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
    rungs = saved_rungs(folder)
    assert sum(map(len, rungs.values())) >= sum(map(len, before[0].values())) > 0
    for epoch, compared in rungs.items():
        assert compared == {trial: scores[trial, epoch] for trial in compared}
    for earlier in before:
        for epoch, compared in earlier.items():
            assert compared.items() <= rungs[epoch].items()


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
def test_a_driver_killed_before_its_first_snapshot_starts_over(tmp_path):
    folder = tmp_path / "sweep"
    options = [*DIGITS, "--method", "plain", "--epochs", 2, "--trials", 2, "--scheduler", "none", "--out", folder]
    driver = Driver(tmp_path, "run", *options)
    driver.wait_until((folder / MANIFEST_FILE).exists, "the manifest")
    driver.kill(whole_group=True)
    assert known_trials(folder) is None
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
             "--searcher", "random", "--scheduler", "none", "--seed", "1", "--out", str(folder)]  # fmt: skip
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
    assert_told_as_failed(search, tmp_path / "sweep", diverges.sum())


@pytest.mark.slow
def test_a_score_that_is_no_number_fails_at_once(local_ray, noisy_blobs, tmp_path):
    search = small_search([Diary(tmp_path / "diary")], n_trials=2, scoring=nan_score, out=tmp_path / "sweep")
    search.run_trials(*noisy_blobs)
    assert search.sweep_.trials["state"].tolist() == ["failed"] * 2
    assert search.sweep_.trials["error"].tolist() == ["ArithmeticError: The score of epoch 1 is nan."] * 2
    assert max(epoch for _, epoch in read_diary(tmp_path / "diary")) <= 2
    assert_told_as_failed(search, tmp_path / "sweep", 2)


def assert_told_as_failed(search, folder, n_failed):
    """In the study of the results, and in the one that the searcher learns from."""
    path = sorted((folder / "ray").glob("searcher-state-*.pkl"))[-1]
    for study in (search.sweep_.study, cloudpickle.loads(path.read_bytes())["_ot_study"]):
        states = [trial.state for trial in study.trials]
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


def truncate(paths):
    paths[-1].write_bytes(paths[-1].read_bytes()[: paths[-1].stat().st_size // 2])


def empty(paths):
    paths[-1].write_bytes(b"")


def drop_first_trial(paths):
    state = json.loads(paths[-1].read_text())
    del state["trial_data"][0]
    paths[-1].write_text(json.dumps(state))


def delete(paths):
    for path in paths:
        path.unlink()


def drop_all_trials(paths):
    paths[-1].write_text(json.dumps(json.loads(paths[-1].read_text()) | {"trial_data": []}))


DAMAGES = [
    ("searcher-state-*.pkl", truncate, "cannot be read"),
    ("searcher-state-*.pkl", empty, "cannot be read"),
    ("searcher-state-*.pkl", delete, "is missing"),
    ("callback-states-*.pkl", truncate, "cannot be read"),
    ("callback-states-*.pkl", delete, "is missing"),
    ("search_gen_state-*.json", truncate, "cannot be read"),
    ("tuner.pkl", truncate, "cannot be read"),
    ("tuner.pkl", delete, "is missing"),
    ("experiment_state-*.json", truncate, "is damaged"),
    ("experiment_state-*.json", empty, "is damaged"),
    ("experiment_state-*.json", delete, "files are missing or older than the log"),
    ("experiment_state-*.json", drop_first_trial, "files are missing or older than the log"),
    ("experiment_state-*.json", drop_all_trials, "files are missing or older than the log"),
    (f"../{MANIFEST_FILE}", truncate, "is damaged"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("pattern", "damage", "words"), DAMAGES)
def test_a_damaged_sweep_is_refused_and_left_as_it_is(no_ray, killed_sweep, pattern, damage, words, tmp_path, capsys):
    folder = tmp_path / "sweep"
    shutil.copytree(killed_sweep, folder)
    found = sorted((folder / "ray").glob(pattern))
    assert found
    damage(found)
    before = contents(folder)
    assert main(["resume", str(folder)]) == USAGE
    error = capsys.readouterr().err
    assert words in error
    assert str(folder) in error
    assert contents(folder) == before


@pytest.mark.slow
def test_trials_younger_than_the_snapshot_are_forgotten(local_ray, killed_sweep, tmp_path):
    folder = tmp_path / "sweep"
    shutil.copytree(killed_sweep, folder)
    last = events(folder)[-1]["time"]
    start = next(event for event in events(folder) if event["event"] == "start")
    with (folder / LOG_FILE).open("a") as file:
        file.write(json.dumps(start | {"trial": "unknown", "time": last + 0.1}) + "\n")
        file.write(json.dumps({"event": "report", "trial": "unknown", "time": last + 0.2, "score": 1.0, "epoch": 1}))
        file.write('\n{"event": "rep')  # cut off
    assert main(["resume", str(folder)]) == 0
    trials = read_results(folder).trials
    assert trials["state"].tolist() == ["done"] * 6
    assert_nothing_done_is_repeated(folder)
    assert "unknown" not in (folder / LOG_FILE).read_text()
    assert [json.loads(line)["event"] for line in (folder / LOG_FILE).read_text().splitlines()][-1] == "end"


@pytest.mark.slow
@pytest.mark.parametrize("all_gone", [False, True])
def test_a_trial_whose_last_checkpoint_is_gone_goes_on_from_another(local_ray, killed_sweep, all_gone, tmp_path):
    folder = tmp_path / "sweep"
    shutil.copytree(killed_sweep, folder)
    finished = {report["trial"] for report in reports(folder) if report.get("finished")}
    trial = next(name for name in (report["trial"] for report in reversed(reports(folder))) if name not in finished)
    *others, newest = sorted((folder / "ray" / trial).glob("checkpoint_*"))
    for path in others:
        shutil.rmtree(path)
    newest.rename(newest.with_name("checkpoint_000000"))
    if all_gone:
        (newest.with_name("checkpoint_000000") / "checkpoint.pt").write_bytes(b"half a file")
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
    search = small_search([Scribbler(0.002)], epochs=3, n_trials=10, limits={"lr": [0.002, 0.004, 0.008]})
    sweep = search.run_trials(X, y)
    trials = search.sweep_.trials
    writes = trials["param_lr"] == 0.002
    assert writes.any()
    assert not writes[:5].any()
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
