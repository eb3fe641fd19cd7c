"""MentorMixClassifier: defaults, presets, bad input."""

import inspect

import numpy as np
import pytest
import torch
from sklearn.base import clone
from skorch.callbacks import Callback, EarlyStopping, EpochScoring

from noisylabel import MentorMixClassifier, MentorNetClassifier, corrupt
from noisylabel.estimators import PRESETS
from noisylabel.exceptions import InvalidParameterError, NoisyLabelWarning
from noisylabel.nets import TensorData

TABLE = {  # published: alpha, percentile, second weighting
    "cifar10-0.2": (2, 0.8, False),
    "cifar10-0.4": (8, 0.6, False),
    "cifar10-0.6": (8, 0.6, True),
    "cifar10-0.8": (4, 0.2, True),
    "cifar100-0.2": (2, 0.7, False),
    "cifar100-0.4": (8, 0.5, False),
    "cifar100-0.6": (4, 0.3, True),
    "cifar100-0.8": (8, 0.1, True),
}


def test_it_takes_what_mentornet_takes():
    mine, parents = (inspect.signature(c.__init__).parameters for c in (MentorMixClassifier, MentorNetClassifier))
    assert list(mine) == [name for name in parents if name != "loss"]  # mixes are learned by cross entropy
    other = {name for name in mine if mine[name].default != parents[name].default}
    assert other == {"percentile_by_class", "mixup_alpha", "second_reweight", "ema_decay"}


@pytest.mark.parametrize("name", TABLE)
def test_presets_are_the_published_settings(name):
    clf = MentorMixClassifier.from_preset(name)
    assert (clf.mixup_alpha, clf.loss_percentile, clf.second_reweight) == TABLE[name]
    assert (clf.burn_in, clf.percentile_decay, clf.ema_decay, clf.curriculum) == (10, 0.5, 0.9999, "mentornet_pd")
    assert not clf.percentile_by_class
    assert (clf.lr, clf.weight_decay, clf.batch_size, clf.max_epochs) == (0.1, 0.0002, 128, 512)
    assert clf.lr * clf.lr_schedule(1.0) == pytest.approx(0.016677, abs=5e-7)
    assert clone(clf).get_params().keys() == clf.get_params().keys()


def test_presets_train_as_they_are_but_for_the_size(images):
    changes = {"student": "cnn", "max_epochs": 1, "random_state": 0}
    for name in PRESETS:
        enough = {"max_epochs": 20, "burn_in": 50} if name == "auto" else {}
        clf = MentorMixClassifier.from_preset(name, **(changes | enough)).fit(*images)
        assert clf.n_iter_ == (changes | enough)["max_epochs"]
    assert set(TABLE) | {"auto"} == set(PRESETS)
    assert MentorMixClassifier.from_preset("auto").get_params() == MentorMixClassifier().get_params()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"percentile_by_class": "yes"}, "'percentile_by_class' must be a bool. Got 'yes'"),
        ({"callbacks": EarlyStopping()}, "'callbacks' must be a list of skorch callbacks. Got <"),
        ({"mixup_alpha": -1}, r"'mixup_alpha' must be a number in \[0, inf\).*0 mixes nothing"),
        ({"mixup_alpha": "auto"}, "'mixup_alpha' must be a number"),
        ({"mix_ratio": "softish"}, "'mix_ratio' must be one of .* Did you mean 'soft'"),
        ({"ema_decay": 1}, r"'ema_decay' must be a number in \[0, 1\)"),
        ({"second_reweight": "always"}, "'second_reweight' must be True, False or 'auto'. Got 'always'"),
        ({"mixup_alpha": 0, "second_reweight": True}, "'second_reweight' weighs mixes.*Set 'mixup_alpha' above 0"),
    ],
)
def test_bad_input_gets_a_clear_error(blobs, settings, message):
    with pytest.raises(InvalidParameterError, match=message):
        MentorMixClassifier(**settings).fit(*blobs)


def test_presets_can_be_changed_and_stay_as_they_are(images):
    clf = MentorMixClassifier.from_preset("cifar10-0.8", optimizer="adamw", student="cnn", max_epochs=1).fit(*images)
    assert isinstance(clf.net_.optimizer_, torch.optim.AdamW)
    momentum = MentorMixClassifier.from_preset("cifar10-0.8", student="cnn", max_epochs=1).fit(*images)
    group = momentum.net_.optimizer_.param_groups[0]
    assert (group["momentum"], group["nesterov"]) == (0.9, False)


def test_right_02_load_best_brings_back_the_average(blobs):
    """The accuracy in the history is the average's, so it is the average that comes back."""
    X, y = blobs
    seen = []

    class Look(Callback):
        def on_epoch_end(self, net, **kwargs):
            seen.append(net.predict_proba(X))

    stop = EarlyStopping("train_loss", patience=20, load_best=True)
    settings = {"loss_percentile": 0.9, "max_epochs": 8, "random_state": 0, "callbacks": [Look(), stop]}
    clf = MentorMixClassifier(**settings).fit(X, y)
    assert clf.best_epoch_ == int(clf.history_["train_loss"].idxmin()) + 1
    assert np.allclose(clf.predict_proba(X), seen[clf.best_epoch_ - 1], atol=1e-7)


def test_skorchs_scoring_works_on_mixes(blobs):
    score = EpochScoring(lambda net, X, y: 1.0, on_train=True, name="ones", use_caching=False)
    for curriculum in ("uniform", "self_paced"):
        clf = MentorNetClassifier(curriculum, loss_percentile=0.7, mixup_alpha=1.0, max_epochs=2, callbacks=[score])
        clf.fit(*blobs)
        assert clf.history_["ones"].tolist() == [1.0, 1.0]


def test_a_stop_within_the_burn_in_is_a_warning(digits):
    stop = EarlyStopping("valid_acc", patience=3, lower_is_better=False)
    clf = MentorMixClassifier("mentornet_pd", max_epochs=500, validation_fraction=0.2, callbacks=[stop], random_state=0)
    with pytest.warns(
        NoisyLabelWarning, match="within the burn-in of 18 percent of 'max_epochs' .500.: the curriculum"
    ):
        clf.fit(digits.data, digits.noisy)
    assert set(np.unique(clf.sample_weight_[~np.isnan(clf.sample_weight_)])) == {1.0}


def test_unknown_presets_get_the_nearest():
    with pytest.raises(InvalidParameterError, match="'preset' must be one of .* Did you mean 'cifar10-0.4'"):
        MentorMixClassifier.from_preset("cifar10_0.4")


def test_without_mixing_there_is_nothing_to_weigh_again(blobs):
    X, y = blobs
    settings = {"loss_percentile": 0.9, "ema_decay": 0, "random_state": 0, "max_epochs": 5}
    mine = MentorMixClassifier(mixup_alpha=0, percentile_by_class=False, **settings).fit(X, y)
    assert (mine.predict_proba(X) == MentorNetClassifier(**settings).fit(X, y).predict_proba(X)).all()


class TestAccuracy(Callback):
    """Accuracy on clean labels after every epoch."""

    __test__ = False

    def __init__(self, X, y):
        self.X = X
        self.y = y

    def on_train_begin(self, net, **kwargs):
        self.curve_ = []

    def on_epoch_end(self, net, **kwargs):
        logits = next(net.forward_iter(TensorData(self.X)))
        self.curve_.append((logits.argmax(1).numpy() == self.y).mean())


@pytest.mark.parametrize("seed", [0, 1])
def test_nothing_collapses_at_eighty_percent(digits, seed):
    """The end is near the best epoch, no class is dropped, and plain training is far behind."""
    noisy, _ = corrupt(digits.target, "symmetric", rate=0.8, random_state=seed)
    watch = TestAccuracy(torch.tensor(digits.test_data, dtype=torch.float32), digits.test_target)
    clf = MentorMixClassifier(callbacks=[watch], random_state=seed).fit(digits.data, noisy)
    assert watch.curve_[-1] > 0.9 * max(watch.curve_)
    assert clf.history_["data_utilization"].min() > 0.1
    right = noisy == digits.target
    by_class = [clf.sample_weight_[right & (digits.target == c)].mean() for c in range(10)]
    assert min(by_class) > 0.4
    assert clf.sample_weight_[right].mean() > clf.sample_weight_[~right].mean() + 0.5
    plain = MentorNetClassifier("uniform", random_state=seed).fit(digits.data, noisy)
    assert watch.curve_[-1] > plain.score(digits.test_data, digits.test_target) + 0.25
    assert np.isclose(watch.curve_[-1], clf.score(digits.test_data, digits.test_target), atol=0.01)


def test_it_beats_plain_training_on_digits(digits):
    mix, plain = (
        clf.set_params(random_state=0).fit(digits.data, digits.noisy).score(digits.test_data, digits.test_target)
        for clf in (MentorMixClassifier(), MentorNetClassifier("uniform"))
    )
    assert mix > plain + 0.15
