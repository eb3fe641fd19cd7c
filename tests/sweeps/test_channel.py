"""What passes between a training and the driver of its sweep."""

import threading
import time

import pytest

from sweeps.trial.channel import Channel, Halted


def test_reports_wait_until_one_is_urgent_or_the_time_is_over():
    channel = Channel()
    channel.report({"epoch": 1})
    channel.report({"epoch": 2})
    start = time.monotonic()
    assert channel.take(0.05) == [{"epoch": 1}, {"epoch": 2}]
    assert time.monotonic() - start >= 0.05
    channel.report({"epoch": 3}, urgent=True)
    assert channel.take(60) == [{"epoch": 3}]
    assert channel.take(0) == []


@pytest.mark.parametrize("goes_on", [True, False])
def test_a_training_that_asks_waits_for_the_answer(goes_on):
    channel, ended = Channel(), []

    def train():
        try:
            channel.report({"epoch": 1}, asks=True)
            ended.append("went on")
        except Halted:
            ended.append("halted")

    thread = threading.Thread(target=train)
    thread.start()
    assert channel.take(60) == [{"epoch": 1, "asks": True}]
    assert ended == []
    channel.answer(goes_on)
    thread.join(60)
    assert ended == ["went on" if goes_on else "halted"]
    assert channel.take(0) == []
