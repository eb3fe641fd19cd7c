"""Keep the network of the best epoch on the held-out rows."""

import copy
from typing import Any

from skorch.callbacks import Callback


class BestEpoch(Callback):
    """Remember the weights of the epoch with the highest ``valid_acc`` and put them back when training ends.

    The held-out labels are as noisy as the rest. The first of several equal epochs wins.

    Attributes
    ----------
    best_epoch_ : int
        Number of the epoch whose weights the network ends with, from 1.
    """

    def on_train_begin(self, net: Any, **kwargs: Any) -> None:
        """Forget earlier runs."""
        self.best_epoch_ = 0
        self.best_accuracy_ = -1.0
        self.state_: dict[str, Any] | None = None

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """Copy the weights if this epoch is the best so far."""
        accuracy = net.history[-1]["valid_acc"]
        if accuracy > self.best_accuracy_:
            self.best_accuracy_ = accuracy
            self.best_epoch_ = len(net.history)
            self.state_ = copy.deepcopy(net.evaluated_module().state_dict())

    def state_dict(self) -> dict[str, Any]:
        """Return what to remember across a restart."""
        return {"best_epoch": self.best_epoch_, "best_accuracy": self.best_accuracy_, "state": self.state_}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over what :meth:`state_dict` returned."""
        self.best_epoch_, self.best_accuracy_, self.state_ = (
            state[k] for k in ("best_epoch", "best_accuracy", "state")
        )

    def on_train_end(self, net: Any, **kwargs: Any) -> None:
        """Put the best weights back."""
        if self.state_ is not None:
            net.module_.load_state_dict(self.state_)
        self.state_ = None
