"""The ``noisylabel`` command."""

import argparse
import sys
from collections.abc import Sequence
from importlib.metadata import version

from noisylabel.commands._audit import add_audit_command
from noisylabel.commands._curriculum import add_curriculum_commands
from noisylabel.commands._evaluate import add_evaluate_command
from noisylabel.exceptions import NoisyLabelError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code.

    Parameters
    ----------
    arguments : sequence of str, optional
        By default the process's own.

    Returns
    -------
    int
        0, or 2 after an error of the user's, which is printed without a traceback.
    """
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except (NoisyLabelError, OSError) as error:
        print(f"noisylabel: {error}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="noisylabel", description="Train deep classifiers on labels nobody trusts.")
    parser.add_argument("--version", action="version", version=f"noisylabel {version('noisylabel')}")
    commands = parser.add_subparsers(title="commands", required=True)
    demo = commands.add_parser(
        "demo",
        help=(
            about
            := "Train on digits with up to 80 percent random labels; table and plot of plain training and curricula."
        ),
        description=about,
    )
    demo.add_argument("--out", default="noisylabel-demo", help="folder for the table and the plot (%(default)s)")
    demo.add_argument("--seeds", type=_positive, default=3, help="repetitions (%(default)s)")
    demo.add_argument("--jobs", type=_positive, default=None, help="processes (all cores)")
    demo.set_defaults(run=_demo)
    add_audit_command(commands)
    add_curriculum_commands(commands)
    add_evaluate_command(commands)
    return parser


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, got {text}")
    return value


def _demo(options: argparse.Namespace) -> int:
    from noisylabel.commands.demo import run_demo

    run_demo(options.out, n_seeds=options.seeds, n_jobs=options.jobs)
    return 0


if __name__ == "__main__":
    sys.exit(main())
