"""Schedules on the percent-of-training clock."""

import pickle

import pytest

from noisylabel.schedules import (
    LR_SCHEDULES,
    parse_piecewise,
    percent_of_training,
    resolve_fraction_schedule,
    resolve_lr_schedule,
)


def test_papers_notation_covers_a_hundred_percent():
    values = parse_piecewise("example_dropout", "0.5,17,0.05,83")
    assert len(values) == 100
    assert values[16] == 0.5
    assert values[17] == 0.05


@pytest.mark.parametrize(
    ("text", "reason"),
    [("0.5,17,0.05,82", "covers 99 percent"), ("0.5,17,0.05", "pairs"), ("a,100", "not a list of numbers"),
     ("0.5,17.5,0.05,82.5", "pairs"), ("", "not a list of numbers"), ("0.5,-17,0.05,117", "pairs")],
)  # fmt: skip
def test_malformed_schedule_says_what_is_wrong(text, reason):
    with pytest.raises(ValueError, match=rf"'example_dropout'.*{reason}.*add up to 100"):
        parse_piecewise("example_dropout", text)


@pytest.mark.parametrize(
    ("step", "n_steps", "percent"), [(0, 300, 0), (299, 300, 99), (29, 100, 29), (57, 100, 57), (3, 7, 42)]
)
def test_percent_is_the_floor(step, n_steps, percent):
    assert percent_of_training(step / n_steps) == percent == 100 * step // n_steps


@pytest.mark.parametrize("name", LR_SCHEDULES)
def test_learning_rate_factors_stay_in_range_and_pickle(name):
    schedule = pickle.loads(pickle.dumps(resolve_lr_schedule(name)))
    factors = [schedule(i / 200) for i in range(201)]
    assert all(0 <= factor <= 1 for factor in factors)
    assert max(factors) == pytest.approx(1)


def test_piecewise_and_callable_learning_rates():
    assert resolve_lr_schedule("1,50,0.1,50")(0.75) == 0.1
    assert resolve_lr_schedule(abs) is abs


def test_unknown_schedule_names_the_nearest():
    with pytest.raises(ValueError, match="Did you mean 'cosine'"):
        resolve_lr_schedule("cosin")


def test_fraction_out_of_range_is_refused_inside_a_schedule_too():
    with pytest.raises(ValueError, match="'loss_percentile' must be a number in"):
        resolve_fraction_schedule("loss_percentile", "0.7,50,1.7,50")
