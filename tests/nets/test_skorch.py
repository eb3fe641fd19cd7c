"""Which features of skorch hold: each row of the table is proved, and none of skorch's names is missing in it."""

import copy
import inspect
import pickle
import sys
import types
from functools import partial
from pathlib import Path
from unittest.mock import MagicMock, Mock

import numpy as np
import pytest
import skorch.callbacks as skorch_callbacks
import torch
from skorch import NeuralNet, NeuralNetClassifier
from skorch.callbacks import (
    BatchScoring,
    Callback,
    Checkpoint,
    EarlyStopping,
    EpochScoring,
    Freezer,
    GradientNormClipping,
    Initializer,
    LoadInitState,
    LRScheduler,
    MlflowLogger,
    NeptuneLogger,
    ParamMapper,
    PassthroughScoring,
    PrintLog,
    ProgressBar,
    SacredLogger,
    TensorBoard,
    TrainEndCheckpoint,
    Unfreezer,
    WandbLogger,
)
from torch import nn
from torch.utils.data import TensorDataset

from noisylabel import FilterKDClassifier, MentorMixClassifier, MentorNetClassifier, load_checkpoint
from noisylabel.exceptions import InvalidDataError, InvalidParameterError, NoisyLabelError
from noisylabel.nets import SKORCH_FEATURES, DistillingNet, MixingNet, check_net_params
from noisylabel.nets._skorch import feature_of
from noisylabel.students import MLP

PAGE = Path(__file__).parents[2] / "docs" / "skorch.md"
Y = np.repeat(np.arange(3), 8)
X = (np.random.default_rng(0).normal(size=(24, 5)) + 4 * Y[:, None]).astype(np.float32)


def fit(*callbacks, **parameters):
    defaults = {"curriculum": "uniform", "student": MLP((4,)), "max_epochs": 3, "batch_size": 12, "random_state": 0}
    return MentorNetClassifier(**defaults | {"callbacks": list(callbacks)} | parameters).fit(X, Y)


def fit_with(**net_params):
    return fit(net_params=net_params)


@pytest.fixture(scope="module")
def clf():
    return fit()


def weights(clf):
    return torch.cat([parameter.detach().flatten() for parameter in clf.net_.module_.parameters()])


# ---- net_params --------------------------------------------------------------------------------------------------


def prove_workers(name):
    dataset = TensorDataset(torch.as_tensor(X), torch.as_tensor(Y))
    workers = {name.rpartition("__")[0] + "__num_workers": 1}
    clf = MentorNetClassifier("uniform", max_epochs=1, standardize=False, net_params=workers | {name: 1})
    batches = clf.fit(dataset).net_.get_iterator(clf.net_.get_iterator, "train" in name)
    assert getattr(batches, name.rpartition("__")[2], 1) == 1


def prove_batch_size():
    assert [len(logits) for logits in fit_with(iterator_valid__batch_size=7).net_.forward_iter(X)] == [7, 7, 7, 3]


def prove_callback_parameters():
    scored = [("scored", EpochScoring("accuracy", on_train=True))]
    assert "renamed" in fit(*scored, net_params={"callbacks__scored__name": "renamed"}).history_
    assert "accuracy" not in fit(*scored, net_params={"callbacks__scored": None}).history_


def prove_compile():
    clf = fit_with(compile=True, compile__backend="eager")
    assert hasattr(clf.net_.module_, "_orig_mod")
    assert np.allclose(clf.predict_proba(X), fit().predict_proba(X), atol=1e-5)


NET_PARAMS_THAT_HOLD = {
    "optimizer": lambda: isinstance(fit_with(optimizer=torch.optim.RMSprop).net_.optimizer_, torch.optim.RMSprop),
    "optimizer__*": lambda: fit_with(optimizer__eps=0.1).net_.optimizer_.defaults["eps"] == 0.1,
    "iterator_train__num_workers": partial(prove_workers, "iterator_train__num_workers"),
    "iterator_valid__num_workers": partial(prove_workers, "iterator_valid__num_workers"),
    "iterator_train__prefetch_factor": partial(prove_workers, "iterator_train__prefetch_factor"),
    "iterator_valid__prefetch_factor": partial(prove_workers, "iterator_valid__prefetch_factor"),
    "iterator_valid__batch_size": prove_batch_size,
    "callbacks__*": prove_callback_parameters,
    "compile": prove_compile,
    "compile__*": prove_compile,
    "torch_load_kwargs": lambda: fit_with(torch_load_kwargs={"weights_only": True}).net_.torch_load_kwargs is not None,
}


@pytest.mark.parametrize(
    ("net_params", "message"),
    [
        ({"iterator_train__num_workers": -1}, "'iterator_train__num_workers' must be an integer of at least 0. Got -1"),
        ({"iterator_valid__num_workers": 1.5}, "'iterator_valid__num_workers' must be an integer of at least 0"),
        ({"iterator_valid__batch_size": 0}, "'iterator_valid__batch_size' must be an integer of at least 1"),
        (
            {"iterator_train__prefetch_factor": 2},
            "iterator_train__prefetch_factor, but no processes",
        ),
        (
            {"iterator_train__num_workers": 1, "iterator_train__prefetch_factor": 0},
            "'iterator_train__prefetch_factor' must be an integer of at least 1",
        ),
    ],
)
def test_numbers_of_processes_and_batches_are_checked_before_the_data(net_params, message):
    with pytest.raises(InvalidParameterError, match=message):
        MentorNetClassifier(net_params=net_params).fit(None, None)


# ---- callbacks ---------------------------------------------------------------------------------------------------


def prove_own_callback():
    names = [name for name in vars(Callback) if name.startswith("on_")]
    spied, mock, by_object = {}, Mock(spec=Callback), Callback()
    for name in names:
        setattr(by_object, name, lambda *args, _name=name, **kwargs: spied.update({_name: spied.get(_name, 0) + 1}))
    fit(mock, by_object)
    assert {name: getattr(mock, name).call_count for name in names} == spied
    assert spied == dict.fromkeys(names, 6) | {"on_train_begin": 1, "on_train_end": 1} | dict.fromkeys(
        ("on_epoch_begin", "on_epoch_end"), 3
    )


def prove_epoch_scoring():
    own_X, own_y = X[::2], Y[::2]

    def on_own_rows(net, X, y):
        assert len(X) == len(y) == 6  # held-out rows, as arrays
        return float((net.predict(own_X) == own_y).mean())

    callbacks = [
        EpochScoring("accuracy", name="cached"),
        EpochScoring("accuracy", name="anew", use_caching=False),
        EpochScoring("neg_log_loss", name="loss", lower_is_better=False),
        EpochScoring(on_own_rows, name="own", use_caching=False),
        EpochScoring(None, name="train", on_train=True, use_caching=False),
    ]
    clf = fit(*callbacks, validation_fraction=0.25, standardize=False)
    assert clf.history_["cached"].tolist() == clf.history_["anew"].tolist() == clf.history_["valid_acc"].tolist()
    assert (-clf.history_["loss"]).tolist() == pytest.approx(clf.history_["valid_loss"].tolist(), abs=1e-5)
    assert clf.history_["own"].between(0.1, 1).all()
    with pytest.raises(InvalidParameterError, match="EpochScoring scores held-out.*'validation_fraction'.*on_train"):
        fit(EpochScoring("accuracy"))


def prove_batch_scoring():
    clf = fit(BatchScoring("accuracy", on_train=True, name="by_batch"), PassthroughScoring("train_loss", on_train=True))
    assert clf.history_["by_batch"].between(0.1, 1).all()


def prove_early_stopping():
    stopper = EarlyStopping(patience=1, threshold=100, load_best=True)
    clf = fit(stopper, validation_fraction=0.25, max_epochs=9, ema_decay=0.9)
    assert (clf.n_iter_, clf.best_epoch_) == (2, 1)
    with pytest.raises(InvalidParameterError, match="EarlyStopping watches 'valid_loss'.*Set 'validation_fraction'"):
        fit(EarlyStopping())


def prove_checkpoint(tmp_path):
    keep = Checkpoint(monitor="train_loss_best", dirname=tmp_path, load_best=True)
    seen = []
    look = Callback()
    look.on_epoch_end = lambda net, **kwargs: seen.append(copy.deepcopy(net.evaluated_module().state_dict()))
    clf = fit(look, keep, ema_decay=0.9)
    saved = torch.load(tmp_path / "params.pt", weights_only=True)
    assert all(torch.equal(saved[name], seen[-1][name]) for name in saved)  # the average, not the raw network
    assert all(torch.equal(value, saved[name]) for name, value in clf.net_.module_.state_dict().items())


def prove_end_checkpoint(tmp_path):
    clf = fit(TrainEndCheckpoint(dirname=tmp_path), ema_decay=0.9)
    saved = torch.load(tmp_path / "train_end_params.pt", weights_only=True)
    assert all(torch.equal(value, saved[name]) for name, value in clf.net_.module_.state_dict().items())


def prove_print_log(capsys):
    lines = []
    fit(PrintLog(sink=lines.append))
    assert len(lines) == 5
    assert "train_loss" in lines[0]
    fit(verbose=2)
    assert len(capsys.readouterr().out.splitlines()) == 5


def prove_clipping():
    clf = fit(GradientNormClipping(1e-6), optimizer="sgd", lr=0.1, weight_decay=0)
    assert (weights(clf) - weights(fit(max_epochs=1, lr=1e-30, weight_decay=0))).norm() < 1e-5


def frozen_first_layer(sample_shape, n_classes):
    network = nn.Sequential(nn.Linear(5, 4), nn.ReLU(), nn.Linear(4, n_classes))
    network[0].requires_grad_(False)
    return network


def first_layers(clf):
    """Return how far the first layer has moved from what it is without training."""
    still = clf.__class__(**clf.get_params(deep=False) | {"lr": 1e-30, "callbacks": None, "weight_decay": 0}).fit(X, Y)
    return (clf.net_.module_[1][0].weight - still.net_.module_[1][0].weight).abs().max().item()


def prove_freezer():
    assert first_layers(fit(Freezer("0.*"))) < 1e-9 < 1e-4 < first_layers(fit(Freezer("0.*", at=3)))
    for everything in (Freezer("*"), Freezer("*", at=2)):
        with pytest.raises(InvalidParameterError, match="Nothing can learn in epoch .: every parameter.*Freezer"):
            fit(everything)
    network = nn.Linear(5, 3).requires_grad_(False)
    with pytest.raises(InvalidParameterError, match="Nothing can learn in epoch 1"):
        fit(student=network)


def prove_unfreezer():
    student = {"student": frozen_first_layer}
    assert first_layers(fit(**student)) < 1e-9
    assert first_layers(fit(Unfreezer("0.*", at=2), **student)) > 1e-4
    assert first_layers(fit(Unfreezer("0.*"), ema_decay=0.5, **student)) > 1e-4


def prove_mapper(kind):
    clf = fit(kind("0.weight", fn=partial(nn.init.constant_, val=7.0), at=3))
    assert (clf.net_.module_[1][0].weight - 7).abs().max() < 0.1


def prove_tensorboard():
    writer = MagicMock()
    fit(TensorBoard(writer))
    assert {call.kwargs["tag"] for call in writer.add_scalar.call_args_list} >= {"Loss/train_loss", "data_utilization"}


def prove_mlflow():
    client = MagicMock()
    fit(MlflowLogger(MagicMock(), client, create_artifact=False, log_on_batch_end=True))
    assert {call.args[1] for call in client.log_metric.call_args_list} >= {"train_loss_batch", "train_loss_epoch"}


def prove_neptune(monkeypatch):
    monkeypatch.setitem(sys.modules, "neptune", MagicMock())
    monkeypatch.setitem(sys.modules, "neptune.types", MagicMock())
    run = MagicMock()
    fit(NeptuneLogger(run, close_after_train=False, log_on_batch_end=True))
    assert run["training"].__getitem__.called


def prove_sacred():
    experiment = MagicMock()
    fit(SacredLogger(experiment, log_on_batch_end=True))
    assert {call.args[0] for call in experiment.log_scalar.call_args_list} >= {"train_loss_batch", "train_loss_epoch"}


def prove_wandb(tmp_path):
    run = MagicMock(dir=str(tmp_path))
    fit(WandbLogger(run), validation_fraction=0.25)
    assert (tmp_path / "best_model.pth").exists()
    with pytest.raises(InvalidParameterError, match=r"WandbLogger\(save_model=True\) watches 'valid_loss'"):
        fit(WandbLogger(run))


CALLBACKS_THAT_HOLD = {
    "Callback": prove_own_callback,
    "EpochScoring": prove_epoch_scoring,
    "BatchScoring": prove_batch_scoring,
    "PassthroughScoring": prove_batch_scoring,
    "EarlyStopping": prove_early_stopping,
    "Checkpoint": prove_checkpoint,
    "TrainEndCheckpoint": prove_end_checkpoint,
    "EpochTimer": lambda: (fit().history_["dur"] > 0).all(),
    "PrintLog": prove_print_log,
    "ProgressBar": lambda capsys: fit(ProgressBar(detect_notebook=False)) and "/2 [" in capsys.readouterr().err,
    "GradientNormClipping": prove_clipping,
    "Freezer": prove_freezer,
    "Unfreezer": prove_unfreezer,
    "ParamMapper": partial(prove_mapper, ParamMapper),
    "Initializer": partial(prove_mapper, Initializer),
    "TensorBoard": prove_tensorboard,
    "MlflowLogger": prove_mlflow,
    "NeptuneLogger": prove_neptune,
    "SacredLogger": prove_sacred,
    "WandbLogger": prove_wandb,
}


# ---- net_ --------------------------------------------------------------------------------------------------------


def prove_history(clf):
    history = clf.net_.history
    assert history[:, "train_loss"] == clf.history_["train_loss"].tolist()
    assert history[:, ("train_loss", "dur")][0] == (history[0]["train_loss"], history[0]["dur"])
    assert history[-1, "train_batch_count"] == 2
    assert not any(history[:, "batches"])

    class Look(Callback):
        def on_epoch_end(self, net, **kwargs):
            epoch = net.history[-1]
            assert np.mean(net.history[-1, "batches", :, "train_loss"]) == pytest.approx(epoch["train_loss"])
            sizes.append(net.history[-1, "batches", :, "train_batch_size"])

    sizes = []
    fit(Look())
    assert sizes == [[12, 12]] * 3
    with pytest.raises(KeyError, match="'valid_loss' was not found"):
        history[:, "valid_loss"]


def prove_prediction(clf):
    expected = clf.predict_proba(X)
    for given in (X, X.astype(np.float64), torch.as_tensor(X), TensorDataset(torch.as_tensor(X)), X[::-1][::-1]):
        assert np.allclose(clf.net_.predict_proba(given), expected, atol=1e-6)
    assert np.array_equal(clf.net_.predict(X), expected.argmax(1))
    assert np.allclose(clf.net_.forward(X).softmax(1), expected, atol=1e-6)
    for word, given in {"list": X.tolist(), "dtype": X.astype(str), "ndarray": X[0]}.items():
        with pytest.raises(InvalidDataError, match=f"{word}.* Call predict or predict_proba of the classifier"):
            clf.net_.predict(given)
    for word, given in {
        "shape": X[:, :3],
        "fitted on values": X.astype(np.uint8) * 20,
        "infinity": np.where(X == X.max(), np.inf, X),
    }.items():
        with pytest.raises(InvalidDataError, match=word):
            clf.net_.predict(given)


def prove_score(clf, tmp_path):
    assert clf.net_.score(X, Y) == clf.score(X, Y)
    fit(checkpoint_dir=tmp_path)
    assert load_checkpoint(tmp_path).net_.score(X, Y) == clf.score(X, Y)
    with pytest.raises(InvalidDataError, match="takes label codes, 0 to 2. Call score of the classifier"):
        clf.net_.score(X, np.array(["a", "b", "c"])[Y])


def prove_params(tmp_path):
    files = {"f_params": tmp_path / "p.pt", "f_optimizer": tmp_path / "o.pt", "f_history": tmp_path / "h.json"}
    clf, other = fit(), fit(lr=0.1)
    clf.net_.save_params(**files)
    other.net_.load_params(**files)
    assert torch.equal(weights(clf), weights(other))
    assert other.net_.history[:, "train_loss"] == clf.net_.history[:, "train_loss"]


def prove_set_params():
    net = fit().net_
    net.set_params(verbose=1, optimizer__eps=0.5, iterator_valid__batch_size=5)
    assert (net.verbose, net.optimizer_.param_groups[0]["eps"]) == (1, 0.5)
    assert len(list(net.forward_iter(X))) == 5
    for name in ("lr", "max_epochs", "optimizer__lr", "module__x", "criterion", "no_such"):
        with pytest.raises(NoisyLabelError, match=f"net_.set_params cannot set '{name}': set it on the classifier"):
            net.set_params(**{name: 1})


def prove_trim():
    clf = fit()
    expected, size = clf.predict_proba(X), len(pickle.dumps(clf.net_))
    clf.net_.trim_for_prediction()
    assert np.array_equal(clf.predict_proba(X), expected)
    assert len(pickle.dumps(clf.net_)) < size


def prove_learnable(clf):
    assert [name for name, _ in clf.net_.get_all_learnable_params()] == ["0.weight", "0.bias", "2.weight", "2.bias"]


def as_stock(name):
    """Prove that a net has skorch's own method or attribute, or one of its own in its place."""
    stock = NeuralNetClassifier(nn.Linear(5, 3), verbose=0, max_epochs=1).fit(X, Y.astype(np.int64))
    assert isinstance(getattr(fit().net_, name), type(getattr(stock, name)) | types.MethodType)


NET_THAT_HOLDS = {
    "history": prove_history,
    "history_": prove_history,
    "module_": lambda clf: torch.allclose(clf.net_.module_.eval()(torch.as_tensor(X)), clf.net_.forward(X), atol=1e-6),
    "optimizer_": lambda clf: isinstance(clf.net_.optimizer_, torch.optim.AdamW),
    "callbacks_": lambda clf: [name for name, _ in clf.net_.callbacks_] == ["epoch_timer"],
    "classes_": lambda clf: clf.net_.classes_.tolist() == [0, 1, 2],
    "predict_proba": prove_prediction,
    "predict": prove_prediction,
    "forward": prove_prediction,
    "forward_iter": prove_prediction,
    "score": prove_score,
    "infer": lambda clf: torch.equal(clf.net_.infer(torch.as_tensor(X)), clf.net_.forward(X)),
    "evaluation_step": lambda clf: clf.net_.evaluation_step((torch.as_tensor(X), None)).shape == (24, 3),
    "save_params": prove_params,
    "load_params": prove_params,
    "trim_for_prediction": prove_trim,
    "get_params*": lambda clf: clf.net_.get_params_for("iterator_valid")["batch_size"] == 4096,
    "set_params": prove_set_params,
    "get_all_learnable_params": prove_learnable,
    "get_default_callbacks": lambda clf: next(name for name, _ in clf.net_.get_default_callbacks()) == "epoch_timer",
    "initialize*": lambda: fit().net_.initialize().initialized_,
    "train_step*": lambda clf: callable(clf.net_.train_step_single),
    "on_*": lambda clf: clf.net_.on_batch_end(clf.net_) is None,
    "notify": lambda clf: clf.net_.notify("on_batch_end") is None,
    "check_is_fitted": lambda clf: clf.net_.check_is_fitted() is None,
    **{
        name: partial(as_stock, name)
        for name in (
            "get_iterator", "get_metadata_routing", "set_score_request", "check_training_readiness",
            "initialized_instance", "torch_compile", "prefixes_", "cuda_dependent_attributes_", "init_context_",
            "virtual_params_", "initialized_",
        )
    },
}  # fmt: skip

# ---- the table -----------------------------------------------------------------------------------------------------

PROOFS = {"net_params": NET_PARAMS_THAT_HOLD, "callbacks": CALLBACKS_THAT_HOLD, "net_": NET_THAT_HOLDS}


def rows(kind, holds):
    return [feature.name for feature in SKORCH_FEATURES if (feature.kind, feature.holds) == (kind, holds)]


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind in PROOFS for name in rows(kind, holds=True)])
def test_right_02_what_holds_is_proved(kind, name, request):
    proof = PROOFS[kind][name]
    given = {fixture: request.getfixturevalue(fixture) for fixture in inspect.signature(proof).parameters
             if fixture in ("clf", "tmp_path", "capsys", "monkeypatch")}  # fmt: skip
    assert proof(**given) is not False


@pytest.mark.parametrize("name", rows("net_params", holds=False))
def test_right_17_what_net_params_cannot_set_is_refused_by_name(name):
    key = name.replace("*", "__x")
    with pytest.raises(InvalidParameterError, match=f"'net_params' cannot set '{key}': "):
        fit(net_params={key: "3"})


@pytest.mark.parametrize("name", rows("callbacks", holds=False))
def test_right_02_callbacks_that_do_nothing_are_refused_by_name(name):
    kind = getattr(skorch_callbacks, name)
    given = {"LRScheduler": LRScheduler(), "LoadInitState": ("named", LoadInitState(Checkpoint()))}.get(name, kind)
    note = next(feature.note for feature in SKORCH_FEATURES if (feature.name, feature.kind) == (name, "callbacks"))
    for estimator in (MentorNetClassifier, MentorMixClassifier, FilterKDClassifier):
        with pytest.raises(InvalidParameterError) as caught:
            estimator(callbacks=[given]).check_parameters()
        assert str(caught.value) == f"'callbacks' has {name}, which does not work here: {note}."
    with pytest.raises(InvalidParameterError, match=name):
        fit(Callback(), net_params={"callbacks__Callback": given[1] if isinstance(given, tuple) else given})


@pytest.mark.parametrize("name", rows("net_", holds=False))
def test_right_14_what_the_net_does_not_do_names_the_classifiers_way(clf, name):
    with pytest.raises(NoisyLabelError) as caught:
        getattr(clf.net_, name)(X, Y)
    assert str(caught.value) == f"net_.{name} does not work here: {feature_of(name, 'net_').note}."


def test_right_17_every_parameter_of_skorch_and_of_our_nets_has_a_row():
    stock = [NeuralNet(nn.Linear(1, 1), criterion=nn.CrossEntropyLoss), NeuralNetClassifier(nn.Linear(1, 1))]
    names = {name for net in stock for name in net.initialize().get_params() if not name.startswith("_")}
    ours = {name for kind in (MixingNet, DistillingNet) for base in kind.__mro__ if base.__module__.startswith("noisy")
            for name in inspect.signature(base.__init__).parameters}  # fmt: skip
    for name in (names | ours) - {"self", "kwargs"}:
        assert feature_of(name, "net_params"), f"nothing says whether {name} holds"


def test_right_02_every_callback_of_skorch_has_a_row():
    assert set(rows("callbacks", True) + rows("callbacks", False)) == set(skorch_callbacks.__all__)


def test_right_14_every_method_and_attribute_of_skorchs_nets_has_a_row():
    stock = NeuralNetClassifier(nn.Linear(5, 3), max_epochs=1, verbose=0).fit(X, Y.astype(np.int64))
    public = {name for name in [*dir(stock), *dir(NeuralNet)] if not name.startswith("_")}
    public -= {"criterion_", "classes_inferred_"}  # nothing asks for them here
    own = {name for name in public if feature_of(name, "net_") is None}
    assert {name for name in own if feature_of(name, "net_params") is None} == set(), "neither method nor parameter"


def test_right_02_the_guide_shows_the_table():
    lines = ["| feature | where | holds | what it does, or what to use instead |", "|---|---|---|---|"]
    lines += [f"| `{f.name}` | `{f.kind}` | {'yes' if f.holds else 'no'} | {f.note} |" for f in SKORCH_FEATURES]
    assert PAGE.read_text(encoding="utf-8").count("\n".join(lines)) == 1, "\n".join(lines)
    assert {feature.kind for feature in SKORCH_FEATURES} == set(PROOFS)
    assert len({feature[:2] for feature in SKORCH_FEATURES}) == len(SKORCH_FEATURES)
    assert all(set(rows(kind, holds=True)) == set(PROOFS[kind]) for kind in PROOFS)


# ---- messages and edges ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("net_params", [["optimizer__momentum"], {1: 2}, 3])
def test_right_17_net_params_is_a_dict_of_names(net_params):
    with pytest.raises(InvalidParameterError, match=r"'net_params' must be a dict such as \{'optimizer__momentum'"):
        MentorNetClassifier(net_params=net_params).check_parameters()


@pytest.mark.parametrize("name", ["loss_percentile", "curriculum", "precision", "ema_decay", "max_epochs", "student"])
def test_right_17_the_classifiers_own_parameters_are_named(name):
    with pytest.raises(InvalidParameterError, match=f"cannot set '{name}': it is a parameter of the classifier"):
        MentorNetClassifier(net_params={name: 1}).check_parameters()


def test_a_name_nearly_right():
    with pytest.raises(InvalidParameterError, match="knows no 'optimizer_momentum'.*did you mean optimizer__momentum"):
        MentorNetClassifier(net_params={"optimizer_momentum": 0.5}).check_parameters()
    with pytest.raises(InvalidParameterError, match="callbacks__scored, and there is no callback of that name"):
        fit(net_params={"callbacks__scored__name": "x"})
    with pytest.raises(InvalidParameterError, match="'optimizer' AdamW cannot be made with .*'speed'.*'net_params'"):
        fit(net_params={"optimizer__speed": 2})
    check_net_params({"optimizer__momentum": 0.8})


@pytest.mark.parametrize("callback", [print, "EarlyStopping", object(), ("name", 3), ("a", Callback(), 1)])
def test_right_14_what_is_no_callback_is_refused(callback):
    with pytest.raises(InvalidParameterError, match="'callbacks' must be a list of skorch callbacks"):
        MentorNetClassifier(callbacks=[callback]).check_parameters()


def test_right_02_a_learning_rate_that_a_callback_sets_is_refused():
    def change(net, **kwargs):
        net.optimizer_.param_groups[0]["lr"] = 1.0

    callback = Callback()
    callback.on_epoch_end = change
    with pytest.raises(InvalidParameterError, match="A callback has changed 'lr'.*Use lr_schedule="):
        fit(callback)


@pytest.mark.parametrize("hook", ["on_batch_begin", "on_grad_computed", "on_batch_end"])
@pytest.mark.parametrize(("name", "value"), [("lr", 0.0), ("weight_decay", 5.0)])
def test_right_02_a_step_size_that_a_callback_sets_in_a_step_is_refused(hook, name, value):
    callback = Callback()
    setattr(callback, hook, lambda net, **kwargs: net.optimizer_.param_groups[0].update({name: value}))
    with pytest.raises(InvalidParameterError, match="A callback has changed 'lr' or 'weight_decay'"):
        fit(callback, max_epochs=1, batch_size=6)


def test_right_02_the_history_has_the_learning_rate_of_the_last_step():
    def change(net, **kwargs):
        if net.clock_.step == net.clock_.n_steps:
            net.optimizer_.param_groups[0]["lr"] = 7.0

    callback = Callback()
    callback.on_batch_end = change
    assert fit(callback, lr=0.5, lr_schedule=lambda progress: 1.0).history_["lr"].tolist() == [0.5] * 3


def test_right_11_our_fused_flag_is_taken_back():
    assert len(fit_with(optimizer__foreach=True).history_) == 3


def test_right_11_what_torch_says_of_an_optimizers_options_is_named():
    with pytest.raises(InvalidParameterError, match="'optimizer' AdamW cannot be made with .*'foreach': True"):
        fit_with(optimizer__foreach=True, optimizer__fused=True)


@pytest.mark.parametrize("reload", ["load_params", "load_state_dict"])
def test_right_02_what_a_callback_loads_in_training_is_what_goes_on(reload, tmp_path):
    """The average goes on from the loaded parameters too: MentorMix has one by default."""
    source = fit(lr=0.1)
    source.net_.save_params(f_params=tmp_path / "p.pt")

    def load(net, **kwargs):
        if len(net.history) == 2:
            if reload == "load_params":
                net.load_params(f_params=tmp_path / "p.pt")
            else:
                net.module_.load_state_dict(source.net_.module_.state_dict())

    callback = Callback()
    callback.on_epoch_end = load
    clf = fit(callback, ema_decay=0.999, lr=1e-9, weight_decay=0)
    assert torch.allclose(weights(clf), weights(source), atol=1e-6)


@pytest.mark.parametrize("hook", ["on_epoch_end", "on_batch_end"])
def test_right_02_what_ones_own_callback_does_to_the_network_reaches_training(hook):
    def clamp(net, **kwargs):
        for parameter in net.module_.parameters():
            parameter.data.clamp_(-0.01, 0.01)
        assert net.module_ is not net.evaluated_module()

    callback = Callback()
    setattr(callback, hook, clamp)
    fit(callback, ema_decay=0.5, validation_fraction=0.25)
    clf = fit(callback, ema_decay=0.5, lr=1e-6, weight_decay=0, max_epochs=4)
    assert weights(clf).abs().max() < 0.2  # the average of the first epochs is still in it
    assert weights(clf).abs().max() < 0.5 * weights(fit(lr=1e-6, weight_decay=0)).abs().max()


def test_right_02_predicting_in_a_step_leaves_the_network_in_training():
    modes = []

    def predict(net, training=False, **kwargs):
        net.predict(X)
        modes.append((net.module_.training, training))

    callback = Callback()
    callback.on_batch_end = predict
    clf = fit(callback, validation_fraction=0.25)
    assert set(modes) == {(True, True), (False, False)}
    assert torch.equal(weights(clf), weights(fit(validation_fraction=0.25)))


def test_right_02_what_is_frozen_stays_so_after_a_restart(tmp_path):
    class Kill(Callback):
        def on_batch_begin(self, net, training=False, **kwargs):
            if len(net.history) == 3:
                raise RuntimeError("killed")

    whole = fit(Freezer("0.*"), Unfreezer("0.bias", at=4), max_epochs=5)
    changes = [Freezer("0.*"), Unfreezer("0.bias", at=4)]
    with pytest.raises(RuntimeError, match="killed"):
        fit(*changes, Kill(), max_epochs=5, checkpoint_dir=tmp_path)
    assert torch.equal(weights(fit(*changes, max_epochs=5, checkpoint_dir=tmp_path)), weights(whole))
