"""Class weights where a sample has a probability of each class."""

import torch
from torch.nn.functional import cross_entropy

from noisylabel.nets._weighted import weigh_classes


def test_they_are_those_of_torch():
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(6, 3, generator=generator)
    targets = torch.rand(6, 3, generator=generator).softmax(1)
    class_weight = torch.tensor([10.0, 0.5, 0.0])
    weighted, weights = weigh_classes(targets, class_weight)
    losses = weights * cross_entropy(logits, weighted, reduction="none")
    expected = cross_entropy(logits, targets, weight=class_weight, reduction="none")
    torch.testing.assert_close(losses, expected)
    torch.testing.assert_close(weighted.sum(1), torch.ones(6))


def test_a_sample_of_classes_without_weight_teaches_nothing():
    weighted, weights = weigh_classes(torch.tensor([[0.0, 1.0]]), torch.tensor([1.0, 0.0]))
    assert weights.tolist() == [0.0]
    assert weighted.tolist() == [[0.0, 0.0]]
