"""How long a sweep still takes, on sweeps that nobody has run."""

import numpy as np
import pytest

from sweeps.engine.watchers.time_left import TimeLeft, share_left


def made_sweep(n_trials, n_slots, lengths, pace=2.0, start=3.0):
    """The lines of a log: trials of so many of ten epochs, each epoch as long, each trial after a start of its own."""
    events, free = [], [0.0] * n_slots
    for number in range(n_trials):
        slot, name = int(np.argmin(free)), f"t{number}"
        begin = free[slot]
        events.append({"event": "start", "trial": name, "time": begin, "total": 10})
        for epoch in range(1, lengths[number] + 1):
            seconds = start + pace * epoch
            events.append(
                {"event": "report", "trial": name, "time": begin + seconds, "epoch": epoch, "seconds": seconds}
            )
        free[slot] = begin + start + pace * lengths[number]
        events.append({"event": "end", "trial": name, "time": free[slot]})
    return sorted(events, key=lambda event: event["time"]), max(free)


def estimates(events, end, n_trials, shares):
    found = []
    for share in shares:
        time_left = TimeLeft(n_trials)
        for event in (event for event in events if event["time"] <= share * end):
            time_left.note(event)
        found.append(time_left.seconds(share * end) / ((1 - share) * end))
    return np.array(found)


@pytest.mark.parametrize("n_slots", [1, 2, 4])
def test_trials_of_one_length_are_foreseen(n_slots):
    events, end = made_sweep(16, n_slots, [10] * 16)
    assert np.allclose(estimates(events, end, 16, [0.2, 0.25, 0.5, 0.75, 0.9]), 1, atol=0.02)


def test_the_worker_of_a_trial_that_has_just_ended_counts():
    events, end = made_sweep(16, 2, [10] * 16)
    time_left = TimeLeft(16)
    for event in events:
        time_left.note(event)
        if event["event"] == "end" and event["time"] > 0.2 * end:
            assert time_left.seconds(event["time"]) == pytest.approx(end - event["time"], abs=0.1)


def test_trials_that_are_stopped_early_count_by_how_likely_that_is():
    ratios = []
    for seed in range(60):
        lengths = np.random.default_rng(seed).choice([1, 2, 4, 10], p=[0.4, 0.2, 0.1, 0.3], size=40)
        events, end = made_sweep(40, 3, lengths, start=0.5)
        ratios.append(estimates(events, end, 40, [0.25, 0.5, 0.75]))
    assert np.abs(np.mean(ratios, axis=0) - 1).max() < 0.12  # right on average; one sweep has its own luck
    assert (np.abs(np.array(ratios) - 1) < 0.3).mean() > 0.7


def test_nothing_is_said_before_anything_is_known():
    time_left = TimeLeft(4)
    assert time_left.seconds(0.0) is None
    time_left.note({"event": "start", "trial": "t001", "time": 0.0, "total": 10})
    time_left.note({"event": "report", "trial": "t001", "time": 1.0, "epoch": 1, "seconds": 1.0})
    assert time_left.seconds(1.0) is None


def test_a_sweep_that_goes_on_knows_what_it_knew():
    events, end = made_sweep(16, 2, [10] * 16)
    time_left, now = TimeLeft(16), 0.5 * end
    for event in (event for event in events if event["time"] <= now):
        time_left.note(event)
    before = time_left.seconds(now)
    time_left.pause(now)
    running = [name for name, trial in time_left.trials.items() if not trial.is_over]
    assert len(running) == 2
    for name in running:  # a day later
        time_left.note({"event": "start", "trial": name, "time": now + 86400, "total": 10})
    assert time_left.seconds(now + 86400) == pytest.approx(before, rel=0.1)


def test_what_is_left_of_a_training():
    assert share_left(1.0, [(0.5, 0.5)]) == 0
    assert share_left(0.0, [(0.5, 0.0)]) == 0.5
    assert share_left(0.5, [(0.5, 0.1), (0.75, 0.5)]) == pytest.approx(0.25 + 0.5 * 0.25)
