"""The network alone, for programs that do not have this package."""

import copy
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch import nn

from noisylabel._support.files import written_whole
from noisylabel.exceptions import MissingDependencyError
from noisylabel.nets import plain_network


def export_program(clf: Any) -> torch.export.ExportedProgram:
    """Return network, standardisation and softmax as a program; see the classifier's method."""
    network = copy.deepcopy(plain_network(clf.net_.module_)).cpu()
    dtype = {"uint8": torch.uint8, "int64": torch.int64, "float64": torch.float64}.get(clf.sample_dtype_, torch.float32)
    sample = torch.zeros(2, *clf.sample_shape_, dtype=dtype)
    network = network.requires_grad_(False).to(memory_format=torch.contiguous_format)  # as programs are written
    batch = {0: torch.export.Dim("batch", min=1)}
    return torch.export.export(
        _Probabilities(network, clf.predict_flipped).eval(), (sample,), dynamic_shapes={"X": batch}
    )


class _Probabilities(nn.Module):
    """A network whose logits, or their means over images and their mirror images, become probabilities."""

    def __init__(self, network: nn.Module, mirrored: bool) -> None:
        super().__init__()
        self.network = network
        self.mirrored = mirrored

    def forward(self, X: torch.Tensor) -> torch.Tensor:
        """Return the probabilities, (B, C)."""
        logits: torch.Tensor = self.network(X).float()
        if self.mirrored:
            logits = (logits + self.network(X.flip(-1)).float()) / 2
        return logits.softmax(1)


def export_onnx(clf: Any, path: Path) -> None:
    """Write the program as ONNX; see the classifier's method."""
    try:
        import_module("onnx")
        import_module("onnxscript")
    except ImportError as error:
        raise MissingDependencyError("export_onnx needs two packages: pip install onnx onnxscript.") from error
    names: dict[str, Any] = {"input_names": ["X"], "output_names": ["probabilities"]}
    program: Any = torch.onnx.export(export_program(clf), dynamo=True, verbose=False, **names)
    written_whole(path, lambda partial: program.save(str(partial)))
