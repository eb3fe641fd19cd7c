"""The sweep's record is read back as it happened, whatever cut it off."""

import json
import math

import numpy as np
import pytest

from noisylabel import MentorNetClassifier
from noisylabel.exceptions import InvalidFileError
from sweeps.engine.driver import Driver
from sweeps.engine.log import SweepLog, drawn_from, read_log
from sweeps.engine.population import Population
from sweeps.engine.recovery import Checkpoints
from sweeps.engine.schedulers import EpochASHA
from sweeps.engine.searchers import SEARCHERS, Searcher, as_study, save_study
from sweeps.engine.state import SweepState, check_trials
from sweeps.engine.watchers.time_left import TimeLeft
from sweeps.spaces import MentorNetSpace
from sweeps.trial.clock import clock_of
from sweeps.trial.draws import BoundSpace, configure


def make_state(path):
    clf = MentorNetClassifier(max_epochs=7)
    searcher = Searcher(BoundSpace(MentorNetSpace(), clf), SEARCHERS["random"], 0)
    return SweepState(SweepLog(path), searcher, EpochASHA((3,)), lambda params: clock_of(configure(clf, params)),
                      TimeLeft(3))  # fmt: skip


RIGHT = np.packbits([1, 0, 1]).tobytes().hex()


@pytest.fixture
def state(tmp_path):
    """Five trials: done, stopped, failed, given up, and under way."""
    state = make_state(tmp_path / "log.jsonl")
    done, stopped, failed, dead, running = (state.draw() for _ in range(5))
    for one in (done, stopped, failed, dead, running):
        state.start(one, None)
    report = state.report
    report(done, {"score": 0.5, "epoch": 1, "seconds": 1.0, "checkpoint": "checkpoint_000000"})
    state.start(done, "checkpoint_000000")  # its process died, and it went on
    report(done, {"score": 0.6, "epoch": 2, "seconds": 2.0, "checkpoint": "checkpoint_000001"})
    report(done, {"score": 0.7, "epoch": 3, "seconds": 3.0, "finished": True, "right": RIGHT, "test_score": 0.9})
    state.end(done)
    report(stopped, {"score": 0.4, "epoch": 1, "seconds": 1.0})
    state.end(stopped)
    report(failed, {"score": 0.3, "epoch": 1, "seconds": 1.0})
    report(failed, {"score": math.nan, "epoch": 0, "failed": True, "error": "ValueError: no", "traceback": "..."})
    state.end(failed)
    state.fail(dead, "its process died 9 times")
    report(running, {"score": 0.2, "epoch": 4, "seconds": 1.0})
    return state


@pytest.fixture
def log(state):
    return state.log


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
    assert trials["error"].tolist() == ["", "", "ValueError: no", "its process died 9 times", ""]
    assert trials["test_score"].iloc[0] == 0.9
    assert np.unpackbits(np.frombuffer(trials["right"][0], np.uint8))[:3].tolist() == [1, 0, 1]
    assert trials["param_curriculum"][0] == "auto"
    assert curves[curves["trial"] == "t001"]["score"].tolist() == [0.5, 0.6, 0.7]


def test_what_a_sweep_knows_follows_from_its_log(state):
    again = make_state(state.log.path)
    again.replay()
    assert [vars(trial) | {"state": ""} for trial in again.trials] == [
        vars(trial) | {"state": ""} for trial in state.trials
    ]
    assert [trial.state for trial in again.trials] == ["done", "stopped", "failed", "failed", "waiting"]
    assert again.trials[0].checkpoints == {"checkpoint_000000": 1, "checkpoint_000001": 2}
    assert again.scheduler.compared == state.scheduler.compared
    assert [(t.params, t.state, t.value, t.intermediate_values) for t in again.searcher.study.trials] == [
        (t.params, t.state, t.value, t.intermediate_values) for t in state.searcher.study.trials
    ]
    assert again.draw().params == state.draw().params


def test_a_trial_whose_end_is_not_in_the_log_ends_as_it_would_have(tmp_path):
    state = make_state(tmp_path / "log.jsonl")
    first, second, last = (state.draw() for _ in range(3))
    for one, score in ((first, 0.9), (second, 0.1)):
        one.clock = type(one.clock)(0, 7, 0)
        state.start(one, None)
        state.report(one, {"score": score, "epoch": 3})
    state.start(last, None)
    state.report(last, {"score": 0.5, "epoch": 7, "finished": True})
    assert state.verdict(second).stops  # and then came the kill
    again = make_state(state.log.path)
    again.clock_of = lambda params: first.clock
    again.replay()
    assert [trial.state for trial in again.trials] == ["waiting"] * 3
    Driver(again, None, Checkpoints(tmp_path), 3, []).settle()
    assert [trial.state for trial in again.trials] == ["waiting", "stopped", "done"]
    assert read_log(state.log.path)[0]["state"].tolist() == ["unfinished", "stopped", "done"]


def test_a_member_of_a_population_that_was_done_stays_so(tmp_path):
    clf = MentorNetClassifier(max_epochs=10, burn_in=10)

    def make():
        population = Population({"curriculum": ["uniform"], "loss_percentile": [0.7]}, 10, 1, 0)
        log, clock = SweepLog(tmp_path / "log.jsonl"), clock_of(clf)
        return SweepState(log, population, population, lambda params: clock, TimeLeft(2))

    state = make()
    done, under_way = (state.draw() for _ in range(2))
    for one in (done, under_way):
        state.start(one, None)
        state.report(one, {"score": 0.5, "epoch": 2, "checkpoint": "checkpoint_000000"})
    state.report(done, {"score": 0.5, "epoch": 10, "finished": True})
    state.end(done)
    again = make()
    again.replay()
    assert again.verdict(again.trials[0]).gives_way
    Driver(again, None, Checkpoints(tmp_path), 2, []).settle()
    assert [trial.state for trial in again.trials] == ["done", "waiting"]


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda lines: [*lines[:3], lines[3][:40], *lines[4:]], "line 4 is no event of a sweep"),
        (lambda lines: [*lines[:3], "[1]", *lines[4:]], "line 4 is no event of a sweep"),
        (lambda lines: lines[1:], "line 1 is of the trial 't002', and there is no start of 't001'"),
        (lambda lines: [lines[0], *lines[2:]], "line 2 is of the trial 't003', and there is no start of 't002'"),
        (lambda lines: [line.replace("t002", "../x") for line in lines], "line 2 is of the trial '../x'"),
        (lambda lines: [line.replace("checkpoint_000000", "..") for line in lines], "is no event of a sweep"),
        (lambda lines: [line.replace('"epoch": 4', '"epoch": "4"') for line in lines], "is no event of a sweep"),
        (lambda lines: [line.replace('"curriculum": "auto"', '"curriculum": "evil"') for line in lines], "not have"),
    ],
)
def test_a_damaged_log_is_refused_and_left_as_it_is(log, damage, message):
    lines = log.path.read_text().splitlines()
    log.path.write_text("\n".join(damage(lines)) + "\n")
    before = log.path.read_bytes()
    with pytest.raises(InvalidFileError, match=message):
        make_state(log.path).replay()
    assert log.path.read_bytes() == before


def test_a_log_without_what_its_folder_has_is_refused(state):
    check_trials(state, ["t001", "t005"], 5)
    with pytest.raises(InvalidFileError, match="lacks the trial 't006', which has left checkpoints"):
        check_trials(state, ["t006"], 8)
    with pytest.raises(InvalidFileError, match="has 5 trials, and the sweep 4"):
        check_trials(state, [], 4)


def test_every_line_is_strict_json(log):
    for line in log.path.read_text().splitlines():
        json.loads(line, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))


def test_a_line_that_a_kill_cut_off_is_left_out(log):
    whole = log.path.read_text()
    log.path.write_text(whole[:-20])
    cut, _ = read_log(log.path)
    assert cut["epochs"].iloc[-1] == 0
    assert len(log.read()) == len(whole.splitlines()) - 1
    assert log.path.read_text() == whole[:-20]  # who only reads changes nothing
    log.write("end", "t005")
    assert [event["event"] for event in log.read()[-2:]] == ["error", "end"]  # the next line is one of its own


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
    assert study.trials[0].params["curriculum"] == "auto"
    assert study.trials[0].distributions["burn_in"].choices == (5, 10, 18)
    assert study.trials[0].intermediate_values == {1: 0.5, 2: 0.6, 3: 0.7}
    for _ in range(2):  # written anew, not added to
        path = save_study(study, tmp_path)
    backend = optuna.storages.journal.JournalFileBackend(str(path))
    loaded = optuna.load_study(study_name="sweep", storage=optuna.storages.JournalStorage(backend))
    assert [t.params for t in loaded.trials] == [t.params for t in study.trials]
