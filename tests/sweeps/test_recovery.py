"""Which checkpoint a trial goes on from, after a kill."""

import shutil

import pytest

from noisylabel import MentorNetClassifier
from sweeps.engine.recovery import Checkpoints
from sweeps.engine.trials import DONE, Trial
from sweeps.trial.clock import Clock


def make_trial(number, **checkpoints):
    return Trial(number, {}, {}, Clock(0, 9, 0), checkpoints=checkpoints, n_checkpoints=len(checkpoints))


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """The folder of a checkpoint."""
    folder = tmp_path_factory.mktemp("model")
    X = [[float(i % 3), float(i % 5)] for i in range(30)]
    MentorNetClassifier("uniform", max_epochs=2, checkpoint_dir=folder, random_state=0).fit(
        X, [i % 3 for i in range(30)]
    )
    return folder


@pytest.fixture
def checkpoints(tmp_path, model):
    """Three checkpoints of the first trial, all whole."""
    for number in (1, 2, 3):
        shutil.copytree(model, tmp_path / "trials" / "t001" / f"checkpoint_{number:06d}")
    return Checkpoints(tmp_path)


def test_the_newest_whose_report_is_in_the_log_is_used(checkpoints):
    trial = make_trial(0, checkpoint_000001=3, checkpoint_000002=6)
    assert checkpoints.newest(trial) == "checkpoint_000002"
    assert checkpoints.newest(make_trial(0)) is None


def test_one_that_cannot_be_read_is_forgotten(checkpoints):
    folder = checkpoints.folder / "t001"
    (folder / "checkpoint_000002" / "checkpoint.pt").write_bytes(b"half a file")
    (folder / "checkpoint_000003" / "stages.json").write_text("{")
    trial = make_trial(0, checkpoint_000001=3, checkpoint_000002=6, checkpoint_000003=8)
    assert checkpoints.newest(trial) == "checkpoint_000001"
    assert trial.checkpoints == {"checkpoint_000001": 3}
    shutil.rmtree(folder / "checkpoint_000001")
    assert Checkpoints(checkpoints.folder.parent).newest(trial) is None


def test_a_trial_takes_over_anothers_checkpoint(checkpoints):
    model, trial = make_trial(0, checkpoint_000002=6), make_trial(1)
    assert checkpoints.copy(model, trial)
    assert trial.checkpoints == {"checkpoint_000000": 6}
    own = checkpoints.folder / "t002" / "checkpoint_000000" / "checkpoint.pt"
    assert own.read_bytes() == (checkpoints.folder / "t001" / "checkpoint_000002" / "checkpoint.pt").read_bytes()
    assert checkpoints.newest(trial) == "checkpoint_000000"
    assert not checkpoints.copy(make_trial(5), trial)


def test_two_are_kept_and_none_of_a_trial_that_is_over(checkpoints):
    trial = make_trial(0, checkpoint_000001=3, checkpoint_000002=6, checkpoint_000003=8)
    checkpoints.prune(trial)
    assert list(trial.checkpoints) == ["checkpoint_000002", "checkpoint_000003"]
    assert sorted(path.name for path in (checkpoints.folder / "t001").iterdir()) == list(trial.checkpoints)
    trial.state = DONE
    checkpoints.prune(trial)
    assert checkpoints.names() == []
