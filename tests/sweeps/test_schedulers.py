"""Stopping compares like with like; what it has compared survives; Optuna hears how trials ended."""

import math
from types import SimpleNamespace

import optuna
import pytest
from optuna.trial import TrialState
from ray import cloudpickle

from noisylabel.exceptions import NoisyLabelError
from sweeps.engine.population import make_pbt
from sweeps.engine.schedulers import SCHEDULERS, EpochASHA, Plan, SchedulerMemory
from sweeps.engine.searchers import SEARCHERS, SweepSearch
from sweeps.trial.clock import Clock, Clocks


class Trial:
    def __init__(self, name, config):
        self.trial_id, self.config = name, config


def trial(name, **config):
    return Trial(name, config)


def asha(clocks=lambda config: Clock(0, 27, 0), rungs=(3, 9)):
    scheduler = EpochASHA(clocks, rungs)
    assert scheduler.set_search_properties("score", "max")
    return scheduler


def report(scheduler, which, epoch, score, **more):
    return scheduler.on_trial_result(None, which, {"epoch": epoch, "score": score, **more})


def rungs(scheduler):
    return dict(scheduler.state()[0])


def test_a_trial_in_the_worse_half_at_a_rung_is_stopped():
    scheduler = asha()
    trials = [trial(str(i)) for i in range(4)]
    for one in trials:
        scheduler.on_trial_add(None, one)
    assert report(scheduler, trials[0], 3, 0.9) == "CONTINUE"
    assert report(scheduler, trials[1], 3, 0.8) == "STOP"
    assert report(scheduler, trials[2], 4, 0.1) == "CONTINUE"  # no rung
    assert report(scheduler, trials[3], 3, 0.86) == "CONTINUE"  # above the median of what came before
    assert report(scheduler, trials[0], 400, 0.1) == "CONTINUE"
    assert rungs(scheduler)[3] == {"0": 0.9, "1": 0.8, "3": 0.86}


def test_no_comparison_during_a_trials_own_burn_in():
    scheduler = asha(lambda config: Clock(0, 27, config["burn_in"]))
    slow, quick = trial("slow", burn_in=3), trial("quick", burn_in=0)
    for one in (slow, quick):
        scheduler.on_trial_add(None, one)
    assert report(scheduler, quick, 3, 0.9) == "CONTINUE"
    assert report(scheduler, slow, 3, 0.1) == "CONTINUE"
    assert rungs(scheduler)[3] == {"quick": 0.9}
    assert report(scheduler, quick, 9, 0.9) == "CONTINUE"
    assert report(scheduler, slow, 9, 0.1) == "STOP"
    assert rungs(scheduler)[3] == {"quick": 0.9}


def test_a_teachers_epochs_do_not_count():
    scheduler = asha(lambda config: Clock(config["before"], 27, 0))
    with_teacher, without = trial("with", before=20), trial("without", before=0)
    for one in (with_teacher, without):
        scheduler.on_trial_add(None, one)
    assert report(scheduler, without, 3, 0.9) == "CONTINUE"
    assert report(scheduler, with_teacher, 3, 0.1) == "CONTINUE"  # of the teacher
    assert report(scheduler, with_teacher, 23, 0.1) == "STOP"
    assert rungs(scheduler)[3] == {"without": 0.9, "with": 0.1}


def test_the_first_comparison_is_after_some_burn_in():
    from noisylabel import MentorNetClassifier

    clocks = cloudpickle.loads(cloudpickle.dumps(Clocks(MentorNetClassifier(max_epochs=50), {})))
    assert clocks({"burn_in": 30}) == Clock(0, 50, 15)
    assert clocks({"curriculum": "uniform"}) == Clock(0, 50, 0)
    plan = Plan(max_epochs=90, least_warm_up=20, clocks=clocks)
    assert min(dict(asha_of(plan).state()[0])) == 21


def asha_of(plan):
    scheduler = SCHEDULERS["asha"](plan)
    scheduler.set_search_properties("score", "max")
    return scheduler


def test_late_and_missing_scores_enter_no_rung():
    scheduler = asha()
    resumed, failed, over = trial("resumed"), trial("failed"), trial("over")
    for one in (resumed, failed, over):
        scheduler.on_trial_add(None, one)
    assert report(scheduler, resumed, 8, 0.9) == "CONTINUE"  # after a restart; Ray's own writes it into rung 3
    assert report(scheduler, failed, 3, math.nan, failed=True) == "CONTINUE"
    assert report(scheduler, over, 27, 0.2, finished=True) == "CONTINUE"
    scheduler.on_trial_complete(None, over, {"epoch": 27, "score": 0.2})
    assert all(scores == {} for scores in rungs(scheduler).values())
    report(scheduler, resumed, 9, 0.9)
    assert report(scheduler, resumed, 9, 0.1) == "CONTINUE"  # told twice
    assert rungs(scheduler)[9] == {"resumed": 0.9}


def test_rungs_come_back_after_a_restart():
    scheduler = asha()
    for name, score in (("a", 0.9), ("b", 0.5)):
        scheduler.on_trial_add(None, trial(name))
        report(scheduler, trial(name), 3, score)
    saved = cloudpickle.dumps(SchedulerMemory(scheduler).get_state())
    fresh = asha()
    memory = SchedulerMemory(fresh, n_known=2)
    memory.set_state(cloudpickle.loads(saved))
    memory.on_step_begin(0, [trial("a"), trial("b")])
    assert fresh.state() == scheduler.state()
    late = trial("late")
    fresh.on_trial_add(None, late)
    assert report(fresh, late, 3, 0.6) == "STOP"


def test_a_resume_that_has_forgotten_trials_is_refused():
    memory = SchedulerMemory(asha(), n_known=5)
    with pytest.raises(NoisyLabelError, match="had 5 trials, and Ray restored 1: it would start over"):
        memory.on_step_begin(0, [trial("a")])


def test_population_scores_come_back():
    space = {"curriculum": ["uniform", "self_paced"], "loss_percentile": [0.5, 0.7]}
    first, second = (make_pbt(space, 50, 9) for _ in range(2))
    member = trial("a")
    first._trial_state[member] = SimpleNamespace(last_score=0.7, last_train_time=10, last_perturbation_time=10)
    second._trial_state[member] = SimpleNamespace(last_score=None, last_train_time=0, last_perturbation_time=0)
    second.restore_state(first.state(), [member])
    assert vars(second._trial_state[member]) == vars(first._trial_state[member])
    assert first._burn_in_period == 10  # the first multiple of the interval after the burn-in


def one_float(trial):
    trial.suggest_float("x", 0, 1)


@pytest.fixture
def search():
    return SweepSearch(one_float, metric="score", mode="max", sampler=SEARCHERS["random"](0))


@pytest.mark.parametrize(
    ("result", "error", "state"),
    [
        ({"score": 0.5, "epoch": 9, "finished": True}, False, TrialState.COMPLETE),
        ({"score": 0.5, "epoch": 3}, False, TrialState.PRUNED),
        ({"score": math.nan, "epoch": 0, "failed": True}, False, TrialState.FAIL),
        ({"score": math.nan, "epoch": 3, "finished": True}, False, TrialState.FAIL),
        (None, True, TrialState.FAIL),
    ],
)
def test_optuna_is_told_how_a_trial_ended(search, result, error, state):
    search.suggest("t")
    search.on_trial_result("t", {"score": 0.4, "epoch": 2})
    search.on_trial_result("t", {"score": math.nan, "epoch": 3})
    search.on_trial_result("t", {"score": 0.7, "epoch": 2})  # again, after a restart: Optuna would warn of it
    search.on_trial_complete("t", result, error)
    (ended,) = search._ot_study.trials
    assert ended.state == state
    assert ended.intermediate_values == {2: 0.4}
    search.on_trial_complete("t", result, error)  # a second time changes nothing
    search.on_trial_complete("stranger", result, error)
    assert len(search._ot_study.trials) == 1


def test_a_searcher_with_a_lambda_is_saved_and_goes_on(tmp_path):
    search = SweepSearch(lambda trial: one_float(trial), metric="score", mode="max", sampler=SEARCHERS["tpe"](0))
    for name in "abc":
        search.suggest(name)
        search.on_trial_complete(name, {"score": 0.1, "epoch": 1, "finished": True})
    search.save(str(tmp_path / "state"))
    other = SweepSearch(one_float, metric="score", mode="max")
    other.restore(str(tmp_path / "state"))
    assert len(other._ot_study.trials) == 3
    assert other.suggest("d") == search.suggest("d")


@pytest.mark.parametrize("name", SEARCHERS)
def test_searchers_repeat_themselves(name):
    draws = []
    for _ in range(2):
        study = optuna.create_study(sampler=SEARCHERS[name](3))
        study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=15)
        draws.append([t.params["x"] for t in study.trials])
    assert draws[0] == draws[1]
    assert len(set(draws[0])) == 15
