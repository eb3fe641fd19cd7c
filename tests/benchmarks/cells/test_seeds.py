"""The table of a GPU: the order of its cells, who has which loss, and what a method may know."""

import pytest

from benchmarks.cells.catalogue import PROFILES
from benchmarks.cells.cell import Cell, _load, cells, noisy_subset
from benchmarks.cells.classifier import changed_settings, make_classifier, trusted_rows
from benchmarks.cells.run import RunOptions, run_profile
from benchmarks.methods import find_method
from tests.made_cifar import write_cifar100

NAMES = ("seeds", "seeds-100")


def classifier(method, profile="seeds", rate=0.4):
    return make_classifier(method, rate, PROFILES[profile], 0, [])


def test_whatever_is_cut_off_whole_columns_of_one_seed_come_first():
    order = cells("seeds")
    assert len(order) == (6 * 6 + 1) * 2  # and right labels, as a bound
    first = order[:36]
    assert {cell.seed for cell in first} == {0}
    columns = [{(cell.noise, cell.rate) for cell in first[at : at + 6]} for at in range(0, 36, 6)]
    assert all(len(column) == 1 for column in columns)
    assert [column.pop() for column in columns][:4] == [("symmetric", rate) for rate in (0.4, 0.2, 0.8, 0.6)]
    assert len(cells("seeds-100")) == (4 * 6 + 1) * 2


@pytest.mark.parametrize("profile", NAMES)
def test_all_images_are_trained_on(profile):
    assert (PROFILES[profile].n_train, PROFILES[profile].n_valid) == (50_000, 0)
    assert classifier("plain", profile).validation_fraction == 0


def test_mixes_and_elr_have_their_own_loss_and_the_others_that_of_the_recipe():
    profile = PROFILES["seeds"]
    usual = [classifier(method).loss for method in ("plain", "mentornet_pd_by_class", "data_driven_by_class_5000")]
    assert usual == [profile.loss] * 3
    assert classifier("elr").loss == "elr"
    assert classifier("mixup").loss == "cross_entropy"
    assert "loss" not in classifier("mentormix_auto").get_params()
    assert changed_settings(classifier("plain"), profile, 0.4, 0) == {"curriculum": "uniform"}
    assert changed_settings(classifier("mentormix_auto"), profile, 0.4, 0) == {"curriculum": "mentornet_pd"}


def test_no_curriculum_begins_before_the_network_knows_something():
    assert [classifier(name).burn_in for name in ("mentornet_pd_by_class", "mentormix_auto")] == [40, 40]
    assert classifier("data_driven_by_class_5000").update_at[0] == 40
    assert classifier("mentormix").burn_in == 10  # as published


@pytest.mark.parametrize(
    ("method", "rate", "published"),
    [
        ("mentormix", 0.6, (8, 0.6, True)),
        ("mentormix_cifar100", 0.2, (2, 0.7, False)),
        ("mentormix_cifar100", 0.8, (8, 0.1, True)),
    ],
)
def test_published_mentormix_is_that_of_the_data_set(method, rate, published):
    clf = classifier(method, "seeds-100" if "100" in method else "seeds", rate)
    assert (clf.mixup_alpha, clf.loss_percentile, clf.second_reweight) == published
    assert method in PROFILES["seeds-100" if "100" in method else "seeds"].methods


def test_the_data_driven_curriculum_knows_its_trusted_rows_and_no_rate():
    assert len(trusted_rows("data_driven_by_class_5000", PROFILES["seeds"], 0)) == 5000
    assert classifier("data_driven_by_class_5000").loss_percentile == "auto"
    assert find_method("data_driven_by_class_5000").by_rate(0.4) == {}


@pytest.mark.data
@pytest.mark.parametrize("noise", [("symmetric", 0.8), ("asymmetric", 0.4), ("human_worst", None)])
def test_the_noise_is_that_of_the_papers(noise):
    rates = {("symmetric", 0.8): 0.72, ("asymmetric", 0.4): 0.2, ("human_worst", None): 0.402}
    manifest = noisy_subset(PROFILES["seeds"], *noise, 0)[3]
    assert manifest.realised_rate == pytest.approx(rates[noise], abs=0.005)


@pytest.mark.filterwarnings("ignore::noisylabel.exceptions.NoisyLabelWarning")  # two steps teach nothing
@pytest.mark.filterwarnings("ignore:The number of unique classes:UserWarning")
def test_cells_of_cifar_100_run(tmp_path, monkeypatch):
    write_cifar100(tmp_path / "cifar100", 200)
    monkeypatch.setenv("NOISYLABEL_DATA", str(tmp_path))
    _load.cache_clear()
    only = {"method": ["mentormix_cifar100", "data_driven_by_class_5000"], "rate": [0.8], "seed": [0]}
    outcomes = run_profile("seeds-100", only, tmp_path, RunOptions(proof=True, precision="fp32"))
    _load.cache_clear()
    assert [outcome.error for outcome in outcomes] == [None, None]


@pytest.mark.data
@pytest.mark.parametrize("method", ["data_driven_by_class_5000", "mentormix_auto", "elr"])
@pytest.mark.filterwarnings("ignore::noisylabel.exceptions.NoisyLabelWarning")  # two steps teach nothing
def test_a_cell_runs(method, tmp_path):
    only = {"method": [method], "rate": [0.4], "noise": ["symmetric"], "seed": [0]}
    (outcome,) = run_profile("seeds", only, tmp_path, RunOptions(proof=True, precision="fp32"))
    assert outcome.error is None
    assert outcome.cell == Cell("seeds", "symmetric", 0.4, method, 0)
