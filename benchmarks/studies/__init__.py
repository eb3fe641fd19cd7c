"""Single questions, each with its own command: ``python -m benchmarks studies --help``.

Each study is a module with three functions:

- ``add_arguments(parser)`` adds the options that the study has of its own to an ``argparse.ArgumentParser``;
- ``run(options)`` measures what has no result yet, and keeps each result as a line of a file;
- ``report(options)`` returns the tables of the results that are there, as Markdown.

A study that keeps nothing prints in ``run`` and has no ``report``. One that prints what it keeps as it goes says
``PRINTS = True``, and its tables are printed only if they are asked for. The first line of a module's docstring is the
help of its command.
"""

import ast
from argparse import ArgumentParser
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

#: From the name of a study to its module, which is imported only when the study is asked for.
STUDIES: dict[str, str] = {
    "speed": "benchmarks.studies.speed",
    "scale": "benchmarks.studies.scale",
    "larger": "benchmarks.studies.timings.larger",
    "minute": "benchmarks.studies.minute",
    "tables": "benchmarks.studies.tables",
    "defaults": "benchmarks.studies.defaults",
    "detection": "benchmarks.studies.detection",
    "audits": "benchmarks.studies.audits",
    "audit_times": "benchmarks.studies.timings.audit_times",
    "checked": "benchmarks.studies.curricula.checked",
    "noise_rates": "benchmarks.studies.noise_rates",
    "asha": "benchmarks.studies.asha",
    "tuned": "benchmarks.studies.tuned",
    "overhead": "benchmarks.studies.overhead",
    "time_left": "benchmarks.studies.timings.time_left",
    "memory": "benchmarks.studies.memory",
    "imitation": "benchmarks.studies.curricula.imitation",
    "sequence": "benchmarks.studies.curricula.sequence",
    "teaching": "benchmarks.studies.curricula.teaching",
}


def help_of(name: str) -> str:
    """Return the first line of a study's docstring, without importing the study."""
    spec = find_spec(STUDIES[name])
    assert spec is not None
    assert spec.origin is not None
    docstring = ast.get_docstring(ast.parse(Path(spec.origin).read_text(encoding="utf-8")))
    assert docstring is not None
    return docstring.splitlines()[0]


def run_study(name: str, arguments: list[str]) -> None:
    """Run a study as from the command line, and print its tables.

    Parameters
    ----------
    name : str
        Key of ``STUDIES``.
    arguments : list of str
        Options of the study, or ``--report`` to print the tables of what has been measured and measure nothing.
    """
    study = import_module(STUDIES[name])
    keeps = hasattr(study, "report")
    parser = ArgumentParser(prog=f"python -m benchmarks studies {name}", description=help_of(name))
    study.add_arguments(parser)
    if keeps:
        parser.add_argument("--report", action="store_true", help="only print the tables of what has been measured")
    options = parser.parse_args(arguments)
    if not (keeps and options.report):
        study.run(options)
    if keeps and (options.report or not getattr(study, "PRINTS", False)):
        print(study.report(options))
