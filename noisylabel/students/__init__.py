"""Students: architectures of the networks that are trained.

A student holds the settings of an architecture, and ``build(sample_shape, n_classes)`` makes a network from them.
"""

from noisylabel.students._base import Student
from noisylabel.students._cifarnet import CifarNet
from noisylabel.students._cnn import SmallCNN
from noisylabel.students._given import BuilderStudent, GivenModule
from noisylabel.students._mlp import MLP
from noisylabel.students._pretrained import Pretrained
from noisylabel.students._resnet import ResNet
from noisylabel.students._resolve import STUDENTS, default_student, resolve_student
from noisylabel.students._speed import Speed
from noisylabel.students._standardize import Standardize
from noisylabel.students._table import TableNet
from noisylabel.students._timm import TimmModel
from noisylabel.students._torchvision import TorchvisionModel

__all__ = [
    "MLP",
    "STUDENTS",
    "BuilderStudent",
    "CifarNet",
    "GivenModule",
    "Pretrained",
    "ResNet",
    "SmallCNN",
    "Speed",
    "Standardize",
    "Student",
    "TableNet",
    "TimmModel",
    "TorchvisionModel",
    "default_student",
    "resolve_student",
]
