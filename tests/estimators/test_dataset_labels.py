"""Labels of a Dataset are read from its list of them, without loading every sample; or from the samples."""

import numpy as np
import pytest
import torch
from torch.utils.data import ConcatDataset, Dataset, Subset, TensorDataset

from noisylabel import MentorNetClassifier
from noisylabel.estimators.inputs._datasets import as_dataset, find_labels
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


class Dicts(Counted):
    """As Hugging Face's: dicts, columns by name, and formats."""

    column_names = ("pixels", "label")

    def __getitem__(self, key):
        if key == "label":
            return list(self.y)
        sample, label = super().__getitem__(key)
        return {"pixels": sample, "label": label}

    def with_format(self, kind):
        assert kind is None
        return self


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
        Counted(targets=Y.tolist()),
        Counted(targets=torch.as_tensor(Y)),
        Counted(labels=Y.astype(np.uint8)),
        Counted(targets=Y.tolist(), target_transform=None),
        Dicts(),
    ],
    ids=["list", "tensor", "labels", "torchvision", "column"],
)
def test_a_list_of_labels_is_read_without_the_samples(dataset):
    labels, are_listed, n_loads = taken(dataset)
    assert are_listed
    assert labels.tolist() == Y.tolist()
    assert labels.dtype == np.int64  # as samples have them
    assert n_loads <= 33


def test_subsets_and_concatenations_take_theirs_from_the_lists_of_their_parts():
    first, second = Counted(targets=Y.tolist()), Counted(Y[::-1], targets=Y[::-1].tolist())
    labels, are_listed, n_loads = taken(Subset(ConcatDataset([first, second]), [799, 3, 400, 3]))
    assert (labels.tolist(), are_listed) == ([Y[0], Y[3], Y[-1], Y[3]], True)
    assert n_loads <= 5
    assert not taken(ConcatDataset([first, Counted()]))[1]
    assert taken(Subset(TensorDataset(torch.as_tensor(X), torch.as_tensor(Y)), [5, 1]))[0].tolist() == [Y[5], Y[1]]


@pytest.mark.parametrize(
    "dataset",
    [
        Counted(),
        Counted(labels=["cat", "dog", "owl"]),  # names of the classes
        Counted(targets=np.array(["cat", "dog", "owl"])[Y]),  # of which samples come with the numbers
        Counted(targets=Y.tolist(), target_transform=int),
        Counted(targets=Y.tolist(), target_transform=None, transforms=lambda sample, label: (sample, label)),
        Counted(targets=[[1, 2]] * N),
        Counted(targets=torch.tensor(5)),
        Counted(labels=[None] * N),
    ],
    ids=["no list", "classes", "texts", "transform", "joint transform", "pairs", "number", "missing"],
)
def test_every_sample_is_read_where_no_list_says_what_it_comes_with(dataset):
    labels, are_listed, n_loads = taken(dataset)
    assert (labels.tolist(), are_listed) == (Y.tolist(), False)
    assert n_loads >= N


def test_fit_reads_a_few_samples_before_training_and_ends_alike():
    listed, plain = Counted(targets=Y.tolist()), Counted()
    first = MentorNetClassifier(**QUICK).fit(listed)
    second = MentorNetClassifier(**QUICK).fit(plain)
    assert plain.n_loads - listed.n_loads == N - 32
    assert listed.n_loads - N < 150  # once each in training; some for the format, and to see that the network predicts
    assert np.array_equal(first.predict_proba(X), second.predict_proba(X))
    listed.n_loads = 0
    assert first.score(listed) == first.score(X, Y)
    assert listed.n_loads <= N + 34


@pytest.mark.parametrize("wrong", [range(N), range(0, N, 2), {0}, {N - 1}])
def test_samples_have_the_say_where_a_few_disagree_with_the_list(wrong):
    noisy = NoisyWrapper(Counted(targets=Y.tolist()), wrong)
    labels, are_listed = find_labels(noisy, None)
    assert labels.tolist() == [label for _, label in noisy]
    assert not are_listed


@pytest.mark.parametrize("n_workers", [0, 1])
@pytest.mark.parametrize("validation_fraction", [0.0, 0.25])
def test_the_first_epoch_finds_a_row_that_disagrees_and_was_not_among_the_few(n_workers, validation_fraction):
    noisy = NoisyWrapper(Counted(targets=Y.tolist()), {17})
    workers = {"iterator_train__num_workers": n_workers}
    assert find_labels(noisy, None)[1]
    with pytest.raises(InvalidDataError, match=rf"Row 17 of the Dataset comes with the label {(Y[17] + 1) % 3}"):
        MentorNetClassifier(**QUICK, validation_fraction=validation_fraction, net_params=workers).fit(noisy)
    clf = MentorNetClassifier(**QUICK, net_params=workers).fit(noisy, [label for _, label in noisy])
    assert clf.n_iter_ == 1


def test_text_labels_from_a_list():
    texts = np.array(["b", "a", "long"])[Y]
    clf = MentorNetClassifier(**QUICK).fit(Counted(texts.tolist(), targets=texts))
    assert clf.classes_.tolist() == ["a", "b", "long"]
