"""The contract of a student."""

import torch
from sklearn.base import clone

from noisylabel.students import Student


def check_student(student: Student, sample_shape: tuple[int, ...]) -> None:
    """Check that a student builds new, trainable networks with the right output shape.

    Parameters
    ----------
    student : Student
    sample_shape : tuple of int
        Shape of one sample that the student accepts.

    Raises
    ------
    AssertionError
        Says which rule is broken.

    Examples
    --------
    >>> from noisylabel.students import MLP
    >>> check_student(MLP(), (4,))
    """
    for n_classes in (2, 11):
        network = student.build(sample_shape, n_classes)
        logits = network(torch.randn(3, *sample_shape))
        assert logits.shape == (3, n_classes), f"logits have shape {tuple(logits.shape)}, expected (3, {n_classes})"
        logits.square().mean().backward()
        idle = [name for name, parameter in network.named_parameters() if parameter.grad is None]
        assert not idle, f"parameters that no gradient reaches: {idle}"
        assert student.build(sample_shape, n_classes) is not network, "each build must return a new network"
    assert clone(student).get_params().keys() == student.get_params().keys(), "parameters must survive clone"
