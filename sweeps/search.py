"""A sweep as a scikit-learn estimator."""

import tempfile
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from numbers import Integral
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, clone
from sklearn.exceptions import NotFittedError
from sklearn.metrics import get_scorer
from sklearn.utils.validation import check_is_fitted
from torch.utils.data import IterableDataset

from noisylabel.estimators import (
    BaseNoisyLabelClassifier,
    MentorNetClassifier,
    as_dataset,
    check_X,
    dataset_samples,
    describe_parameters,
    encode_labels,
    find_labels,
    plain_labels,
    resolve_device,
    row_weights,
)
from noisylabel.exceptions import InvalidDataError, InvalidParameterError, NoisyLabelWarning
from noisylabel.utils import (
    check_choice,
    check_count,
    check_number,
    describe,
    draw_seed,
    local_path,
    right_codes,
    trusted_codes,
)
from sweeps.engine.manifest import (
    MANIFEST_FILE,
    describe_curriculum,
    describe_object,
    package_versions,
    plain,
    read_manifest,
)
from sweeps.engine.session import prepare_ray
from sweeps.spaces import SPACES, Space
from sweeps.trial.rows import hash_rows, hold_out, take_rows

if TYPE_CHECKING:
    import pandas as pd

    from sweeps.engine.run import Sweep

_OBJECTIVES = (("score",), ("score", "seconds"))


class CurriculumSearch(MetaEstimatorMixin, ClassifierMixin, BaseEstimator):
    """Choose the curriculum and the other parameters of a classifier, with Ray and Optuna.

    The first trial is the estimator as it is, as far as the space allows: what a search finds shall be better.
    Trials are compared on rows that are held out, whose labels are as noisy as the others: a configuration that does
    not learn the mistakes agrees best with labels that it has not seen. With ``y_trusted``, rows whose right label is
    known are held out instead.

    Parameters
    ----------
    estimator : MentorNetClassifier, MentorMixClassifier or FilterKDClassifier, optional
        What is tuned, by default ``MentorNetClassifier()``. Parameters that the space does not draw stay as they are.
        If the space draws the method, this is the method that is tried first, and the others take its parameters over.
    space : str or Space, default="mentornet"
        Which parameters are drawn: a name in :data:`sweeps.spaces.SPACES`, or a :class:`Space` of your own.
        ``"methods"`` draws which classifier, or which loss without a curriculum, and then its parameters.
    limits : mapping, optional
        Narrows the space. Maps the name of a parameter to a list to choose from, to ``{"low": 0.5, "high": 0.9}`` (and
        ``"log"`` or ``"step"``), or to the one value that it always has.
    n_trials : int of at least 1, default=40
        Configurations to try. With ``scheduler="pbt"``, the size of the population. A sweep in ``out`` that had fewer
        goes on with the others (not a population).
    searcher : {"tpe", "tpe_grouped", "random"}, default="tpe"
        How configurations are chosen. Not used with ``scheduler="pbt"``.
    scheduler : {"asha", "none", "pbt"}, default="asha"
        ``"asha"`` stops trials that are behind the others at the same epoch, but none during its burn-in. ``"none"``
        trains all to the end. ``"pbt"`` changes curriculum and percentile in the course of training, and returns them
        as schedules.
    scoring : str or callable, default="accuracy"
        As in scikit-learn; higher is better.
    objectives : sequence of {"score", "seconds"}, default=("score",)
        ``("score", "seconds")`` searches for configurations that none beats both in score and in seconds of training,
        see ``pareto_front_``; with ``scheduler="none"``, as stopping goes by the score. The best is that of the first
        objective, which is the score.
    validation_fraction : float in (0, 0.5], default=0.2
        Share of the rows to hold out. Not used with ``y_trusted``.
    resources : mapping, optional
        What each trial gets, such as ``{"cpu": 1, "gpu": 0.25}``; by default one core. To train on the GPU, set
        ``device="cuda"`` on the estimator too.
    address : str, optional
        Address of a Ray cluster; ``"auto"`` is the one on this machine. By default Ray is started for the time of
        ``fit``, listens on loopback only and has no dashboard. If Ray runs in this process already, it is used.
    out : str or Path, optional
        Folder for the sweep. If it holds a sweep of the same data and parameters, ``fit`` goes on with it. By default
        a temporary folder, so that nothing is left.
    refit : bool, default=True
        Train the best configuration on all rows.
    trackers : sequence of {"tensorboard", "mlflow", "wandb"}, default=()
        Where to log the trials as well.
    random_state : int, RandomState or None, default=None
        Seed of the rows that are held out, of the searcher, and of each training if the estimator has none. TPE and
        ASHA decide by the trials that have ended. With several trials at a time, their order depends on the machine,
        so the same seed need not try the same configurations.
    verbose : int, default=1
        1 shows a live table of the trials.

    Attributes
    ----------
    best_params_ : dict
        For ``estimator.set_params``. If the space draws the method, also ``"method"``, whose parameters the others are.
    best_score_ : float
        Score of the best configuration on the held-out rows, at the end of training.
    best_estimator_ : estimator
        The best configuration, of its own class, trained on all rows; on the right labels where they are known.
    results_ : DataFrame
        A row a trial, the best first: ``rank``, ``trial``, ``state`` (``"done"``, ``"stopped"``, ``"failed"``,
        ``"unfinished"``), ``score``, ``test_score``, ``epochs``, ``seconds``, ``error``, ``params``, and a column
        ``param_...`` for each parameter.
    near_ties_ : DataFrame
        The trials that the held-out rows cannot tell from the best one, which is the first row.
    pareto_front_ : DataFrame
        The trials that none beats in score and seconds both, the best score first: ``trial``, ``score``, ``seconds``,
        ``test_score`` and ``params``.
    sweep_ : SweepResults
        All of it, for :func:`sweeps.report.write_report`.
    classes_ : ndarray of shape (C,)
        The labels, sorted.
    n_features_in_ : int
        Columns of X; of images, the channels.
    feature_names_in_ : ndarray of shape (D,)
        Names of the columns, if X had any.
    refit_time_ : float
        Seconds that the training on all rows took.

    Examples
    --------
    >>> from noisylabel import MentorNetClassifier
    >>> from sweeps import CurriculumSearch
    >>> search = CurriculumSearch(MentorNetClassifier(max_epochs=20), limits={"burn_in": 10}, n_trials=30)
    >>> search.get_params()["estimator__max_epochs"]
    20
    """

    def __init__(
        self,
        estimator: Any = None,
        space: str | Space = "mentornet",
        *,
        limits: Mapping[str, Any] | None = None,
        n_trials: int = 40,
        searcher: str = "tpe",
        scheduler: str = "asha",
        scoring: Any = "accuracy",
        objectives: Sequence[str] = ("score",),
        validation_fraction: float = 0.2,
        resources: Mapping[str, float] | None = None,
        address: str | None = None,
        out: str | Path | None = None,
        refit: bool = True,
        trackers: Sequence[str] = (),
        random_state: Any = None,
        verbose: int = 1,
    ) -> None:
        self.estimator = estimator
        self.space = space
        self.limits = limits
        self.n_trials = n_trials
        self.searcher = searcher
        self.scheduler = scheduler
        self.scoring = scoring
        self.objectives = objectives
        self.validation_fraction = validation_fraction
        self.resources = resources
        self.address = address
        self.out = out
        self.refit = refit
        self.trackers = trackers
        self.random_state = random_state
        self.verbose = verbose

    def fit(
        self, X: Any, y: Any = None, sample_weight: Any = None, *, y_trusted: Any = None, test_data: Any = None
    ) -> "CurriculumSearch":
        """Run the sweep, and train the best configuration on all rows.

        Parameters
        ----------
        X : array-like, DataFrame or sparse matrix of shape (N, D), array of shape (N, channels, H, W), or Dataset
            Samples. A torch Dataset with a length and row numbers is loaded batch by batch in each trial, which gets a
            copy of it: let it read from files that all machines have.
        y : array-like of shape (N,)
            Noisy labels. With a Dataset that has them it may be left out.
        sample_weight : array-like of shape (N,), optional
            How many times each row counts, at least 0: in the trainings, in the score of the held-out rows, and in the
            training of the best configuration.
        y_trusted : array-like of shape (N,) or pair (mask, labels), optional
            The right label where it is known, as in :meth:`MentorNetClassifier.fit`. These rows compare the trials and
            train none of them. If the space has a curriculum that learns from trusted rows, such as ``"data_driven"``,
            half of them compare the trials, and the other half teach those curricula.
        test_data : pair (X, y), optional
            Samples with right labels, none of them missing, for the report: how far the choice is from the best one.
            Nothing is chosen by it.

        Returns
        -------
        self

        Raises
        ------
        InvalidParameterError
            If a parameter is outside what it allows, or ``out`` holds another sweep.
        NoisyLabelError
            If no trial was trained to its end.
        KeyboardInterrupt
            If Ctrl-C ended the sweep before a trial was trained to its end. The search is then not fitted.

        Warns
        -----
        NoisyLabelWarning
            If Ctrl-C ended the sweep later: the best of the trials that were trained to their end is taken.
        """
        prepare_ray()
        from sweeps.report.front import pareto_front
        from sweeps.report.ranking import best_trial, near_ties, ranked
        from sweeps.trial.draws import estimator_params

        self._forget()
        y = self._labels(X, y)
        try:
            sweep = self.run_trials(X, y, sample_weight, y_trusted=y_trusted, test_data=test_data)
            self._check_finished()
        except KeyboardInterrupt:
            self._forget()  # half a search is none
            raise
        best = best_trial(self.sweep_)
        self.results_ = ranked(self.sweep_).drop(columns="right").reset_index(drop=True)
        self.near_ties_ = near_ties(self.sweep_)
        self.pareto_front_ = pareto_front(self.sweep_)
        self.best_score_ = float(best["score"])
        self.best_params_ = estimator_params(sweep.setup.estimator, best["params"], sweep.setup.curricula)
        if self.refit:
            self._refit(sweep, X, y, sample_weight, y_trusted)
        return self

    def run_trials(
        self, X: Any, y: Any, sample_weight: Any = None, *, y_trusted: Any = None, test_data: Any = None
    ) -> "Sweep":
        """Run the sweep alone: set ``sweep_``, and return what was run. Parameters as in :meth:`fit`."""
        with self._folder() as folder:
            sweep = self._prepare(X, y, y_trusted, test_data, folder, sample_weight)
            self.sweep_ = self._run(sweep)
        return sweep

    def predict(self, X: Any) -> np.ndarray:
        """Return what the best estimator predicts, (N,)."""
        predictions: np.ndarray = self._best().predict(X)
        return predictions

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the best estimator's class probabilities, (N, C)."""
        proba: np.ndarray = self._best().predict_proba(X)
        return proba

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return ``scoring`` of the best estimator on right labels, none of which may be missing."""
        plain_labels(y)
        options = {} if sample_weight is None else {"sample_weight": sample_weight}
        return float(get_scorer(self.scoring)(self._best(), X, y, **options))

    def label_issues(self) -> "pd.DataFrame":
        """Return the best estimator's :meth:`~noisylabel.MentorNetClassifier.label_issues`."""
        issues: pd.DataFrame = self._best().label_issues()
        return issues

    def _check_finished(self) -> None:
        """Warn if Ctrl-C ended the sweep; end as it does if there is nothing to choose from yet."""
        states = self.sweep_.trials["state"]
        n_ended = int((states != "unfinished").sum())
        if n_ended >= self.n_trials:
            return
        text = f"The sweep was interrupted when {n_ended} of {self.n_trials} trials had ended"
        again = "" if self.out is None else " Fit again to go on."
        if not (states == "done").any():
            raise KeyboardInterrupt(f"{text}, and none was trained to its end: nothing was chosen.{again}")
        warnings.warn(
            f"{text}. The best of those that were trained to their end is taken.{again}",
            NoisyLabelWarning,
            stacklevel=3,
        )

    def _best(self) -> Any:
        if hasattr(self, "sweep_") and not self.refit:
            raise NotFittedError("The search has refit=False, so there is no best_estimator_. Fit with refit=True.")
        check_is_fitted(self)
        return self.best_estimator_

    def __sklearn_tags__(self) -> Any:
        """Say that sparse tables are taken, as the classifiers take them."""
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "best_estimator_")

    @contextmanager
    def _folder(self) -> Iterator[Path]:
        """Give the folder of the sweep, a temporary one if nobody named one."""
        if self.out is not None:
            yield local_path("out", self.out)
            return
        with tempfile.TemporaryDirectory(prefix="sweep-", ignore_cleanup_errors=True) as folder:
            yield Path(folder)

    def _prepare(
        self, X: Any, y: Any, y_trusted: Any, test_data: Any, folder: Path, sample_weight: Any = None
    ) -> "Sweep":
        """Check everything, split the rows, and describe the sweep."""
        prepare_ray()
        from sweeps.engine.run import Sweep, check_sweep
        from sweeps.trial.draws import BoundSpace, draws_trusted
        from sweeps.trial.training import Setup, check_scoring, scorable

        self._forget()
        self._check_parameters()
        seed = self._seed(folder)
        estimator = self._seeded_estimator(seed)
        limits = {name: plain(value) for name, value in (self.limits or {}).items()}
        bound = BoundSpace(self._space(), estimator, limits)
        teaches = y_trusted is not None and self.scheduler != "pbt" and draws_trusted(bound)
        data = self._split(X, y, sample_weight, y_trusted, np.random.default_rng(seed), teaches)
        if test_data is not None:
            data |= self._test_arrays(test_data)
        setup = Setup(estimator, self.scoring, scorable(self.classes_))
        check_scoring(setup, data)
        sweep = Sweep(
            folder=folder,
            setup=setup,
            data=data,
            bound=bound,
            n_trials=check_count("n_trials", self.n_trials),
            searcher=self.searcher,
            scheduler=self.scheduler,
            resources={"cpu": 1} if self.resources is None else self.resources,
            address=self.address,
            seed=seed,
            manifest=self._manifest(data, estimator, seed, y_trusted is not None),
            objectives=tuple(self.objectives),
            trackers=self.trackers,
            verbose=self.verbose,
        )
        sweep = check_sweep(sweep)
        files = {name: describe_curriculum(curriculum) for name, curriculum in sweep.setup.curricula.items()}
        sweep.manifest["fingerprint"]["files of curricula"] = describe(files)
        sweep.manifest |= self._tuned(sweep)
        return sweep

    def _tuned(self, sweep: "Sweep") -> dict[str, str]:
        """Return what is tuned, and the name of the sweep."""
        drawn = [] if sweep.scheduler == "pbt" else sweep.bound.examples()
        methods = sorted({params["method"] for params in drawn if "method" in params})
        kind = f"One of {', '.join(methods)}" if methods else type(sweep.setup.estimator).__name__
        return {"estimator": kind, "name": f"{kind} {sweep.manifest['name']}"}

    def _seeded_estimator(self, seed: int) -> Any:
        """Return a clone of the estimator that has a seed."""
        estimator = clone(self._given())
        return estimator if estimator.random_state is not None else estimator.set_params(random_state=seed % 2**31)

    def _given(self) -> Any:
        """Return what is tuned."""
        return MentorNetClassifier() if self.estimator is None else self.estimator

    def _check_parameters(self) -> None:
        estimator = self._given()
        if not isinstance(estimator, BaseNoisyLabelClassifier):
            raise InvalidParameterError(
                "'estimator' must be a classifier of noisylabel, such as MentorNetClassifier(). Got "
                f"{type(estimator).__name__}. To prepare the data, put the search at the end of a Pipeline."
            )
        if estimator.checkpoint_dir is not None:
            raise InvalidParameterError(
                f"'checkpoint_dir' of the estimator is {str(estimator.checkpoint_dir)!r}, and each trial needs "
                "its own. Leave it out; 'out' of the search keeps the sweep, with checkpoints."
            )
        if estimator.n_workers > 1:
            raise InvalidParameterError(
                f"'n_workers' of the estimator is {estimator.n_workers}, and each trial is trained by one process. Set "
                "n_workers=1; trials run side by side, each with its 'resources'."
            )
        if self.address is None:
            resolve_device(estimator.device)  # on a cluster, the driver need not have what the trials have
        if tuple(self.objectives) not in _OBJECTIVES:
            raise InvalidParameterError(
                f"'objectives' must be one of {_OBJECTIVES}: the score comes first, as the best trial is that of the "
                f"first objective. Got {self.objectives!r}."
            )
        check_number("validation_fraction", self.validation_fraction, 0, 0.5, closed="right")

    def _space(self) -> Space:
        if isinstance(self.space, Space):
            return self.space
        return SPACES[check_choice("space", self.space, SPACES)]()

    def _labels(self, X: Any, y: Any) -> np.ndarray:
        """Return the noisy labels, of a Dataset perhaps its own."""
        dataset = _map_style(X)
        if dataset is not None:
            return find_labels(dataset, y)[0]
        if y is None:
            raise InvalidDataError("CurriculumSearch requires y to be passed, but the target y is None.")
        return plain_labels(y)

    def _split(
        self, X: Any, y: Any, sample_weight: Any, y_trusted: Any, rng: np.random.Generator, teaches: bool
    ) -> dict[str, Any]:
        """Return the arrays of the sweep, labels as codes."""
        labels, values = self._labels(X, y), self._samples(X)
        if len(values) != len(labels):
            raise InvalidDataError(f"X has {len(values)} samples, but y has {len(labels)} labels.")
        self.classes_, codes = encode_labels(labels)
        held_out = hold_out(codes, self.classes_, y_trusted, self.validation_fraction, rng, teaches=teaches)
        kept = np.setdiff1d(np.arange(len(codes)), held_out.rows)
        data = {"X": take_rows(values, kept), "y": codes[kept]}
        data |= {"X_valid": take_rows(values, held_out.rows), "y_valid": held_out.labels}
        if sample_weight is not None:
            weight = row_weights(sample_weight, codes)
            data |= {"weight": weight[kept], "weight_valid": weight[held_out.rows]}
        if held_out.right_codes is not None:
            data["y_trusted"] = held_out.right_codes[kept]
        return data

    def _samples(self, X: Any) -> Any:
        """Return the samples as a checked array or a Dataset, and note what they are like."""
        dataset = _map_style(X)
        if dataset is None:
            values = check_X(self, X, reset=True, whole=not getattr(self._given(), "standardize", True))
            self.sample_shape_, self.sample_dtype_ = values.shape[1:], str(values.dtype)
            return values
        first = dataset_samples(dataset, np.arange(1))
        self.sample_shape_, self.sample_dtype_ = tuple(first.shape[1:]), "dataset"
        self.n_features_in_ = first.shape[1]
        return dataset

    def _test_arrays(self, test_data: Any) -> dict[str, Any]:
        if not isinstance(test_data, tuple | list) or len(test_data) != 2:
            raise InvalidDataError(f"'test_data' must be a pair (X, y). Got {type(test_data).__name__}.")
        X = _map_style(test_data[0])
        if X is None:
            X = check_X(self, test_data[0], reset=False)
        return {"X_test": X, "y_test": right_codes("test_data", test_data[1], len(X), self.classes_)}

    def _seed(self, folder: Path) -> int:
        """Return the sweep's seed: of one that goes on and had none of its own, the one that was drawn then."""
        if not isinstance(self.random_state, Integral) and (folder / MANIFEST_FILE).exists():
            return int(read_manifest(folder)["drawn_seed"])
        return draw_seed(self.random_state)

    def _manifest(self, data: Mapping[str, Any], estimator: Any, seed: int, is_trusted: bool) -> dict[str, Any]:
        scoring = self.scoring if isinstance(self.scoring, str) else getattr(self.scoring, "__name__", "own function")
        return {
            "name": f"on {len(data['X'])} rows",
            "dataset": "your data",
            "noise": None,
            "rate": None,
            "realised_rate": None,
            "n_train": len(data["X"]),
            "n_valid": len(data["X_valid"]),
            "validation": "trusted" if is_trusted else "noisy",
            "scoring": scoring,
            "objectives": list(self.objectives),
            "max_epochs": estimator.max_epochs,
            "n_trials": self.n_trials,
            "searcher": self.searcher if self.scheduler != "pbt" else "population",
            "scheduler": self.scheduler,
            "seed": int(self.random_state) if isinstance(self.random_state, Integral) else seed,
            "drawn_seed": seed,
            "n_classes": len(self.classes_),
            "versions": package_versions(),
            "command": "CurriculumSearch",
            "seconds": None,
            "fingerprint": self._fingerprint(data, estimator, seed),
            **getattr(self, "_described", {}),
        }

    def _fingerprint(self, data: Mapping[str, Any], estimator: Any, seed: int) -> dict[str, str]:
        """Return what must be the same for a sweep to go on, as texts."""
        return {
            **{f"estimator {name}": text for name, text in describe_parameters(estimator).items()},
            "data": hash_rows(data),
            "random_state": str(seed),
            "space": describe_object(self._space()),
            "limits": describe(self.limits or {}),
            "scoring": describe_object(self.scoring),
            **{name: describe(getattr(self, name)) for name in ("searcher", "scheduler")},
            "objectives": describe(list(self.objectives)),
        }

    def _run(self, sweep: "Sweep") -> Any:
        """Run the sweep, or what is left of the one in the folder."""
        from sweeps.engine.run import read_results, run_sweep

        if not (sweep.folder / MANIFEST_FILE).exists():
            return run_sweep(sweep)
        before = read_manifest(sweep.folder)
        now = sweep.manifest["fingerprint"]
        then = before.get("fingerprint", {})
        changed = [f"{name} ({then.get(name)}, and now {now[name]})" for name in now if then.get(name) != now[name]]
        if changed:
            raise InvalidParameterError(
                f"'out' {str(sweep.folder)!r} holds a sweep with other {', '.join(changed)}. Use the same to go on "
                "with it, another folder for a new sweep, or delete this one."
            )
        sweep.manifest |= {"seconds": before["seconds"], "extended_from": self._extended_from(before)}
        found = read_results(sweep.folder)
        ended = int((found.trials["state"] != "unfinished").sum())
        return found if ended >= sweep.n_trials else run_sweep(sweep, resume=True)

    def _extended_from(self, before: Mapping[str, Any]) -> list[int]:
        """Return how many trials the sweep in the folder had before it was extended, each time."""
        n_before, earlier = int(before["n_trials"]), list(before.get("extended_from", []))
        if self.n_trials == n_before:
            return earlier
        if self.n_trials < n_before or self.scheduler == "pbt":
            can = "cannot change its size, as its members learn from each other" if self.scheduler == "pbt" else (
                "can be extended, and not cut"
            )  # fmt: skip
            raise InvalidParameterError(
                f"'n_trials' is {self.n_trials}, and the sweep in 'out' {str(self.out)!r} has {n_before}. It {can}. "
                f"Use {n_before}{'' if self.scheduler == 'pbt' else ' or more'}, or another folder."
            )
        return [*earlier, n_before]

    def _refit(self, sweep: "Sweep", X: Any, y: np.ndarray, sample_weight: Any, y_trusted: Any) -> None:
        """Train the best configuration on all rows, and on the right labels unless they teach its curriculum."""
        from sweeps.trial.draws import configure, needs_trusted

        estimator = configure(sweep.setup.estimator, self.best_params_)
        labels, facts = self.classes_[encode_labels(y)[1]], {"sample_weight": sample_weight}
        if needs_trusted(estimator):
            facts["y_trusted"] = y_trusted
        elif y_trusted is not None:
            right = trusted_codes(y_trusted, len(labels), self.classes_)
            labels = np.where(right >= 0, self.classes_[right], labels)
        start = time.perf_counter()
        self.best_estimator_ = estimator.fit(X, labels, **facts)
        self.refit_time_ = time.perf_counter() - start

    def _forget(self) -> None:
        """Drop what an earlier fit found."""
        for name in [name for name in vars(self) if name.endswith("_") and not name.startswith("_")]:
            delattr(self, name)


def _map_style(X: Any) -> Any:
    """Return a Dataset of which rows can be held out; None if X is no Dataset."""
    dataset = as_dataset(X)
    if isinstance(dataset, IterableDataset):
        raise InvalidDataError(
            "X is a stream, which is read in its own order, and a search holds rows out of it. Pass a map-style "
            "Dataset, with __len__ and __getitem__, or an array."
        )
    return dataset
