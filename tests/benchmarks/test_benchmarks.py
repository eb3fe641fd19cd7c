"""The benchmark suite runs, resumes and reports."""

import json

import pandas as pd
import pytest

import benchmarks.__main__ as command
from benchmarks.cells.catalogue import PROFILES
from benchmarks.cells.cell import Cell, _load, cells, run_cell
from benchmarks.cells.classifier import make_classifier, trusted_rows
from benchmarks.cells.run import run_profile
from benchmarks.cells.store import RESULTS, load_all, path_of
from benchmarks.methods import METHODS
from benchmarks.report.tables import markdown, report_table
from benchmarks.report.trusted import plot_trusted, trusted_table
from benchmarks.studies.speed import TIMINGS, Timing, compare
from noisylabel.exceptions import InvalidDataError


@pytest.fixture(scope="module")
def smoke(tmp_path_factory):
    folder = tmp_path_factory.mktemp("results")
    return folder, run_profile("smoke", folder=folder)


def test_every_cell_has_a_result_with_its_provenance(smoke):
    folder, done = smoke
    assert len(done) == len(cells("smoke")) == 3
    for result in load_all(folder):
        metrics = result["metrics"]
        assert metrics["oracle"] >= max(metrics["last"], metrics["selected"]) > 0.3
        assert result["manifest"]["nominal_rate"] == 0.4
        assert {"commit", "torch", "cpu", "cores"} <= result["environment"].keys()
        assert metrics["seconds"] > 0
        assert 0 < metrics["ece"] < 1
        assert metrics["peak_memory_mb"] > 0


def test_finished_cells_are_not_run_again(smoke):
    folder, done = smoke
    first = done[0].cell
    path_of(first, folder).unlink()
    assert [outcome.cell for outcome in run_profile("smoke", folder=folder)] == [first]
    assert run_profile("smoke", folder=folder) == []


def test_missing_data_are_said_before_anything_is_trained(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("NOISYLABEL_DATA", str(tmp_path))
    monkeypatch.setattr("sys.argv", ["benchmarks", "run", "--profile", "cifar10-10k", "--results", str(tmp_path)])
    _load.cache_clear()
    assert command.main() == 2
    assert "CIFAR10 is not in the data home" in capsys.readouterr().err


def test_report_has_means_and_deviations(smoke, tmp_path, monkeypatch, capsys):
    folder, _ = smoke
    source = json.loads(path_of(cells("smoke")[0], folder).read_text())
    for seed, last in ((1, 0.5), (2, 0.7)):
        source["cell"] |= {"seed": seed, "method": "plain", "profile": "twice"}
        source["metrics"] |= {"last": last}
        target = path_of(Cell("twice", "symmetric", 0.4, "plain", seed), folder)
        target.parent.mkdir(exist_ok=True)
        target.write_text(json.dumps(source))
    monkeypatch.setattr(
        "sys.argv", ["benchmarks", "report", "--results", str(folder), "--csv", str(tmp_path / "t.csv")]
    )
    assert command.main() == 0
    table = pd.read_csv(tmp_path / "t.csv")
    assert ["dataset", "noise", "rate", "method", "n", "last"] == list(table.columns[1:7])
    row = table[table["profile"] == "twice"].iloc[0]
    assert (row["n"], row["last"], row["last_std"]) == (2, pytest.approx(0.6), pytest.approx(0.02**0.5))
    assert "plain_tuned" in capsys.readouterr().out
    assert "| plain | 2 | 60.0 ± 14.1 |" in markdown(report_table(folder))
    assert "| method | n | last | selected | oracle | ece |" in markdown(report_table(folder))
    del source["metrics"]["ece"], source["metrics"]["detection_ap"]  # as in older results
    assert "| oracle | weight of right" in markdown(_table_of(source, tmp_path / "older"))
    only = ["--profile", "smoke", "--methods", "self_paced", "plain", "--rates", "0.4", "--by-noise"]
    monkeypatch.setattr("sys.argv", ["benchmarks", "report", "--results", str(folder), *only])
    capsys.readouterr()
    assert command.main() == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:3] == ["**smoke**", "", "| method | symmetric 40 % |"]
    assert [line.split(" |")[0] for line in lines[4:]] == ["| self_paced", "| plain"]
    assert all(line.endswith("(n = 1) |") for line in lines[4:])
    monkeypatch.setattr("sys.argv", ["benchmarks", "report", "--results", str(folder), "--collapse"])
    assert command.main() == 0
    assert capsys.readouterr().out.splitlines()[-1].endswith(" | 0.0 |")


def _table_of(result, folder):
    target = path_of(Cell(**result["cell"]), folder)
    target.parent.mkdir(parents=True)
    target.write_text(json.dumps(result))
    return report_table(folder)


def test_an_empty_folder_says_what_to_run(tmp_path):
    with pytest.raises(InvalidDataError, match="python -m benchmarks run"):
        report_table(tmp_path)


@pytest.mark.parametrize("name", PROFILES)
def test_profiles_name_known_methods_that_share_everything_else(name):
    profile = PROFILES[name]
    assert set(profile.methods) <= METHODS.keys()
    changed = {"curriculum", "loss_percentile", "update_at", "max_epochs", "burn_in", "example_dropout"}
    changed |= {"mixup_alpha", "mix_ratio", "second_reweight", "ema_decay", "percentile_decay", "percentile_by_class"}
    changed |= {"filter_alpha", "teacher", "teacher_epochs", "callbacks", "lr_schedule"}
    changed |= {"fixed_epoch_after_burn_in"}
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
    assert list(metrics["curve"]) == list(range(1, 11))  # of the student alone
    assert metrics["last"] > 0.8
    assert 0 < metrics["ece"] < 1
    assert 0 < metrics["ece_selected"] < 1
    assert result["manifest"]["realised_rate"] == metrics["weight_wrong"] == 0
    assert cell.name == "symmetric-0_filter_kd_seed0"


def test_committed_results_are_of_known_cells():
    results = load_all(RESULTS)
    assert results
    for result in results:
        assert Cell(**result["cell"]) in cells(result["cell"]["profile"])


def test_timing_lines_are_json():
    timing = compare("nothing", lambda: sum(range(20_000)), lambda: sum(range(10_000)), n=3)
    line = json.loads(timing.to_json())
    assert line.keys() == {"name", "ratio", "medians", "n"}
    assert line["n"] == 3
    assert {"mentornet_resnet_vs_torch", "mentornet_mlp_vs_torch"} <= TIMINGS.keys()
    assert isinstance(timing, Timing)


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


def test_plot_of_the_committed_results(tmp_path):
    assert {50, 100, 300} <= set(trusted_table("digits")["n_trusted"])
    assert 1000 in set(trusted_table("cifar10-10k")["n_trusted"])
    plot_trusted(tmp_path / "trusted.png", "cifar10-10k")
    assert (tmp_path / "trusted.png").stat().st_size > 10_000


def test_cells_with_trusted_labels(tmp_path):
    cell = Cell("smoke", "symmetric", 0.4, "data_driven_300", 0)
    corrected = Cell("smoke", "symmetric", 0.4, "self_paced_corrected_1000", 0)
    metrics = run_cell(cell)["metrics"]
    learned = metrics["mentornet"]["learned_from"]
    assert 280 <= learned["n_right"] + learned["n_wrong"] <= 320
    assert len(metrics["weight_right_by_class"]) == 10
    assert run_cell(corrected)["metrics"]["last"] > 0.7  # all its labels are right
