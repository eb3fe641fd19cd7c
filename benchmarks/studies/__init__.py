"""Single questions, each with its own command: ``python -m benchmarks studies --help``.

Each study is a module with three functions:

- ``add_arguments(parser)`` adds the options that the study has of its own to an ``argparse.ArgumentParser``;
- ``run(options)`` measures what has no result yet, and keeps each result as a line of a file;
- ``report(options)`` returns the tables of the results that are there, as Markdown.

The first line of a module's docstring is the help of its command.
"""

#: From the name of a study to its module, which is imported only when the study is asked for.
STUDIES: dict[str, str] = {
    "asha": "benchmarks.studies.asha",
    "tuned": "benchmarks.studies.tuned",
    "overhead": "benchmarks.studies.overhead",
    "memory": "benchmarks.studies.memory",
}
