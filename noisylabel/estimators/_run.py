"""One run of training: seed, held-out rows, network, net, checkpoint; the loop; and what it found."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from noisylabel._support.random import draw_seed, private_torch_stream, torch_turn
from noisylabel.callbacks import EpochProgress
from noisylabel.distributed import current_group
from noisylabel.estimators._settings import net_options
from noisylabel.estimators._student import build_network, type_of_inputs
from noisylabel.estimators.inputs._training_data import TrainingData
from noisylabel.estimators.saving._checkpoints import check_same_run, checkpoint_header, opened_folder, read_checkpoint
from noisylabel.exceptions import InvalidDataError, InvalidParameterError
from noisylabel.nets import Checkpoint, CheckpointFile, Data, SampleRecord, Trained, WeightedNet, train_net

if TYPE_CHECKING:
    import pandas as pd

_HIDDEN = ("_best", "_batch_count")  # columns of the net's history that say nothing in a table of epochs


@dataclass
class SavedRun:
    """The folder of a run's checkpoint, and what it held when the run began, until the run takes that over.

    Attributes
    ----------
    folder : Path or None
        None if nothing is saved.
    content : dict or None
        Of the checkpoint; None if there was none.
    """

    folder: Path | None = None
    content: dict[str, Any] | None = None

    @classmethod
    @contextmanager
    def open(cls, checkpoint_dir: str | Path | None) -> Iterator["SavedRun"]:
        """Make or open the folder, read its checkpoint, and keep other runs out of it for a while."""
        if checkpoint_dir is None:
            yield cls()
            return
        with opened_folder(checkpoint_dir) as folder:
            yield cls(folder, read_checkpoint(folder))

    def seed(self, random_state: Any) -> int:
        """Return the seed of the run that goes on, or draw that of a new one."""
        return draw_seed(random_state) if self.content is None else int(self.content["seed"])

    @contextmanager
    def below(self, name: str) -> Iterator["SavedRun"]:
        """Open a run that belongs to this one, such as a teacher's, in a folder below."""
        with SavedRun.open(None if self.folder is None else self.folder / name) as run:
            yield run

    def file_for(self, estimator: Any, seed: int, data: TrainingData) -> Checkpoint | None:
        """Return the file to save to; refuse a folder that holds a run with other parameters or data."""
        if self.folder is None:
            return None
        header = checkpoint_header(estimator, seed, data)
        if self.content is not None:
            check_same_run(self.content, header, self.folder, type(estimator))
        content, self.content = self.content, None
        return CheckpointFile(self.folder, header, content)


@dataclass(frozen=True)
class Split:
    """Which rows are trained on, and which are held out; row numbers, increasing. Others have no part in the run."""

    train_rows: np.ndarray
    valid_rows: np.ndarray


def split_rows(codes: np.ndarray, fraction: float, seed: int) -> Split:
    """Draw the held-out rows of a run."""
    everything = np.arange(len(codes))
    if fraction == 0:
        return Split(everything, everything[:0])
    valid_rows = validation_rows(codes, fraction, np.random.default_rng(seed))
    return Split(np.setdiff1d(everything, valid_rows), valid_rows)


def validation_rows(codes: np.ndarray, fraction: float, rng: np.random.Generator) -> np.ndarray:
    """Draw the held-out rows: each class in proportion, the only row of a class never.

    Parameters
    ----------
    codes : ndarray of shape (N,)
        Label codes.
    fraction : float in (0, 0.5]
        Share of the rows to hold out.
    rng : Generator

    Returns
    -------
    ndarray
        Sorted row numbers.
    """
    order = np.lexsort((rng.random(len(codes)), codes))
    order = order[np.bincount(codes)[codes[order]] > 1]
    if len(order) < 2:
        raise InvalidDataError(
            "'validation_fraction' needs a class with at least 2 rows; every class has only 1. Set 0."
        )
    n_valid = int(np.clip(round(fraction * len(codes)), 1, len(order) // 2))
    positions = ((np.arange(n_valid) + 0.5) * len(order) / n_valid).astype(np.int64)
    return np.sort(order[positions])


@dataclass(frozen=True)
class NetParts:
    """What a training rule gets to make its net of.

    Attributes
    ----------
    network : nn.Module
    n_samples : int
        Rows that are trained on.
    n_classes : int
    generator : torch.Generator
        Stream of the mentor, on the training device.
    is_right : Tensor of shape (n_samples,) or None
        1 for rows whose label is known to be right, 0 for wrong, NaN for unknown; None without trusted labels.
    options : dict
        skorch's options, the same for every rule.
    sample_weight : Tensor of shape (n_samples,) or None
        How many times each row counts.
    right_labels : Tensor of shape (n_samples,) or None
        Codes of the labels that are known to be right, -1 where unknown; None without trusted labels.
    groups : Tensor of shape (n_samples,) or None
        Codes of the groups that rows belong to; None if none were given.
    """

    network: nn.Module
    n_samples: int
    n_classes: int
    generator: torch.Generator
    is_right: Tensor | None
    options: dict[str, Any]
    sample_weight: Tensor | None = None
    right_labels: Tensor | None = None
    groups: Tensor | None = None


@dataclass(frozen=True)
class Fitted:
    """What a run found.

    Attributes
    ----------
    net : WeightedNet
        Trained, with all of its state.
    trained : Trained
    record : SampleRecord
        Of all N rows, on the CPU; held-out rows as the final network sees them.
    split : Split
    """

    net: WeightedNet
    trained: Trained
    record: SampleRecord
    split: Split

    def history(self) -> "pd.DataFrame":
        """Return the history as a table, a row an epoch."""
        import pandas as pd

        rows = [
            {name: value for name, value in row.items() if name != "batches" and not name.endswith(_HIDDEN)}
            for row in self.net.history
        ]
        return pd.DataFrame(rows).dropna(axis="columns", how="all")


@dataclass(frozen=True)
class TrainingRun:
    """A training that is about to start.

    Parameters
    ----------
    estimator : BaseNoisyLabelClassifier
        Whose parameters count.
    data : TrainingData
    make_net : callable
        From :class:`NetParts` to an uninitialised net: the training rule.
    split : Split
    seed : int
    checkpoint : Checkpoint, optional
        Where the state goes after each epoch, and where it comes from if the run goes on.
    student_seed : int, optional
        Seed of the first weights, and of all that the network itself draws, such as dropout; ``seed`` by default.
    bar : str, optional
        Text before the progress bar; no bar by default.
    keep_last : bool, default=False
        Keep the network of the last epoch too.
    """

    estimator: Any
    data: TrainingData
    make_net: Callable[[NetParts], WeightedNet]
    split: Split
    seed: int
    checkpoint: Checkpoint | None = None
    student_seed: int | None = None
    bar: str | None = None
    keep_last: bool = False

    def train(self) -> Fitted:
        """Build everything, train, and return what was found."""
        seed = self.seed if self.student_seed is None else self.student_seed
        with private_torch_stream(seed, self.data.device):
            train, valid = self._parts_of_data()
            with torch_turn():
                net = self._net(self.data.device, train)
            trained = train_net(net, train, valid, self.checkpoint, self.keep_last)
            record = self._record(net, valid)
        return Fitted(net, trained, record, self.split)

    def _parts_of_data(self) -> tuple[Data, Data | None]:
        """Return the rows that are trained on and the held-out ones, None if there are none; X is shared."""
        samples, split = self.data.samples, self.split
        if len(split.train_rows) == len(self.data.codes):
            return samples, None
        return samples.take(split.train_rows), samples.take(split.valid_rows) if len(split.valid_rows) else None

    def _net(self, device: torch.device, train: Data) -> WeightedNet:
        estimator, data = self.estimator, self.data
        maker = estimator.make_student(data.sample_shape)
        options = net_options(estimator, data.format, device, self.seed)
        lr = options.get("optimizer__lr", options["lr"])
        network, groups = build_network(maker, estimator.student, data, train, lr)
        options["optimizer__param_groups"] = [*options.get("optimizer__param_groups", []), *groups]  # the first counts
        dtype = type_of_inputs(network, data.sample_dtype)
        if dtype == "int64" and getattr(estimator, "mixup_alpha", None):
            raise InvalidParameterError(
                f"{type(estimator).__name__} mixes samples, and whole numbers such as token ids cannot be mixed. Use "
                "MentorNetClassifier without 'mixup_alpha', or make embeddings of them first."
            )
        options["prepare_samples"] = replace(data.format, dtype=dtype).prediction_batch
        is_over = self.checkpoint is not None and self.checkpoint.is_final
        text = None if is_over or current_group() is not None else self.bar  # a group's bar is where it was started
        options["callbacks"] = [*([] if text is None else [EpochProgress(text)]), *options["callbacks"]]
        parts = NetParts(
            network=network,
            n_samples=len(train),
            n_classes=data.n_classes,
            generator=torch.Generator(device).manual_seed(self.seed + 1),
            is_right=data.is_right(self.split.train_rows),
            options={"class_weight": data.class_weight} | options,
            sample_weight=train.sample_weight,
            right_labels=data.right_labels(self.split.train_rows),
            groups=data.groups(self.split.train_rows),
        )
        return self.make_net(parts).initialize()

    def _record(self, net: WeightedNet, valid: Data | None) -> SampleRecord:
        """Return the record of all rows; of held-out rows it gets what the final network says."""
        record: SampleRecord = net.record.spread(self.split.train_rows, len(self.data.codes))
        start = 0
        for logits in [] if valid is None else net.forward_iter(valid):
            rows = self.split.valid_rows[start : start + len(logits)]
            start += len(logits)
            unknown = torch.full((len(rows),), torch.nan)
            record.note(torch.as_tensor(rows), torch.as_tensor(self.data.codes[rows]), logits, unknown)
        record.flush()
        return record
