"""The script for a GPU: its parts in their order, each within its time, and where results go."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def checkout(tmp_path):
    """A folder with the script, earlier results, and a command that only says what it was called with."""
    (tmp_path / "benchmarks" / "results").mkdir(parents=True)
    shutil.copy(ROOT / "benchmarks" / "gpu.sh", tmp_path / "benchmarks")
    (tmp_path / "benchmarks" / "results" / "seeds.jsonl").write_text("{}\n")
    python = tmp_path / "python"
    python.write_text(
        '#!/bin/sh\necho "call: $*"\ncase "$*" in *minute*) exit 3;; *seeds*jobs*) exec sleep $NAP;; esac\n'
    )
    python.chmod(0o755)
    return tmp_path


def script(checkout, *parts, nap="0", **env):
    env = os.environ | {"PYTHON": str(checkout / "python"), "NAP": nap} | env
    return subprocess.run(
        [checkout / "benchmarks" / "gpu.sh", *parts], env=env, capture_output=True, text=True, check=False, timeout=60
    )


def calls(done):
    return [line.split("benchmarks ", 1)[1] for line in done.stdout.splitlines() if line.startswith("call: ")]


def test_the_parts_come_in_the_order_of_their_worth(checkout):
    out = checkout / "out"
    done = script(checkout, OUT=str(out))
    assert [call.split()[0] for call in calls(done)] == ["speed", "minute", "run", "speed", "report"]
    assert all(f"--results {out}" in call for call in calls(done))
    assert "--device cuda" in calls(done)[2]
    assert (out / "seeds.jsonl").read_text() == "{}\n"  # so that what is there is not run again


def test_a_part_that_fails_is_told_and_takes_no_other_with_it(checkout):
    done = script(checkout, "minute", "seeds")
    assert [call.split()[0] for call in calls(done)] == ["minute", "run", "report"]
    assert done.returncode == 1
    assert "did not end: minute:3" in done.stdout


def test_time_that_is_over_ends_a_part_and_leaves_the_tables(checkout):
    done = script(checkout, "seeds", "speed", nap="60", BUDGET_S="31")
    assert [call.split()[0] for call in calls(done)] == ["run", "report"]
    assert "no time is left for: speed" in done.stdout
    assert "did not end: run:124" in done.stdout


def test_options_go_to_their_part(checkout):
    done = script(checkout, "seeds", JOBS="3", SEEDS_ARGS="--noise symmetric --rates 0.4")
    assert "--jobs 3" in calls(done)[0]
    assert calls(done)[0].endswith("--noise symmetric --rates 0.4")
    assert done.returncode == 0


def test_a_part_that_does_not_exist_is_refused(checkout):
    done = script(checkout, "sedes")
    assert done.returncode == 2
    assert "there is no part sedes" in done.stderr
