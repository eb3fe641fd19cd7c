"""Fine-tuning: what is loaded, what learns, and how fast."""

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from noisylabel import MentorNetClassifier
from noisylabel.exceptions import InvalidFileError, InvalidParameterError
from noisylabel.students import MLP, Pretrained, ResNet, TimmModel


@pytest.fixture
def weights(tmp_path):
    torch.manual_seed(0)
    network = MLP((16,)).build((5,), 7)
    torch.save(network.state_dict(), tmp_path / "mlp.pt")
    return network.state_dict(), tmp_path / "mlp.pt"


def test_the_body_is_loaded_and_the_output_layer_is_new(weights):
    state, path = weights
    network = Pretrained(MLP((16,)), path).build((5,), 3)
    assert torch.equal(network[0].weight, state["0.weight"])
    assert network[2].out_features == 3
    same = Pretrained(MLP((16,)), path).build((5,), 7)
    assert torch.equal(same[2].weight, state["2.weight"])


@pytest.mark.parametrize("standardize", [True, False])
def test_the_body_learns_more_slowly(blobs, weights, standardize):
    settings = {"optimizer": torch.optim.SGD, "lr": 0.01, "lr_schedule": "constant", "max_epochs": 1, "random_state": 0}
    moved = {}
    for body_lr in (1.0, 0.1, 0.0):
        student = Pretrained(MLP((16,)), weights[1], body_lr=body_lr)
        start = weights[0]["0.weight"]
        clf = MentorNetClassifier("uniform", student=student, standardize=standardize, **settings).fit(*blobs)
        network = clf.net_.module_[1] if standardize else clf.net_.module_
        moved[body_lr] = (network[0].weight - start).abs().max().item()
        assert len(clf.net_.optimizer_.param_groups) <= 4
    assert moved[0.1] == pytest.approx(0.1 * moved[1.0], rel=0.01)
    assert moved[0.0] == 0 < moved[1.0]


def test_a_frozen_body_keeps_its_statistics(images, tmp_path):
    network = ResNet(8, width=8).build((3, 12, 12), 4)
    path = tmp_path / "resnet.safetensors"
    save_file(network.state_dict(), path)
    clf = MentorNetClassifier(
        "uniform", student=Pretrained(ResNet(8, width=8), path, body_lr=0), max_epochs=2, random_state=0
    ).fit(*images)
    after = clf.net_.module_[1].state_dict()
    for name, value in network.state_dict().items():
        assert torch.equal(after[name], value) or name.startswith("8.")  # the output layer
    assert not torch.equal(after["8.weight"][:2], network.state_dict()["8.weight"][:2])


def test_frozen_layers_without_parameters_keep_their_statistics_too(images, tmp_path):
    def build(sample_shape, n_classes):
        norm = nn.BatchNorm2d(4, affine=False)
        return nn.Sequential(nn.Conv2d(3, 4, 3), norm, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, n_classes))

    torch.save(build(None, 5).state_dict(), tmp_path / "norm.pt")
    student = Pretrained(build, tmp_path / "norm.pt", body_lr=0)
    clf = MentorNetClassifier("uniform", student=student, max_epochs=2).fit(*images)
    assert torch.equal(clf.net_.module_[1][1].running_mean, torch.zeros(4))


def test_a_single_layer_is_all_output_layer(blobs, tmp_path):
    def build(sample_shape, n_classes):
        return nn.Linear(sample_shape[0], n_classes)

    torch.save(build((5,), 9).state_dict(), tmp_path / "linear.pt")
    clf = MentorNetClassifier(
        "uniform", student=Pretrained(build, tmp_path / "linear.pt", body_lr=0), lr=0.1, max_epochs=30
    )
    assert clf.fit(*blobs).score(*blobs) > 0.8


def test_timm_and_builders(images, tmp_path):
    pytest.importorskip("timm")
    state = TimmModel("test_resnet").build((3, 12, 12), 1000).state_dict()
    torch.save({"state_dict": state}, tmp_path / "timm.pth")
    for architecture in ("timm:test_resnet", TimmModel("test_resnet")):
        student = Pretrained(architecture, tmp_path / "timm.pth", body_lr=0.5)
        network = student.build((3, 12, 12), 2)
        body = [name for name, value in network.state_dict().items() if value.shape == state[name].shape]
        assert len(body) == len(state) - 2  # all but the output layer
        assert all(torch.equal(network.state_dict()[name], state[name]) for name in body)
        assert MentorNetClassifier(student=student, max_epochs=1).fit(*images).n_iter_ == 1

    def build(sample_shape, n_classes):
        return nn.Sequential(nn.Flatten(), nn.Linear(432, 6), nn.ReLU(), nn.Linear(6, n_classes))

    own = build(None, 9).state_dict()
    torch.save(own, tmp_path / "own.pt")
    assert torch.equal(Pretrained(build, tmp_path / "own.pt").build((3, 12, 12), 2)[1].weight, own["1.weight"])
    assert MentorNetClassifier(student=Pretrained(build, tmp_path / "own.pt"), max_epochs=1).fit(*images).n_iter_ == 1


def test_networks_of_our_own_and_wrapped_ones_are_unwrapped(blobs, tmp_path):
    clf = MentorNetClassifier("uniform", student="mlp", max_epochs=2, checkpoint_dir=tmp_path).fit(*blobs)
    state = clf.net_.module_.state_dict()
    torch.save(state, tmp_path / "own.pt")
    torch.save({f"module.{name}": value for name, value in state.items()}, tmp_path / "parallel.pt")
    save_file({name: value.contiguous() for name, value in state.items()}, tmp_path / "own.safetensors")
    for name in ("own.pt", "parallel.pt", "own.safetensors", "checkpoint.pt"):
        network = Pretrained("mlp", tmp_path / name).build((5,), 3)
        assert torch.equal(network[0].weight, state["1.0.weight"])


def test_files_that_do_not_fit_are_refused(weights, tmp_path):
    path = weights[1]
    with pytest.raises(
        InvalidFileError,
        match=r"lacks 2 of the 4 weights of student MLP.*0.weight \(8, 5\), .* It has 0.weight \(16, 5\)",
    ):
        Pretrained(MLP((8,)), path).build((5,), 3)
    with pytest.raises(InvalidFileError, match="There is no file"):
        Pretrained(MLP((16,)), tmp_path / "none.pt").build((5,), 3)
    for name in ("bad.pt", "bad.safetensors"):
        (tmp_path / name).write_bytes(path.read_bytes()[:100])
        with pytest.raises(InvalidFileError, match="is no file of weights, or is damaged"):
            Pretrained(MLP((16,)), tmp_path / name).build((5,), 3)
    torch.save(np.zeros, tmp_path / "code.pt")
    with pytest.raises(InvalidFileError, match="is no file of weights"):
        Pretrained(MLP((16,)), tmp_path / "code.pt").build((5,), 3)
    with pytest.raises(InvalidParameterError, match="'student' must be one of .* Did you mean 'mlp'"):
        Pretrained("mlpp", path).build((5,), 3)
    with pytest.raises(InvalidParameterError, match=r"'body_lr' must be a number in \[0, 1\]"):
        Pretrained(MLP((16,)), path, body_lr=2).build((5,), 3)
    with pytest.raises(InvalidParameterError, match="has no linear layer"):
        Pretrained(lambda shape, n: nn.Sequential(nn.Identity()), path).build((5,), 3)


def test_skorch_parameter_groups_are_heeded(blobs):
    groups = {"optimizer__param_groups": [("*0.weight", {"lr": 0.5}), ("*0.bias", {"lr": 0.5})]}
    settings = {"student": MLP((4,)), "optimizer": "sgd", "lr": 0.01, "lr_schedule": "constant", "max_epochs": 1}
    clf = MentorNetClassifier(**settings, standardize=False, net_params=groups).fit(*blobs)
    rates = {
        (group["lr"], group["weight_decay"] > 0): len(group["params"]) for group in clf.net_.optimizer_.param_groups
    }
    assert rates == {(0.5, True): 1, (0.5, False): 1, (0.01, True): 1, (0.01, False): 1}
