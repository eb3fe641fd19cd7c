"""Sweeps in processes of their own, to be killed."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from sweeps.engine.log import LOG_FILE

ROOT = Path(__file__).parents[1]


def wait_until(happened, what, seconds=240):
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, f"{what} did not happen in {seconds} s"
        time.sleep(0.02)


DRIVERS = []


class Driver:
    """A sweep in a process of its own, which with all that Ray starts for it is one session of the system."""

    def __init__(self, tmp_path, *words, module="sweeps", pause=0.0):
        self.printed = tmp_path / "printed.txt"
        environment = os.environ | {
            "DIARY": str(tmp_path / "diary"), "PAUSE": str(pause), "OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"
        }  # fmt: skip
        with self.printed.open("w") as file:
            self.process = subprocess.Popen(
                [sys.executable, "-m", module, *map(str, words)], cwd=ROOT, env=environment, stdout=file,
                stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        DRIVERS.append(self)

    def processes(self):
        """Those of the session that live."""
        found = {}
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                state, _, _, session = (folder / "stat").read_text().rpartition(")")[2].split()[:4]
                if int(session) == self.process.pid and state not in "ZX":
                    found[int(folder.name)] = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:
                continue  # it has just ended
        return found

    def wait_until(self, happened, what):
        def has_happened():
            assert self.process.poll() is None, self.printed.read_text()
            return happened()

        wait_until(has_happened, what)

    def kill(self, whole_group):
        """Kill the driver, or its process group, and wait until what Ray started for it has noticed.

        Agents of Ray's, which train nothing, take a minute to end.
        """
        assert self.process.poll() is None, self.printed.read_text()
        if whole_group:
            os.killpg(self.process.pid, signal.SIGKILL)
        else:
            self.process.kill()
        self.process.wait()
        wait_until(lambda: all("Agent" in name for name in self.processes().values()), "the end of trials", 60)

    def finish(self):
        """Wait for the end, and return the exit code and what was printed."""
        code = self.process.wait(timeout=400)
        return code, self.printed.read_text()


def events(folder):
    """What the log holds, without a last line that is not complete."""
    text = (folder / LOG_FILE).read_text() if (folder / LOG_FILE).exists() else ""
    return [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]


def reports(folder):
    return [event for event in events(folder) if event["event"] == "report"]


def kill_all():
    """Kill the drivers that still run."""
    for driver in DRIVERS:
        if driver.process.poll() is None:
            os.killpg(driver.process.pid, signal.SIGKILL)
            driver.process.wait()
