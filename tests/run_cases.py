"""Run scripts of public bug reports: each prints a line, and ends with 0 where the product is right.

``python tests/run_cases.py FOLDER`` runs every ``case_*.py`` there, and ends with 1 if one of them does not end with 0.
Some scripts import private modules by the names of an earlier layout; ``EARLIER`` says what those are today.
"""

import importlib
import subprocess
import sys
import types
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

EARLIER = {
    "noisylabel.inspection._audit_images": ("open_picture", "noisylabel.datasets._read_image", "read_image"),
    "sweeps._ray": ("prepare_ray", "sweeps.engine.session", "prepare_ray"),
    "sweeps.sweep": ("check_folder", "sweeps.engine.run", "check_folder"),
}


def add_earlier_modules(source):
    """Make those modules of ``EARLIER`` importable that a script names."""
    for name, (member, home, today) in EARLIER.items():
        if name not in source:
            continue
        function = getattr(importlib.import_module(home), today)
        if member == "open_picture":
            function = lambda path, side, read=function: read(path, side=side)  # noqa: E731
        sys.modules.setdefault(name.rpartition(".")[0], types.ModuleType("earlier"))
        sys.modules[name] = types.SimpleNamespace(**{member: function})


def run_one(script):
    """Run a script in this process, which then ends with its exit code."""
    source = Path(script).read_text(encoding="utf-8")
    add_earlier_modules(source)
    exec(compile(source, script, "exec"), {"__name__": "__main__", "__file__": script})


def last_line(script):
    """Return whether a script ends with 0 in a process of its own, and what it printed last."""
    command = [sys.executable, __file__, "--one", str(script)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    printed = (done.stdout.strip() or done.stderr.strip()).splitlines()
    return done.returncode == 0, f"{script.stem}: {printed[-1] if printed else 'printed nothing'}"


if __name__ == "__main__":
    if sys.argv[1] == "--one":
        run_one(sys.argv[2])
    else:
        with ThreadPoolExecutor(2) as pool:
            results = list(pool.map(last_line, sorted(Path(sys.argv[1]).glob("case_*.py"))))
        print(*(line for _, line in results), sep="\n")
        sys.exit(not all(right for right, _ in results))
