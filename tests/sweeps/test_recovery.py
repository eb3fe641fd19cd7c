"""Which checkpoint a trial goes on from, after a kill."""

import shutil
from types import SimpleNamespace

import pytest

from noisylabel import MentorNetClassifier
from sweeps.engine.recovery import CheckpointRepair


@pytest.fixture
def checkpoints(tmp_path, blobs):
    """The folders of three checkpoints, all whole."""
    MentorNetClassifier(max_epochs=2, checkpoint_dir=tmp_path / "model", random_state=0).fit(*blobs)
    folders = [tmp_path / f"checkpoint_{number:06d}" for number in (1, 2, 3)]
    for folder in folders:
        shutil.copytree(tmp_path / "model", folder)
    return folders


def latest_after_repair(of_snapshot, logged, is_finished=False):
    """Return the name of the checkpoint from which a trial goes on, or None."""
    latest = SimpleNamespace(checkpoint=SimpleNamespace(path=str(of_snapshot), filesystem=None))
    manager = SimpleNamespace(latest_checkpoint_result=latest, _latest_checkpoint_result=latest, _checkpoint_results=[])
    trial = SimpleNamespace(
        trial_id="x", is_finished=lambda: is_finished, run_metadata=SimpleNamespace(checkpoint_manager=manager)
    )
    repair = CheckpointRepair()
    repair.logged = {"x": logged}
    repair.on_step_begin(0, [trial])
    assert repair.logged is None
    if manager._latest_checkpoint_result is None:
        return None
    return latest.checkpoint.path.rsplit("/")[-1]


def test_a_checkpoint_that_is_there_is_used(checkpoints):
    assert latest_after_repair(checkpoints[0], set()) == "checkpoint_000001"


def test_one_that_is_gone_is_replaced_by_the_newest_whose_report_is_in_the_log(checkpoints):
    gone = checkpoints[0].with_name("checkpoint_000000")
    assert latest_after_repair(gone, {"checkpoint_000001", "checkpoint_000002"}) == "checkpoint_000002"
    (checkpoints[1] / "checkpoint.pt").write_bytes(b"half a file")
    assert latest_after_repair(gone, {"checkpoint_000001", "checkpoint_000002"}) == "checkpoint_000001"
    assert latest_after_repair(gone, {"checkpoint_000000"}) is None
    assert latest_after_repair(gone, {"checkpoint_000001"}, is_finished=True) == "checkpoint_000000"
