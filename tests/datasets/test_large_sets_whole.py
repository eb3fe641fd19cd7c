"""Clothing1M, WebVision and CNWL from end to end on made copies: train, be killed, go on, evaluate, audit."""

import pytest

from tests.made_large_sets import WRITERS, make, try_out


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::noisylabel.exceptions.NoisyLabelWarning")  # so few epochs teach little
@pytest.mark.parametrize("name", WRITERS)
def test_train_go_on_after_a_kill_evaluate_and_audit(tmp_path, name):
    n_images = {"clothing1m": 600, "webvision": 1000, "cnwl": 1500}[name]
    found = try_out(make(name, tmp_path / "home", n_images), tmp_path / "run", max_epochs=8)
    assert 1 <= found["epochs_before_kill"] <= found["epochs"] == 8
    assert found["of_as_many_first_wrong"] > 0.5  # at random 0.3
