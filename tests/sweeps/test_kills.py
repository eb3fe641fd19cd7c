"""A sweep that is killed at any moment ends as if nothing had happened."""

import os
import random
import signal
import time

import pandas as pd
import pytest

from sweeps import CurriculumSearch
from sweeps.__main__ import main
from sweeps.engine.log import LOG_FILE
from sweeps.engine.manifest import MANIFEST_FILE
from sweeps.engine.run import read_results
from sweeps.engine.session import prepare_ray, ray_session
from tests.driver import Driver, kill_all

N_KILLS = 20
OPTIONS = ["--dataset", "digits", "--samples", 400, "--noise", "symmetric", "--rate", 0.4, "--method", "mentornet",
           "--epochs", 10, "--trials", 6, "--cpus-per-trial", os.cpu_count()]  # fmt: skip


@pytest.fixture(autouse=True)
def _no_driver_left():
    yield
    kill_all()


def n_events(folder):
    return (folder / LOG_FILE).read_bytes().count(b"\n") if (folder / LOG_FILE).exists() else 0


def kill_after(moment, folder, tmp_path):
    """Start a sweep, and kill it and all that it has started when its log has some lines."""
    driver = Driver(tmp_path, "run", *OPTIONS, "--out", folder, module="tests.faulty", pause=0.05)
    driver.wait_until(lambda: (folder / MANIFEST_FILE).exists() and n_events(folder) >= moment, f"event {moment}")
    time.sleep(random.uniform(0, 0.1))
    os.killpg(driver.process.pid, signal.SIGKILL)
    driver.process.wait()


def with_one_thread(sweep):
    """Trials have all cores, so that there is one at a time, and train with one thread: sums depend on how many."""
    sweep.setup.threads = 1
    return sweep


@pytest.mark.slow
def test_20_sweeps_that_were_killed_at_random_moments_end_alike(tmp_path, monkeypatch):
    """TPE and ASHA, one trial at a time, with a checkpoint of each epoch until the kill."""
    prepare_ray()
    prepare = CurriculumSearch._prepare
    monkeypatch.setattr(CurriculumSearch, "_prepare", lambda *given: with_one_thread(prepare(*given)))
    with ray_session():
        assert main(["run", *map(str, OPTIONS), "--out", str(tmp_path / "calm")]) == 0
        calm = read_results(tmp_path / "calm")
        assert set(calm.trials["state"]) == {"done", "stopped"}
        moments = [random.Random(seed).randrange(n_events(tmp_path / "calm") - 4) for seed in range(N_KILLS)]
        for number, moment in enumerate(moments):
            folder = tmp_path / f"killed{number}"
            kill_after(moment, folder, tmp_path)
            assert moment <= n_events(folder) < n_events(tmp_path / "calm"), "it was over before the kill"
            assert main(["resume", str(folder)]) == 0
            found = read_results(folder)
            kept = ["trial", "state", "score", "test_score", "epochs", "right", "params"]
            pd.testing.assert_frame_equal(found.trials[kept], calm.trials[kept], check_exact=True)
            pd.testing.assert_frame_equal(
                *(r.curves.sort_values(["trial", "epoch"], ignore_index=True) for r in (found, calm)), check_exact=True
            )
