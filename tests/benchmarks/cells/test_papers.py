"""The papers' settings: steps, schedules, standardisation, and that every cell of the tables runs."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks.cells.catalogue import GROUPS, PROFILES
from benchmarks.cells.cell import _load, cells
from benchmarks.cells.classifier import make_classifier
from benchmarks.cells.profiles.papers import PAPER_PROFILES, StandardizeEach
from benchmarks.cells.run import RunOptions, run_profile
from noisylabel.functional.augment import ImageAugmentation
from noisylabel.nets._batches import count_batches
from tests.made_cifar import write_cifar100

MENTORNET = [name for name in PAPER_PROFILES if "mentornet" in name]


def _classifier(profile, method, rate=0.4):
    return make_classifier(method, rate, PROFILES[profile], 0, [])


def test_the_group_has_the_cells_of_the_tables():
    assert GROUPS["paper"] == tuple(PAPER_PROFILES)
    # MentorNet: 2 students x 2 data sets x 3 rates x 5 methods; MentorMix: 2 data sets x 4 rates
    assert sum(len(cells(name)) for name in GROUPS["paper"]) == 2 * 2 * 3 * 5 + 2 * 4


@pytest.mark.parametrize(
    ("profile", "method", "steps"),
    [
        ("paper-mentornet-resnet-cifar10", "released_mentornet_pd", 39_000),
        ("paper-mentornet-cifarnet-cifar100", "released_baseline", 120_000),
        ("paper-mentormix-cifar10", "released_mentormix", 200_000),
    ],
)
def test_whole_epochs_come_within_a_percent_of_the_published_steps(profile, method, steps):
    clf = _classifier(profile, method)
    assert clf.max_epochs * count_batches(50_000, clf.batch_size) == pytest.approx(steps, rel=0.01)
    assert (clf.lr, clf.batch_size) == (0.1, 128)


@pytest.mark.parametrize(
    ("profile", "drops"),
    [
        ("paper-mentornet-resnet-cifar10", [19_531 / 39_000, 25_000 / 39_000, 30_000 / 39_000]),
        ("paper-mentornet-cifarnet-cifar10", [78_125 / 120_000]),  # 200 epochs of 390.625 steps
    ],
)
def test_the_rate_falls_to_a_tenth_where_it_did(profile, drops):
    factor = _classifier(profile, "released_baseline").lr_schedule
    for n, drop in enumerate(drops):
        assert factor(drop - 1e-6) == pytest.approx(0.1**n)
        assert factor(drop + 1e-6) == pytest.approx(0.1 ** (n + 1))


@pytest.mark.parametrize(
    ("dataset", "rate", "alpha", "percentile", "second"),
    [("cifar10", 0.2, 2, 0.8, False), ("cifar100", 0.6, 4, 0.3, True), ("cifar100", 0.8, 8, 0.1, True)],
)
def test_mentormix_has_the_settings_of_its_row(dataset, rate, alpha, percentile, second):
    clf = _classifier(f"paper-mentormix-{dataset}", "released_mentormix", rate)
    assert (clf.mixup_alpha, clf.loss_percentile, clf.second_reweight) == (alpha, percentile, second)
    assert (clf.student, clf.ema_decay, clf.burn_in) == ("mentormix_resnet32", 0.9999, 10)
    assert clf.augment == ImageAugmentation(max_shift=2, flip="random")


@pytest.mark.parametrize("profile", MENTORNET)
def test_mentornet_has_the_flags_of_its_commands(profile):
    pd, dd = (_classifier(profile, f"released_mentornet_{kind}") for kind in ("pd", "dd"))
    assert (pd.example_dropout, dd.example_dropout) == ("0.5,17,0.05,83", "0.5,17,0.05,78,0.9,5")
    assert {clf.loss_percentile for clf in (pd, dd)} == {0.7}
    assert {clf.burn_in for clf in (pd, dd)} == {18}
    assert dd.fixed_epoch_after_burn_in


def test_images_are_standardised_one_by_one():
    images = np.random.default_rng(0).integers(0, 256, (3, 3, 8, 8), dtype=np.uint8)
    images[2] = 7  # no contrast: the deviation is at least one over the root of the number of values
    found = StandardizeEach()(torch.as_tensor(images)).numpy()
    for image, standardised in zip(images.astype(float), found, strict=True):
        deviation = max(image.std(), 1 / np.sqrt(image.size))
        np.testing.assert_allclose(standardised, (image - image.mean()) / deviation, atol=1e-4)


@pytest.mark.data
@pytest.mark.slow
def test_two_steps_of_every_cell_run(tmp_path, monkeypatch):
    """With the real CIFAR-10, and for CIFAR-100 a few made images in its format."""
    (tmp_path / "cifar10").symlink_to(Path(os.environ["NOISYLABEL_DATA"]) / "cifar10")
    write_cifar100(tmp_path / "cifar100", 200)
    monkeypatch.setenv("NOISYLABEL_DATA", str(tmp_path))
    _load.cache_clear()
    outcomes = run_profile("paper", folder=tmp_path / "results", options=RunOptions(proof=True))
    _load.cache_clear()
    assert [(outcome.cell.name, outcome.error) for outcome in outcomes if outcome.error] == []
    assert len(outcomes) == 68
    assert not (tmp_path / "results").exists()
