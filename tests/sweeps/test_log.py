"""The sweep's record is read back as it happened, whatever cut it off."""

import json
import math

import numpy as np
import pytest

from sweeps.engine.journal import as_study, save_study
from sweeps.engine.log import SweepLog, drawn_from, ended_trials, finished_reports, logged_checkpoints, read_log
from sweeps.spaces import MentorNetSpace
from sweeps.trial.clock import Clocks
from sweeps.trial.draws import BoundSpace


class Trial:
    def __init__(self, name, **config):
        self.trial_id, self.config = name, config

    def get_error(self):
        return "the worker died"


@pytest.fixture
def log(tmp_path):
    from noisylabel import MentorNetClassifier

    clf = MentorNetClassifier(max_epochs=7)
    log = SweepLog(tmp_path / "log.jsonl", Clocks(clf, {}), BoundSpace(MentorNetSpace(), clf))
    common = {"example_dropout": None, "lr": 0.002, "weight_decay": 0.001}
    done = Trial("x1", curriculum="focal", curriculum__gamma=2.0, burn_in=10, **common)
    stopped = Trial("x2", curriculum="uniform", **common)
    failed, dead, running = (Trial(f"x{i}", curriculum="uniform", **common) for i in (3, 4, 5))
    for one in (done, stopped, failed, dead, running):
        log.on_trial_start(0, [], one)
    report = log.on_trial_result
    report(0, [], done, {"score": 0.5, "epoch": 1, "seconds": 1.0, "time_total_s": 3})
    log.on_trial_start(0, [], done)  # its process died, and it went on
    report(0, [], done, {"score": 0.6, "epoch": 2, "seconds": 2.0, "checkpoint_dir_name": "checkpoint_000000"})
    right = np.packbits([1, 0, 1]).tobytes().hex()
    report(0, [], done, {"score": 0.7, "epoch": 3, "seconds": 3.0, "finished": True, "right": right, "test_score": 0.9})
    log.on_trial_complete(0, [], done)
    report(0, [], stopped, {"score": 0.4, "epoch": 1, "seconds": 1.0})
    log.on_trial_complete(0, [], stopped)
    report(0, [], failed, {"score": 0.3, "epoch": 1, "seconds": 1.0})
    report(
        0, [], failed, {"score": math.nan, "epoch": 0, "failed": True, "error": "ValueError: no", "traceback": "..."}
    )
    log.on_trial_complete(0, [], failed)
    log.on_trial_error(0, [], dead)
    report(0, [], running, {"score": 0.2, "epoch": 4, "seconds": 1.0})
    return log


def test_trials_are_read_back(log):
    trials, curves = read_log(log.path)
    assert trials["trial"].tolist() == ["t001", "t002", "t003", "t004", "t005"]
    assert trials["state"].tolist() == ["done", "stopped", "failed", "failed", "unfinished"]
    assert trials["score"].tolist()[:2] == [0.7, 0.4]
    assert trials["score"].iloc[2:4].isna().all()
    assert trials["epochs"].tolist() == [3, 1, 1, 0, 4]
    assert trials["full_epochs"].tolist() == [7] * 5
    assert trials["epochs_before"].tolist() == [0] * 5
    assert trials["seconds"].tolist()[0] == 4.0  # one second before the restart, three after it
    assert trials["error"].tolist() == ["", "", "ValueError: no", "the worker died", ""]
    assert trials["test_score"].iloc[0] == 0.9
    assert np.unpackbits(np.frombuffer(trials["right"][0], np.uint8))[:3].tolist() == [1, 0, 1]
    assert trials["param_curriculum"].tolist() == ["focal", "uniform", "uniform", "uniform", "uniform"]
    assert curves[curves["trial"] == "t001"]["score"].tolist() == [0.5, 0.6, 0.7]
    assert set(finished_reports(log.path)) == {"x1"}
    assert logged_checkpoints(log.path) == {"x1": {"checkpoint_000000"}, **{f"x{i}": set() for i in range(2, 6)}}
    known = ended_trials(log.path)
    assert known["numbers"] == {f"x{i}": i for i in range(1, 6)}
    assert known["counts"] == {"failed": 2, "done": 1, "stopped": 1}
    assert known["best"][:2] == (0.7, "t001")


def test_every_line_is_strict_json(log):
    for line in log.path.read_text().splitlines():
        json.loads(line, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))


def test_a_line_that_a_kill_cut_off_is_left_out(log):
    whole = log.path.read_text()
    log.path.write_text(whole[:-20])
    cut, _ = read_log(log.path)
    assert cut["epochs"].iloc[-1] == 0
    log._write("end", Trial("x5"))  # the next driver writes on, into the same line
    assert read_log(log.path)[0]["state"].tolist()[:4] == ["done", "stopped", "failed", "failed"]


def test_an_empty_or_absent_log(tmp_path):
    trials, curves = read_log(tmp_path / "none")
    assert len(trials) == len(curves) == 0
    assert {"trial", "state", "score", "params"} <= set(trials.columns)


def test_the_study_holds_the_ended_trials(log, tmp_path):
    import optuna

    trials, curves = read_log(log.path)
    study = as_study(trials, curves, drawn_from(log.path))
    assert [t.state.name for t in study.trials] == ["COMPLETE", "PRUNED", "FAIL", "FAIL"]
    assert study.best_value == 0.7
    assert study.trials[0].params["curriculum__gamma"] == 2.0
    assert study.trials[0].distributions["burn_in"].choices == (5, 10, 18)
    assert study.trials[0].intermediate_values == {1: 0.5, 2: 0.6, 3: 0.7}
    for _ in range(2):  # written anew, not added to
        path = save_study(study, tmp_path)
    backend = optuna.storages.journal.JournalFileBackend(str(path))
    loaded = optuna.load_study(study_name="sweep", storage=optuna.storages.JournalStorage(backend))
    assert [t.params for t in loaded.trials] == [t.params for t in study.trials]
