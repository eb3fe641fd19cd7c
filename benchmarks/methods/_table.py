"""The methods of the tables: a row is a name and what it changes of the classifier."""

from dataclasses import replace
from functools import partial
from typing import Any

from benchmarks.methods._ablations import UnscaledDecay
from benchmarks.methods._co_teaching import CoTeachingClassifier
from benchmarks.methods._forward import ForwardClassifier
from benchmarks.methods._method import Method
from benchmarks.methods._pruning import PruneAndRefitClassifier
from benchmarks.methods._published import PUBLISHED
from noisylabel import FilterKDClassifier, MentorMixClassifier, MentorNetClassifier
from noisylabel.curricula import DataDriven
from noisylabel.estimators import PRESETS

RELATIVE_CURRICULA = ("spcl_linear", "spcl_logarithmic", "spcl_mixture", "spcl_polynomial", "hard_example_mining")
ABSOLUTE_CURRICULA = ("focal", "huber", "cauchy", "l1_l2", "welsch")


def _data_driven(n_trusted: int, **changes: Any) -> Method:
    return Method({"curriculum": DataDriven(), "loss_percentile": 0.6} | changes, n_trusted=n_trusted)


_PAPER = {"curriculum": "mentornet_pd", "burn_in": 10, "percentile_by_class": False}


def _published(rate: float, dataset: str = "cifar10") -> dict[str, Any]:
    """Return the alpha, percentile and second weighting published for the nearest rate, else the lower."""
    nearest = min((0.2, 0.4, 0.6, 0.8), key=lambda one: round(abs(one - rate), 6))
    preset = PRESETS[f"{dataset}-{nearest}"]
    return {name: preset[name] for name in ("mixup_alpha", "loss_percentile", "second_reweight")}


def _published_alpha(rate: float) -> dict[str, Any]:
    return {"mixup_alpha": _published(rate)["mixup_alpha"]}


def _right_share(rate: float) -> dict[str, Any]:
    """Return the percentile that keeps as many samples as there are right labels."""
    return {"loss_percentile": round(1 - rate, 2)}


def _mentormix(estimator: type[MentorNetClassifier] = MentorMixClassifier, **changes: Any) -> Method:
    """MentorMix with the published alpha, percentile and second weighting of each noise rate, but for ``changes``."""

    def by_rate(rate: float) -> dict[str, Any]:
        return {name: value for name, value in _published(rate).items() if name not in changes}

    return Method(_PAPER | changes, by_rate=by_rate, estimator=estimator)


def _distilled(teacher: str) -> Method:
    """Filter-KD, or another way to teach, whose teacher and student have half of the epochs each."""
    return Method({"teacher": teacher}, estimator=FilterKDClassifier, epochs=0.5)


# What the public PyTorch port does otherwise: hard threshold as mentor, of a percentile without memory; a burn-in of
# 20 percent in which half of the samples count; weight decay that shrinking losses leave alone; no average.
_PORT = {
    "curriculum": "self_paced",
    "percentile_decay": 0.0001,
    "burn_in": 20,
    "example_dropout": "0.5,20,0,80",
    "ema_decay": 0.0,
}
_SELF_PACED = {"curriculum": "self_paced", "loss_percentile": 0.6}
_AUTO = {"curriculum": "mentornet_pd", "loss_percentile": "auto"}  # no knowledge of the rate
METHODS: dict[str, Method] = {
    "plain": Method({"curriculum": "uniform"}),
    "plain_tuned": Method({"curriculum": "uniform"}, tuned=True),
    "self_paced": Method(_SELF_PACED),
    "mentornet_pd": Method({"curriculum": "mentornet_pd", "loss_percentile": 0.6}),
    "self_paced_auto": Method({"curriculum": "self_paced", "loss_percentile": "auto"}),
    "mentornet_pd_known_rate": Method({"curriculum": "mentornet_pd"}, by_rate=_right_share),
    "mentornet_pd_by_class": Method({"curriculum": "mentornet_pd", "percentile_by_class": True}, by_rate=_right_share),
    "mentornet_pd_auto": Method(_AUTO),
    # the other curricula: those that compare losses with the moving percentile, and those that look at them alone
    **{name: Method({"curriculum": name, "loss_percentile": "auto"}) for name in RELATIVE_CURRICULA},
    **{name: Method({"curriculum": name}) for name in ABSOLUTE_CURRICULA},
    # baselines from other papers; what each does is in its file
    "early_stopping": Method({"curriculum": "uniform", "lr_schedule": "constant"}, patience=0.2),
    "gce": Method({"curriculum": "uniform", "loss": "gce"}),
    "symmetric_ce": Method({"curriculum": "uniform", "loss": "symmetric_ce"}),
    "bootstrapping": Method({"curriculum": "uniform", "loss": "bootstrapping"}),
    "forward": Method({"curriculum": "uniform"}, estimator=ForwardClassifier, epochs=0.5),
    "co_teaching": Method({"curriculum": "uniform"}, by_rate=_right_share, estimator=CoTeachingClassifier),
    "elr": Method({"curriculum": "uniform", "loss": "elr"}),
    "prune_and_refit": Method({"curriculum": "uniform"}, estimator=PruneAndRefitClassifier),
    "plain_right_rows": Method({"curriculum": "uniform"}, knows_wrong=True),
    # MentorMix, and its parts alone
    "mixup": Method({"curriculum": "uniform"}, by_rate=_published_alpha),
    "ema": Method({"curriculum": "uniform", "ema_decay": 0.9999}),
    "mentormix": _mentormix(),
    "mentormix_cifar100": Method(
        _PAPER, by_rate=partial(_published, dataset="cifar100"), estimator=MentorMixClassifier
    ),
    "mentormix_auto": Method(_AUTO, estimator=MentorMixClassifier),
    "mentormix_auto_no_second": Method(_AUTO | {"second_reweight": False}, estimator=MentorMixClassifier),
    "mentormix_auto_second": Method(_AUTO | {"second_reweight": True}, estimator=MentorMixClassifier),
    "mentormix_same_time": replace(_mentormix(), epochs=0.75),  # a step costs a third more
    # published MentorMix, with one thing changed
    "mentormix_by_class": _mentormix(percentile_by_class=True),
    "mentormix_second": _mentormix(second_reweight=True),
    "mentormix_no_second": _mentormix(second_reweight=False),
    "mentormix_alpha_2": _mentormix(mixup_alpha=2),
    "mentormix_auto_percentile": _mentormix(loss_percentile="auto", burn_in=18),
    "mentormix_no_ema": _mentormix(ema_decay=0.0),
    "mentormix_memoryless": _mentormix(percentile_decay=0.0001),
    "mentormix_bernoulli_burn_in": _mentormix(burn_in=20, example_dropout="0.5,20,0,80"),
    "mentormix_threshold": _mentormix(curriculum="self_paced"),
    "mentormix_unscaled_decay": _mentormix(UnscaledDecay),
    "mentormix_soft": _mentormix(mix_ratio="soft"),
    "mentormix_port": _mentormix(UnscaledDecay, **_PORT),
    # targets other than labels; all at the same number of epochs in total
    "filter_kd": _distilled("filtered"),
    "kd_last": _distilled("last"),
    "kd_early_stopped": _distilled("early_stopped"),
    "label_smoothing": Method({"teacher": "label_smoothing"}, estimator=FilterKDClassifier),
    "one_hot": Method({"teacher": "one_hot"}, estimator=FilterKDClassifier),
    # its 757 numbers were learned from CIFAR-10 images, some of which the profiles train on
    "mentornet_dd": Method({"curriculum": "mentornet_dd", "loss_percentile": 0.6}),
    **PUBLISHED,
    "active_bias": Method({"curriculum": "active_bias"}),
    "spld": Method({"curriculum": "spld", "loss_percentile": "auto"}),
    "learning_to_teach": Method({"curriculum": "learning_to_teach"}),
    "learning_to_teach_100": Method({"curriculum": "learning_to_teach"}, n_trusted=100),
    "random_teaching": Method({"curriculum": "uniform", "example_dropout": 0.12}),  # as much, dropped at random
    "default": Method({"curriculum": "auto", "loss_percentile": "auto"}),
    "default_checked_100": Method({"curriculum": "auto", "loss_percentile": "auto"}, n_trusted=100),
    # learned in fit from rows whose right label is known
    **{f"data_driven_{n}": _data_driven(n) for n in (50, 100, 300, 1000, 5000)},
    **{
        f"learning_to_reweight_{n}": Method({"curriculum": "learning_to_reweight"}, n_trusted=n)
        for n in (100, 300, 1000)
    },
    **{f"fidelity_weighted_{n}": Method({"curriculum": "fidelity_weighted"}, n_trusted=n) for n in (100, 300, 1000)},
    # the rate is that among the trusted rows
    "data_driven_by_class_5000": _data_driven(5000, loss_percentile="auto", percentile_by_class=True),
    # what each choice in it is worth
    "data_driven_one_loss_1000": _data_driven(1000, curriculum=DataDriven(history_length=1)),
    "data_driven_probability_1000": _data_driven(1000, curriculum=DataDriven(sharpness=1)),
    "data_driven_often_1000": _data_driven(1000, update_at=(21, 30, 40, 50, 60, 70, 80, 90)),
    # the same knowledge used otherwise
    **{f"self_paced_corrected_{n}": Method(_SELF_PACED, n_trusted=n, corrects=True) for n in (1000, 5000)},
}
