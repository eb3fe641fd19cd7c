"""Pictures of learning paths: what is drawn where."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from noisylabel.exceptions import InvalidDataError, InvalidParameterError
from noisylabel.plots import plot_distance_gap, plot_path, plot_probabilities, simplex_points


@pytest.fixture
def ax():
    return Figure().subplots()


def legend(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def test_corners_and_middle():
    corners = simplex_points(np.eye(3))
    sides = np.linalg.norm(corners - np.roll(corners, 1, axis=0), axis=1)
    assert sides == pytest.approx(1)
    assert simplex_points(np.full(3, 1 / 3)) == pytest.approx(corners.mean(axis=0))


def test_a_path_begins_and_ends_where_it_should(ax):
    paths = np.array([[[1 / 3, 1 / 3, 1 / 3], [1, 0, 0]], [[0, 0.5, 0.5], [0.5, 0.5, 0]], [[0.9, 0.1, 0], [0, 0, 1]]])
    names = ["easy", "hard"]
    assert plot_path(paths, labels=[0, 1], true_labels=[0, 2], names=names, class_names="abc", ax=ax) is ax
    lines = [collection for collection in ax.collections if hasattr(collection, "get_segments")]
    for i, line in enumerate(lines):
        segments = line.get_segments()
        assert np.allclose([segments[0][0], *[end for _, end in segments]], simplex_points(paths[:, i]))
    assert len(lines) == 2
    assert legend(ax) == ["easy: labelled a", "hard: labelled b, truly c"]
    assert [text.get_text() for text in ax.texts] == ["a", "b", "c"]
    assert ax.get_title() == ""


def test_of_many_classes_three_are_shown_and_the_rest_is_told(ax):
    path = np.array([[0.2, 0.2, 0.2, 0.2, 0.2], [0.1, 0.5, 0.0, 0.3, 0.1], [0.0, 0.1, 0.7, 0.2, 0.0]])
    plot_path(path, labels=4, ax=ax)
    assert [text.get_text() for text in ax.texts] == ["1", "2", "4"]
    assert ax.get_title() == "the 2 other classes hold up to 40%"
    (line,) = [collection for collection in ax.collections if hasattr(collection, "get_segments")]
    kept = path[:, [1, 2, 4]]
    expected = simplex_points(kept / kept.sum(axis=1, keepdims=True))
    assert np.allclose(line.get_segments()[1][1], expected[2])


def test_probabilities_against_time(ax):
    path = np.random.default_rng(0).dirichlet(np.ones(8), size=6)
    plot_probabilities(
        path, steps=np.arange(6) * 10, label=3, true_label=5, class_names=np.array(list("abcdefgh")), ax=ax
    )
    assert legend(ax)[:2] == ["d (given label)", "f (right label)"]
    assert len(legend(ax)) == 5
    assert len(ax.lines) == 8
    assert ax.lines[0].get_xydata().tolist() == np.stack([np.arange(6) * 10, path[:, 3]], axis=1).tolist()
    drawn = sorted(line.get_ydata().tolist() for line in ax.lines)
    assert drawn == sorted(path.T.tolist())
    both = plot_probabilities(path, label=3, true_label=3, ax=Figure().subplots())
    assert legend(both)[0] == "3 (given and right label)"
    assert len(plot_probabilities(path, ax=Figure().subplots()).lines) == 8


def test_distance_by_group(ax):
    rng = np.random.default_rng(0)
    paths, target = rng.dirichlet(np.ones(3), size=(5, 6)), rng.dirichlet(np.ones(3), size=6)
    groups = np.array(["hard", "easy", "easy", "hard", "hard", "easy"])
    plot_distance_gap(paths, target, groups=groups, ax=ax)
    assert legend(ax) == ["hard", "easy"]
    gap = np.sqrt(((paths - target) ** 2).sum(axis=2))
    assert ax.lines[1].get_ydata() == pytest.approx(gap[:, groups == "easy"].mean(axis=1))


def test_bad_input():
    path = np.full((4, 2, 5), 0.2)
    with pytest.raises(
        InvalidDataError, match=r"shape \(T, C\) or \(T, n, C\) with at least 3 classes. Got .*\(4, 2\)"
    ):
        plot_path(np.ones((4, 2)))
    with pytest.raises(InvalidParameterError, match="'labels' must be 2 class codes from 0 to 4"):
        plot_path(path, labels=[1])
    with pytest.raises(InvalidParameterError, match="'true_labels' must be 2 class codes"):
        plot_path(path, true_labels=[1, 5])
    with pytest.raises(InvalidParameterError, match=r"4 classes \[0, 1, 2, 3\].*one by one"):
        plot_path(path, labels=[0, 1], true_labels=[2, 3])
    with pytest.raises(InvalidParameterError, match="'class_names' must have 5 names, one a class. Got 3"):
        plot_path(path, class_names="abc")
    with pytest.raises(InvalidDataError, match="one sample"):
        plot_probabilities(path)
    with pytest.raises(InvalidParameterError, match="'groups' must have 2 names"):
        plot_distance_gap(path, np.full((2, 5), 0.2), groups=["a"])


def test_right_22_missing_values_are_not_drawn():
    path = np.array([[0.2, 0.3, 0.5], [np.nan, 0.5, 0.5]])
    masked = np.ma.masked_array(np.nan_to_num(path), np.isnan(path))
    for draw in (plot_path, plot_probabilities, simplex_points):
        for missing in (path, masked, pd.DataFrame(path), path.tolist()):
            with pytest.raises(InvalidDataError, match=r"has (1 missing or infinite values, the first at|masked)"):
                draw(missing)
    with pytest.raises(InvalidDataError, match="'target_proba' has 1 missing"):
        plot_distance_gap(path[:1, None], path[1:])
    with pytest.raises(InvalidDataError, match="'groups' has 1 missing labels"):
        plot_distance_gap(path[:1, None].repeat(2, 1), path[[0, 0]], groups=["easy", None])
