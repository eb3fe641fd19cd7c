"""Schedules: every text is either 100 numbers or an error that names the parameter."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from noisylabel.exceptions import InvalidParameterError
from noisylabel.schedules import (
    LR_SCHEDULES,
    parse_piecewise,
    percent_of_training,
    piecewise_schedule,
    resolve_fraction_schedule,
    resolve_lr_schedule,
    staircase_schedule,
)

PROGRESS = st.floats(0, 1)


@st.composite
def pieces(draw):
    """Fractions, and how many percent each holds for."""
    cuts = draw(st.sets(st.integers(1, 99), max_size=6))
    percents = np.diff([0, *sorted(cuts), 100]).tolist()
    values = draw(st.lists(st.floats(0, 1), min_size=len(percents), max_size=len(percents)))
    return values, percents


def written(values, percents):
    return ",".join(f"{value!r},{percent}" for value, percent in zip(values, percents, strict=True))


@given(pieces())
def test_a_text_is_read_as_it_was_written(drawn):
    values, percents = drawn
    assert parse_piecewise("rate", written(values, percents)).tolist() == np.repeat(values, percents).tolist()


@given(pieces(), PROGRESS)
def test_a_schedule_says_the_value_of_its_percent(drawn, progress):
    values, percents = drawn
    schedule = resolve_fraction_schedule("rate", written(values, percents))
    piece = np.searchsorted(np.cumsum(percents), percent_of_training(progress), side="right")
    assert schedule(progress) == values[piece]


def values_or_message(text):
    try:
        return parse_piecewise("rate", text)
    except InvalidParameterError as error:
        return str(error)


@given(st.text("0123456789.,-+einfa ", max_size=20))
@example("0.5,inf")
@example("0.5,1e999")
@example("0.5,nan")
@example("nan,100")
@example("inf,100")
def test_a_text_is_a_hundred_finite_numbers_or_refused(text):
    result = values_or_message(text)
    is_refused = isinstance(result, str) and result.startswith(f"'rate' got the schedule {text!r}")
    assert is_refused or (len(result) == 100 and np.isfinite(result).all())


@given(st.floats().filter(lambda value: not 0 <= value <= 1))
def test_a_fraction_outside_the_interval_is_refused_alone_and_inside_a_text(value):
    for schedule in (value, f"0.5,50,{value!r},50"):
        with pytest.raises(InvalidParameterError, match="'rate'"):
            resolve_fraction_schedule("rate", schedule)


@given(st.integers(1, 10**7).flatmap(lambda n_steps: st.tuples(st.integers(0, n_steps - 1), st.just(n_steps))))
@example((29, 100))  # 100 * 0.29 is below 29
def test_the_clock_is_the_floor_of_the_percent(drawn):
    step, n_steps = drawn
    assert percent_of_training(step / n_steps) == 100 * step // n_steps


@given(PROGRESS, PROGRESS)
def test_the_clock_never_runs_backwards(one, other):
    early, late = sorted((one, other))
    assert 0 <= percent_of_training(early) <= percent_of_training(late) <= 99


@given(st.lists(st.floats(-10, 10), min_size=100, max_size=100), PROGRESS)
def test_a_table_is_read_at_the_percent(values, progress):
    assert piecewise_schedule(np.array(values))(progress) == values[percent_of_training(progress)]


@pytest.mark.parametrize("name", LR_SCHEDULES)
@given(progress=PROGRESS)
def test_factors_of_the_learning_rate_lie_between_0_and_1(name, progress):
    assert 0 <= resolve_lr_schedule(name)(progress) <= 1


@pytest.mark.parametrize("name", ["cosine", "linear"])
@given(one=PROGRESS, other=PROGRESS)
def test_what_falls_never_rises(name, one, other):
    early, late = sorted((one, other))
    schedule = resolve_lr_schedule(name)
    assert schedule(early) >= schedule(late)


@given(st.floats(0.01, 1), st.floats(1, 500), PROGRESS)
def test_stairs_are_powers_of_the_factor(factor, n_stairs, progress):
    assert staircase_schedule(factor, n_stairs)(progress) == factor ** int(progress * n_stairs)
