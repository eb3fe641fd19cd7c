"""From what users write for ``student`` to a Student."""

from collections.abc import Callable
from typing import Any

from torch import nn

from noisylabel._support.validation import check_choice
from noisylabel.exceptions import InvalidParameterError
from noisylabel.students._base import Student
from noisylabel.students._cifarnet import CifarNet
from noisylabel.students._cnn import SmallCNN
from noisylabel.students._given import BuilderStudent, GivenModule
from noisylabel.students._mlp import MLP
from noisylabel.students._resnet import ResNet
from noisylabel.students._speed import Speed
from noisylabel.students._table import TableNet
from noisylabel.students._timm import TimmModel
from noisylabel.students._torchvision import TorchvisionModel

STUDENTS: dict[str, Callable[[], Student]] = {
    "table": TableNet,
    "mlp": MLP,
    "cnn": SmallCNN,
    "resnet8": lambda: ResNet(8),
    "resnet32": ResNet,
    "mentormix_resnet32": lambda: ResNet(32, width=128, stem=64, negative_slope=0.1),
    "mentornet_resnet101": lambda: ResNet(56, width=160, stem=16, negative_slope=0.1),
    "cifarnet": CifarNet,
    "speed_xs": lambda: Speed((32, 128, 192)),
    "speed_s": Speed,
    "speed_m": lambda: Speed((128, 384, 384)),
    "speed_l": lambda: Speed((128, 384, 512), depth=3),
}
"""What makes a student, by name."""


def default_student(sample_shape: tuple[int, ...]) -> str:
    """Return the name of what ``"auto"`` stands for."""
    return "cnn" if len(sample_shape) == 3 else "table"


def resolve_student(student: Any, sample_shape: tuple[int, ...]) -> Student:
    """Turn what users write for ``student`` into a Student.

    Parameters
    ----------
    student : str, Student, nn.Module, type or callable
        A name in :data:`STUDENTS`, ``"timm:NAME"``, ``"torchvision:NAME"``, a Student, a network, a network class, or
        a builder ``(sample_shape, n_classes)``. ``"auto"`` is ``"cnn"`` for images and ``"table"`` for everything
        else.
    sample_shape : tuple of int
        Shape of one sample.

    Returns
    -------
    Student

    Raises
    ------
    InvalidParameterError
        If the name is unknown or the type is wrong.

    Examples
    --------
    >>> resolve_student("auto", (20,))
    TableNet()
    """
    if isinstance(student, str):
        if student == "auto":
            return STUDENTS[default_student(sample_shape)]()
        if student.startswith("timm:"):
            return TimmModel(student.removeprefix("timm:"))
        if student.startswith("torchvision:"):
            return TorchvisionModel(student.removeprefix("torchvision:"))
        return STUDENTS[check_choice("student", student, [*STUDENTS, "auto"])]()
    if isinstance(student, Student):
        return student
    if isinstance(student, nn.Module):
        return GivenModule(student)
    if callable(student):
        return BuilderStudent(student)
    raise InvalidParameterError(
        f"'student' must be a name {[*STUDENTS, 'auto', 'timm:NAME', 'torchvision:NAME']}, a Student, an nn.Module "
        f"(class or object) or a builder(sample_shape, n_classes). Got {student!r}."
    )
