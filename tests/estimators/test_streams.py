"""Data that only come one after the other: shards, Parquet files, Ray Data; each sample with its row number."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from skorch.callbacks import Callback, EpochScoring
from torch.utils.data import IterableDataset, get_worker_info

from noisylabel import FilterKDClassifier, MentorMixClassifier, MentorNetClassifier
from noisylabel.callbacks import LearningPaths
from noisylabel.datasets import RayRows
from noisylabel.evaluation import evaluate_checkpoint
from noisylabel.exceptions import InvalidDataError
from noisylabel.students import MLP
from noisylabel.utils import ray_session

QUICK = {"student": MLP((8,)), "max_epochs": 6, "batch_size": 16, "lr": 0.05, "random_state": 0}
PLAIN = {"curriculum": "uniform", **QUICK}


class Shards(IterableDataset):
    """Parquet files that each worker process reads its share of, in another order in each pass."""

    def __init__(self, paths, has_labels=True):
        self.paths = paths
        self.has_labels = has_labels
        self.epoch = 0

    def set_epoch(self, epoch):
        self.epoch = epoch

    def __iter__(self):
        worker = get_worker_info()
        mine = self.paths[slice(None)] if worker is None else self.paths[worker.id :: worker.num_workers]
        for number in np.random.default_rng(self.epoch).permutation(len(mine)):
            table = pq.read_table(mine[number])
            for row, sample, label in zip(*(table[name].to_pylist() for name in ("row", "x", "y")), strict=True):
                yield (row, torch.tensor(sample), label)[: 3 if self.has_labels else 2]


class Items(IterableDataset):
    """What is in a list."""

    def __init__(self, items):
        self.items = items

    def __iter__(self):
        yield from self.items


@pytest.fixture
def shards(blobs, tmp_path):
    X, y = blobs
    order = np.random.default_rng(1).permutation(120)
    paths = [tmp_path / f"{number}.parquet" for number in range(4)]
    for path, rows in zip(paths, np.split(order, 4), strict=True):
        pq.write_table(pa.table({"row": rows, "x": list(X[rows]), "y": y[rows]}), path)
    return Shards(paths)


@pytest.mark.parametrize(
    "clf",
    [
        MentorNetClassifier(**PLAIN),
        MentorMixClassifier(loss_percentile=0.7, validation_fraction=0.2, **QUICK),
        FilterKDClassifier(**QUICK),
        MentorNetClassifier(**QUICK),  # with short trainings on parts of the rows
    ],
    ids=["plain", "mentormix", "filterkd", "auto"],
)
def test_classifiers_learn_from_shards(clf, shards, blobs):
    X, y = blobs
    clf.fit(shards)
    assert clf.score(X, y) > 0.9
    assert (clf.predict(shards) == clf.predict(X)).all()
    without_labels = Shards(shards.paths, has_labels=False)
    assert clf.predict_proba(without_labels) == pytest.approx(clf.predict_proba(X), abs=1e-5)
    assert clf.score(shards) == clf.score(X, y)
    issues = clf.label_issues(sort=False)
    assert len(issues) == 120
    assert (issues["given_label"] == y).all()
    if clf.validation_fraction == 0:
        assert (clf.record_.to_frame()["n_visits"] == 6).all()


def test_each_row_keeps_its_number(shards, blobs):
    X, y = blobs
    flipped = y.copy()
    flipped[7] = (y[7] + 1) % 3
    clf = MentorNetClassifier(**PLAIN | {"max_epochs": 15}).fit(shards, flipped)
    assert clf.label_issues().iloc[0].name == 7


def test_the_order_is_another_in_each_epoch_and_the_same_with_the_same_seed(shards):
    class Order(Callback):
        def on_batch_begin(self, net, batch=None, training=False, **kwargs):
            orders[-1].append(batch.rows.tolist())

    orders = []
    for _ in range(2):
        orders.append([])
        MentorNetClassifier(**PLAIN, callbacks=[Order()]).fit(shards)
    assert orders[0] == orders[1]
    assert [len(batch) for batch in orders[0]] == [15] * 48
    assert orders[0][:8] != orders[0][8:16]
    assert sorted(row for batch in orders[0][:8] for row in batch) == list(range(120))


def test_a_stopped_training_goes_on_to_the_same_end(shards, tmp_path):
    class Kill(Callback):
        def on_batch_begin(self, net, training=False, **kwargs):
            if len(net.history) == 3:
                raise RuntimeError("killed")

    whole = MentorNetClassifier(**PLAIN).fit(shards)
    clf = MentorNetClassifier(**PLAIN, checkpoint_dir=tmp_path / "run", callbacks=[Kill()])
    with pytest.raises(RuntimeError, match="killed"):
        clf.fit(shards)
    clf.set_params(callbacks=None).fit(shards)
    assert np.array_equal(clf.predict_proba(shards), whole.predict_proba(shards))
    assert evaluate_checkpoint(tmp_path / "run", shards, None)["accuracy"] == whole.score(shards)


def test_worker_processes_read_shares(shards, blobs):
    n = {"iterator_train__num_workers": 2, "iterator_valid__num_workers": 1}
    clf = MentorNetClassifier(**PLAIN | {"max_epochs": 3}, net_params=n).fit(shards, blobs[1])
    assert (clf.record_.to_frame()["n_visits"] == 3).all()
    everything = Items([(row, torch.tensor(x)) for row, x in enumerate(blobs[0])])
    with pytest.raises(InvalidDataError, match=r"yields row 0 twice in one pass.*get_worker_info"):
        MentorNetClassifier(**PLAIN, net_params=n).fit(everything, blobs[1])


def test_callbacks_get_rows_in_order(shards, blobs):
    paths = LearningPaths([5, 3])
    scores = EpochScoring("accuracy", lower_is_better=False, name="again")
    clf = MentorNetClassifier(**PLAIN, callbacks=[paths]).fit(shards)
    assert paths.paths_[-1] == pytest.approx(clf.predict_proba(blobs[0][[5, 3]]), abs=1e-6)
    clf = MentorNetClassifier(**PLAIN, callbacks=[scores], validation_fraction=0.2).fit(shards)
    assert clf.history_["again"].tolist() == pytest.approx(clf.history_["valid_acc"].tolist())


X0 = torch.zeros(5)
WRONG = {
    "has no row numbers to remember samples by. Let it yield": [(X0, 0), (X0, 1)],
    "is empty": [],
    "yields samples without labels": [(0, X0), (1, X0)],
    "yields row 0 twice": [(0, X0, 0), (0, X0, 1)],
    "yields row -1, and rows are from 0": [(0, X0, 0), (-1, X0, 1)],
    "1 of 3 rows did not come, the first row 1": [(0, X0, 0), (2, X0, 1)],
}


@pytest.mark.parametrize("said", WRONG)
def test_what_a_stream_must_offer(said):
    with pytest.raises(InvalidDataError, match=said):
        MentorNetClassifier(**PLAIN).fit(Items(WRONG[said]))


def test_too_few_or_too_many_labels():
    items = Items([(row, X0 + row) for row in range(8)])
    with pytest.raises(InvalidDataError, match="2 of 10 rows did not come, the first row 8"):
        MentorNetClassifier(**PLAIN).fit(items, np.arange(10) % 2)
    with pytest.raises(InvalidDataError, match="yields row 6, and rows are from 0 to 5"):
        MentorNetClassifier(**PLAIN).fit(items, np.arange(6) % 2)
    with pytest.raises(InvalidDataError, match="can be read once"):
        MentorNetClassifier(**PLAIN).fit((item for item in items), np.arange(8) % 2)


@pytest.fixture(scope="module")
def ray_data():
    ray = pytest.importorskip("ray", reason="the extra noisylabel[sweeps] is not installed")
    with ray_session(n_cpus=1):
        import ray.data

        ray.data.DataContext.get_current().enable_progress_bars = False
        yield ray.data


@pytest.mark.slow  # only for the seconds in which Ray starts
@pytest.mark.filterwarnings("ignore")  # Ray's own
def test_ray_data(ray_data, blobs):
    X, y = blobs
    rows, names = np.random.default_rng(0).permutation(120), np.array(["a", "b", "c"])
    columns = {f"x{i}": X[rows, i] for i in range(5)}
    data = ray_data.from_arrow(pa.table({"row": rows, "label": names[y[rows]]} | columns))
    clf = MentorNetClassifier(**PLAIN).fit(data)
    assert clf.score(X, names[y]) == clf.score(data) > 0.9
    other = data.rename_columns({"row": "id", "label": "kind"})
    with pytest.raises(InvalidDataError, match=r"has no column 'row'; it has 'id', 'kind'.*RayRows\(dataset, row="):
        MentorNetClassifier(**PLAIN).fit(other)
    named = RayRows(other, row="id", label="kind", samples=list(columns))
    assert np.array_equal(MentorNetClassifier(**PLAIN).fit(named).predict_proba(named), clf.predict_proba(data))
    with pytest.raises(InvalidDataError, match="of the Ray dataset must be numbers"):
        MentorNetClassifier(**PLAIN).fit(RayRows(other, row="id", label=None, samples="kind"), y)
    arrays = ray_data.from_numpy(X.reshape(120, 1, 5)).zip(ray_data.range(120)).rename_columns({"id": "row"})
    assert MentorNetClassifier(**PLAIN).fit(arrays, y).sample_shape_ == (1, 5)


def test_dicts_are_taken(blobs):
    X, y = blobs
    items = Items([{"row": row, "image": torch.tensor(X[row]), "label": "abc"[y[row]]} for row in range(120)])
    assert MentorNetClassifier(**PLAIN).fit(items).score(items) > 0.9
