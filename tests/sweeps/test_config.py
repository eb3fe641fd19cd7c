"""What a YAML file and the command line may say."""

import shlex
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from noisylabel import FilterKDClassifier, MentorNetClassifier
from noisylabel.exceptions import DatasetNotFoundError, InvalidFileError, InvalidParameterError
from noisylabel.noise import NOISES
from sweeps.config import (
    NOISE_NAMES,
    SCHEDULER_NAMES,
    SEARCHER_NAMES,
    TRACKER_NAMES,
    SweepConfig,
    make_config,
    read_config,
)
from sweeps.engine.schedulers import SCHEDULERS
from sweeps.engine.searchers import SEARCHERS
from sweeps.engine.watchers.trackers import TRACKERS
from sweeps.problem import command_of, load_problem, make_search
from sweeps.spaces import SPACES, Space

DIGITS = {"dataset": "digits", "noise": "symmetric", "rate": 0.4}


def write(tmp_path, text):
    path = tmp_path / "sweep.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_command_line_comes_before_the_file(tmp_path):
    path = write(tmp_path, "dataset: digits\nnoise: symmetric\nrate: 0.4\ntrials: 7\nlimits:\n  burn_in: [10, 18]\n")
    config = read_config(path, {"trials": 9, "epochs": None})
    assert config == SweepConfig(**DIGITS, trials=9, limits={"burn_in": [10, 18]})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("trails: 3", "line 2: There is no key 'trails'. Did you mean 'trials'\\? The keys are out, dataset, "),
        ("trials: many", "line 2: 'trials' must be an integer of at least 1. Got 'many'"),
        ("rate: 40", r"line 2: 'rate' must be a number in \[0, 1\]. Got 40. It is a fraction"),
        ("noise: symetric", "line 2: 'noise' must be one of .*Got 'symetric'. Did you mean 'symmetric'"),
        ("scheduler: hyperband", "line 2: 'scheduler' must be one of"),
        ("trackers: tensorboard", "line 2: 'trackers' must be a valid list. Got 'tensorboard'"),
        ("trackers:\n- mlflow\n- comet", r"line 4: trackers\.1: 'trackers' must be one of .*Got 'comet'"),
        ("limits: [1]", r"line 2: 'limits' must be a valid dictionary. Got \[1\]"),
        ("limits:\n  epochs: 3\n  lr: {low: 1}", r"line 4: limits\.lr: limit must have 'low' and 'high', .*'low': 1"),
        ("limits: {lr: {low: a, high: 2}}", r"line 2: limits\.lr: .*\['low'\].* must be a number .*Got 'a'"),
        ("method: mentor", "line 2: 'method' must be one of"),
        ("validation: 0", r"line 2: 'validation' must be a number in \(0, 0.5\]. Got 0"),
        ("gpus_per_trial: -1", "line 2: 'gpus_per_trial' must be a number"),
        ("out: 7", "line 2: 'out' must be the path of a file or folder. Got 7"),
        ("label: ''", "line 2: 'label' must have at least 1 character. Got ''"),
    ],
)
def test_an_error_names_the_line_and_the_key(tmp_path, text, message):
    path = write(tmp_path, f"dataset: digits\n{text}\n")
    with pytest.raises(InvalidParameterError, match=f"^{path}, {message}"):
        read_config(path, {})


def test_all_mistakes_are_listed_at_once(tmp_path):
    path = write(tmp_path, "dataset: digits\ntrails: 3\n\nrate: 40\nlimits:\n  lr: {low: 1}\n  burn_in: []\n")
    with pytest.raises(InvalidParameterError) as caught:
        read_config(path, {"scheduler": "hyperband"})
    head, *mistakes = str(caught.value).split("\n- ")
    assert head == "There are 5 mistakes:"
    assert [mistake.split(" must")[0].replace(f"{path}, ", "").split(" The keys")[0] for mistake in mistakes] == [
        "'scheduler'",  # of the command line, which has no lines
        "line 2: There is no key 'trails'. Did you mean 'trials'?",
        "line 4: 'rate'",
        "line 6: limits.lr: limit",
        "line 7: limits.burn_in: limit",
    ]


def test_a_name_may_stand_once_in_a_file(tmp_path):
    path = write(tmp_path, "dataset: digits\nlimits:\n  lr: 1\n  burn_in: 2\n  lr: 3\n")
    with pytest.raises(InvalidFileError, match=r"sets 'limits\.lr' twice, in lines 3 and 5"):
        read_config(path, {})


def test_a_mistake_of_the_command_line_is_none_of_the_file(tmp_path):
    path = write(tmp_path, "dataset: digits\ntrials: 7\n")
    with pytest.raises(InvalidParameterError, match="^'trials' must be an integer of at least 1. Got 0"):
        read_config(path, {"trials": 0})


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, "Give 'dataset', one of .*, or 'data'"),
        ({"dataset": "digits", "data": "a.csv"}, "and not both"),
        ({"data": "a.csv"}, "say with 'label'"),
        ({"data": "a.csv", "label": "y", "noise": "pair", "rate": 0.2}, "has noisy labels of its own"),
        ({"dataset": "digits", "noise": "pair"}, "noise 'pair' needs a 'rate'"),
        ({"dataset": "digits", "rate": 0.2}, "noise 'none' has none. Leave it out"),
        ({"dataset": "digits", "noise": "human_worst"}, "labels of the images of dataset 'cifar10'"),
    ],
)
def test_what_does_not_fit_together(values, message):
    with pytest.raises(InvalidParameterError, match=message):
        make_config(values)


def test_files_that_are_no_configuration(tmp_path):
    with pytest.raises(DatasetNotFoundError, match="There is no file"):
        read_config(tmp_path / "none.yaml", {})
    with pytest.raises(InvalidFileError, match="is no YAML"):
        read_config(write(tmp_path, "a: [1"), {})
    with pytest.raises(InvalidFileError, match="must map names to values"):
        read_config(write(tmp_path, "- a"), {})


def test_names_are_those_that_there_are():
    assert set(NOISE_NAMES) - {"none", "human_worst"} <= NOISES.keys()
    assert set(SEARCHER_NAMES) == SEARCHERS.keys()
    assert set(SCHEDULER_NAMES) == {*SCHEDULERS, "pbt"}
    assert set(TRACKER_NAMES) == TRACKERS.keys()


def test_the_manifests_command_makes_the_same_configuration():
    from sweeps.__main__ import _parser

    config = SweepConfig(**DIGITS, trials=3, out="my sweep", trackers=["tensorboard", "mlflow"], method="mentormix")
    words = command_of(config)
    assert words == (
        "python -m sweeps run --out 'my sweep' --dataset digits --noise symmetric --rate 0.4 --method mentormix "
        "--trials 3 --trackers tensorboard mlflow"
    )
    options = vars(_parser().parse_args(shlex.split(words)[3:]))
    given = {name: options.get(name) for name in SweepConfig.model_fields}
    assert read_config(options["config"], given) == config


def test_data_and_noise_come_from_the_seed():
    first, again = (load_problem(SweepConfig(**DIGITS, samples=300, seed=4)) for _ in range(2))
    other = load_problem(SweepConfig(**DIGITS, samples=300, seed=5))
    assert first.X.shape == (300, 64)
    assert np.array_equal(first.X, again.X)
    assert np.array_equal(first.noisy_y, again.noisy_y)
    assert not np.array_equal(first.noisy_y, other.noisy_y)
    right = load_problem(SweepConfig(dataset="digits", samples=300, seed=4)).noisy_y
    assert first.noise_manifest.realised_rate == (first.noisy_y != right).mean() > 0.3
    with pytest.raises(InvalidParameterError, match="'samples' is 5000, and there are"):
        load_problem(SweepConfig(**DIGITS, samples=5000))


def test_a_table_of_ones_own(tmp_path):
    path = tmp_path / "table.csv"
    table = pd.DataFrame({"a": [1.0, 2.0, 3.0, 5.0], "b": [0.0, 1.0, 0.0, 2.0], "kind": ["x", "y", "x", "y"]})
    table.to_csv(path, index=False)
    problem = load_problem(SweepConfig(data=str(path), label="kind"))
    assert list(problem.X.columns) == ["a", "b"]
    assert problem.noisy_y.tolist() == ["x", "y", "x", "y"]
    assert problem.test_data is None


class OwnSpace(Space):
    def suggest(self, trial, estimator):
        trial.suggest_float("lr", 0.001, 0.01)


def test_the_search_of_a_configuration(monkeypatch):
    problem = load_problem(SweepConfig(**DIGITS, samples=100))
    search = make_search(SweepConfig(**DIGITS, method="filterkd", epochs=5, gpus_per_trial=0.5), problem)
    assert isinstance(search.estimator, FilterKDClassifier)
    assert (search.estimator.max_epochs, search.estimator.device) == (5, "cuda")
    assert search.resources == {"cpu": 1, "gpu": 0.5}
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    own = make_search(SweepConfig(**DIGITS, method="test_config:OwnSpace"), problem)
    assert type(own.space).__name__ == "OwnSpace"
    assert isinstance(own.estimator, MentorNetClassifier)
    with pytest.raises(InvalidParameterError, match="'method' 'nowhere:Space' must be one of"):
        make_search(SweepConfig(**DIGITS, method="nowhere:Space"), problem)
    with pytest.raises(InvalidParameterError, match="'estimator' has 'learning_rate', which is no parameter of Ment"):
        make_search(SweepConfig(**DIGITS, estimator={"learning_rate": 1}), problem)
    assert SPACES.keys() >= {"mentornet", "mentormix", "filterkd", "plain"}


@pytest.mark.parametrize("name", ["out", "data"])
def test_right_25_an_address_is_no_folder_and_home_is_expanded(name):
    given = {"dataset": "digits"} if name == "out" else {"label": "kind"}
    with pytest.raises(InvalidParameterError, match=f"'{name}' must be a path on this machine. Got 's3://bucket/x'"):
        make_config(given | {name: "s3://bucket/x"})
    assert getattr(make_config(given | {name: "~/x"}), name) == str(Path.home() / "x")


def test_right_25_a_config_file_that_is_no_text(tmp_path):
    (tmp_path / "sweep.yaml").write_bytes(b"dataset: \xff\xfe")
    with pytest.raises(InvalidFileError, match="sweep.yaml is no YAML"):
        read_config(tmp_path / "sweep.yaml", {})
