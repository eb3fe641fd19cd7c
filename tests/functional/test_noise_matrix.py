"""Which classes' labels are wrong, from predictions of a network that has not learned them."""

import pytest
import torch

from noisylabel.exceptions import InvalidDataError
from noisylabel.functional import estimate_noise


def drawn(matrix, truth, seed=0):
    """Labels of a transition matrix."""
    return torch.multinomial(matrix[truth], 1, generator=torch.Generator().manual_seed(seed))[:, 0]


def weak_network(truth, n_classes, skill, seed=0):
    """Calibrated predictions of the truth, which is drawn from them."""
    scores = torch.randn(len(truth), n_classes, generator=torch.Generator().manual_seed(seed))
    proba = (skill * scores).softmax(1)
    return proba, torch.multinomial(proba, 1, generator=torch.Generator().manual_seed(seed + 1))[:, 0]


def pair_matrix(n_classes, rates):
    rates = torch.as_tensor(rates).expand(n_classes)
    return torch.diag(1 - rates) + torch.diag(rates).roll(1, 1)


def symmetric_matrix(n_classes, rate):
    return torch.eye(n_classes) * (1 - rate - rate / (n_classes - 1)) + rate / (n_classes - 1)


def mixed_matrix():
    matrix = torch.eye(4)
    matrix[0] = torch.tensor([0.6, 0.3, 0.1, 0.0])
    matrix[3] = torch.tensor([0.0, 0.2, 0.0, 0.8])
    return matrix


@pytest.mark.parametrize(
    "matrix",
    [
        torch.eye(10),
        pair_matrix(10, 0.3),
        pair_matrix(4, [0.4, 0.0, 0.0, 0.2]),
        symmetric_matrix(10, 0.4),
        mixed_matrix(),
    ],
    ids=["clean", "pair", "pair in two classes", "symmetric", "mixed"],
)
def test_a_network_that_sees_the_truth_finds_the_matrix(matrix):
    n_classes = len(matrix)
    truth = torch.arange(40_000) % n_classes
    labels = drawn(matrix, truth)
    # trained on such labels, it gives the probabilities of the labels, a little blurred
    scores = matrix[truth].clamp_min(1e-3).log()
    proba = (scores + 0.2 * torch.randn(scores.shape, generator=torch.Generator().manual_seed(2))).softmax(1)
    found = estimate_noise(proba, labels)
    assert (found.matrix - matrix).abs().max() < 0.05
    torch.testing.assert_close(found.matrix.sum(1), torch.ones(n_classes, dtype=torch.double))
    torch.testing.assert_close(found.rate_by_class, 1 - found.matrix.diagonal())
    assert found.rate == pytest.approx(float((labels != truth).double().mean()), abs=0.02)
    assert found.rate == pytest.approx(float(found.class_prior @ found.rate_by_class))
    assert (found.class_prior - 1 / n_classes).abs().max() < 0.02


@pytest.mark.parametrize("skill", [1.5, 2.5, 4.0])
@pytest.mark.parametrize("sharpness", [0.4, 1.0, 2.5])
def test_a_poor_network_is_no_sign_of_wrong_labels(skill, sharpness):
    proba, truth = weak_network(torch.zeros(4000), 10, skill)
    assert 0.15 < (proba.argmax(1) != truth).double().mean() < 0.65
    found = estimate_noise((proba.clamp_min(1e-12).log() * sharpness).softmax(1), truth)
    assert found.rate <= 0.02
    assert found.rate_interval[0] == 0
    assert (found.rate_by_class_interval[0] <= 0.02).all()
    assert found.rate_interval[1] > 0.1  # it cannot know


def test_pair_flips_are_found_by_class_through_a_poor_network():
    matrix = pair_matrix(10, 0.3)
    proba, truth = weak_network(torch.zeros(10_000), 10, 9.0)
    assert (proba.argmax(1) != truth).double().mean() > 0.1
    found = estimate_noise(proba @ matrix, drawn(matrix, truth, 3))
    assert found.rate == pytest.approx(0.3, abs=0.05)
    assert (found.rate_by_class - 0.3).abs().mean() < 0.1
    assert (found.matrix.masked_fill(torch.eye(10, dtype=torch.bool), 0).argmax(1) == (torch.arange(10) + 1) % 10).all()
    assert 0.1 < found.rate_interval[0] < 0.3 < found.rate_interval[1]


def test_no_wrong_label_is_likelier_than_the_right_one():
    """Of seven in ten rows of each class the label is that of the next, which looks like noise of 30 % in reverse."""
    matrix = pair_matrix(4, 0.7)
    truth = torch.arange(4000) % 4
    found = estimate_noise((6.0 * torch.nn.functional.one_hot(truth, 4)).softmax(1), drawn(matrix, truth))
    assert found.matrix.diagonal() == pytest.approx([0.5] * 4, abs=0.01)
    assert (found.matrix <= found.matrix.diagonal()[:, None] + 1e-9).all()
    assert found.rate == pytest.approx(0.5, abs=0.01)


def test_bounds_hold_what_is_estimated():
    proba, truth = weak_network(torch.zeros(300), 5, 2.0)
    found = estimate_noise(proba, drawn(symmetric_matrix(5, 0.4), truth))
    assert found.rate_interval[0] <= found.rate <= found.rate_interval[1]
    for bounds, value in ((found.matrix_interval, found.matrix), (found.rate_by_class_interval, found.rate_by_class)):
        assert (bounds[0] <= value).all()
        assert (value <= bounds[1]).all()


def test_twenty_rows_a_class_of_one_row_and_a_class_never_predicted():
    truth = torch.tensor([0] * 10 + [1] * 9 + [2])
    proba = torch.full((20, 4), 0.1).scatter(1, truth[:, None], 0.7)
    proba[19] = torch.tensor([0.4, 0.3, 0.2, 0.1])
    found = estimate_noise(proba, truth)
    assert found.rate <= 0.02
    assert found.rate_interval[0] == 0
    assert found.rate_interval[1] > 0.1
    assert found.rate_by_class_interval[:, 3].tolist() == [0, 1]
    assert all(part.isfinite().all() for part in (found.matrix, found.matrix_interval, found.class_prior))


def test_a_network_that_knows_nothing_says_nothing():
    generator = torch.Generator().manual_seed(0)
    proba = (0.3 * torch.randn(3000, 10, generator=generator)).softmax(1)
    found = estimate_noise(proba, torch.randint(10, (3000,), generator=generator))
    assert found.rate == 0
    assert found.rate_interval[0] == 0
    assert found.rate_interval[1] > 0.9


def test_a_network_that_has_hardly_been_trained_says_nothing():
    proba, truth = weak_network(torch.zeros(3000), 10, 3.0)
    labels = drawn(symmetric_matrix(10, 0.4), truth)
    blurred = (0.1 * proba.clamp_min(1e-6).log() + 0.1 * torch.randn(3000, 10)).softmax(1)  # ranks by chance
    assert (blurred.argmax(1) == labels).double().mean() > 0.3
    assert estimate_noise(proba, labels).rate_interval[0] > 0.2
    assert estimate_noise(blurred, labels).rate_interval[0] == 0
    assert estimate_noise(blurred, truth).rate == 0


@pytest.mark.parametrize("n_rows", [1, 2, 5])
def test_hardly_any_rows(n_rows):
    found = estimate_noise(torch.full((n_rows, 3), 1 / 3), torch.arange(n_rows) % 3)
    assert found.rate_interval[0] == 0
    assert found.rate_interval[1] > 0.5
    assert found.matrix.isfinite().all()


def test_a_hundred_classes():
    proba, truth = weak_network(torch.zeros(2000), 100, 5.0)
    found = estimate_noise(proba.half(), truth.int())
    assert found.matrix.shape == (100, 100)
    assert found.matrix_interval.shape == (2, 100, 100)
    assert found.rate_by_class.shape == found.class_prior.shape == (100,)
    assert found.rate_by_class_interval.shape == (2, 100)
    assert found.rate <= 0.02


def test_the_order_of_rows_and_classes_does_not_matter():
    matrix = pair_matrix(5, 0.3)
    proba, truth = weak_network(torch.zeros(2000), 5, 5.0)
    proba, labels = proba @ matrix, drawn(matrix, truth)
    rows, classes = torch.randperm(2000), torch.tensor([3, 1, 4, 0, 2])
    found = estimate_noise(proba, labels)
    moved = estimate_noise(proba[rows][:, classes], classes.argsort()[labels[rows]])
    torch.testing.assert_close(moved.matrix, found.matrix[classes][:, classes])
    assert moved.rate_interval == pytest.approx(found.rate_interval)


def test_bad_input_gets_a_clear_error():
    proba, labels = torch.full((4, 3), 1 / 3), torch.tensor([0, 1, 2, 0])
    with pytest.raises(InvalidDataError, match=r"Got \(4, 3\) and \(3,\)"):
        estimate_noise(proba, labels[:3])
    with pytest.raises(InvalidDataError, match="Row 2 is"):
        estimate_noise(proba.index_fill(0, torch.tensor([2]), torch.nan), labels)
    with pytest.raises(InvalidDataError, match="whole numbers from 0 to 2"):
        estimate_noise(proba, labels + 1)
    with pytest.raises(InvalidDataError, match="whole numbers from 0 to 2"):
        estimate_noise(proba, labels.float())
    with pytest.raises(InvalidDataError, match="two or more classes"):
        estimate_noise(torch.ones(4, 1), torch.zeros(4, dtype=torch.long))
