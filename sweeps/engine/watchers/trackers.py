"""Experiment trackers: what trials report, sent to TensorBoard, MLflow or Weights & Biases as well."""

import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from noisylabel.exceptions import MissingDependencyError
from noisylabel.utils import check_choice
from sweeps.engine.trials import FAILED, Trial

_LOGGED = ("score", "epoch", "seconds", "test_score")


class Tracker:
    """Sends each trial to a tracker as a run of its own.

    Parameters
    ----------
    open_run : callable
        From a trial to what takes its reports.
    """

    def __init__(self, open_run: Callable[[Trial], Any]) -> None:
        self.open_run = open_run
        self.runs: dict[int, Any] = {}

    def started(self, trial: Trial) -> None:
        """Open a run; a trial that goes on keeps its own."""
        if trial.number not in self.runs:
            self.runs[trial.number] = self.open_run(trial)

    def reported(self, trial: Trial) -> None:
        """Log the numbers of a report."""
        numbers = {name: trial.last.get(name) for name in _LOGGED}
        known = {name: float(x) for name, x in numbers.items() if x is not None and math.isfinite(x)}
        self.runs[trial.number].log(known, int(trial.last["epoch"]))

    def ended(self, trial: Trial) -> None:
        """Close the run."""
        run = self.runs.pop(trial.number, None)
        if run is not None:
            run.close(trial.state)

    def close(self) -> None:
        """Close the runs of trials that are not over."""
        for run in self.runs.values():
            run.close("unfinished")
        self.runs.clear()


class _TensorBoardRun:
    def __init__(self, folder: Path) -> None:
        from tensorboardX import SummaryWriter

        self.writer = SummaryWriter(str(folder))

    def log(self, numbers: dict[str, float], epoch: int) -> None:
        for name, value in numbers.items():
            self.writer.add_scalar(name, value, epoch)

    def close(self, state: str) -> None:
        self.writer.close()


class _MlflowRun:
    def __init__(self, client: Any, experiment: str, trial: Trial) -> None:
        self.client = client
        self.run = client.create_run(experiment, run_name=trial.name).info.run_id
        for name, value in trial.params.items():
            client.log_param(self.run, name, value)

    def log(self, numbers: dict[str, float], epoch: int) -> None:
        for name, value in numbers.items():
            self.client.log_metric(self.run, name, value, step=epoch)

    def close(self, state: str) -> None:
        self.client.set_terminated(self.run, {FAILED: "FAILED", "unfinished": "KILLED"}.get(state, "FINISHED"))


class _WandbRun:
    def __init__(self, project: str, trial: Trial) -> None:
        import wandb

        self.run = wandb.init(project=project, name=trial.name, config=trial.params, reinit="create_new")

    def log(self, numbers: dict[str, float], epoch: int) -> None:
        self.run.log(numbers, step=epoch)

    def close(self, state: str) -> None:
        self.run.finish(exit_code=int(state == FAILED))


def make_tracker(name: str, folder: Path) -> Tracker:
    """Return what sends trials to a tracker.

    Parameters
    ----------
    name : {"tensorboard", "mlflow", "wandb"}
    folder : Path
        Of the sweep: its name is the project's. TensorBoard's files are below it, in ``tensorboard``; MLflow's is
        ``mlflow.db``, unless ``MLFLOW_TRACKING_URI`` says otherwise.

    Raises
    ------
    MissingDependencyError
        If the tracker's package is not installed.
    """
    make, package = TRACKERS[check_choice("trackers", name, TRACKERS)]
    try:
        return make(folder)
    except ImportError as error:
        raise MissingDependencyError(
            f"Tracking with {name} needs its package: pip install {package}. ({error})"
        ) from error


def _tensorboard(folder: Path) -> Tracker:
    import tensorboardX  # noqa: F401

    return Tracker(lambda trial: _TensorBoardRun(folder / "tensorboard" / trial.name))


def _mlflow(folder: Path) -> Tracker:
    from mlflow import MlflowClient

    uri = os.environ.get("MLFLOW_TRACKING_URI", f"sqlite:///{folder.resolve() / 'mlflow.db'}")
    experiment: list[str] = []

    def open_run(trial: Trial) -> _MlflowRun:
        client = MlflowClient(tracking_uri=uri)
        if not experiment:
            known = client.get_experiment_by_name(folder.resolve().name)
            experiment.append(known.experiment_id if known else client.create_experiment(folder.resolve().name))
        return _MlflowRun(client, experiment[0], trial)

    return Tracker(open_run)


def _wandb(folder: Path) -> Tracker:
    import wandb  # noqa: F401

    return Tracker(lambda trial: _WandbRun(folder.resolve().name, trial))


TRACKERS: dict[str, tuple[Callable[[Path], Tracker], str]] = {
    "tensorboard": (_tensorboard, "tensorboardX"),
    "mlflow": (_mlflow, "mlflow"),
    "wandb": (_wandb, "wandb"),
}
