"""Pictures of curricula."""

import base64
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
    text = write_curriculum_page(mentornet, tmp_path / "p.html", vstar="spcl_linear", loss_bound=3).read_text()
    assert not re.findall(r"(?:src|href)\s*=|https?://", text)
    assert text.count("</script>") == 1
    data = json.loads(re.search(r"const data = (.*);\n", text)[1])
    assert [panel["name"] for panel in data["panels"]] == ["</script><b>", "spcl_linear"]
    shown = np.frombuffer(base64.b64decode(data["panels"][1]["weights"]), np.uint8).reshape(100, 61, 61)
    wanted = curriculum_weights("spcl_linear", range(100), loss_bound=3)
    assert np.abs(shown / 255 - wanted).max() <= 0.5 / 255 + 1e-6


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
