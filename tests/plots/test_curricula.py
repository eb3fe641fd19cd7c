"""Pictures of curricula."""

import json
import re

import numpy as np
import pytest
import torch
from PIL import Image

from noisylabel.curricula import Focal, MentorNet, MentorNetPD, MentorNetwork, SPCLLinear
from noisylabel.curricula.learned import learn_from_vstar
from noisylabel.exceptions import InvalidParameterError
from noisylabel.plots import (
    animate_curriculum,
    curriculum_weights,
    learned_from,
    plot_curriculum,
    write_curriculum_page,
)
from tests.browser import body, charts, open_browser, seen, title


def test_weights_lie_where_they_should():
    weights = curriculum_weights("mentornet_pd", (10, 50, 95), loss_bound=2.0, n_cells=5)
    difference = np.array([-2, -1, 0, 1, 2])
    assert (weights[0] == 1).all()
    assert (weights[1] == (difference <= 0)[:, None]).all()
    assert weights[2][:, 0].tolist() == [1, 1, 1, 0, 0]
    by_loss = curriculum_weights(lambda loss, loss_diff, label, epoch_percent: loss / 2, (0,), loss_bound=2, n_cells=3)
    assert by_loss[0].tolist() == [[0, 0.5, 1]] * 3


def test_a_network_that_reads_several_losses():
    network = MentorNetwork(history_length=3, generator=torch.Generator().manual_seed(0))
    assert curriculum_weights(MentorNet(network), (0, 99), n_cells=4).shape == (2, 4, 4)


def test_sheet():
    figure = plot_curriculum("zoo:mentornet_pd", vstar="mentornet_pd", percents=(0, 18, 19, 50, 89, 90, 99))
    panels = [ax for ax in figure.axes if ax.images]
    assert len(panels) == 14
    assert [ax.get_title() for ax in panels if ax.get_title()] == [
        "0 %",
        "18 %",
        "19 %",
        "50 %",
        "89 %",
        "90 %",
        "99 %",
    ]
    learned, closed = (ax.images[0].get_array() for ax in (panels[3], panels[8]))
    assert {ax.get_ylabel() for ax in panels} == {"", "learned", "closed form"}
    assert np.abs(learned - closed).mean() < 0.05


def test_animation(tmp_path):
    path = animate_curriculum("mentornet_pd", tmp_path / "a.gif", percents=(0, 50, 95))
    with Image.open(path) as picture:
        assert picture.n_frames == 3
        assert picture.size[0] > 200
    assert [file.name for file in tmp_path.iterdir()] == ["a.gif"]


def test_page_holds_the_weights_and_nothing_from_elsewhere(tmp_path):
    mentornet = MentorNet.from_zoo("spcl_linear")
    mentornet.card["name"] = "</script><b>"
    page = write_curriculum_page(mentornet, tmp_path / "p.html", vstar="spcl_linear", loss_bound=3)
    browser = open_browser(tmp_path)
    dom = browser.dom(page)
    assert seen(body(dom), "<h2>(.*?)</h2>") == ["</script><b>", "spcl_linear"]
    assert '"name": "</script><b>"' in seen(body(dom), "<pre>(.*?)</pre>")[0]
    specifications = re.findall(r'<div class="chart"><script[^>]*>(.*?)</script>', page.read_text(encoding="utf-8"))
    cells = json.loads(specifications[1])["data"]["values"]
    assert (cells[0]["loss"], cells[0]["difference"], cells[-1]["loss"], cells[-1]["difference"]) == (0, -3, 3, 3)
    shown = np.array([list(bytes.fromhex(cell["digits"])) for cell in cells]).T.reshape(100, 61, 61)
    wanted = curriculum_weights("spcl_linear", range(100), loss_bound=3)
    assert np.abs(shown / 255 - wanted).max() <= 0.5 / 255 + 1e-6


@pytest.mark.slow
def test_slider_moves_through_training(tmp_path):
    browser = open_browser(tmp_path)
    page = write_curriculum_page("mentornet_pd", tmp_path / "p.html")
    (picture,) = charts(browser.dom(page, "percent=95"))
    colours = re.findall(r'<path [^>]*fill="(rgb[^"]*)"', picture)
    assert colours.count("rgb(253, 231, 37)") == (curriculum_weights("mentornet_pd", [95]) == 1).sum()
    assert len(re.findall(r'<path d="M[^"]*h6\.5v6\.5', picture)) == 61 * 61
    assert (
        title(browser.dom(page, "percent=95", script="document.title = document.querySelector('output').value")) == "95"
    )
    assert browser.screenshot(page)[0, 0].min() > 200
    assert browser.screenshot(page, dark=True)[0, 0].max() < 60
    width = "document.title = document.documentElement.scrollWidth <= innerWidth"
    assert title(browser.dom(page, script=width, size=(500, 900))) == "true"


def test_a_name_is_text_and_not_mathematics(tmp_path):
    mentornet = MentorNet.from_zoo("focal_loss")
    mentornet.card["name"] = r"a$\bad$b"
    plot_curriculum(mentornet, percents=(0,)).savefig(tmp_path / "a.png")
    animate_curriculum(mentornet, tmp_path / "a.gif", percents=(0,))


def test_bad_input():
    for percents in ((), (100,), (-1,), (0.5,)):
        with pytest.raises(InvalidParameterError, match="'percents' must be whole numbers from 0 to 99"):
            plot_curriculum("focal", percents=percents)
    with pytest.raises(InvalidParameterError, match="'loss_bound'"):
        plot_curriculum("focal", loss_bound=0)


def test_learned_from():
    learned = learn_from_vstar(SPCLLinear(gamma=4), n_samples=200, n_steps=2, random_state=0)
    assert learned_from(learned).gamma == 4
    assert type(learned_from(MentorNet.from_zoo("focal_loss"))) is Focal
    assert learned_from(MentorNet.from_zoo("mentornet_dd")) is None
    assert learned_from(MentorNetPD()) is None
