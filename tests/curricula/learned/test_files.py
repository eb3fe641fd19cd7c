"""A MentorNet file is data: whatever is in it, nothing of it is run, and what is wrong is said."""

import json
import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

import noisylabel._support.files
from noisylabel.curricula import MentorNet, MentorNetwork, list_zoo, resolve_curriculum
from noisylabel.exceptions import InvalidFileError, InvalidParameterError


@pytest.fixture
def saved(tmp_path):
    network = MentorNetwork(history_length=2, generator=torch.Generator().manual_seed(3))
    return MentorNet(network, {"name": "mine", "learned_from": {}, "fit": {}}).save(tmp_path / "mine")


def card_of(path):
    return path.with_suffix(".json")


def change_card(path, **entries):
    card = json.loads(card_of(path).read_text())
    card_of(path).write_text(json.dumps({**card, **entries}))


def test_round_trip(saved):
    assert saved.name == "mine.safetensors"
    loss = torch.rand(4, 2)
    for source in (saved, str(saved)):
        again = resolve_curriculum(source)
        assert again.history_length == 2
        assert again.card["name"] == "mine"
    original = MentorNet(MentorNetwork(history_length=2, generator=torch.Generator().manual_seed(3)))
    arguments = (loss, loss - 1, torch.zeros(4), 33)
    assert torch.equal(again.weights(*arguments), original.weights(*arguments))
    assert {path.name for path in saved.parent.iterdir()} == {"mine.safetensors", "mine.json"}


@pytest.mark.parametrize("keep", [0, 4, 100, -1])
def test_truncated(saved, keep):
    saved.write_bytes(saved.read_bytes()[:keep])
    with pytest.raises(InvalidFileError, match="not a safetensors file, or was cut off"):
        MentorNet.load(saved)


class Trap:
    def __reduce__(self):
        return (Path.touch, (Path("trapped"),))


@pytest.mark.parametrize("dump", [lambda data, path: path.write_bytes(pickle.dumps(data)), torch.save])
def test_a_renamed_pickle_is_not_run(saved, dump, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    dump(Trap(), saved)
    with pytest.raises(InvalidFileError, match="not a safetensors file"):
        MentorNet.load(saved)
    assert not Path("trapped").exists()


def change_tensors(path, change):
    state = load_file(path)
    change(state)
    save_file(state, path)


CHANGES = [
    (lambda state: state.update(hidden_kernel=torch.zeros(9, 21)), r"'hidden_kernel' must be .*\(9, 20\).*\(9, 21\)"),
    (lambda state: state.update(output_bias=torch.zeros(1).double()), "'output_bias' must be torch.float32"),
    (lambda state: state.pop("cell_bias"), "must hold the tensors"),
    (lambda state: state.update(more=torch.zeros(1)), "must hold the tensors"),
    (lambda state: state["output_bias"].fill_(float("nan")), "'output_bias' holds NaN"),
    (lambda state: state["output_bias"].fill_(7), "belongs to another file"),
]


@pytest.mark.parametrize(("change", "message"), CHANGES)
def test_wrong_tensors(saved, change, message):
    change_tensors(saved, change)
    with pytest.raises(InvalidFileError, match=message):
        MentorNet.load(saved)


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({"format": "other-1"}, "must have 'format' 'noisylabel-mentornet-1'. Got 'other-1'"),
        ({"sha256": None}, "no 'sha256'"),
        ({"learned_from": "text"}, "'learned_from' must be a dict"),
        ({"name": ["a"]}, "'name' must be a str"),
        ({"sha256": "0" * 64}, "belongs to another file"),
        ({"network": {"history_length": 2}}, "must have 'network' with history_length"),
        ({"network": {"history_length": -1, "n_labels": 2, "use_label": False}}, "must have 'network'"),
        ({"network": {"history_length": 2, "n_labels": 10**9, "use_label": False}}, "must have 'network'"),
        ({"network": {"history_length": 2, "n_labels": 3, "use_label": False}}, "'label_embedding' must be"),
    ],
)
def test_wrong_card(saved, entries, message):
    change_card(saved, **entries)
    with pytest.raises(InvalidFileError, match=message):
        MentorNet.load(saved)


def test_a_wrong_card_is_not_written(tmp_path):
    mentornet = MentorNet(MentorNetwork(), card={"learned_from": "losses"})
    with pytest.raises(InvalidFileError, match="'learned_from' must be a dict. Got 'losses'"):
        mentornet.save(tmp_path / "mine")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["", "{", "[1, 2]", "\x00\xff", "[" * 100_000, '{"a": ' + "9" * 5000 + "}"])
def test_a_card_that_is_none(saved, text):
    card_of(saved).write_text(text, encoding="latin-1")
    with pytest.raises(InvalidFileError, match="The card"):
        MentorNet.load(saved)


def test_missing_files(saved, tmp_path):
    with pytest.raises(InvalidFileError, match="There is no MentorNet file"):
        resolve_curriculum(tmp_path / "other.safetensors")
    card_of(saved).unlink()
    with pytest.raises(InvalidFileError, match="There is no card .*NAME.safetensors and NAME.json"):
        MentorNet.load(saved)


def test_a_stopped_save_leaves_the_old_file(saved, monkeypatch):
    before = saved.read_bytes()

    def stop(path, data):
        noisylabel._support.files.written_whole(path, lambda partial: (partial.write_bytes(data[:10]), 1 / 0))

    monkeypatch.setattr("noisylabel.curricula.learned._files.write_whole", stop)
    with pytest.raises(ZeroDivisionError):
        MentorNet(MentorNetwork()).save(saved)
    assert saved.read_bytes() == before
    assert len(list(saved.parent.iterdir())) == 2


def test_loading_leaves_the_global_stream_as_it_was():
    before = torch.get_rng_state()
    MentorNet.from_zoo("mentornet_dd")
    MentorNetwork()
    assert torch.equal(torch.get_rng_state(), before)


def test_zoo_names():
    assert {"baseline", "self_paced", "spcl_linear", "hard_example_mining", "focal_loss", "mentornet_pd",
            "mentornet_dd"} <= set(list_zoo())  # fmt: skip
    assert resolve_curriculum("zoo:focal_loss").card["name"] == "focal_loss"
    assert resolve_curriculum("mentornet_dd").card["name"] == "mentornet_dd"
    with pytest.raises(InvalidParameterError, match="Did you mean 'self_paced'"):
        MentorNet.from_zoo("selfpaced")
