"""Tables of results: their numbers, what does not compare, and what a broken folder says."""

import math

import pandas as pd
import pytest

import benchmarks.__main__ as command
from benchmarks.cells.rows import path_of
from benchmarks.cells.store import RESULTS, append
from benchmarks.methods import METHODS
from benchmarks.report.families import ABLATIONS, FAMILIES, OTHER, family_of
from benchmarks.report.regimes import ONLY_MEMORISING, UNKNOWN, markdown_regimes, regimes
from benchmarks.report.tables import load_results, machine_of, markdown, result_table, summary
from noisylabel.exceptions import InvalidDataError
from tests.made_results import EPYC, make_result


def write_results(folder, results):
    for result in results:
        append(path_of(result["cell"]["profile"], folder), result)
    return folder


def table_of(*results):
    return summary(result_table(list(results)))


def run(monkeypatch, *options):
    monkeypatch.setattr("sys.argv", ["benchmarks", "report", *map(str, options)])
    return command.main()


def test_means_deviations_and_gaps():
    table = table_of(
        make_result(accuracies=(0.50, 0.60, 0.70), seed=0, ece=0.10, detection_ap=0.80),
        make_result(accuracies=(0.60, 0.70, 0.74), seed=1, ece=0.30, detection_ap=0.90),
    )
    (row,) = table.to_dict("records")
    assert (row["n"], row["last"], row["selected"], row["oracle"]) == (2, *map(pytest.approx, (0.55, 0.65, 0.72)))
    assert row["last_std"] == pytest.approx(0.05 * 2**0.5)
    assert row["oracle_gap_last"] == pytest.approx((20 + 14) / 2)
    assert row["oracle_gap_selected"] == pytest.approx((10 + 4) / 2)
    assert row["oracle_gap_last_std"] == pytest.approx(3 * 2**0.5)
    assert (row["ece"], row["detection_ap"]) == (pytest.approx(0.2), pytest.approx(0.85))
    assert row["detection_ap_std"] == pytest.approx(0.05 * 2**0.5)


def test_what_some_seeds_lack_has_no_mean():
    unknown = table_of(make_result(seed=0, detection_ap=0.8), make_result(seed=1, detection_ap=None)).iloc[0]
    older = table_of(make_result()).iloc[0]
    assert math.isnan(unknown["detection_ap"])
    assert math.isnan(older["detection_ap"])
    assert math.isnan(older["last_std"])


def test_seconds_of_different_machines_are_not_averaged():
    gpu = {"device": "NVIDIA H100"}
    same = table_of(make_result(seed=0, seconds=60), make_result(seed=1, seconds=120, environment={"device": "cpu"}))
    assert same.iloc[0]["seconds"] == 90
    assert same.iloc[0]["machine"] == "AMD EPYC, 2 cores"
    for other in (gpu, {"cpu": "Xeon"}, {"cores": 4}, {"jobs": 8}):
        mixed = table_of(make_result(seed=0), make_result(seed=1, environment=other))
        assert math.isnan(mixed.iloc[0]["seconds"])
        assert mixed.iloc[0]["machine"].count("; ") == 1
        assert markdown(mixed).endswith("| - |")
    assert machine_of(EPYC | gpu) == "AMD EPYC, 2 cores, NVIDIA H100"


def test_markdown_shows_detection_only_where_it_is_known():
    assert "detection AP" not in markdown(table_of(make_result()))
    shown = markdown(table_of(make_result(detection_ap=0.875), make_result("gce")))
    assert "| method | n | last | selected | oracle | detection AP | weight of" in shown
    assert "| plain | 1 | 50.0 | 60.0 | 70.0 | 87.5 | 0.90 / 0.20 | 20.0 / 10.0 | 1.0 |" in shown
    assert "| gce | 1 | 50.0 | 60.0 | 70.0 |  | 0.90 / 0.20 | 20.0 / 10.0 | 1.0 |" in shown


def test_who_wins_only_where_plain_training_memorises():
    def runs(profile, method, *last):
        return [make_result(method, seed, (x, x, x), profile=profile) for seed, x in enumerate(last)]

    table = regimes(
        result_table(
            runs("cifar10-10k", "plain", 0.50, 0.52)
            + runs("cifar10-10k", "plain_tuned", 0.60, 0.62)  # the better of the two
            + runs("cifar10-short", "plain", 0.75)
            + runs("cifar10-10k", "gce", 0.65, 0.67) + runs("cifar10-short", "gce", 0.74)
            + runs("cifar10-10k", "elr", 0.65, 0.66) + runs("cifar10-short", "elr", 0.80)
            + runs("cifar10-10k", "mixup", 0.70, 0.61) + runs("cifar10-short", "mixup", 0.75)  # not on each seed
            + runs("cifar10-10k", "ema", 0.605, 0.625) + runs("cifar10-short", "ema", 0.77)  # by half a point
            + runs("cifar10-10k", "forward", 0.70, 0.70)
            + runs("cifar10-10k", "plain_right_rows", 0.80, 0.80)  # a bound
        )
    ).set_index("method")  # fmt: skip
    assert table["verdict"].to_dict() == {
        "gce": ONLY_MEMORISING,
        "elr": "wins in both",
        "mixup": "wins in neither",
        "ema": "wins only where plain training is at its best",
        "forward": UNKNOWN,
    }
    assert table.loc["gce", "gain_memorising"] == pytest.approx(5)
    assert table.loc["gce", "gain_short"] == pytest.approx(-1)
    assert f"| symmetric 40 % | gce | +5.0 (n = 2) | -1.0 (n = 1) | {ONLY_MEMORISING} |" in markdown_regimes(
        table.reset_index()
    )
    assert regimes(result_table([make_result()])).empty


def test_families():
    listed = [method for methods in FAMILIES.values() for method in methods]
    assert len(set(listed)) == len(listed)
    expected = {"mentormix_soft": ABLATIONS, "released_mentormix": "mixing", "of_tomorrow": OTHER}
    assert {name: family_of(name) for name in expected} == expected
    assert [name for name in METHODS if family_of(name) == OTHER] == []


def test_report_of_the_command_line(tmp_path, monkeypatch, capsys):
    folder = write_results(tmp_path / "results", [make_result(), make_result("gce", detection_ap=0.5)])
    assert run(monkeypatch, "--results", folder, "--csv", tmp_path / "t.csv", "--html", tmp_path / "t.html") == 0
    table = pd.read_csv(tmp_path / "t.csv")
    assert {"oracle_gap_last", "oracle_gap_selected", "detection_ap", "detection_ap_std", "machine"} <= set(table)
    assert (tmp_path / "t.html").read_text().startswith("<!doctype html>")
    capsys.readouterr()
    assert run(monkeypatch, "--results", folder, "--by-noise", "--methods", "gce", "--rates", 0.4) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "| gce | 50.0 (n = 1) |"


def test_regimes_of_the_committed_results(monkeypatch, capsys):
    assert run(monkeypatch, "--regimes", "--methods", "mentornet_pd", "--rates", 0.4) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("| noise | method | gain where plain training memorises |")
    assert {line.split(" | ")[1] for line in lines[2:]} == {"mentornet_pd"}


def test_an_empty_folder_and_a_filter_that_leaves_nothing(tmp_path, monkeypatch, capsys):
    with pytest.raises(InvalidDataError, match="python -m benchmarks run"):
        load_results(tmp_path)
    assert run(monkeypatch, "--results", tmp_path / "none") == 2
    assert f"No results in {tmp_path / 'none'}. Run: python -m benchmarks run" in capsys.readouterr().err
    folder = write_results(tmp_path, [make_result()])
    assert run(monkeypatch, "--results", folder, "--rates", 0.8, "--html", tmp_path / "t.html") == 2
    assert "has nothing of the given" in capsys.readouterr().err
    assert not (tmp_path / "t.html").exists()


def test_report_has_means_and_deviations(tmp_path, monkeypatch, capsys):
    results = [make_result(seed=seed, accuracies=(last, 0.7, 0.7), lost=0) for seed, last in ((1, 0.5), (2, 0.7))]
    folder = write_results(tmp_path / "results", [*results, make_result("gce", weight_right_by_class=[0.05, 0.1])])
    assert run(monkeypatch, "--results", folder, "--csv", tmp_path / "t.csv") == 0
    table = pd.read_csv(tmp_path / "t.csv")
    assert ["dataset", "noise", "rate", "method", "n", "last"] == list(table.columns[1:7])
    assert (table["n"][0], table["last"][0], table["last_std"][0]) == (2, pytest.approx(0.6), pytest.approx(0.02**0.5))
    assert "gce" in capsys.readouterr().out
    assert run(monkeypatch, "--results", folder, "--markdown") == 0
    assert "| plain | 2 | 60.0 ± 14.1 |" in capsys.readouterr().out
    assert run(monkeypatch, "--results", folder, "--by-noise", "--methods", "gce", "plain", "--rates", 0.4) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:3] == ["**digits**", "", "| method | symmetric 40 % |"]
    assert lines[4:] == ["| gce | 50.0 (n = 1) |", "| plain | 60.0 ± 14.1 (n = 2) |"]
    assert run(monkeypatch, "--results", folder, "--collapse") == 0
    assert capsys.readouterr().out.splitlines()[-1] == "| gce | 1 | 50.0 | 70.0 | 0.71 | 1.0 |"


def test_published_numbers_stand_below_ours_of_the_same_data(tmp_path, monkeypatch, capsys):
    noises = [("symmetric", 0.4), ("symmetric", 0.6), ("human_worst", None)]
    cifar = {"profile": "cifar10-10k", "dataset": "cifar10"}
    folder = write_results(tmp_path, [make_result(noise=noise, **cifar) for noise in noises] + [make_result()])
    assert run(monkeypatch, "--results", folder, "--by-noise", "--published", "MentorNet-DD", "MentorMix") == 0
    ours, digits = capsys.readouterr().out.split("\n\n**digits**\n")
    assert "| method | human worst 40 % | symmetric 40 % | symmetric 60 % |" in ours
    assert "| published: MentorNet-DD, rerun by its authors |  | 88.7 |  |" in ours
    assert "| published: MentorMix, paper |  | 94.2 | 91.3 |" in ours
    assert "published" not in digits


def test_history_has_the_older_runs_too(tmp_path, monkeypatch, capsys):
    dated = {"measured": "2026-11-27T08:00:00+00:00"}
    older = make_result(accuracies=(0.1, 0.2, 0.3)) | {"edited_after_measuring": ["environment.jobs"]}
    newer = make_result(accuracies=(0.5, 0.6, 0.7), environment={"commit": "abcdef0123"}) | dated
    folder = write_results(tmp_path, [older, make_result("gce"), newer])
    assert run(monkeypatch, "--results", folder, "--history", "--methods", "plain") == 0
    header, *runs = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert header == "profile noise rate method seed last selected oracle seconds commit measured edited".split()
    cell = ["digits", "symmetric", "0.4", "plain", "0"]
    assert runs == [
        [*cell, "0.1", "0.2", "0.3", "60.0", "0123456", "environment.jobs"],
        [*cell, "0.5", "0.6", "0.7", "60.0", "abcdef0", dated["measured"]],
    ]
    assert run(monkeypatch, "--results", folder, "--by-noise", "--methods", "plain") == 0
    assert capsys.readouterr().out.splitlines()[-1] == "| plain | 50.0 (n = 1) |"  # only the newest counts


def test_the_committed_results_have_a_table():
    results = load_results(RESULTS)
    table = summary(result_table(results))
    assert table["n"].sum() == len(results)
    assert (table[["oracle_gap_last", "oracle_gap_selected"]] >= 0).all(axis=None)
    assert table["seconds"].isna().equals(table["machine"].str.contains("; "))
