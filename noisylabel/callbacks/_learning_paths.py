"""Record the class probabilities of chosen rows while a network trains."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from skorch.callbacks import Callback
from torch import Tensor, nn

from noisylabel._support.files import local_path, written_whole
from noisylabel._support.random import private_torch_stream, torch_turn
from noisylabel._support.validation import check_choice, check_count
from noisylabel.exceptions import InvalidParameterError

if TYPE_CHECKING:
    import pandas as pd


class LearningPaths(Callback):
    """Record the class probabilities of some training rows before training and at regular points of it.

    The rows are read once, without augmentation, and the network looks at them in evaluation mode. It trains as it
    would without this callback: batch norm's statistics and torch's random streams stay as they are. Each record is
    ``n * C`` numbers, all of which go into each checkpoint.

    Parameters
    ----------
    rows : array-like of shape (n,)
        Row numbers in the X of ``fit``, in any order. Rows must not be held out: ``validation_fraction`` is 0.
    every : int, default=1
        Epochs or steps from one record to the next; the end of training is recorded too.
    unit : {"epoch", "step"}, default="epoch"
        What ``every`` counts.

    Attributes
    ----------
    paths_ : ndarray of shape (T, n, C)
        Class probabilities, float32, in the order of ``rows``; ``paths_[0]`` is the untrained network.
    steps_ : ndarray of shape (T,)
        Steps of training done at each record.

    See Also
    --------
    noisylabel.functional.zig_zag_score : A measure of such paths; there are others beside it.
    noisylabel.plots.plot_path : A picture of them.

    Examples
    --------
    >>> from noisylabel import MentorNetClassifier, corrupt
    >>> from noisylabel.datasets import load_digits
    >>> digits = load_digits()
    >>> noisy_y, _ = corrupt(digits.target, "symmetric", rate=0.4, random_state=0)
    >>> recorder = LearningPaths(rows=range(100), every=5)
    >>> clf = MentorNetClassifier(max_epochs=20, callbacks=[recorder], random_state=0).fit(digits.data, noisy_y)
    >>> recorder.paths_.shape, recorder.steps_
    ((5, 100, 10), array([  0,  50, 100, 150, 200]))
    """

    def __init__(self, rows: Any, every: int = 1, unit: str = "epoch") -> None:
        self.rows = rows
        self.every = every
        self.unit = unit

    def on_train_begin(self, net: Any, X: Any = None, **kwargs: Any) -> None:
        """Check the rows, read them, and record the untrained network."""
        check_count("every", self.every)
        check_choice("unit", self.unit, ["epoch", "step"])
        if X.is_part:
            raise InvalidParameterError(
                "LearningPaths counts the rows of fit's X, and some of them are held out, which renumbers the others. "
                "Set validation_fraction=0."
            )
        with private_torch_stream(0, torch.device(net.device)), torch_turn():
            chosen = X.take(self._checked_rows(len(X)))
            self.inputs_ = torch.cat([batch[0] for batch in chosen.slices(net.iterator_valid__batch_size)])
        self.steps_: Any = []
        self.paths_: Any = []
        self._record(net)

    def _checked_rows(self, n_samples: int) -> np.ndarray:
        rows = np.asarray(self.rows)
        if rows.ndim != 1 or rows.size == 0 or not np.issubdtype(rows.dtype, np.integer):
            raise InvalidParameterError(f"'rows' must be a list of row numbers. Got {self.rows!r}.")
        outside = rows[(rows < 0) | (rows >= n_samples)]
        if outside.size:
            raise InvalidParameterError(
                f"'rows' must be row numbers from 0 to {n_samples - 1}, as X has {n_samples} rows. Got {outside[0]}."
            )
        return rows

    def on_batch_end(self, net: Any, training: bool = False, **kwargs: Any) -> None:
        """Record if the step is due."""
        if training and self.unit == "step":
            self._record_if_due(net, net.clock_.step)

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """Record if the epoch is due."""
        if self.unit == "epoch":
            self._record_if_due(net, len(net.history))

    def _record_if_due(self, net: Any, done: int) -> None:
        if done % self.every == 0:
            self._record(net)

    def _record(self, net: Any) -> None:
        module = net.evaluated_module()
        modes = [(part, part.training) for part in module.modules()]
        module.eval()
        try:
            self.paths_.append(self._probabilities(net, module).cpu())
        finally:
            for part, mode in modes:
                part.training = mode
        self.steps_.append(net.clock_.step)

    @torch.inference_mode()
    def _probabilities(self, net: Any, module: nn.Module) -> Tensor:
        """Return the class probabilities of the rows, (n, C)."""
        with private_torch_stream(0, torch.device(net.device)), torch_turn():
            chunks = self.inputs_.split(net.iterator_valid__batch_size)
            return torch.cat([net.infer(chunk.clone(), module).softmax(1) for chunk in chunks])

    def state_dict(self) -> dict[str, Any]:
        """Return what to remember across a restart."""
        return {"steps": self.steps_, "paths": torch.stack(self.paths_)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over what :meth:`state_dict` returned."""
        self.steps_ = list(state["steps"])
        self.paths_ = list(state["paths"].cpu().unbind())

    def on_train_end(self, net: Any, **kwargs: Any) -> None:
        """Record the end if it was not due, make arrays of the records, and let go of the samples."""
        if self.steps_[-1] != net.clock_.step:
            self._record(net)
        self.paths_ = torch.stack(self.paths_).numpy()
        self.steps_ = np.asarray(self.steps_)
        del self.inputs_

    def to_frame(self) -> "pd.DataFrame":
        """Return the paths as a table, a row a record and sample.

        Returns
        -------
        DataFrame
            Columns ``step``, ``row``, and ``proba_0``, ``proba_1``, ... in the order of ``classes_``.
        """
        import pandas as pd

        n_records, n_rows, n_classes = self.paths_.shape
        table = pd.DataFrame(
            {"step": np.repeat(self.steps_, n_rows), "row": np.tile(np.asarray(self.rows), n_records)},
        )
        names = [f"proba_{code}" for code in range(n_classes)]
        return table.join(pd.DataFrame(self.paths_.reshape(-1, n_classes), columns=names))

    def to_parquet(self, path: str | Path) -> Path:
        """Write :meth:`to_frame` as Parquet, and return the path."""
        path, table = local_path("path", path), self.to_frame()
        written_whole(path, lambda partial: table.to_parquet(partial, index=False))
        return path
