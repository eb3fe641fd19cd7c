"""A progress bar over epochs."""

from typing import Any

from skorch.callbacks import Callback

from noisylabel._support.progress import progress_bar


class EpochProgress(Callback):
    """Show a bar over the epochs with the latest loss, share of data in use, and held-out accuracy.

    It is drawn in a terminal or a notebook only. Elsewhere, the logger ``"noisylabel"`` says how training goes.

    Parameters
    ----------
    description : str
        What stands before the bar.
    """

    def __init__(self, description: str = "fit") -> None:
        self.description = description

    def on_train_begin(self, net: Any, **kwargs: Any) -> None:
        """Open the bar."""
        self.bar_ = progress_bar(total=net.max_epochs, desc=self.description, unit="epoch")

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """Advance the bar by one epoch."""
        latest = net.history[-1]
        shown = {"loss": "train_loss", "data used": "data_utilization", "valid acc": "valid_acc"}
        self.bar_.set_postfix({label: f"{latest[key]:.3f}" for label, key in shown.items() if key in latest})
        self.bar_.update(len(net.history) - self.bar_.n)

    def on_train_end(self, net: Any, **kwargs: Any) -> None:
        """Close the bar."""
        self.bar_.close()
        del self.bar_
