"""Experiment trackers, through Ray's own callbacks."""

from pathlib import Path
from typing import Any

from noisylabel.exceptions import MissingDependencyError
from noisylabel.utils import check_choice


def make_tracker(name: str, folder: Path) -> Any:
    """Return Ray's callback for a tracker.

    Parameters
    ----------
    name : {"tensorboard", "mlflow", "wandb"}
    folder : Path
        Of the sweep: its name is the project's. TensorBoard's files are below it, in ``ray``; MLflow's is
        ``mlflow.db``, unless ``MLFLOW_TRACKING_URI`` says otherwise.

    Raises
    ------
    MissingDependencyError
        If the tracker's package is not installed.
    """
    make = TRACKERS[check_choice("trackers", name, TRACKERS)]
    try:
        return make(folder)
    except (ImportError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and "install" not in str(error):
            raise
        raise MissingDependencyError(
            f"Tracking with {name} needs its package: pip install {name}. ({error})"
        ) from error


def _tensorboard(folder: Path) -> Any:
    import tensorboardX  # noqa: F401
    from ray.tune.logger import TBXLoggerCallback

    return TBXLoggerCallback()


def _mlflow(folder: Path) -> Any:
    import os

    import mlflow  # noqa: F401
    from ray.air.integrations.mlflow import MLflowLoggerCallback

    uri = os.environ.get("MLFLOW_TRACKING_URI", f"sqlite:///{folder.resolve() / 'mlflow.db'}")
    return MLflowLoggerCallback(tracking_uri=uri, experiment_name=folder.resolve().name)


def _wandb(folder: Path) -> Any:
    import wandb  # noqa: F401
    from ray.air.integrations.wandb import WandbLoggerCallback

    return WandbLoggerCallback(project=folder.resolve().name)


TRACKERS = {"tensorboard": _tensorboard, "mlflow": _mlflow, "wandb": _wandb}
