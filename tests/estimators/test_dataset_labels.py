"""Labels of a Dataset are read from its list of them, without loading every sample; or from the samples."""

from typing import ClassVar

import numpy as np
import pytest
import torch
from sklearn.base import clone
from torch.utils.data import ConcatDataset, Dataset, Subset, TensorDataset

from noisylabel import MentorNetClassifier
from noisylabel.estimators.inputs._datasets import as_dataset, find_labels
from noisylabel.evaluation import evaluate_checkpoint
from noisylabel.exceptions import InvalidDataError
from noisylabel.students import MLP

N = 400
Y = np.random.default_rng(0).integers(0, 3, N)
X = (np.random.default_rng(1).normal(size=(N, 4)) + Y[:, None]).astype(np.float32)
QUICK = {"student": MLP((8,)), "max_epochs": 1, "random_state": 0, "standardize": False}


class Counted(Dataset):
    """Counts how often it loads a sample."""

    def __init__(self, y=Y, **lists):
        self.y = y
        self.n_loads = 0
        vars(self).update(lists)

    def __len__(self):
        return len(self.y)

    def __getitem__(self, row):
        self.n_loads += 1
        return torch.as_tensor(X[row % N]), self.y[row]


class Known(Counted):
    """As torchvision's."""

    __module__ = "torchvision.datasets.cifar"


class DatasetFolder(Counted):
    """As torchvision's, which loads from its samples."""

    __module__ = "torchvision.datasets.folder"

    @property
    def samples(self):
        return [("a.png", label) for label in self.y]


class Dicts(Counted):
    """As Hugging Face's: dicts, columns by name, and formats."""

    __module__ = "datasets.arrow_dataset"
    column_names = ("pixels", "label")
    format: ClassVar = {"type": "torch"}

    def __getitem__(self, key):
        if key == "label":
            return list(self.y)
        sample, label = super().__getitem__(key)
        return {"pixels": sample, "label": label}

    def with_format(self, kind):
        assert kind is None
        return self


class Unlisted(Counted):
    """Has a property of the name that torchvision uses, of something else."""

    @property
    def labels(self):
        raise NotImplementedError


class NoisyWrapper(Dataset):
    """Makes labels noisy, and hands everything else on."""

    def __init__(self, dataset, wrong):
        self.dataset = dataset
        self.wrong = wrong

    def __getattr__(self, name):
        return getattr(self.dataset, name)

    def __len__(self):
        return len(self.dataset)

    def __getitem__(self, row):
        sample, label = self.dataset[row]
        return sample, (label + 1) % 3 if row in self.wrong else label


class KnownNoisy(NoisyWrapper):
    """As torchvision's, with a list that its owner has changed."""

    __module__ = "torchvision.datasets.cifar"


def taken(dataset):
    """Return labels as fit takes them, whether from a list, and how many samples were loaded for them."""
    counted = dataset
    while isinstance(counted, (Subset, ConcatDataset)):
        counted = counted.dataset if isinstance(counted, Subset) else counted.datasets[0]
    labels, are_listed = find_labels(as_dataset(dataset), None)
    return labels, are_listed, getattr(counted, "n_loads", 0)


@pytest.mark.parametrize(
    "dataset",
    [
        Known(targets=Y.tolist()),
        Known(targets=torch.as_tensor(Y)),
        Known(labels=Y.astype(np.uint8)),
        Known(targets=Y.tolist(), target_transform=None),
        DatasetFolder(targets=Y.tolist()[::-1]),
        Dicts(),
    ],
    ids=["list", "tensor", "labels", "torchvision", "folder", "column"],
)
def test_a_list_of_labels_is_read_without_the_samples(dataset):
    labels, are_listed, n_loads = taken(dataset)
    assert are_listed
    assert labels.tolist() == Y.tolist()
    assert labels.dtype == np.int64  # as samples have them
    assert n_loads <= 33


def test_subsets_and_concatenations_take_theirs_from_the_lists_of_their_parts():
    first, second = Known(targets=Y.tolist()), Known(Y[::-1], targets=Y[::-1].tolist())
    labels, are_listed, n_loads = taken(Subset(ConcatDataset([first, second]), [799, 3, 400, 3]))
    assert (labels.tolist(), are_listed) == ([Y[0], Y[3], Y[-1], Y[3]], True)
    assert n_loads <= 5
    assert not taken(ConcatDataset([first, Counted()]))[1]
    assert taken(Subset(TensorDataset(torch.as_tensor(X), torch.as_tensor(Y)), [5, 1]))[0].tolist() == [Y[5], Y[1]]


@pytest.mark.parametrize(
    "dataset",
    [
        Known(),
        Known(labels=["cat", "dog", "owl"]),  # names of the classes
        Known(targets=np.array(["cat", "dog", "owl"])[Y]),  # of which samples come with the numbers
        Known(targets=Y.tolist(), target_transform=int),
        Known(targets=Y.tolist(), target_transform=None, transforms=lambda sample, label: (sample, label)),
        Known(targets=[[1, 2]] * N),
        Known(targets=[[1]] * (N - 1) + [[1, 2]]),
        Known(targets=torch.tensor(5)),
        Known(labels=[None] * N),
        Dicts(format={"type": "custom"}),
        Counted(targets=Y.tolist()),
        Counted(labels=[[1]] * (N - 1) + [[1, 2]]),
        Unlisted(),
        type("Own", (Known,), {"__module__": __name__})(targets=Y.tolist()),
        type("OwnSubset", (Subset,), {})(Known(targets=Y.tolist()), range(N)),
    ],
    ids=[
        "no list",
        "classes",
        "texts",
        "transform",
        "joint transform",
        "pairs",
        "ragged",
        "number",
        "missing",
        "custom format",
        "own class",
        "own ragged",
        "own property",
        "derived",
        "own subset",
    ],
)
def test_every_sample_is_read_where_no_list_says_what_it_comes_with(dataset):
    labels, are_listed, n_loads = taken(dataset)
    assert (labels.tolist(), are_listed) == (Y.tolist(), False)
    assert n_loads >= N


def test_fit_reads_a_few_samples_before_training_and_ends_alike():
    listed, plain = Known(targets=Y.tolist()), Counted()
    clf = MentorNetClassifier(loss_percentile=0.7, **QUICK)
    first, second = clone(clf).fit(listed), clf.fit(plain)
    assert plain.n_loads - listed.n_loads == N - 32
    assert listed.n_loads - N < 150  # once each in training; some for the format, and to see that the network predicts
    assert np.array_equal(first.predict_proba(X), second.predict_proba(X))
    listed.n_loads = 0
    assert first.score(listed) == first.score(X, Y)
    assert listed.n_loads <= N + 35


@pytest.mark.parametrize("kind", [NoisyWrapper, KnownNoisy])
@pytest.mark.parametrize("wrong", [range(N), range(0, N, 2), {0}, {N - 1}])
def test_samples_have_the_say_where_a_few_disagree_with_the_list(wrong, kind):
    noisy = kind(Known(targets=Y.tolist()), wrong)
    labels, are_listed = find_labels(noisy, None)
    assert labels.tolist() == [label for _, label in noisy]
    assert not are_listed


@pytest.mark.parametrize("n_workers", [0, 1])
@pytest.mark.parametrize("validation_fraction", [0.0, 0.25])
def test_the_first_epoch_finds_a_row_that_disagrees_and_was_not_among_the_few(n_workers, validation_fraction):
    noisy = KnownNoisy(Known(targets=Y.tolist()), {17})
    workers = {"iterator_train__num_workers": n_workers}
    assert find_labels(noisy, None)[1]
    with pytest.raises(InvalidDataError, match=rf"Row 17 of the Dataset comes with the label {(Y[17] + 1) % 3}"):
        MentorNetClassifier(**QUICK, validation_fraction=validation_fraction, net_params=workers).fit(noisy)
    clf = MentorNetClassifier(**QUICK, net_params=workers).fit(noisy, [label for _, label in noisy])
    assert clf.n_iter_ == 1


def test_a_wrapper_that_makes_one_label_noisy_is_trained_and_scored_by_what_it_yields(tmp_path):
    noisy = NoisyWrapper(Known(targets=Y.tolist()), {17})
    labels = [label for _, label in noisy]
    clf = MentorNetClassifier(**QUICK, checkpoint_dir=tmp_path).fit(noisy)
    assert clf.label_issues(sort=False).given_label.tolist() == labels
    assert clf.score(noisy) == clf.score(X, labels) != clf.score(X, Y)
    assert evaluate_checkpoint(tmp_path, noisy, None) == evaluate_checkpoint(tmp_path, X, labels)


def test_scores_compare_every_label_of_a_list(tmp_path):
    noisy = KnownNoisy(Known(targets=Y.tolist()), {17})
    clf = MentorNetClassifier(**QUICK, checkpoint_dir=tmp_path).fit(X, Y)
    for score in (clf.score, lambda data: evaluate_checkpoint(tmp_path, data, None)):
        with pytest.raises(InvalidDataError, match="Row 17 of the Dataset comes with the label"):
            score(noisy)


def test_torchvisions_own_class():
    vision = pytest.importorskip("torchvision.datasets", reason="the extra noisylabel[vision] is not installed")
    dataset, seen = vision.CIFAR10.__new__(vision.CIFAR10), []
    dataset.data, dataset.targets = np.zeros((N, 2, 2, 3), np.uint8), Y.tolist()
    dataset.transform, dataset.target_transform, dataset.transforms = seen.append, None, None
    labels, are_listed = find_labels(dataset, None)
    assert (labels.tolist(), are_listed, len(seen)) == (Y.tolist(), True, 32)


def test_text_labels_from_a_list():
    texts = np.array(["b", "a", "long"])[Y]
    clf = MentorNetClassifier(**QUICK).fit(Known(texts.tolist(), targets=texts))
    assert clf.classes_.tolist() == ["a", "b", "long"]
