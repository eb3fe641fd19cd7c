"""The learned curriculum: a network that weighs samples."""

import copy
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from noisylabel.curricula._base import Curriculum
from noisylabel.curricula.learned._files import load_network, save_network, zoo_path
from noisylabel.curricula.learned._network import MentorNetwork
from noisylabel.exceptions import InvalidDataError


class MentorNet(Curriculum):
    """A curriculum that was learned: from a closed form, or from samples whose right labels are known.

    Made by :mod:`noisylabel.curricula.learned`, or read from a file. The files hold numbers only (safetensors, and a
    JSON card that says where the network comes from and how well it fits); reading one never runs code.

    Parameters
    ----------
    network : MentorNetwork
        The network; it is not changed any more.
    card : dict, optional
        Where it comes from: ``name``, ``learned_from`` and ``fit``.

    Attributes
    ----------
    history_length : int
        How many of a sample's last losses it reads. If above 1, ``loss`` and ``loss_diff`` have shape
        (B, history_length), oldest first.

    References
    ----------
    Jiang et al., "MentorNet: learning data-driven curriculum for very deep neural networks on corrupted labels",
    ICML 2018, Sec. 3

    Examples
    --------
    >>> import torch
    >>> mentornet = MentorNet.from_zoo("self_paced")
    >>> loss = torch.tensor([0.2, 3.0])
    >>> mentornet.weights(loss, loss - 1.0, torch.zeros(2), 50).round()
    tensor([1., 0.])
    """

    takes_percent_tensor = True

    def __init__(self, network: MentorNetwork, card: Any = None) -> None:
        self.network = network
        self.card = card

    @property
    def history_length(self) -> int:  # type: ignore[override]
        """How many of a sample's last losses it reads."""
        return self.network.history_length

    def check_classes(self, n_classes: int) -> None:
        """See :meth:`Curriculum.check_classes`: one that looks at labels serves those that it was learned with."""
        if self.network.use_label and n_classes > self.network.n_labels:
            raise InvalidDataError(
                f"This MentorNet was learned with {self.network.n_labels} classes and looks at labels; it cannot weigh "
                f"a sample of class {n_classes - 1}. Learn one without use_label, which serves any number of classes."
            )

    def stage(self, epoch_percent: float) -> tuple[()]:
        """See :meth:`Curriculum.stage`."""
        return ()

    @torch.no_grad()
    def weights(self, loss: Tensor, loss_diff: Tensor, label: Tensor, epoch_percent: float | Tensor) -> Tensor:
        """See :meth:`Curriculum.weights`.

        Raises
        ------
        InvalidDataError
            If the network looks at labels and a label is beyond those that it was learned with.
        """
        network = self.to(loss.device).network
        if isinstance(epoch_percent, Tensor):  # in training, which has checked the number of classes
            percents = epoch_percent.expand(len(loss))
        else:
            if network.use_label and len(label):
                self.check_classes(int(label.max()) + 1)
            percents = torch.full((len(loss),), min(int(epoch_percent), 99), device=loss.device)
        shape = (len(loss), network.history_length)
        logits = network(loss.reshape(shape).float(), loss_diff.reshape(shape).float(), label.long(), percents)
        return logits.sigmoid().to(loss.dtype)

    def to(self, device: torch.device) -> "MentorNet":
        """Return this MentorNet for a device: itself if it is there, otherwise a copy."""
        if self.network.output_bias.device == device:
            return self
        return MentorNet(copy.deepcopy(self.network).to(device), self.card)

    def save(self, path: str | Path) -> Path:
        """Write ``path`` (safetensors) and its card, the same name with ``.json``.

        Each is written beside its place and then renamed, so that a stopped run leaves no half-written file.

        Parameters
        ----------
        path : str or Path
            With or without ``.safetensors``.

        Returns
        -------
        Path
            Of the safetensors file.
        """
        return save_network(self.network, self.card or {}, path)

    @classmethod
    def load(cls, path: str | Path) -> "MentorNet":
        """Read a MentorNet.

        Parameters
        ----------
        path : str or Path
            The safetensors file; its card lies beside it.

        Raises
        ------
        InvalidFileError
            If one of the two files is missing, truncated, no safetensors or JSON, or does not belong to the other.
        """
        return cls(*load_network(path))

    @classmethod
    def from_zoo(cls, name: str) -> "MentorNet":
        """Read one of the MentorNets that come with the package.

        Parameters
        ----------
        name : str
            One of :func:`noisylabel.curricula.list_zoo`.

        Raises
        ------
        InvalidParameterError
            If there is none of that name; the message has the nearest.
        """
        return cls.load(zoo_path(name))
