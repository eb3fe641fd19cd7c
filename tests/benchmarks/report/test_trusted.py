"""The plot of accuracy against trusted labels."""

import pytest

from benchmarks.cells.rows import path_of
from benchmarks.cells.store import append
from benchmarks.report.trusted import plot_trusted, trusted_figure, trusted_table
from tests.made_results import make_result


@pytest.fixture
def folder(tmp_path):
    last = {"plain": 0.5, "self_paced": 0.6, "data_driven_50": 0.7, "data_driven_300": 0.8, "gce": 0.9}
    for seed in (0, 1):
        for method, accuracy in last.items():
            append(path_of("digits", tmp_path), make_result(method, seed, (accuracy + 0.02 * seed, 0.9, 0.95)))
    return tmp_path


def test_the_table_has_the_methods_that_know_right_labels(folder):
    table = trusted_table("digits", folder)
    assert dict(zip(table["method"], table["n_trusted"], strict=True)) == {"data_driven_50": 50, "data_driven_300": 300}
    assert len(table) == 4


def test_a_panel_has_a_curve_of_means_and_level_lines(folder):
    (axes,) = trusted_figure("digits", folder).axes
    assert axes.get_title() == "symmetric 40 %"
    lines = {line.get_label(): line for line in axes.lines}
    assert lines["plain (n = 2)"].get_ydata() == pytest.approx([51, 51])
    assert lines["self_paced (n = 2)"].get_ydata() == pytest.approx([61, 61])
    curve = lines["curriculum learned from them"]
    assert curve.get_xdata().tolist() == [50, 300]
    assert curve.get_ydata() == pytest.approx([71, 81])


def test_the_plot_is_a_png(folder, tmp_path):
    plot_trusted(tmp_path / "trusted.png", "digits", folder)
    assert (tmp_path / "trusted.png").read_bytes().startswith(b"\x89PNG")
