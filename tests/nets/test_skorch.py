"""Which features of skorch hold: each that holds does something, each that does not is refused by name."""

from contextlib import nullcontext
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
import torch
from skorch import NeuralNet
from skorch.callbacks import Checkpoint, EarlyStopping, EpochScoring, LoadInitState, LRScheduler

from noisylabel import FilterKDClassifier, MentorMixClassifier, MentorNetClassifier
from noisylabel.exceptions import InvalidParameterError, NoisyLabelError
from noisylabel.nets import SKORCH_FEATURES, check_net_params

PAGE = Path(__file__).parents[2] / "docs" / "skorch.md"


def test_every_parameter_of_skorch_is_taken_or_refused():
    net = NeuralNet(torch.nn.Linear(1, 1), criterion=torch.nn.CrossEntropyLoss).initialize()
    for name in net.get_params():
        if name.startswith(("_", "callbacks__train_loss", "callbacks__valid_loss", "callbacks__epoch_timer")):
            continue
        fitting = [f for f in SKORCH_FEATURES if f.kind == "net_params" and fnmatchcase(name, f.name)]
        assert fitting, f"nothing says whether {name} holds"
        refused = pytest.raises(InvalidParameterError, match=f"'net_params' cannot set '{name}': ")
        feature = max(fitting, key=lambda f: len(f.name))
        with nullcontext() if feature.holds else refused:
            check_net_params({name: None})


@pytest.mark.parametrize(
    ("name", "instead"),
    [
        ("module", "student="), ("module__width", "student="), ("criterion", "loss="), ("lr", "it is a parameter"),
        ("criterion__label_smoothing", "loss="), ("train_split", "validation_fraction="),
        ("warm_start", "checkpoint_dir="),
        ("iterator_train__shuffle", "batches"), ("predict_nonlinearity", "logits"), ("dataset", "torch Dataset"),
        ("callbacks__print_log__sink", "verbose=1"), ("callbacks", "it is a parameter"),
        ("verbose", "it is a parameter"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("kind", [MentorNetClassifier, MentorMixClassifier, FilterKDClassifier])
def test_what_does_not_hold_is_refused_by_name(blobs, kind, name, instead):
    with pytest.raises(InvalidParameterError, match=f"'net_params' cannot set '{name}': .*{instead}"):
        kind(net_params={name: 1}).fit(*blobs)


@pytest.mark.parametrize("net_params", [["optimizer__momentum"], {1: 2}, 3])
def test_net_params_is_a_dict_of_names(net_params):
    with pytest.raises(InvalidParameterError, match=r"'net_params' must be a dict such as \{'optimizer__momentum'"):
        MentorNetClassifier(net_params=net_params).check_parameters()


def test_a_name_nearly_right():
    with pytest.raises(InvalidParameterError, match="knows no 'optimizer_momentum'.*did you mean optimizer__momentum"):
        MentorNetClassifier(net_params={"optimizer_momentum": 0.5}).check_parameters()


@pytest.mark.parametrize(
    ("callback", "instead"),
    [
        (LRScheduler(), "LRScheduler, which does not work here: use lr_schedule="),
        (("named", LoadInitState(Checkpoint())), "LoadInitState, which does not work here: use checkpoint_dir="),
        (Checkpoint(load_best=True), r"Checkpoint\(load_best=True\) would bring back .* Use load_best=False"),
        (EarlyStopping(load_best=True), r"EarlyStopping\(load_best=True\) would bring back"),
    ],
)
def test_callbacks_that_do_nothing_are_refused(blobs, callback, instead):
    with pytest.raises(InvalidParameterError, match=instead):
        MentorMixClassifier(callbacks=[callback]).fit(*blobs)


def test_checkpoint_of_the_best_network_without_an_average(blobs, tmp_path):
    keep = Checkpoint(dirname=tmp_path, monitor="train_loss_best", load_best=True)
    clf = MentorNetClassifier("uniform", max_epochs=4, callbacks=[keep], random_state=0).fit(*blobs)
    saved = torch.load(tmp_path / "params.pt", weights_only=True)
    assert all(torch.equal(value, clf.net_.module_.state_dict()[name]) for name, value in saved.items())


def test_what_net_params_take_reaches_the_net(blobs):
    net_params = {
        "optimizer__momentum": 0.5,
        "iterator_valid__batch_size": 7,
        "callbacks__scored__name": "renamed",
        "torch_load_kwargs": {"weights_only": True},
    }
    callbacks = [("scored", EpochScoring("accuracy", on_train=True))]
    clf = MentorNetClassifier(optimizer="sgd", max_epochs=1, callbacks=callbacks, net_params=net_params).fit(*blobs)
    assert clf.net_.optimizer_.param_groups[0]["momentum"] == 0.5
    assert [len(logits) for logits in clf.net_.forward_iter(blobs_data(blobs))][:2] == [7, 7]
    assert "renamed" in clf.history_.columns
    assert clf.net_.torch_load_kwargs == {"weights_only": True}


def blobs_data(blobs):
    from noisylabel.nets import TensorData

    return TensorData(torch.as_tensor(blobs[0]))


def test_a_compiled_network_has_no_checkpoint_yet(tmp_path):
    with pytest.raises(InvalidParameterError, match="compile=True, and a compiled network cannot be read"):
        MentorNetClassifier(net_params={"compile": True}, checkpoint_dir=tmp_path).check_parameters()


def test_the_net_does_not_train_by_itself(blobs):
    net = MentorNetClassifier(max_epochs=1).fit(*blobs).net_
    for name in ("fit", "partial_fit"):
        with pytest.raises(NoisyLabelError, match="call fit of the classifier"):
            getattr(net, name)(*blobs)


def features_table() -> str:
    """Return the features as a Markdown table, for the guide."""
    lines = ["| feature | where | holds | what it does, or what to use instead |", "|---|---|---|---|"]
    for feature in SKORCH_FEATURES:
        name = f"`{feature.name}`" if feature.name != "your own" else feature.name
        lines.append(f"| {name} | `{feature.kind}` | {'yes' if feature.holds else 'no'} | {feature.note} |")
    return "\n".join(lines)


def test_the_guide_shows_the_table():
    assert features_table() in PAGE.read_text(encoding="utf-8"), f"{PAGE} must hold this table:\n{features_table()}"
    assert {feature.kind for feature in SKORCH_FEATURES} == {"net_params", "callbacks", "net_"}
