"""A sweep on a cluster: two nodes of this machine, without our code, the second of which is killed."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import sysconfig
import time
import venv
import zipfile
from pathlib import Path

import jsonschema
import numpy as np
import pytest
import ray
import yaml

from sweeps.__main__ import USAGE, _config_of
from sweeps.engine.log import LOG_FILE
from sweeps.engine.run import read_results
from sweeps.engine.session import _our_code
from sweeps.problem import load_problem, make_search
from sweeps.trial.draws import configure

ROOT = Path(__file__).parents[2]
TOKEN = "0123456789abcdef0123456789abcdef"


@pytest.fixture(scope="module")
def bare_python(tmp_path_factory):
    """A Python with all packages that ours has except for this repository's."""
    home = tmp_path_factory.mktemp("bare")
    venv.create(home, symlinks=True)
    site = Path(sysconfig.get_path("purelib", "venv", vars={"base": str(home), "platbase": str(home)}))
    (site / "others.pth").write_text(sysconfig.get_path("purelib"))
    python = str(home / "bin" / "python")
    command = [python, "-c", "import ray, skorch; import noisylabel"]
    found = subprocess.run(command, cwd=home, env=environment(), capture_output=True, text=True)
    assert "No module named 'noisylabel'" in found.stderr
    return python


def environment(**more):
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("RAY_", "PYTHONPATH"))}
    own = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": TOKEN, "RAY_USAGE_STATS_ENABLED": "0"}
    return kept | own | {"OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"} | more


def wait_until(happened, what, seconds=240):
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, f"{what} did not happen in {seconds} s"
        time.sleep(0.05)


class Node:
    """What ``ray start`` starts: a session of the system."""

    def __init__(self, python, printed, *words, **more):
        self.printed = printed
        command = [python, "-m", "ray.scripts.scripts", "start", "--block", "--num-cpus=1"]
        command += ["--object-store-memory=150000000", *words]
        with printed.open("w") as file:
            self.process = subprocess.Popen(
                command, cwd=printed.parent, env=environment(**more), stdout=file, stderr=subprocess.STDOUT,
                start_new_session=True,
            )  # fmt: skip
        wait_until(self.has_started, f"the start of {printed.stem}")

    def has_started(self):
        assert self.process.poll() is None, self.printed.read_text()
        return "--block" in self.printed.read_text()

    def kill(self):
        """Kill all of it at once, as a machine that is switched off."""
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                if int((folder / "stat").read_text().rpartition(")")[2].split()[3]) == self.process.pid:
                    os.kill(int(folder.name), signal.SIGKILL)
            except OSError:
                continue  # it has just ended
        self.process.wait()


@pytest.fixture
def make_nodes(bare_python, tmp_path):
    """Start a head and a second node, with environment variables of the latter's own."""
    nodes = []

    def make(**more):
        with socket.socket() as free:
            free.bind(("", 0))
            port = free.getsockname()[1]
        nodes.append(Node(bare_python, tmp_path / "head.txt", "--head", f"--port={port}", "--include-dashboard=false"))
        address = re.search(r"--address='(\S+)'", nodes[0].printed.read_text())[1]
        nodes.append(Node(bare_python, tmp_path / "second.txt", f"--address={address}", **more))
        return address, nodes[-1]

    yield make
    for node in reversed(nodes):
        node.kill()


def start_sweep(folder, address, tmp_path, pause):
    config = tmp_path / "config.yaml"
    config.write_text(yaml.safe_dump({"limits": {"max_epochs": 14}}))
    options = ["--dataset", "digits", "--samples", "400", "--noise", "symmetric", "--rate", "0.4", "--method", "plain",
               "--epochs", "14", "--trials", "3", "--scheduler", "none", "--config", config, "--out", folder,
               "--address", address]  # fmt: skip
    with (tmp_path / "printed.txt").open("w") as file:
        return subprocess.Popen(
            [sys.executable, "-m", "tests.faulty", "run", *map(str, options)], cwd=tmp_path, stdout=file,
            stderr=subprocess.STDOUT, env=environment(DIARY=str(tmp_path / "diary"), PAUSE=str(pause)),
        )  # fmt: skip


def reports(folder, trial):
    text = (folder / LOG_FILE).read_text() if (folder / LOG_FILE).exists() else ""
    events = [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]
    return [event["epoch"] for event in events if event["event"] == "report" and event["trial"] == trial]


def starts(tmp_path):
    """Of each training that began or went on: the trial, the node, and the files of our two packages."""
    path = tmp_path / "diary.code"
    return [line.split() for line in path.read_text().splitlines()] if path.exists() else []


@pytest.mark.slow
def test_a_sweep_outlives_a_node_and_brings_its_code_along(make_nodes, tmp_path):
    address, second = make_nodes(NODE="second")
    folder = tmp_path / "sweep"
    driver = start_sweep(folder, address, tmp_path, pause=0.5)

    def there():
        return [trial for trial, node, *_ in starts(tmp_path) if node == "second"]

    def the_second_node_is_at_epoch_5():
        assert driver.poll() is None, (tmp_path / "printed.txt").read_text()
        return there() and len(reports(folder, there()[-1])) >= 5

    wait_until(the_second_node_is_at_epoch_5, "epoch 5 on the second node")
    lost = there()[-1]
    n_before = len(reports(folder, lost))
    second.kill()
    assert driver.wait(timeout=400) == 0, (tmp_path / "printed.txt").read_text()

    results = read_results(folder).trials
    assert results["state"].tolist() == ["done"] * 3
    assert [node for trial, node, *_ in starts(tmp_path) if trial == lost] == ["second", "first"]
    epochs = reports(folder, lost)
    assert epochs[-1] == 14
    assert min(epochs[n_before:]) >= n_before - 1
    assert_as_on_one_machine(folder, results)
    for _, _, *files in starts(tmp_path):
        assert all("runtime_resources" in file and not Path(file).is_relative_to(ROOT) for file in files)


def assert_as_on_one_machine(folder, trials):
    config = _config_of(folder)
    problem = load_problem(config)
    sweep = make_search(config, problem)._prepare(problem.X, problem.noisy_y, None, problem.test_data, folder)
    for row in trials.to_dict("records"):
        clf = configure(sweep.setup.estimator, row["params"]).fit(sweep.data["X"], sweep.data["y"])
        right = clf.predict_proba(sweep.data["X_valid"]).argmax(1) == sweep.data["y_valid"]
        assert np.packbits(right).tobytes() == row["right"]


@pytest.mark.slow
def test_a_folder_that_a_node_cannot_see_is_refused(make_nodes, tmp_path):
    address, _ = make_nodes(BLIND="1")
    folder = tmp_path / "sweep"
    driver = start_sweep(folder, address, tmp_path, pause=0.0)
    assert driver.wait(timeout=240) == USAGE
    printed = (tmp_path / "printed.txt").read_text()
    assert re.search(r"is not on a file system that all machines of the cluster share: [\d.]+ cannot see it", printed)
    assert "Traceback" not in printed
    assert {path.name for path in folder.iterdir()} <= {".lock"}
    assert starts(tmp_path) == []


@pytest.mark.slow
def test_an_address_without_a_cluster_is_an_error_that_says_so(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
        driver = start_sweep(tmp_path / "sweep", address, tmp_path, pause=0.0)
        assert driver.wait(timeout=240) == USAGE
    assert f"There is no Ray cluster at '{address}'" in (tmp_path / "printed.txt").read_text()


def test_what_is_sent_to_a_cluster_is_small_and_whole(tmp_path):
    from ray._private.runtime_env.packaging import _zip_files

    names = []
    for module in _our_code()["py_modules"]:
        folder, target = Path(module.__path__[0]), tmp_path / f"{module.__name__}.zip"
        _zip_files(str(folder), [], str(target), include_gitignore=True, include_parent_dir=True)
        assert target.stat().st_size < 5 * 2**20
        names += zipfile.ZipFile(target).namelist()
    wanted = {"noisylabel/__init__.py", "sweeps/trial/training.py", "sweeps/spaces/_classifiers.py"}
    assert wanted <= set(names)
    assert any(name.startswith("sweeps/report/report.html") for name in names)
    assert any(name.startswith("noisylabel/") and name.endswith(".safetensors") for name in names)


def test_the_example_is_what_ray_up_takes():
    schema = json.loads((Path(ray.__file__).parent / "autoscaler" / "ray-schema.json").read_text())
    config = yaml.safe_load((ROOT / "examples" / "cluster.yaml").read_text())
    jsonschema.validate(config, schema)
    assert config["available_node_types"].keys() >= {config["head_node_type"]}
    assert f'"ray[default]=={ray.__version__}"' in " ".join(config["setup_commands"])
    starts = [command for kind in ("head", "worker") for command in config[f"{kind}_start_ray_commands"]]
    assert all("RAY_AUTH_MODE=token" in command for command in starts if " start " in command)
