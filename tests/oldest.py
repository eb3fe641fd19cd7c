"""Print the oldest version that pyproject.toml allows of each package, as constraints for pip.

Of what users install, that is: tools for development may be new.
"""

import re
import tomllib
from pathlib import Path

USERS = ("sweeps", "workers", "bench", "vision", "timm")  # extras


def oldest(project):
    """Return lines such as ``numpy==1.26`` from the table ``project`` of pyproject.toml."""
    wanted = project["dependencies"] + [entry for extra in USERS for entry in project["optional-dependencies"][extra]]
    pinned = {re.sub(r"\[.*?\]|,.*", "", entry).replace(">=", "==") for entry in wanted if ">=" in entry}
    return sorted(pinned)


if __name__ == "__main__":
    text = (Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8")
    print(*oldest(tomllib.loads(text)["project"]), sep="\n")
