"""A network that starts from weights in a file."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase

from noisylabel._support.files import local_path, reading
from noisylabel._support.validation import check_number
from noisylabel.exceptions import InvalidFileError, InvalidParameterError
from noisylabel.students._base import Student
from noisylabel.students._resolve import resolve_student


class Pretrained(Student):
    """Fine-tune: start from the weights in a file, and train the body more slowly than the output layer.

    The output layer is the network's last linear layer. It starts from the file if it has the same shape there, and
    from random weights otherwise. It always learns at the full rate. Everything else is the body, and must be in the
    file.

    Parameters
    ----------
    student : str, Student or callable
        The architecture: a name such as ``"resnet32"`` or ``"timm:resnet18"``, a Student, or a builder
        ``(sample_shape, n_classes)``. A builder for torchvision is
        ``lambda sample_shape, n_classes: torchvision.models.resnet18(num_classes=n_classes)``.
    weights : str or Path
        A state dict, as a ``.safetensors`` file or as ``torch.save`` writes it, or the ``checkpoint.pt`` of a finished
        training with noisylabel. Nothing in the file is run.
    body_lr : float in [0, 1], default=0.1
        Factor on the learning rate of the body. 0 freezes the body, including the statistics of its normalisation
        layers.

    References
    ----------
    Jiang et al., "Beyond synthetic noise", ICML 2020, recommend fine-tuning on noisy labels.

    Examples
    --------
    >>> import tempfile
    >>> from noisylabel.students import MLP
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     torch.save(MLP((8,)).build((4,), 10).state_dict(), f"{folder}/mlp.pt")
    ...     network = Pretrained(MLP((8,)), f"{folder}/mlp.pt", body_lr=0).build((4,), 3)
    >>> [name for name, parameter in network.named_parameters() if parameter.requires_grad]
    ['2.weight', '2.bias']
    """

    def __init__(
        self, student: str | Student | Callable[..., nn.Module], weights: str | Path, body_lr: float = 0.1
    ) -> None:
        self.student = student
        self.weights = weights
        self.body_lr = body_lr

    def build(self, sample_shape: tuple[int, ...], n_classes: int) -> nn.Module:
        """See :meth:`Student.build`.

        Raises
        ------
        InvalidFileError
            If the file is missing or damaged, or lacks weights of the body.
        InvalidParameterError
            If ``body_lr`` is outside [0, 1], or the network has no linear layer.
        """
        check_number("body_lr", self.body_lr, 0, 1, hint="It is a factor on 'lr'.")
        student = resolve_student(self.student, sample_shape)
        module = student.build(sample_shape, n_classes)
        module.capturable = student.capturable or getattr(module, "capturable", False)  # type: ignore[assignment]
        head = _output_layer(module)
        saved, own = _read_weights(local_path("weights", self.weights)), module.state_dict()
        fitting = {k: v for k, v in saved.items() if k in own and v.shape == own[k].shape}
        absent = [name for name in own if name not in fitting and not _is_below(name, head)]
        if absent:
            examples = [f"{name} {tuple(own[name].shape)}" for name in absent[:3]]
            there = [f"{name} {tuple(saved[name].shape)}" for name in (*absent, *saved) if name in saved][:3]
            raise InvalidFileError(
                f"{self.weights} lacks {len(absent)} of the {len(own)} weights of student {self.student!r}, or has "
                f"them in another shape: {', '.join(examples)}, ... It has {', '.join(there)}, ... Is it of the same "
                "architecture, for samples of the same shape?"
            )
        module.load_state_dict(own | fitting)
        if self.body_lr == 0:
            for name in self.body(module):
                module.get_parameter(name).requires_grad_(False)
            for layer in module.modules():
                if isinstance(layer, _NormBase):
                    layer.frozen = True  # type: ignore[assignment]  # its statistics too
        return module

    def body(self, module: nn.Module) -> list[str]:
        """Return the names of the parameters of all but the output layer."""
        head = _output_layer(module)
        return [name for name, _ in module.named_parameters() if not _is_below(name, head)]

    def lr_factors(self, module: nn.Module) -> dict[str, float]:
        """See :meth:`Student.lr_factors`."""
        return dict.fromkeys(self.body(module), float(self.body_lr))


def _is_below(name: str, layer: str) -> bool:
    """Whether a parameter or buffer belongs to a layer; the network itself has the name ''."""
    return layer == "" or name.startswith(f"{layer}.")


def _output_layer(module: nn.Module) -> str:
    names = [name for name, layer in module.named_modules() if isinstance(layer, nn.Linear)]
    if not names:
        raise InvalidParameterError(
            f"'student' {type(module).__name__} has no linear layer, so there is no telling which layer gives the "
            "classes. Pre-trained students need one at the end."
        )
    return names[-1]


def _read_weights(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a file by name."""
    with reading(path, "file of weights", "'weights' must be a local file that holds the student's weights."):
        if path.suffix == ".safetensors":
            return _of_the_student(load_file(path))
        content: Any = torch.load(path, map_location="cpu", weights_only=True)
        content = content.get("state_dict", content.get("final", content))  # also of a checkpoint_dir
        return _of_the_student({name: value for name, value in content.items() if isinstance(value, Tensor)})


def _of_the_student(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Take off what wraps a network: torch's data parallelism, and the fixed first layer of our own classifiers."""
    if weights and all(name.startswith("module.") for name in weights):
        weights = {name.removeprefix("module."): value for name, value in weights.items()}
    if {"0.mean", "0.scale"} <= weights.keys():
        weights = {name.removeprefix("1."): value for name, value in weights.items() if name.startswith("1.")}
    return weights
