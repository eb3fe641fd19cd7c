"""Trials that share one GPU, as far as a machine without one can tell: Ray counts what it is told there is."""

import os
import time
from collections import Counter
from pathlib import Path

import pytest
import ray
from skorch.callbacks import Callback

from noisylabel import MentorNetClassifier
from noisylabel.exceptions import NoisyLabelError
from sweeps import CurriculumSearch
from sweeps.engine.session import check_resources, prepare_ray
from sweeps.engine.workers import room_for


@pytest.fixture(scope="module", autouse=True)
def _one_gpu():
    prepare_ray()
    ray.init(num_cpus=2, num_gpus=1, include_dashboard=False, log_to_driver=False)
    yield
    ray.shutdown()


class MeetsOther(Callback):
    """Note process and GPU, and wait for a trial in another process."""

    def __init__(self, path):
        self.path = path

    def on_train_begin(self, net, **kwargs):
        with open(self.path, "a") as file:
            file.write(f"{os.getpid()} {os.environ['CUDA_VISIBLE_DEVICES']}\n")
        deadline = time.monotonic() + 240
        while len({line.split()[0] for line in Path(self.path).read_text().splitlines()}) < 2:
            assert time.monotonic() < deadline, "no other trial came"
            time.sleep(0.05)


@pytest.mark.slow
def test_eight_trials_have_room_on_a_gpu():
    shares = {"cpu": 0.25, "gpu": 0.125}
    check_resources(shares)
    assert room_for(shares) == 8
    assert room_for({"cpu": 1, "gpu": 0.125}) == 2  # as many as there are cores
    assert room_for({"cpu": 0.1, "gpu": 0.3}) == 3
    with pytest.raises(NoisyLabelError, match="asks for 0.25 CPU, 2 GPU"):
        check_resources({"cpu": 0.25, "gpu": 2})


@pytest.mark.slow
def test_trials_share_a_gpu_at_the_same_time(blobs, tmp_path):
    estimator = MentorNetClassifier("uniform", max_epochs=2, callbacks=[MeetsOther(tmp_path / "seen")], random_state=0)
    search = CurriculumSearch(estimator, "plain", limits={"max_epochs": 2}, n_trials=2, scheduler="none",
                              resources={"cpu": 0.25, "gpu": 0.125}, random_state=0, verbose=0)  # fmt: skip
    search.run_trials(*blobs)
    assert search.sweep_.trials["state"].tolist() == ["done"] * 2
    seen = [line.split() for line in (tmp_path / "seen").read_text().splitlines()]
    assert Counter(gpu for _, gpu in seen) == {"0": 2}
    assert len({process for process, _ in seen}) == 2
