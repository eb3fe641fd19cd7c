"""The baselines compute what their papers say, and train through the common path."""

import pytest
import torch
from sklearn.base import clone

from benchmarks.cells.catalogue import PROFILES
from benchmarks.cells.cell import Cell, run_cell
from benchmarks.cells.classifier import make_classifier
from benchmarks.methods import METHODS
from benchmarks.methods._co_teaching import CoTeachingClassifier, Pair, share_kept
from benchmarks.methods._pruning import PruneAndRefitClassifier

pytestmark = pytest.mark.filterwarnings("ignore:Labels of .* classes ended")  # co-teaching drops some

BASELINES = [
    "early_stopping", "gce", "symmetric_ce", "bootstrapping", "forward", "co_teaching", "elr", "prune_and_refit",
]  # fmt: skip


def test_co_teaching_keeps_fewer_and_fewer():
    assert share_kept(0, 0.4) == 1
    assert share_kept(0.025, 0.4) == pytest.approx(0.8)
    assert share_kept(0.05, 0.4) == share_kept(1, 0.4) == pytest.approx(0.6)


def test_each_network_learns_what_the_other_chose(digits):
    clf = CoTeachingClassifier("uniform", loss_percentile=0.6, max_epochs=20, random_state=0)
    clf.fit(digits.data, digits.noisy)
    pair = next(module for module in clf.net_.module_.modules() if isinstance(module, Pair))
    first, second = (torch.cat([p.flatten() for p in network.parameters()]) for network in (pair.first, pair.second))
    assert not torch.allclose(first, second)
    is_wrong = digits.noisy != digits.target
    assert clf.sample_weight_[~is_wrong].mean() > clf.sample_weight_[is_wrong].mean() + 0.4
    assert clf.student == "auto"


@pytest.mark.parametrize("name", BASELINES)
def test_baselines_run_through_the_common_path(name):
    metrics = run_cell(Cell("smoke", "symmetric", 0.4, name, 0))["metrics"]
    assert metrics["last"] > 0.45
    assert metrics["oracle"] >= metrics["selected"] > 0.45


@pytest.mark.parametrize("name", ["gce", "elr", "co_teaching", "prune_and_refit"])
def test_robust_baselines_beat_plain_training_that_memorises(name):
    plain = run_cell(Cell("digits", "symmetric", 0.4, "plain", 0))["metrics"]["last"]
    assert run_cell(Cell("digits", "symmetric", 0.4, name, 0))["metrics"]["last"] > plain + 0.03


def test_cleanlab_prunes_wrong_labels(digits):
    clf = PruneAndRefitClassifier("uniform", max_epochs=15, random_state=0).fit(digits.data, digits.noisy)
    pruned = ~clf._has_say
    is_wrong = digits.noisy != digits.target
    assert is_wrong[pruned].mean() > 0.75
    assert pruned[is_wrong].mean() > 0.75


@pytest.mark.parametrize("name", BASELINES)
def test_baselines_can_be_cloned(name):
    clf = make_classifier(name, 0.4, PROFILES["digits"], 0, [])
    same = clone(clf).set_params(callbacks=None)
    assert repr(same) == repr(clf.set_params(callbacks=None))
    assert METHODS[name].estimator is type(clf)
