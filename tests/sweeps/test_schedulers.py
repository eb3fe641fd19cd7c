"""Stopping compares like with like; what it has compared follows from the reports; Optuna hears how trials ended."""

import math

import optuna
import pytest
from optuna.trial import TrialState

from noisylabel import MentorNetClassifier
from noisylabel.exceptions import InvalidFileError
from sweeps.engine.population import Member, Population
from sweeps.engine.schedulers import GIVE_WAY, GO_ON, SCHEDULERS, STOP, EpochASHA, Plan
from sweeps.engine.searchers import SEARCHERS, Searcher
from sweeps.engine.trials import DONE, FAILED, STOPPED, Trial
from sweeps.spaces import Space
from sweeps.trial.clock import Clock, clock_of
from sweeps.trial.draws import BoundSpace


def trial(number, clock=None, **params):
    return Trial(number, params, {}, clock or Clock(0, 27, 0))


def report(scheduler, which, epoch, score, trials=(), **more):
    which.epoch, which.score, which.last = epoch, score, {"epoch": epoch, "score": score, **more}
    return scheduler.judge(which, trials)


def test_a_trial_in_the_worse_half_at_a_rung_is_stopped():
    scheduler, trials = EpochASHA((3, 9)), [trial(i) for i in range(4)]
    assert report(scheduler, trials[0], 3, 0.9) == GO_ON
    assert report(scheduler, trials[1], 3, 0.8) == STOP
    assert report(scheduler, trials[2], 4, 0.1) == GO_ON  # no rung
    assert report(scheduler, trials[3], 3, 0.86) == GO_ON  # above the median of what came before
    assert report(scheduler, trials[0], 400, 0.1) == GO_ON
    assert scheduler.compared[3] == {0: 0.9, 1: 0.8, 3: 0.86}
    assert report(scheduler, trials[0], 3, 0.1) == GO_ON  # told again, after a restart
    assert scheduler.compared[3][0] == 0.9


def test_no_comparison_during_a_trials_own_burn_in():
    scheduler = EpochASHA((3, 9))
    slow, quick = trial(0, Clock(0, 27, 3)), trial(1)
    assert scheduler.questions(slow.clock) == {9}
    assert scheduler.questions(quick.clock) == {3, 9}
    assert report(scheduler, quick, 3, 0.9) == GO_ON
    assert report(scheduler, slow, 3, 0.1) == GO_ON
    assert scheduler.compared[3] == {1: 0.9}
    assert report(scheduler, quick, 9, 0.9) == GO_ON
    assert report(scheduler, slow, 9, 0.1) == STOP
    assert scheduler.compared[3] == {1: 0.9}


def test_a_teachers_epochs_do_not_count():
    scheduler = EpochASHA((3, 9))
    with_teacher, without = trial(0, Clock(20, 27, 0)), trial(1)
    assert scheduler.questions(with_teacher.clock) == {23, 29}
    assert report(scheduler, without, 3, 0.9) == GO_ON
    assert report(scheduler, with_teacher, 3, 0.1) == GO_ON  # of the teacher
    assert report(scheduler, with_teacher, 23, 0.1) == STOP
    assert scheduler.compared[3] == {1: 0.9, 0: 0.1}


def test_the_first_comparison_is_after_some_burn_in():
    clf = MentorNetClassifier(max_epochs=50)
    assert clock_of(clf.set_params(burn_in=30)) == Clock(0, 50, 15)
    assert clock_of(clf.set_params(curriculum="uniform")) == Clock(0, 50, 0)
    assert min(SCHEDULERS["asha"](Plan(max_epochs=90, least_warm_up=20)).compared) == 21


SPACE = {"curriculum": ["uniform", "self_paced", "spcl_linear"], "loss_percentile": [0.5, 0.6, 0.7, 0.8]}


def population_of(n):
    population = Population(SPACE, max_epochs=50, warm_up=9, seed=3)
    return population, [Trial(i, population.draw(i)[0], {}, Clock(0, 50, 9)) for i in range(n)]


def test_the_worst_of_a_population_copies_the_best():
    population, trials = population_of(4)
    assert (population.interval, population.first) == (5, 10)  # the first multiple of the interval after the burn-in
    assert report(population, trials[0], 5, 0.1, trials, checkpoint="a") == GO_ON
    for number, score in enumerate((0.9, 0.5, 0.7)):
        assert report(population, trials[number], 10, score, trials, checkpoint="a").gives_way
    verdict = report(population, trials[3], 10, 0.1, trials, checkpoint="a")
    assert verdict.model is trials[0]
    assert verdict.params.keys() == SPACE.keys()
    assert all(verdict.params[name] in values for name, values in SPACE.items())
    assert report(population, trials[0], 10, 0.9, trials, checkpoint="a") == GO_ON  # told again, after a restart
    assert report(population, trials[0], 15, 0.9, trials, checkpoint="b") == GIVE_WAY


def test_the_same_reports_lead_to_the_same_population():
    verdicts = []
    for _ in range(2):
        population, trials = population_of(8)
        for epoch in (10, 15, 20):
            for one in trials:
                verdict = report(population, one, epoch, (one.number * epoch) % 7, trials, checkpoint="a")
                one.params = verdict.params or one.params
        verdicts.append([one.params for one in trials])
    assert verdicts[0] == verdicts[1]
    assert len({str(params) for params in verdicts[0]}) > 1


def test_trials_that_are_over_are_no_part_of_a_population():
    population, trials = population_of(2)
    population.members[0] = Member(0.9, 40)
    trials[0].state = DONE
    assert report(population, trials[1], 10, 0.1, trials, checkpoint="a") == GIVE_WAY


class OneFloat(Space):
    def suggest(self, trial, estimator):
        trial.suggest_float("lr", 0.001, 0.1)


@pytest.fixture
def bound():
    return BoundSpace(OneFloat(), MentorNetClassifier())


@pytest.mark.parametrize(
    ("end", "state"), [(DONE, TrialState.COMPLETE), (STOPPED, TrialState.PRUNED), (FAILED, TrialState.FAIL)]
)
def test_optuna_is_told_how_a_trial_ended(bound, end, state):
    searcher = Searcher(bound, SEARCHERS["random"], 0)
    one = trial(0, **searcher.draw(0)[0])
    for epoch, score in ((2, 0.4), (2, 0.7)):  # the second after a restart: Optuna would warn of it
        one.epoch, one.score = epoch, score
        searcher.report(one)
    one.state, one.score = end, 0.5
    searcher.end(one)
    (ended,) = searcher.study.trials
    assert ended.state == state
    assert ended.intermediate_values == {2: 0.4}
    assert ended.value == {DONE: 0.5, STOPPED: 0.4, FAILED: None}[end]


@pytest.mark.parametrize("name", SEARCHERS)
def test_a_searcher_that_goes_on_draws_what_it_would_have_drawn(bound, name):
    def run(searcher, known, n_trials):
        drawn = []
        for number in range(n_trials):
            if number < len(known):
                searcher.draw_again(*known[number])
                drawn.append(known[number])
            else:
                drawn.append(searcher.draw(number))
            if number % 4 == 1:
                continue  # it is still running
            one = trial(number, **drawn[-1][0])
            one.state, one.score = DONE, -(math.log(one.params["lr"]) ** 2)
            searcher.end(one)
        return drawn

    whole = run(Searcher(bound, SEARCHERS[name], 3), [], 16)
    assert run(Searcher(bound, SEARCHERS[name], 3), whole[:12], 16) == whole
    assert run(Searcher(bound, SEARCHERS[name], 4), [], 16) != whole
    assert whole[0][0]["lr"] == MentorNetClassifier().lr  # the estimator as it is
    assert len({params["lr"] for params, _ in whole}) == 16


def test_a_configuration_that_is_not_in_the_space_is_refused(bound):
    searcher = Searcher(bound, SEARCHERS["random"], 0)
    _, drawn_from = searcher.draw(0)
    with pytest.raises(InvalidFileError, match=r"does not have the configuration {'lr': 5.0}"):
        searcher.draw_again({"lr": 5.0}, drawn_from)
    with pytest.raises(InvalidFileError, match="does not have the configuration"):
        searcher.draw_again({"lr": 0.01, "student": "cnn"}, drawn_from)


@pytest.mark.parametrize("name", SEARCHERS)
def test_searchers_repeat_themselves(name):
    draws = []
    for _ in range(2):
        study = optuna.create_study(sampler=SEARCHERS[name](3))
        study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=15)
        draws.append([t.params["x"] for t in study.trials])
    assert draws[0] == draws[1]
    assert len(set(draws[0])) == 15
