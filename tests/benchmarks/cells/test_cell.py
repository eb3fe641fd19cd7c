"""What a cell trains on, with which classifier, and what its row says."""

import pytest

import benchmarks.__main__ as command
from benchmarks.cells.catalogue import PROFILES
from benchmarks.cells.cell import Cell, _load, cells, run_cell
from benchmarks.cells.classifier import make_classifier, trusted_rows
from benchmarks.cells.metrics import AccuracyCurve
from benchmarks.cells.rows import load_rows
from benchmarks.cells.run import run_profile
from benchmarks.methods import METHODS


def test_every_cell_has_a_result_with_its_provenance(tmp_path):
    done = run_profile("smoke", folder=tmp_path)
    rows = load_rows(tmp_path)
    assert [row["cell"]["method"] for row in rows] == [outcome.cell.method for outcome in done]
    assert len(done) == len(cells("smoke")) == 3
    for row in rows:
        metrics = row["metrics"]
        assert metrics["oracle"] >= max(metrics["last"], metrics["selected"]) > 0.3
        assert metrics["last"] == metrics["curve"][-1]
        assert metrics["curve_every"] == 1
        assert row["manifest"].keys() == {"realised_rate", "hash"}
        assert row["manifest"]["realised_rate"] == pytest.approx(0.36, abs=0.05)
        assert {"commit", "torch", "cpu", "cores"} <= row["environment"].keys()
        assert row["measured"].endswith("+00:00")
        assert metrics["seconds"] > 0
        assert 0 < metrics["ece"] < 1
        assert metrics["peak_memory_mb"] > 0
    assert [row["settings"] for row in rows] == [
        {"curriculum": "uniform"},
        {"curriculum": "uniform", "max_epochs": 5},
        {"curriculum": "self_paced", "loss_percentile": 0.6},
    ]


@pytest.mark.parametrize(
    ("every", "max_epochs", "epochs"),
    [
        (1, 3, {"curve_every": 1}),
        (2, 6, {"curve_every": 2}),
        (2, 5, {"curve_epochs": [2, 4, 5]}),
        (5, 3, {"curve_epochs": [3]}),
    ],
)
def test_the_row_says_at_which_epochs_the_curve_was_measured(every, max_epochs, epochs):
    curve = AccuracyCurve(None, None, every)
    measured = [epoch for epoch in range(1, max_epochs + 1) if epoch % every == 0 or epoch == max_epochs]
    curve.curve_ = {epoch: epoch / 10 for epoch in measured}
    assert curve.measured() == {"curve": [epoch / 10 for epoch in measured], **epochs}


def test_the_row_says_what_was_set_for_this_run():
    row = run_cell(Cell("smoke", "symmetric", 0.4, "plain_tuned", 0), precision="bf16")
    assert row["settings"] == {"curriculum": "uniform", "max_epochs": 5, "precision": "bf16"}


def test_missing_data_are_said_before_anything_is_trained(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("NOISYLABEL_DATA", str(tmp_path))
    monkeypatch.setattr("sys.argv", ["benchmarks", "run", "--profile", "cifar10-10k", "--results", str(tmp_path)])
    _load.cache_clear()
    assert command.main() == 2
    assert "CIFAR10 is not in the data home" in capsys.readouterr().err


@pytest.mark.parametrize("name", PROFILES)
def test_profiles_name_known_methods_that_share_everything_else(name):
    profile = PROFILES[name]
    assert set(profile.methods) <= METHODS.keys()
    changed = {"curriculum", "loss_percentile", "update_at", "max_epochs", "burn_in", "example_dropout"}
    changed |= {"mixup_alpha", "mix_ratio", "second_reweight", "ema_decay", "percentile_decay", "percentile_by_class"}
    changed |= {"filter_alpha", "teacher", "teacher_epochs", "callbacks", "lr_schedule"}
    changed |= {"fixed_epoch_after_burn_in", "loss"}
    settings = [make_classifier(method, 0.4, profile, 0, []).get_params(deep=False) for method in profile.methods]
    for other in settings[1:]:
        shared = (settings[0].keys() & other.keys()) - changed
        assert {"student", "lr", "batch_size", "validation_fraction", "random_state"} <= shared
        assert {k: other[k] for k in shared} == {k: settings[0][k] for k in shared}


@pytest.mark.parametrize("method", ["filter_kd", "kd_last", "kd_early_stopped", "label_smoothing", "one_hot"])
def test_distillation_has_the_same_epochs_in_total(method):
    clf = make_classifier(method, 0.4, PROFILES["digits"], 0, [])
    stages = 1 if method in ("label_smoothing", "one_hot") else 2
    assert stages * clf.max_epochs == PROFILES["digits"].max_epochs
    assert clf.teacher_epochs is None  # as many as the student


def test_a_clean_cell_of_two_stages_has_its_calibration_error():
    cell = Cell("smoke", "symmetric", 0.0, "filter_kd", 0)
    result = run_cell(cell)
    metrics = result["metrics"]
    assert (len(metrics["curve"]), metrics["curve_every"]) == (10, 1)  # of the student alone
    assert metrics["last"] > 0.8
    assert 0 < metrics["ece"] < 1
    assert 0 < metrics["ece_selected"] < 1
    assert result["manifest"]["realised_rate"] == metrics["weight_wrong"] == 0
    assert cell.name == "symmetric-0_filter_kd_seed0"


def test_trusted_rows():
    profile = PROFILES["cifar10-10k"]
    rows = trusted_rows("data_driven_1000", profile, 0)
    assert len(rows) == len(set(rows)) == 1100  # of 11,000, of which a tenth and more is held out
    assert (
        set(trusted_rows("data_driven_300", profile, 0))
        < set(rows)
        == set(trusted_rows("self_paced_corrected_1000", profile, 0))
    )
    assert len(trusted_rows("self_paced", profile, 0)) == 0
    assert set(rows) != set(trusted_rows("data_driven_1000", profile, 1))


@pytest.mark.filterwarnings("ignore:Labels of .* classes ended")  # few steps
def test_cells_with_trusted_labels():
    cell = Cell("smoke", "symmetric", 0.4, "data_driven_300", 0)
    corrected = Cell("smoke", "symmetric", 0.4, "self_paced_corrected_1000", 0)
    metrics = run_cell(cell)["metrics"]
    learned = metrics["mentornet"]["learned_from"]
    assert 280 <= learned["n_right"] + learned["n_wrong"] <= 320
    assert len(metrics["weight_right_by_class"]) == 10
    assert run_cell(corrected)["metrics"]["last"] > 0.7  # all its labels are right
