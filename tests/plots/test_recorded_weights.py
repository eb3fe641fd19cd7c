"""Pictures of weights that were recorded."""

import numpy as np
import pytest
import torch

from noisylabel.curricula.learned import MentorFeatures, learn_from_weights
from noisylabel.exceptions import InvalidDataError, InvalidParameterError
from noisylabel.plots import plot_recorded_weights


@pytest.fixture
def visits():
    generator = torch.Generator().manual_seed(0)
    loss = 3 * torch.rand(4000, generator=generator)
    percent = torch.arange(4000) // 40
    weights = torch.where(percent < 50, torch.ones(4000), 2 * (loss < 1).float())
    return MentorFeatures.of(loss, loss - 1, torch.zeros(4000), percent), weights


def lines(ax):
    return {line.get_label(): line for line in ax.get_lines()}


def test_the_mean_lies_where_the_weights_do(visits):
    figure = plot_recorded_weights(*visits, stretches=(0, 50, 100))
    early, late, early_diff, late_diff = figure.axes
    assert [ax.get_title() for ax in figure.axes] == ["0 to 49 %", "50 to 99 %", "", ""]
    assert [early.get_xlabel(), early_diff.get_xlabel()] == ["loss", "loss minus moving percentile"]
    assert set(lines(early)["mean"].get_ydata()) == {1.0}
    x, y = lines(late)["mean"].get_data()
    inner = np.abs(np.asarray(x) - 1) > 0.15
    assert (np.asarray(y)[inner] == np.where(np.asarray(x) < 1, 2, 0)[inner]).all()
    np.testing.assert_allclose(np.asarray(lines(late_diff)["mean"].get_xdata()), np.asarray(x) - 1, atol=1e-6)
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["10 to 90 %", "mean"]


def test_the_imitation_is_in_the_units_of_what_it_imitates(visits):
    features, weights = visits
    imitation = learn_from_weights(features, weights, torch.arange(4000), n_steps=400, random_state=0)
    is_right = features.loss[:, 0] < 1.5
    figure = plot_recorded_weights(features, weights, is_right=is_right, imitation=imitation, stretches=(50, 100))
    drawn = lines(figure.axes[0])
    gap = np.abs(np.asarray(drawn["imitation"].get_ydata()) - np.asarray(drawn["mean"].get_ydata()))
    assert gap.mean() < 0.2
    shown = [text.get_text() for text in figure.legends[0].get_texts()]
    assert shown == ["right", "wrong", "10 to 90 %", "mean", "imitation"]
    right, wrong = figure.axes[0].collections[:2]
    assert right.get_offsets()[:, 0].max() <= 1.5 < wrong.get_offsets()[:, 0].min()


def test_a_stretch_without_visits_and_equal_losses(visits):
    features, weights = visits
    few = features.take(torch.arange(3))
    figure = plot_recorded_weights(few, weights[:3])
    assert [len(ax.get_lines()) for ax in figure.axes[:4]] == [1, 0, 0, 0]
    same = MentorFeatures.of(torch.ones(5), torch.zeros(5), torch.zeros(5), torch.zeros(5))
    assert list(lines(plot_recorded_weights(same, torch.arange(5.0)).axes[0])["mean"].get_ydata()) == [2.0]


def test_bad_input(visits):
    features, weights = visits
    for stretches in ((0,), (50, 20), (0, 101), (0.5, 3)):
        with pytest.raises(InvalidParameterError, match="'stretches' must be"):
            plot_recorded_weights(features, weights, stretches=stretches)
    with pytest.raises(InvalidDataError, match="one for each of 4000 visits. Got 3"):
        plot_recorded_weights(features, weights[:3])
